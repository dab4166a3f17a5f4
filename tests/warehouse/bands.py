"""Bands of a board in one call, as tests and benchmarks ask for them."""

from datetime import timedelta

from warehouse.night_figures import comparable_trials
from warehouse.rank_bands import WINDOW, RankBand, bands_over


def workload_bands(
    con, workload_id: str, target_ids, *, by: str, any_grade: bool = False, window: timedelta = WINDOW
) -> list[RankBand]:
    """Bands of some targets of one workload, ranked among each other, over its comparable trials."""
    return bands_over(con, comparable_trials(con, workload_id, window=window, any_grade=any_grade), target_ids, by=by)
