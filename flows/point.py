"""What a trial came to as a point of a search."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.search import PointResult, growth
from flows.spec import TrialSpec
from warehouse.rows import AttemptRow, LandingRow, TrialRow


def point_result(spec: TrialSpec, rows: Sequence[LandingRow], summary: Mapping[str, Any]) -> PointResult:
    """What a point of a search came to, by the warehouse's own definitions.

    Args:
        spec: of the point.
        rows: of its trial.
        summary: of the same, by `warehouse.query.summarise_batch`.
    """
    trial = next(row for row in rows if isinstance(row, TrialRow))
    served = [row for row in rows if isinstance(row, AttemptRow) and row.phase == "measured" and not row.error_class]
    served.sort(key=lambda row: row.t_start_ns or 0)
    return PointResult(
        rate_rps=spec.workload.rate_rps or 0.0,
        seconds=(trial.ended_at - trial.started_at).total_seconds(),
        n_ok=summary["ok"],
        ok_share=summary["ok"] / summary["attempts"] if summary["attempts"] else 0.0,
        ttft_p95_s=summary["ttft_p95_s"],
        tpot_p95_s=summary["tpot_p95_s"],
        tpot_defined=spec.workload.output_tokens > 1,
        ttft_growth=_growth(served, "t_first_ns"),
        e2e_growth=_growth(served, "t_last_ns"),
        missed_share=trial.sends_missed / trial.sends_planned
        if trial.sends_missed is not None and trial.sends_planned
        else None,
    )


def _growth(served: Sequence[AttemptRow], end: str) -> float | None:
    spans = [(row.t_start_ns, getattr(row, end)) for row in served]
    known = [(start, last) for start, last in spans if start is not None and last is not None]
    return growth([start / 1e9 for start, _ in known], [(last - start) / 1e9 for start, last in known])
