"""When a cell has been measured often enough. Pure, but for numpy, which a night without repeats never loads."""

from collections.abc import Sequence

from flows.workload import LEAST_REPEATS
from warehouse.loader import TrialResult


def known_well_enough(results: Sequence[TrialResult], *, within_share: float) -> bool:
    """Whether the 95 % intervals of TTFT's and TPOT's medians over repeated trials are as narrow as asked.

    Of documents, which have neither: that of E2E's median.

    Args:
        results: the trials of one target under one workload that ran to their end; of fewer than `LEAST_REPEATS`
            nothing is known well enough.
        within_share: half the interval's width over the figure, at most.
    """
    if len(results) < LEAST_REPEATS:
        return False
    from warehouse.formulas.statistics import narrow_enough, over_trials

    ttft_s = [r.ttft_p50_s for r in results if r.ttft_p50_s is not None]
    tpot_s = [r.tpot_p50_s for r in results if r.tpot_p50_s is not None]
    e2e_s = [r.e2e_p50_s for r in results if r.e2e_p50_s is not None]
    # Answers of one token have no TPOT; then TTFT alone decides. Documents have no TTFT either, but an end.
    first_s = ttft_s or e2e_s
    figures = [first_s, tpot_s] if tpot_s else [first_s]
    return all(narrow_enough(over_trials(figure), within_share=within_share) for figure in figures)
