"""Providers against each other on the page: only on models that both serve."""

from collections.abc import Sequence

from ui import words
from ui.markup import Cell, Column, Row
from ui.ranking import named
from warehouse.metrics import Metric
from warehouse.provider_scores import ProviderRatio


def ratio_table(found: Sequence[ProviderRatio], by: Metric) -> tuple[list[Column], list[Row]]:
    """How many times the other's figure a provider has, pair by pair."""
    columns = [
        Column(title="Provider"),
        Column(title="Over"),
        Column(title=by.title, unit="ratio", right=True, ranked_by=True, hint=f"{by.direction} is better"),
        Column(title="95 % interval", unit="over nights", right=True),
        Column(title="Which is better"),
        Column(title="Models that both serve"),
        Column(title="Nights", right=True),
    ]
    return columns, [_row(one, by) for one in found]


def explained(found: Sequence[ProviderRatio], by: Metric) -> str:
    """What the table is of, or why there is none."""
    if not found:
        return (
            "No two providers were measured on the same model in the same night, so nothing can be said of providers:"
            " a mean over different models would compare the models."
        )
    return (
        f"Ratios of {named(by)} within one model and one night, as their geometric mean: other models, and what a night"
        " did to both, are not in it. The interval is Student's, over nights."
    )


def _row(one: ProviderRatio, by: Metric) -> Row:
    ends = "unknown" if one.low is None or one.high is None else f"{one.low:.3g} \N{EN DASH} {one.high:.3g}"
    models = words.listed(list(one.models))
    return Row(
        cells=[
            Cell(main=one.provider, strong=True, wide=True),
            Cell(main=one.other),
            Cell(main=f"{one.ratio:.3g}"),
            Cell(main=ends, hint="" if one.low is not None else "it needs 3 nights in which both were measured"),
            Cell(main=_better(one, by)),
            Cell(main=f"{len(one.models)}", beneath=models),
            Cell(main=str(one.n_runs)),
        ]
    )


def _better(one: ProviderRatio, by: Metric) -> str:
    if one.low is None or one.high is None:
        return "not known yet"
    if one.low <= 1 <= one.high:
        return "neither for sure" if one.low < one.high else "equal"
    is_less = one.high < 1
    return one.provider if is_less == (by.direction == "lower") else one.other
