"""What a bench tells a person: how far it is, each point of a search, and each trial when it is over."""

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

from flows.spec import TrialSpec
from warehouse.rows import LandingRow, TrialStatus

if TYPE_CHECKING:
    from flows.points import Point, PointResult


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One trial of a bench that is over."""

    spec: TrialSpec
    base_url: str
    rows: list[LandingRow]
    metrics: dict[str, Any]
    status: TrialStatus
    ended_by: str | None  # why it did not come to its end, a clause
    untested: str | None  # why no self-test at its load was made

    @property
    def unanswered(self) -> str | None:
        """Why a trial that was ended has no answer, and what to do, one sentence; None of any other trial."""
        if self.metrics["ok"] or self.ended_by is None:
            return None
        from flows.failuretext import no_answer_words

        return no_answer_words(self.base_url, self.ended_by, self.rows)


def show_measured(measured: Measured, *, landed: bool, as_json: bool) -> None:
    """Figures, the client's certificate and what failed; of a trial that was ended without an answer only why."""
    if as_json:
        print_json(measured.metrics | {"ended_by": measured.ended_by})
        return
    from flows.failuretext import failure_text, replay_words
    from flows.terminal import plain_console

    console = plain_console()
    if measured.unanswered is not None:
        console.print(measured.unanswered, style="bold red", highlight=False, soft_wrap=True)
        console.print(f"{measured.metrics['trial_id']} has no figures", style="dim", highlight=False, soft_wrap=True)
        again = replay_words(measured.rows) if landed else None
        if again is not None:
            console.print(again, style="dim", highlight=False, soft_wrap=True)
        return
    from flows.benchtable import bench_table, certificate_text

    console.print(bench_table(measured.metrics))
    console.print(certificate_text(measured.metrics), soft_wrap=True)
    failures = failure_text(measured.rows, landed=landed)
    if failures is not None:
        console.print(failures, soft_wrap=True)
    reason = measured.ended_by or measured.untested
    if reason:
        console.print(f"{measured.status}: {reason}", style="yellow", highlight=False, soft_wrap=True)


def print_json(values: dict[str, Any]) -> None:
    """One line, at once: a script may be waiting for it."""
    import orjson

    print(orjson.dumps(values).decode(), flush=True)


class Points:
    """A search's points, printed as they come."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def add(self, point: "Point", result: "PointResult", grade: str | None, said: str) -> None:
        """Print one."""
        if not self._quiet:
            from flows.benchtable import point_line, points_header

            if point.number == 0:
                print(points_header(), flush=True)
            print(point_line(point, result, grade, said), flush=True)


class Teller:
    """One line on standard error that says how far the trial is."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def __call__(self, event: str, values: dict[str, Any]) -> None:
        if not self._quiet and event == "progress":
            total = f"/{values['total']}" if values["total"] is not None else ""
            tokens = f", {values['output_tokens']} tokens" if values["output_tokens"] is not None else ""
            line = f"{values['phase']}: {values['done']}{total} done, {values['in_flight']} in flight{tokens}"
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Remove the line."""
        if not self._quiet:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
