"""Why a trial has to end before its load is done, and the waiting that heeds it."""

import select
import signal
import time

DEADLINE = "deadline"


class Stop:
    """Why a trial has to end now, if it has to: its deadline, a signal, or a parent that is gone."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline = time.monotonic() + deadline_s
        self._deadline_s = deadline_s
        self._signal: str | None = None
        self._parent: int | None = None

    def listen(self, *, parent_fd: int | None) -> None:
        """Take SIGTERM and SIGINT as a wish to stop; a closed `parent_fd` likewise."""
        self._parent = parent_fd
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._signal = f"stopped by {signal.Signals(number).name}"

    def reason(self) -> str | None:
        """One sentence, or None as long as the trial may go on."""
        if self._signal:
            return self._signal
        if self._parent is not None and select.select([self._parent], [], [], 0)[0]:
            return "the night that started this trial is gone"
        if time.monotonic() > self._deadline:
            return f"{DEADLINE}: the trial was not done after {self._deadline_s:g} s (night.timeouts.trial_s)"
        return None

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than there is reason to go on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.reason() is None:
            time.sleep(min(0.05, max(0.0, end - time.monotonic())))
