"""The nightly series that are watched: every metric of every target under every workload, a figure a night.

A night is a UTC date on which runs began; repeats of a night are averaged. Benches and pulses are no nights. Figures
are what loads have stored: no attempt is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from warehouse.formulas.level_scale import Log, Plain, Scale, Share
from warehouse.formulas.resampling import Floats, Matrix
from warehouse.intervals import columns, floats
from warehouse.metrics import METRICS, TASK_METRICS, Metric

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

WATCHED = timedelta(days=366)
# A change of less is none, however sure: as a share of what was, of a metric that is a share itself in its own points.
LEAST_CHANGE = 0.05
LEAST_CHANGES = {
    "ttft_p50_s": 0.10,
    "ttft_p95_s": 0.10,
    "tpot_p95_s": 0.10,
    "e2e_p95_s": 0.10,
    "usd_per_output_mtok": 0.02,
}
LEAST_CHANGE_OF_SHARES = 0.02
# How fast a prompt was read is half in the time to its first token, and half in how long the prompts were.
_SERIES = (*METRICS, *(of for of in TASK_METRICS if of.id != "input_tokens_per_s"))
Key = TypeVar("Key", tuple[str, str], date)

# How many attempts are behind a share.
_COUNTS = {"goodput_share": "offered_attempts", "qoe_mean_share": "n_qoe", "failed_share": "attempts"}
_FIGURES = """
    WITH nights AS (
        SELECT
            trial_id,
            t.target_id,
            t.workload_id,
            coalesce(r.started_at, t.started_at)::DATE AS night
        FROM trials AS t
        SEMI JOIN cell_trials USING (trial_id)
        ANTI JOIN ad_hoc_runs USING (run_id)
        LEFT JOIN runs AS r USING (run_id)
    )

    SELECT
        n.target_id,
        n.workload_id,
        n.night,
        f.* EXCLUDE (trial_id, run_id, target_id, workload_id, measured_over),
        c.usd_per_output_mtok,
        e.j_per_output_token,
        g.operational_gco2e_per_output_mtok,
        g.embodied_gco2e_per_output_mtok
    FROM nights AS n
    INNER JOIN trial_figures AS f USING (trial_id)
    LEFT JOIN cost AS c USING (trial_id)
    LEFT JOIN energy AS e USING (trial_id)
    LEFT JOIN emissions AS g USING (trial_id)
    WHERE n.night > (SELECT max(night) FROM nights) - $days
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The nights of all cells: figures of a metric are an array of shape (cells, nights), NaN where not known."""

    cells: tuple[tuple[str, str], ...]  # target, workload
    nights: tuple[date, ...]
    figures: dict[str, Matrix]  # by id of the metric
    counts: dict[str, Matrix]  # by id of a metric that is a share: attempts behind it


def board(con: "duckdb.DuckDBPyConnection") -> Board:
    """Figures of the last year of nights, out of a snapshot or the warehouse itself."""
    found = columns(con.execute(_FIGURES, {"days": WATCHED.days}))
    cells, cell_of = _numbered(list(zip(found["target_id"].tolist(), found["workload_id"].tolist(), strict=True)))
    nights, night_of = _numbered([of.astype("datetime64[D]").item() for of in found["night"]])
    place = (cell_of, night_of)
    shape = (len(cells), len(nights))
    return Board(
        cells=tuple(cells),
        nights=tuple(nights),
        figures={of.id: _means(floats(found[of.column]), place, shape) for of in _SERIES},
        counts={name: _means(floats(found[column]), place, shape) for name, column in _COUNTS.items()},
    )


def least_change(of: Metric) -> float:
    """The change that counts: relative, or in points of a share."""
    return LEAST_CHANGE_OF_SHARES if of.unit == "share" else LEAST_CHANGES.get(of.id, LEAST_CHANGE)


def series(of_board: Board) -> Iterator[tuple[int, Metric, Floats, Scale]]:
    """Every series with a known figure: number of its cell, metric, figures, and the scale on which noise is even."""
    for of in _SERIES:
        least = least_change(of)
        for number, line in enumerate(of_board.figures[of.id]):
            known = np.isfinite(line)
            if not known.any():
                continue
            scale: Scale
            if of.unit == "share":
                scale = Share(attempts=float(np.nanmedian(of_board.counts[of.id][number][known])))
            elif line[known].min() > 0:
                scale = Log(least=least)
            else:
                scale = Plain(least=least * float(np.abs(line[known]).max()))
            yield number, of, line, scale


def _numbered(keys: Sequence[Key]) -> tuple[list[Key], "NDArray[np.int64]"]:
    ordered = sorted(set(keys))
    number = {key: place for place, key in enumerate(ordered)}
    return ordered, np.array([number[key] for key in keys], dtype=np.int64)


def _means(values: Floats, place: tuple["NDArray[np.int64]", "NDArray[np.int64]"], shape: tuple[int, int]) -> Matrix:
    known = np.isfinite(values)
    where = (place[0][known], place[1][known])
    total, count = np.zeros(shape), np.zeros(shape)
    np.add.at(total, where, values[known])
    np.add.at(count, where, 1.0)
    with np.errstate(invalid="ignore"):
        means: Matrix = total / np.where(count == 0, np.nan, count)
    return means
