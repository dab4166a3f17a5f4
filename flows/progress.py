"""A night on a terminal: one line a finished trial, and below them what is happening now."""

import dataclasses
import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flows.config import LocalTarget
from flows.facts import SECONDS_PER_YEAR
from flows.plan import J_PER_KWH, Plan, PlannedTrial
from flows.prepare import NightRequest
from flows.running import TrialResult
from flows.words import plan_sentences, usd

BAR_CELLS = 24


@dataclasses.dataclass(slots=True)
class _Line:
    """A trial in progress, as it is drawn."""

    planned: PlannedTrial
    since: float
    phase: str = "starting"
    progress: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def done(self) -> int:
        """Measured requests that are over."""
        count: int = self.progress.get("done", 0)
        return count


class TerminalObserver:
    """Draws progress with rich, a line a trial; on something that is no terminal only the finished lines appear."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True, redirect_stdout=False)
        self._requests_due = 0
        self._requests_done = 0
        self._measuring_since: float | None = None
        self._lines: dict[str, _Line] = {}
        self._spent_usd = 0.0

    def __enter__(self) -> "TerminalObserver":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def planned(self, request: NightRequest, plan: Plan) -> None:
        """Print the plan."""
        self._requests_due = sum(t.requests or 0 for t in plan.due)
        first, *others = plan_sentences(request, plan)
        self._console.print(Text(first, style="bold"))
        for sentence in others:
            self._console.print(Text(f"  {sentence}", style="dim"))

    def note(self, sentence: str) -> None:
        """Print something a person should know."""
        self._console.print(Text(f"  {sentence}", style="dim"))

    def trial_started(self, planned: PlannedTrial) -> None:
        """Start a new line of progress."""
        now = time.monotonic()
        self._lines[planned.trial_id] = _Line(planned, now)
        self._measuring_since = self._measuring_since or now
        self._draw()

    def trial_event(self, planned: PlannedTrial, event: str, values: dict[str, Any]) -> None:
        """Take in what the trial says."""
        line = self._lines[planned.trial_id]
        if event == "phase":
            line.phase = values["phase"]
        elif event == "progress" and line.phase == "load":
            line.progress = values
        self._draw()

    def trial_ended(self, planned: PlannedTrial, result: TrialResult, spent_usd: float) -> None:
        """Leave a finished line behind."""
        ended = self._lines.pop(planned.trial_id)
        self._requests_done += planned.requests or 0
        self._spent_usd = spent_usd
        seconds = time.monotonic() - ended.since
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
        if not self._lines:
            self._live.update(Text(""), refresh=True)
            return
        spent_usd = self._spent_usd + sum(_running_usd(line) for line in self._lines.values())
        grid = Table.grid(padding=(0, 2))
        for n, line in enumerate(self._lines.values()):
            # The sum and the time left are of the whole night: said once.
            whole = (usd(spent_usd), self._time_left()) if n == 0 else ("", "")
            grid.add_row(*_cells(line), whole[0], Text(whole[1], style="dim"))
        self._live.update(grid)

    def _time_left(self) -> str:
        finished = self._requests_done + sum(line.done for line in self._lines.values())
        if self._measuring_since is None or not finished:
            return ""
        left_s = (time.monotonic() - self._measuring_since) / finished * max(self._requests_due - finished, 0)
        return f"about {left_s // 60:.0f}:{left_s % 60:02.0f} left"


def _cells(line: _Line) -> tuple[Text, ...]:
    planned, progress = line.planned, line.progress
    total = planned.requests
    tokens, elapsed_s = progress.get("output_tokens") or 0, progress.get("elapsed_s") or 0.0
    power_w = progress.get("power_w")
    filled = round(BAR_CELLS * min(line.done / total, 1.0)) if total else 0
    return (
        Text(f"  ▸ {planned.target.id}", style="bold cyan"),
        Text(planned.workload.id, style="cyan"),
        Text.assemble(("━" * filled, "cyan"), ("━" * (BAR_CELLS - filled), "dim")),
        Text(f"{line.done}/{total or 'until time is up'}" if line.phase == "load" else line.phase),
        Text(f"{tokens / elapsed_s:.0f} tokens/s" if tokens and elapsed_s else ""),
        Text(f"{power_w:.1f} W" if power_w is not None else ""),
    )


def _running_usd(line: _Line) -> float:
    """What a trial in progress has cost so far, roughly; its account comes after it."""
    planned = line.planned
    facts = {f.quantity: f.central for f in planned.facts}
    if isinstance(planned.target, LocalTarget):
        seconds = time.monotonic() - line.since
        lifetime_s = facts.get("hardware_lifetime_s", SECONDS_PER_YEAR) * facts.get("hardware_utilisation_share", 1)
        wear = facts.get("hardware_usd", 0.0) / lifetime_s * seconds
        wear += facts.get("hardware_rent_usd_per_h", 0.0) / 3600 * seconds / facts.get("hardware_utilisation_share", 1)
        kwh = (line.progress.get("power_w") or 0.0) * facts.get("pue", 1.0) * seconds / J_PER_KWH
        return wear + kwh * facts.get("electricity_usd_per_kwh", 0.0)
    tokens_in = line.done * planned.workload.prompt_tokens
    tokens_out: int = line.progress.get("output_tokens") or 0
    per_input = facts.get("price_usd_per_input_mtok", 0.0)
    return (tokens_in * per_input + tokens_out * facts.get("price_usd_per_output_mtok", 0.0)) / 1e6
