"""A service level of one's own: which targets keep it, judged attempt by attempt out of what landed.

An attempt is good if it succeeded, was not sent late by our own client, and met every limit that is given. A target is
judged by the share of good ones among all that were offered, with a 95 % interval: it passes where the whole interval
reaches the share that is asked for, fails where none of it does, and may pass in between. So a percentile of too few
attempts is never taken: with few of them the interval is wide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from warehouse.errors import WarehouseError
from warehouse.formulas.resampling import time_blocks
from warehouse.formulas.statistics import MIN_TRIALS, Estimate, share_interval
from warehouse.intervals import columns, floats
from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

    from warehouse.formulas.resampling import Floats

Standing = Literal["passes", "may-pass", "fails", "unknown"]

# A 95th percentile meets a limit where 95 % of all attempts do, those that failed included.
DEFAULT_SUCCESS_SHARE: Final = 0.95
_UNITS_S: Final = {"ms": 1e-3, "s": 1.0}

_GOOD = """
    ok
    AND NOT sent_late
    AND coalesce(first_content_s <= $ttft_s, $ttft_s IS NULL)
    AND coalesce(tpot_s <= $tpot_s, TRUE)
"""
_COUNTS = f"""
    WITH counted AS (
        SELECT trial_id, count(*) AS attempts, count(*) FILTER ({_GOOD}) AS good
        FROM attempt_metrics
        WHERE trial_id IN (SELECT unnest($trial_ids))
        GROUP BY trial_id
    )

    SELECT
        trial_id,
        coalesce(c.good, 0) AS good,
        greatest(coalesce(c.attempts, 0), coalesce(t.sends_planned, 0)) AS offered
    FROM trials AS t
    LEFT JOIN counted AS c USING (trial_id)
    WHERE trial_id IN (SELECT unnest($trial_ids))
"""
_TIMED = f"""
    SELECT trial_id, coalesce(start_s, due_s) AS at_s, in_flight_s, {_GOOD} AS good
    FROM attempt_metrics
    WHERE trial_id IN (SELECT unnest($trial_ids))
    ORDER BY trial_id, at_s, seq
"""
_OWN = """
    SELECT slo_ttft_s AS ttft_s, slo_tpot_s AS tpot_s
    FROM trials
    SEMI JOIN cell_trials USING (trial_id)
    ANTI JOIN ad_hoc_runs USING (run_id)
    WHERE workload_id = ?
    ORDER BY started_at DESC, trial_id DESC
    LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is asked of a target; None is no limit.

    Raises:
        WarehouseError: a limit is not above 0, or the share not between 0 and 1: that all attempts will be good, no
            number of them can show.
    """

    ttft_s: float | None = None
    tpot_s: float | None = None
    success_share: float = DEFAULT_SUCCESS_SHARE

    def __post_init__(self) -> None:
        for name, value in (("ttft", self.ttft_s), ("tpot", self.tpot_s)):
            if value is not None and not 0 < value < np.inf:
                raise WarehouseError(f"service level {name} = {value:g} s must be above 0, as in {name}=100ms")
        if not 0 < self.success_share < 1:
            raise WarehouseError(
                f"service level success = {self.success_share:g} must lie between 0 and 1, as in success=0.99; that all"
                " attempts will be good, no number of them can show"
            )

    def __str__(self) -> str:
        """The text that `parse_limits` reads: `ttft=1s,tpot=100ms,success=0.95`."""
        parts = [] if self.ttft_s is None else [f"ttft={_duration(self.ttft_s)}"]
        parts += [] if self.tpot_s is None else [f"tpot={_duration(self.tpot_s)}"]
        return ",".join([*parts, f"success={self.success_share:.12g}"])


# Source: Dong, Xie 2024: a first token within a second, then faster than people read.
INTERACTIVE: Final = Limits(ttft_s=1.0, tpot_s=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a service level is kept, and how far that is sure; `reason` says why it is unknown.

    `share` is good / offered attempts, `low` and `high` its 95 % interval, None where there are too few stretches of
    time to tell; `trials` is how many are behind it.
    """

    standing: Standing
    good: int
    offered: int
    trials: int
    share: float | None
    low: float | None
    high: float | None
    reason: str | None = None


def parse_limits(text: str) -> Limits:
    """The limits that `ttft=1s,tpot=100ms,success=0.99` asks for, in any order, each at most once.

    Raises:
        WarehouseError: a part is none of these, or out of its range; names it.
    """
    given: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in ("ttft", "tpot", "success"):
            raise WarehouseError(
                f"service level {part.strip()!r} is none; give ttft, tpot and success, as in"
                " ttft=1s,tpot=100ms,success=0.99"
            )
        if name in given:
            raise WarehouseError(f"service level {name} is given twice; give it once")
        given[name] = _share(value) if name == "success" else _seconds(name, value)
    return Limits(
        ttft_s=given.get("ttft"),
        tpot_s=given.get("tpot"),
        success_share=given.get("success", DEFAULT_SUCCESS_SHARE),
    )


