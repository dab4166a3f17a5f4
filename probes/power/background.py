"""Slow meters, each on a thread of its own, so that none of them holds up the others.

Threads, not processes: a hook waits for its answer nearly all the time, and another Python would take 15 MB and 0.1 s.
"""

import threading
import time
from collections import deque

from probes.errors import ProbeError
from probes.power.hook import HookMeter
from probes.power.readings import MeterRecord, Reading

# Longer than that between two readings, and nobody knows what happened between them.
_MOST_SILENCE_S = 3.0
_GRACE_S = 0.05


class BackgroundMeter:
    """One hook, asked every period; readings are stamped half-way between question and answer."""

    def __init__(self, meter: HookMeter) -> None:
        """Take `meter`; nothing is asked before `start`."""
        self._meter = meter
        self._changed = threading.Condition()
        self._taken: deque[tuple[int, Reading]] = deque()
        self._wanted_ns: int | None = None  # a reading begun after this instant is waited for
        self._heard_s = time.monotonic()
        self._failure: str | None = None
        self._stopped = False
        # A daemon: a question that hangs must not keep the sampler from ending.
        self._thread = threading.Thread(target=self._ask_on, name=meter.record.meter, daemon=True)

    @property
    def record(self) -> MeterRecord:
        """Of the hook."""
        return self._meter.record

    @property
    def edge_timeout_s(self) -> float:
        """How long an edge of a phase waits for this hook."""
        return self._meter.spec.timeout_s

    def start(self) -> None:
        """Begin to ask."""
        self._heard_s = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ask no more, and end a command that still runs."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._meter.stop()
        self._thread.join(timeout=_GRACE_S)
        self._meter.stop()  # the thread may have begun a command while we stopped

    def want(self) -> None:
        """Ask as soon as the question under way has its answer, without waiting for the period."""
        with self._changed:
            self._wanted_ns = time.monotonic_ns()
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until what was wanted is there or can never be; False after `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._wanted_ns is None or self._failure is not None, timeout_s)

    def take(self) -> list[tuple[int, Reading]]:
        """What has been read since the last call: (CLOCK_MONOTONIC nanoseconds, reading), in order."""
        if not self._taken:
            return []  # ten times a second, without the lock
        with self._changed:
            taken = list(self._taken)
            self._taken.clear()
            return taken

    def failure(self) -> str | None:
        """Why it cannot be read any more; looked at from outside, since a question that hangs says nothing itself."""
        if time.monotonic() - self._heard_s <= _MOST_SILENCE_S + self._meter.period_s:
            return self._failure  # ten times a second, without the lock
        with self._changed:
            silent_s = time.monotonic() - self._heard_s
            if self._failure is None and silent_s > _MOST_SILENCE_S + self._meter.period_s:
                why = self._meter.silence or "its last question has no answer yet"
                self._failure = f"{self.record.meter} gave no reading for {silent_s:.1f} s: {why}"
                self._changed.notify_all()
            return self._failure

    def _ask_on(self) -> None:
        try:
            self._ask_until_stopped()
        finally:
            self._meter.close()

    def _ask_until_stopped(self) -> None:
        while not self._stopped and self._failure is None:
            begun_ns = time.monotonic_ns()
            try:
                reading, failure = self._meter.read(), None
            except ProbeError as error:
                reading, failure = None, str(error)
            ended_ns = time.monotonic_ns()
            with self._changed:
                self._failure = self._failure or failure
                if reading is not None:
                    self._taken.append(((begun_ns + ended_ns) // 2, reading))
                    self._heard_s = ended_ns / 1e9
                    if self._wanted_ns is not None and begun_ns >= self._wanted_ns:
                        self._wanted_ns = None
                self._changed.notify_all()
                next_ns = begun_ns + round(self._meter.period_s * 1e9)
                while not self._stopped and (left_ns := next_ns - time.monotonic_ns()) > 0:
                    if self._wanted_ns is not None and begun_ns < self._wanted_ns:
                        break
                    self._changed.wait(left_ns / 1e9)
