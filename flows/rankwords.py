"""How sure a rank is, in words: bands such as 1-2, and what would tell those apart who share one."""

from collections.abc import Mapping, Sequence
from typing import Any

from warehouse.certificates import is_fit

# With fifty targets nearly every neighbour is tied.
_PAIRS_SAID = 3


def rank_words(row: Mapping[str, Any]) -> str:
    """The rank of a row with its band: 1-2 where the first two are not told apart; - where it is not ranked."""
    if row["rank"] is None:
        return "-"
    low, high = row["rank_low"], row["rank_high"]
    return str(low) if low == high else f"{low}-{high}"


def tie_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to know about the ranks of one workload: who is not told apart, what would, and of how few nights they are.

    Args:
        rows: rows of `warehouse.decision.banded_rows`, of one workload.
    """
    from warehouse.formulas.paired_runs import MIN_RUNS  # loads numpy, which other commands that print do without

    tied = [row for row in rows if row["tied_by"] is not None]
    said = [
        f"{row['next_better']} and {row['target_id']} are not told apart: {_what_would(row, MIN_RUNS)}"
        for row in tied[:_PAIRS_SAID]
    ]
    if len(tied) > _PAIRS_SAID:
        said.append(f"and {len(tied) - _PAIRS_SAID} more pairs of neighbours are not told apart; --json has them all")
    ranked = [row for row in rows if row["rank"] is not None]
    few = [row for row in ranked if row["rank_low"] is not None and row["n_runs"] < MIN_RUNS]
    if few and len(ranked) > 1:
        who = "ranks" if len(few) == len(ranked) else f"ranks of {', '.join(row['target_id'] for row in few)}"
        nights = max(row["n_runs"] for row in few)
        said.append(
            f"{who}: of {nights} night{'s' if nights > 1 else ''}; how figures vary from night to night shows after"
            f" {MIN_RUNS}"
        )
    said += [
        f"{row['target_id']} is not ranked: {row['band_reason']}"
        for row in rows
        if row["rank"] is None and row["band_reason"] and is_fit(row)
    ]
    return said


def _what_would(row: Mapping[str, Any], needed: int) -> str:
    nights = row["nights_to_separate"]
    if row["tied_by"] == "inputs":
        return "the ranges of their inputs allow either order"
    if row["tied_by"] == "few-runs":
        return f"{needed} nights in which both are measured are needed to know"
    if nights is None:
        return "not even a year of nights would"
    return f"about {nights} more night{'s' if nights > 1 else ''} would"