def workload_limits(con: "duckdb.DuckDBPyConnection", workload_id: str) -> Limits | None:
    """The limits that a workload's own config set, as of its newest trial; None if it has none."""
    found = dicts(con.execute(_OWN, [workload_id]))
    return Limits(**found[0]) if found else None


def judged(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str], limits: Limits) -> dict[str, Verdict]:
    """Each trial by itself; reads attempts of these trials only."""
    return judged_together(con, {trial_id: [trial_id] for trial_id in trial_ids}, limits)


def judged_together(
    con: "duckdb.DuckDBPyConnection", trials_of: Mapping[str, Sequence[str]], limits: Limits
) -> dict[str, Verdict]:
    """Each target by all its trials together.

    With three trials or more what is independent is a trial, else a stretch of time within one (see `share_interval`);
    a target with too few stretches is unknown.

    Args:
        con: an open snapshot.
        trials_of: by any name, the trials that count, for example of `night_figures.comparable_trials`.
        limits: what is asked.

    Returns:
        By the same names.
    """
    asked = {"ttft_s": limits.ttft_s, "tpot_s": limits.tpot_s}
    everything = sorted({trial_id for trials in trials_of.values() for trial_id in trials})
    counts = {row["trial_id"]: row for row in dicts(con.execute(_COUNTS, {**asked, "trial_ids": everything}))}
    few = sorted({trial_id for trials in trials_of.values() if len(trials) < MIN_TRIALS for trial_id in trials})
    stretches = _stretches(con, few, asked, counts) if few else {}
    found = {}
    for name, trial_ids in trials_of.items():
        known = [trial_id for trial_id in trial_ids if trial_id in counts and counts[trial_id]["offered"]]
        if len(known) >= MIN_TRIALS:
            good, offered = (np.array([counts[one][what] for one in known], float) for what in ("good", "offered"))
            estimate = share_interval(good, offered, min_blocks=MIN_TRIALS)
        else:
            parts = [stretches[one] for one in known if one in stretches]
            good = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0)
            offered = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0)
            estimate = share_interval(good, offered)
        found[name] = _verdict(estimate, int(good.sum()), len(known), limits)
    return found


def _stretches(
    con: "duckdb.DuckDBPyConnection",
    trial_ids: Sequence[str],
    asked: Mapping[str, float | None],
    counts: Mapping[str, Mapping[str, Any]],
) -> "dict[str, tuple[Floats, Floats]]":
    """Good and offered attempts of each stretch of each trial; a send that was never made counts in the last."""
    found = columns(con.execute(_TIMED, {**asked, "trial_ids": list(trial_ids)}))
    of_trial = found["trial_id"].astype(str)
    at_s, flights_s, good = (floats(found[name]) for name in ("at_s", "in_flight_s", "good"))
    stretches: dict[str, tuple[Floats, Floats]] = {}
    for trial_id in np.unique(of_trial).tolist():
        these = (of_trial == trial_id) & np.isfinite(at_s)
        if not these.any():
            continue
        block = time_blocks(at_s[these], shortest_s=float(np.nanmean(flights_s[these])))
        offered_by = np.bincount(block).astype(np.float64)
        good_by = np.bincount(block, good[these]).astype(np.float64)
        offered_by[-1] += counts[trial_id]["offered"] - len(block)
        stretches[trial_id] = good_by[offered_by > 0], offered_by[offered_by > 0]
    return stretches


def _verdict(estimate: Estimate, good: int, trials: int, limits: Limits) -> Verdict:
    standing: Standing = "may-pass"
    if estimate.low is None or estimate.high is None:
        standing = "unknown"
    elif estimate.low >= limits.success_share:
        standing = "passes"
    elif estimate.high < limits.success_share:
        standing = "fails"
    return Verdict(
        standing=standing,
        good=good,
        offered=estimate.n,
        trials=trials,
        share=estimate.central,
        low=estimate.low,
        high=estimate.high,
        reason=estimate.reason,
    )


def _seconds(name: str, value: str) -> float:
    for unit, in_s in _UNITS_S.items():
        number = value.removesuffix(unit)
        if number != value:
            try:
                return float(number) * in_s
            except ValueError:
                break
    raise WarehouseError(f"service level {name} = {value!r} is no time; give a number and its unit, as in {name}=100ms")


def _share(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise WarehouseError(f"service level success = {value!r} is no share; give 0 to 1, as in 0.99") from None


def _duration(seconds: float) -> str:
    return f"{seconds:.12g}s" if seconds >= 1 else f"{1e3 * seconds:.12g}ms"
