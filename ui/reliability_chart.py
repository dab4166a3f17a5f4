"""A row a target, a cell a day: who was served, who was refused, who failed; and failures by class."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt

from ui import charts
from ui.reliability import percent
from ui.runs import ERROR_CLASSES
from warehouse.reliability import Reliability

MOST_MARKS = 2000
_STATES = ("all served", "only refused for rate", "some failed", "most failed")
_LIGHT = ("#56B4E9", "#CC79A7", "#E69F00", "#C23B00")
_DARK = ("#2F7FB0", "#CC79A7", "#E69F00", "#FF7F66")
_HATCH = "M-0.5,0.5L0.5,-0.5"
_CLASS_LIGHT = ("#CC79A7", "#D55E00", "#E69F00", "#0072B2", "#7F7F7F")
_CLASS_DARK = ("#CC79A7", "#E8743B", "#E69F00", "#56B4E9", "#A9A9A9")
_CLASSES_APART = 4  # the commonest; the others are one


def days_chart(
    days: Sequence[Mapping[str, Any]], order: Sequence[str], *, day_length: int, dark: bool = False
) -> tuple[alt.LayerChart, int] | None:
    """Cells of targets and days (weeks, where `day_length` is 7), and how many of the targets are drawn.

    Args:
        days: rows of target_id, day_on, trials, attempts, ok, down_count, limited_count, own_count.
        order: targets, the first on top.
        day_length: days in a cell.
        dark: the ground.
    """
    if not days:
        return None
    first, last = min(row["day_on"] for row in days), max(row["day_on"] for row in days)
    dates = [first + timedelta(days=n) for n in range(0, (last - first).days + 1, day_length)]
    shown = list(order)[: max(MOST_MARKS // (2 * len(dates)), 1)]
    by_cell = {(row["target_id"], row["day_on"]): row for row in days}
    drawn = [_cell(target, day, by_cell.get((target, day))) for target in shown for day in dates]
    inks = charts.ink(dark)
    what = "week from" if day_length == 7 else "day"
    x = alt.X(
        "day:O",
        sort=[day.isoformat() for day in dates],
        axis=alt.Axis(
            title=f"{what.capitalize()}, UTC",
            labelAngle=0,
            labelOverlap=True,
            labelExpr="slice(datum.label, 5)",
            domain=False,
            ticks=False,
        ),
    )
    y = alt.Y(
        "target:N",
        sort=shown,
        axis=alt.Axis(title=None, labelLimit=220, labelOverlap=False, domain=False, ticks=False, labelPadding=8),
    )
    colour = alt.Color(
        "state:N",
        scale=alt.Scale(domain=list(_STATES), range=list(_DARK if dark else _LIGHT)),
        legend=alt.Legend(title=None, orient="top", columns=2, symbolType="square"),
    )
    tooltip = [
        alt.Tooltip("target:N", title="target"),
        alt.Tooltip("day:N", title=what),
        alt.Tooltip("said:N", title="served"),
        alt.Tooltip("n:N", title="attempts"),
    ]
    base = alt.Chart(charts.inline(drawn)).encode(x=x, y=y, tooltip=tooltip)
    rects = (
        base.transform_filter("datum.state != null")
        .mark_rect(stroke=inks["ground"], strokeWidth=2, cornerRadius=3)
        .encode(color=colour)
    )
    failed = (
        base.transform_filter("datum.failed != ''")
        .mark_text(fontSize=9, fontWeight=600, color="#10161C")
        .encode(text="failed:N")
    )
    empty = base.transform_filter("datum.state == null").mark_point(
        shape=_HATCH, size=110, strokeWidth=1.2, color=inks["text"], opacity=0.35
    )
    chart = alt.LayerChart(layer=[rects, failed, empty], height=26 * len(shown) + 150)
    return charts.bare(chart, dark=dark), len(shown)


def classes_chart(found: Sequence[Reliability], *, dark: bool = False) -> alt.LayerChart | None:
    """Failed attempts as a share of all, by class, a bar a target; None if nothing failed."""
    failing = [of for of in found if of.errors]
    if not failing:
        return None
    total: dict[str, int] = {}
    for of in failing:
        for name, n in of.errors.items():
            total[name] = total.get(name, 0) + n
    apart = sorted(total, key=lambda name: (-total[name], name))[:_CLASSES_APART]
    names = [ERROR_CLASSES.get(name, name) for name in apart] + (["other"] if len(total) > len(apart) else [])
    drawn = [
        {
            "target": of.target_id,
            "failure": ERROR_CLASSES.get(name, name) if name in apart else "other",
            "percent": 100 * n / of.attempts,
            "said": f"{n:,} of {of.attempts:,}",
            "order": apart.index(name) if name in apart else len(apart),
        }
        for of in failing
        for name, n in of.errors.items()
    ]
    inks = charts.ink(dark)
    bars = (
        alt.Chart(charts.inline(drawn))
        .mark_bar(height=18)
        .encode(
            x=alt.X(
                "percent:Q",
                axis=alt.Axis(
                    title="Failed, % of attempts (lower is better)",
                    tickCount=6,
                    gridColor=inks["grid"],
                    domain=False,
                    ticks=False,
                ),
            ),
            y=alt.Y(
                "target:N",
                sort=[of.target_id for of in failing],
                axis=alt.Axis(title=None, labelLimit=220, domain=False, ticks=False, labelPadding=8),
            ),
            color=alt.Color(
                "failure:N",
                scale=alt.Scale(domain=names, range=list(_CLASS_DARK if dark else _CLASS_LIGHT)[: len(names)]),
                legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=200),
            ),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("target:N", title="target"),
                alt.Tooltip("failure:N", title="failure"),
                alt.Tooltip("said:N", title="attempts"),
            ],
        )
    )
    return charts.bare(alt.LayerChart(layer=[bars], height=36 * len(failing) + 190), dark=dark)


def _cell(target: str, day: date, row: Mapping[str, Any] | None) -> dict[str, Any]:
    cell: dict[str, Any] = {"target": target, "day": day.isoformat(), "state": None, "failed": "", "n": "none"}
    if row is None:
        return cell | {"said": "no data"}
    asked = row["ok"] + row["down_count"] + row["limited_count"]
    if asked == 0:
        return cell | {"said": "only faults of this client", "n": f"{row['attempts']:,}"}
    down, limited = row["down_count"], row["limited_count"]
    state = 0 if down + limited == 0 else 1 if down == 0 else 2 if 2 * down < asked else 3
    return cell | {
        "state": _STATES[state],
        "failed": f"{down + limited}" if down + limited else "",
        "said": f"{percent(row['ok'] / asked)}: {down} failed, {limited} refused for rate",
        "n": f"{row['attempts']:,} in {row['trials']} runs",
    }
