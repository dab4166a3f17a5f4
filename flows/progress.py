"""A night on a terminal: one line a finished trial, and below them what is happening now."""

import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flows.config import LocalTarget
from flows.facts import SECONDS_PER_YEAR
from flows.night import TrialResult
from flows.plan import J_PER_KWH, Plan, PlannedTrial
from flows.prepare import NightRequest
from flows.words import plan_sentences, usd

BAR_CELLS = 24


class TerminalObserver:
    """Draws progress with rich; on something that is no terminal only the finished lines appear."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True, redirect_stdout=False)
        self._requests_due = 0
        self._requests_done = 0
        self._measuring_since: float | None = None
        self._trial_since = 0.0
        self._phase = ""
        self._progress: dict[str, Any] = {}
        self._current: PlannedTrial | None = None
        self._spent_usd = 0.0

    def __enter__(self) -> "TerminalObserver":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def planned(self, request: NightRequest, plan: Plan) -> None:
        """Print the plan."""
        self._requests_due = sum(t.workload.requests for t in plan.due)
        first, *others = plan_sentences(request, plan)
        self._console.print(Text(first, style="bold"))
        for sentence in others:
            self._console.print(Text(f"  {sentence}", style="dim"))

    def note(self, sentence: str) -> None:
        """Print something a person should know."""
        self._console.print(Text(f"  {sentence}", style="dim"))

    def trial_started(self, planned: PlannedTrial) -> None:
        """Start a new line of progress."""
        self._current, self._progress, self._phase = planned, {}, "starting"
        self._trial_since = time.monotonic()
        self._measuring_since = self._measuring_since or self._trial_since
        self._draw()

    def trial_event(self, planned: PlannedTrial, event: str, values: dict[str, Any]) -> None:
        """Take in what the trial says."""
        if event == "phase":
            self._phase = values["phase"]
        elif event == "progress" and self._phase == "load":
            self._progress = values
        self._draw()

    def trial_ended(self, planned: PlannedTrial, result: TrialResult, spent_usd: float) -> None:
        """Leave a finished line behind."""
        self._requests_done += planned.workload.requests
        self._spent_usd = spent_usd
        self._current = None
        seconds = time.monotonic() - self._trial_since
        mark, style = ("✗", "red") if result.failed else ("✓", "green")
        line = Text.assemble(
            (f"  {mark} ", style),
            f"{planned.target.id:<24} {planned.workload.id:<12}",
            f"{result.ok:>4}/{result.attempts} ok {seconds:>6.0f} s   {usd(spent_usd)} so far",
        )
        self._console.print(line)
        if result.reason:
            self._console.print(Text(f"      {result.reason}", style="yellow"))
        self._draw()

    def _draw(self) -> None:
        current = self._current
        if current is None:
            self._live.update(Text(""), refresh=True)
            return
        done, total = self._progress.get("done", 0), current.workload.requests
        tokens, elapsed_s = self._progress.get("output_tokens") or 0, self._progress.get("elapsed_s") or 0.0
        power_w = self._progress.get("power_w")
        filled = round(BAR_CELLS * done / total)
        grid = Table.grid(padding=(0, 2))
        grid.add_row(
            Text(f"  ▸ {current.target.id}", style="bold cyan"),
            Text(current.workload.id, style="cyan"),
            Text.assemble(("━" * filled, "cyan"), ("━" * (BAR_CELLS - filled), "dim")),
            Text(f"{done}/{total}" if self._phase == "load" else self._phase),
            Text(f"{tokens / elapsed_s:.0f} tokens/s" if tokens and elapsed_s else ""),
            Text(f"{power_w:.1f} W" if power_w is not None else ""),
            Text(usd(self._spent_usd + self._running_usd(current))),
            Text(self._time_left(done), style="dim"),
        )
        self._live.update(grid)

    def _running_usd(self, current: PlannedTrial) -> float:
        """What the trial in progress has cost so far, roughly; its account comes after it."""
        facts = {f.quantity: f.central for f in current.facts}
        if isinstance(current.target, LocalTarget):
            seconds = time.monotonic() - self._trial_since
            lifetime_s = facts.get("hardware_lifetime_s", SECONDS_PER_YEAR) * facts.get("hardware_utilisation_share", 1)
            wear = facts.get("hardware_usd", 0.0) / lifetime_s * seconds
            kwh = (self._progress.get("power_w") or 0.0) * facts.get("pue", 1.0) * seconds / J_PER_KWH
            return wear + kwh * facts.get("electricity_usd_per_kwh", 0.0)
        tokens_in: int = self._progress.get("done", 0) * current.workload.prompt_tokens
        tokens_out: int = self._progress.get("output_tokens") or 0
        per_input = facts.get("price_usd_per_input_mtok", 0.0)
        return (tokens_in * per_input + tokens_out * facts.get("price_usd_per_output_mtok", 0.0)) / 1e6

    def _time_left(self, done: int) -> str:
        finished = self._requests_done + done
        if self._measuring_since is None or not finished:
            return ""
        left_s = (time.monotonic() - self._measuring_since) / finished * (self._requests_due - finished)
        return f"about {left_s // 60:.0f}:{left_s % 60:02.0f} left"
