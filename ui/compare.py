"""Two to four targets side by side: tables of differences, of quantiles, of prices, and of what was measured when."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ui import words
from ui.compare_words import difference_words, verdict_sentence
from ui.markup import Badge, Cell, Column, Row
from ui.tradeoff import DASH, spread_words
from warehouse.comparison import Difference
from warehouse.fronts import Spread
from warehouse.metrics import MIN_ATTEMPTS, UNKNOWN, Metric, format_value

Curve = Sequence[Mapping[str, Any]]  # rows of `compare_snapshot.curves` of one trial and metric
TIMES = {"ttft_s": "TTFT", "tpot_s": "TPOT"}
_QUANTILES = (10, 50, 90, 95, 99)


def finding(differences: Sequence[Difference]) -> str:
    """Who is better in how many metrics, in one sentence; of one pair."""
    a, b = differences[0].target_a, differences[0].target_b
    better: dict[str, list[Metric]] = {a: [], b: []}
    open_, unknown = 0, 0
    for one in differences:
        if one.found is None:
            unknown += 1
        elif not one.found.sure:
            open_ += 1
        else:
            better[a if a_is_better(one) else b].append(one.metric)
    parts = [f"{name} is better in {len(won)}" for name, won in better.items() if won]
    parts += [f"{open_} cannot be told apart"] if open_ else []
    parts += [f"{unknown} cannot be compared"] if unknown else []
    return f"{a} or {b}? Of {words.count(len(differences), 'metric')} {', '.join(parts)}"


def a_is_better(one: Difference) -> bool:
    """Whether the first of a pair that is told apart is the better one."""
    assert one.found is not None
    return (one.found.central < (1.0 if one.found.is_ratio else 0.0)) == (one.metric.direction == "lower")


def difference_columns(a: str, b: str) -> list[Column]:
    """Heads of the table of one pair."""
    return [
        Column(title="Metric", unit="which way is better"),
        Column(title=a, unit="typical night", right=True),
        Column(title=b, unit="typical night", right=True),
        Column(title="Difference", unit="of the first, 95 % interval", right=True),
        Column(title="Better"),
        Column(title="Verdict"),
    ]


def difference_rows(differences: Sequence[Difference]) -> list[Row]:
    """A row a metric."""
    rows = []
    for one in differences:
        central, interval = ("", "") if one.found is None else difference_words(one.found, one.metric)
        rows.append(
            Row(
                quiet=one.found is None,
                cells=[
                    Cell(
                        main=one.metric.title, beneath=f"{one.metric.shown_unit}, {one.metric.direction}", strong=True
                    ),
                    _figure(one.figure_a, one.metric),
                    _figure(one.figure_b, one.metric),
                    Cell(main=central or DASH, beneath=interval),
                    Cell(main="", badges=(_badge(one),)),
                    Cell(main=verdict_sentence(one), wide=True),
                ],
            )
        )
    return rows


def quantile_columns() -> list[Column]:
    """Heads of the table twin of the curves."""
    shares = [Column(title=f"{share} %", unit="had come by, ms", right=True) for share in _QUANTILES]
    return [
        Column(title="Target"),
        Column(title="Time"),
        *shares,
        Column(title="Never came", unit="of all attempts", right=True),
        Column(title="n", unit="attempts", right=True),
    ]


def quantile_rows(curves: Mapping[str, Mapping[str, Curve]]) -> list[Row]:
    """By metric and target, by when a share of all attempts had come, failed ones never; blank where n is too small."""
    return [
        Row(
            cells=[
                Cell(main=target_id, strong=True, wide=True),
                Cell(main=TIMES[metric_id]),
                *(_quantile(curve, share) for share in _QUANTILES),
                Cell(main=_never(curve)),
                Cell(main=f"{_all(curve):,}", beneath=_short(curve)),
            ]
        )
        for metric_id, of_targets in curves.items()
        for target_id, curve in of_targets.items()
    ]


def curve_finding(curves: Mapping[str, Curve], metric_id: str) -> str:
    """By when half of the attempts had come, of each target."""
    what = {"ttft_s": "first tokens came", "tpot_s": "answers had a token"}[metric_id]
    within = {"ttft_s": "within", "tpot_s": "every"}[metric_id]
    said = []
    for target_id, curve in curves.items():
        half = quantile_s(curve, 0.5)
        said.append(f"{target_id}'s {'never' if half is None else f'{within} {words.figure(1e3 * half)} ms'}")
    return f"Half of the {what}: {', '.join(said)}"


def quantile_s(curve: Curve, share: float) -> float | None:
    """By when that share of all attempts had come, seconds; None if it never had."""
    needed = max(math.ceil(share * _all(curve)), 1)
    return next((row["seconds"] for row in curve if row["seconds"] is not None and row["came"] >= needed), None)


def to_csv(differences: Sequence[Difference]) -> str:
    """All differences in base units: ratios first / second, differences first - second."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ["metric_id", "target_a", "target_b", "figure_a", "figure_b", "difference", "low", "high", "is_ratio", "nights",
         "sure", "verdict"]
    )  # fmt: skip
    for one in differences:
        found = one.found
        numbers = ("", "", "", "", "", "") if found is None else (
            found.central, _blank(found.low), _blank(found.high), found.is_ratio, found.runs, found.sure
        )  # fmt: skip
        figures = ["" if each is None else each.central for each in (one.figure_a, one.figure_b)]
        writer.writerow([one.metric.id, one.target_a, one.target_b, *figures, *numbers, verdict_sentence(one)])
    return out.getvalue()


def _blank(value: float | None) -> float | str:
    return "" if value is None else value


def _figure(figure: Spread | None, of: Metric) -> Cell:
    if figure is None:
        return Cell(main=UNKNOWN, tone="quiet")
    return Cell(main=format_value(of, figure.central), beneath=spread_words(figure, of))


def _badge(one: Difference) -> Badge:
    if one.found is None:
        return Badge(text="unknown")
    if one.found.same:
        return Badge(text="the same")
    if not one.found.sure:
        return Badge(text="open", tone="warn")
    return Badge(text=one.target_a if a_is_better(one) else one.target_b, tone="good", hint="the better one")


def _all(curve: Curve) -> int:
    return int(curve[0]["all_attempts"]) if curve else 0


def _quantile(curve: Curve, share: int) -> Cell:
    if _all(curve) < MIN_ATTEMPTS.get(share, MIN_ATTEMPTS[10]):
        return Cell(main=DASH, hint=f"it needs {MIN_ATTEMPTS.get(share, MIN_ATTEMPTS[10])} attempts", tone="quiet")
    by = quantile_s(curve, share / 100)
    return Cell(main="never" if by is None else words.figure(1e3 * by))


def _short(curve: Curve) -> str:
    """How many answers were too short for a time per token."""
    short = curve[0]["short_attempts"] if curve else 0
    return f"{short:,} of one token left out" if short else ""


def _never(curve: Curve) -> str:
    everyone = _all(curve)
    return UNKNOWN if not everyone else words.share(1 - curve[0]["came_in_all"] / everyone)
