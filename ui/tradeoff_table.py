"""The front as a table, and as a CSV file."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime

from ui import words
from ui.certificate import grade_badge
from ui.markup import Badge, Cell, Column, Row
from ui.ranking import Absent
from ui.tradeoff import DASH, MIDDLE, Entry, chance, level_words, spread_words, who
from warehouse.certificates import is_fit
from warehouse.fronts import FrontPoint, Spread
from warehouse.metrics import UNKNOWN, Metric, format_value
from warehouse.service_level import Verdict

_BADGES = {
    "on": Badge(text="on the front", tone="good", hint="nobody dominates it in 95 % of draws or more"),
    "may": Badge(text="may be on it", tone="warn", hint="too close to call: see its chance"),
    "dominated": Badge(text="dominated", hint="another one is better in one and no worse in the other"),
}


def columns(x: Metric, y: Metric) -> list[Column]:
    """Heads of the table."""
    figures = [
        Column(title=of.title, unit=of.shown_unit, right=True, ranked_by=True, hint=f"{of.direction} is better")
        for of in (x, y)
    ]
    return [
        Column(title="Verdict"),
        Column(title="Target", unit=f"provider {MIDDLE} model"),
        *figures,
        Column(title="On the front", unit="in % of draws", right=True, hint="1 less it is dominated"),
        Column(title="Dominated by", unit="by typical figures"),
        Column(title="n", unit="nights", right=True, hint="nights that both figures are typical of"),
        Column(title="Newest", unit=f"n {MIDDLE} grade {MIDDLE} age", hint="attempts of its newest trial"),
    ]


def table_rows(
    found: Sequence[Entry],
    failing: Mapping[str, Verdict],
    missing: Sequence[Absent],
    x: Metric,
    y: Metric,
    now: datetime,
    *,
    say_stale: bool = True,
) -> list[Row]:
    """A row a target; then, quietly, who does not keep the service level, and who was never measured.

    `say_stale` marks rows that are old: not needed where all are, and the page has said so.
    """
    width = len(columns(x, y)) - 2
    left = [(target_id, "fails the level", level_words(verdict)) for target_id, verdict in failing.items()]
    return [
        *(_row(entry, x, y, now, say_stale=say_stale) for entry in found),
        *(
            Row(
                quiet=True,
                cells=[
                    Cell(main=DASH, badges=(Badge(text=badge, tone="bad"),)),
                    Cell(main=target_id, strong=True, wide=True),
                    Cell(main=reason, span=width, tone="quiet"),
                ],
            )
            for target_id, badge, reason in left
        ),
        *(
            Row(
                quiet=True,
                cells=[
                    Cell(main=DASH, badges=(words.state_badge(item.outcome),)),
                    Cell(main=item.target_id, strong=True, wide=True),
                    Cell(main=item.reason, span=width, tone="quiet"),
                ],
            )
            for item in missing
        ),
    ]


def to_csv(found: Sequence[Entry], x: Metric, y: Metric) -> str:
    """The points in base units."""
    if not found:
        return ""
    out = io.StringIO()
    writer = csv.writer(out)
    figures = [f"{of.id}{end}" for of in (x, y) for end in ("_low", "", "_high")]
    writer.writerow(["target_id", "provider", "model", "verdict", "p_front", *figures, "nights", "trial_id", "reason"])
    for entry in found:
        point = entry.point
        ends = [value for figure in point.figures for value in (("", "", "") if figure is None else _ends(figure))]
        writer.writerow(
            [
                point.target_id,
                entry.row["provider"],
                entry.row["model"],
                point.verdict or "",
                "" if point.p_front is None else round(point.p_front, 4),
                *ends,
                point.n_runs,
                point.trial_id or "",
                point.reason or "",
            ]
        )
    return out.getvalue()


def _row(entry: Entry, x: Metric, y: Metric, now: datetime, *, say_stale: bool) -> Row:
    point = entry.point
    badge = Badge(text="unknown") if point.verdict is None else _BADGES[point.verdict]
    return Row(
        quiet=point.verdict is None,
        cells=[
            Cell(main="", badges=(badge,)),
            Cell(
                main=entry.target_id,
                beneath=who(entry.row),
                badges=_marks(entry, now, say_stale=say_stale),
                strong=True,
                wide=True,
            ),
            *(_figure_cell(figure, of) for figure, of in zip(point.figures, (x, y), strict=True)),
            Cell(main=DASH if point.verdict is None else chance(entry)),
            Cell(main=point.reason or _beaten(point)),
            Cell(main=str(point.n_runs) if point.n_runs else DASH),
            _newest(entry, now),
        ],
    )


def _marks(entry: Entry, now: datetime, *, say_stale: bool) -> tuple[Badge, ...]:
    marks = []
    if entry.kept is not None and entry.kept.standing in ("may-pass", "unknown"):
        marks.append(Badge(text="may miss the level", tone="warn", hint=level_words(entry.kept)))
    if not is_fit(entry.row):
        marks.append(grade_badge(entry.row["client_grade"], entry.row["client_reasons"]))
    if say_stale and words.is_stale(entry.row["measured_at"], now):
        marks.append(Badge(text="stale", tone="warn", hint="not measured for two days"))
    return tuple(marks)


def _figure_cell(figure: Spread | None, of: Metric) -> Cell:
    if figure is None:
        return Cell(main=UNKNOWN, tone="quiet")
    return Cell(main=format_value(of, figure.central), beneath=spread_words(figure, of))


def _beaten(point: FrontPoint) -> str:
    return words.listed(list(point.dominated_by), most=2) if point.dominated_by else "nobody"


def _newest(entry: Entry, now: datetime) -> Cell:
    row = entry.row
    return Cell(
        main=f"{row['n']:,} {MIDDLE} {row['client_grade'] or 'no grade'}",
        beneath=words.age(row["measured_at"], now),
        hint=words.instant(row["measured_at"]),
    )


def _ends(figure: Spread) -> tuple[object, object, object]:
    return ("" if figure.low is None else figure.low, figure.central, "" if figure.high is None else figure.high)
