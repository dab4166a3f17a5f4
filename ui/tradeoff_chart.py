"""The scatter of two metrics: the front as a step line with names, whiskers, and what the survey saw in 2024 behind."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import altair as alt

from ui import words
from ui.charts import bare, ink, inline, provider_colour
from ui.tradeoff import Entry, chance, spread_words
from ui.tradeoff_axes import Axis, axis
from ui.tradeoff_names import HEIGHT_PX, WIDE_PX, Field, better_corner, front_path, names, placed
from warehouse.fronts import Spread
from warehouse.metrics import Metric, format_value
from warehouse.reference.landscape import Reach

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right", "triangle-left")
LANDSCAPE_AXES = {"usd_per_output_mtok", "output_tokens_per_s"}

_GREY = {False: "#9BA5AE", True: "#66727D"}
_BESIDE_PX = 100  # axis and legend, which Streamlit takes from the height
_OPEN_END = 1.3  # how far beyond its beginning a field without an end is drawn


def tradeoff_chart(
    found: Sequence[Entry],
    x: Metric,
    y: Metric,
    providers: Sequence[str],
    *,
    landscape: Sequence[Reach] = (),
    dark: bool = False,
) -> alt.LayerChart | None:
    """Two metrics of each target; None if no target has both.

    Args:
        found: the board.
        x: horizontal metric.
        y: vertical metric.
        providers: all providers of the snapshot: a colour and a shape hang on the place in it.
        landscape: what to draw behind; only where the axes are cost and output speed.
        dark: on a dark ground.
    """
    drawn = [entry for entry in found if entry.is_drawn]
    if not drawn:
        return None
    across, upward, fields = _ground(drawn, x, y, landscape)
    inks = ink(dark)
    marks = [_mark(entry, x, y) for entry in drawn]
    used = [name for name in providers if name in {mark["provider"] for mark in marks}]
    position = {
        "x": alt.X("x:Q", scale=across.scale(), axis=_ruled(across, inks)),
        "y": alt.Y("y:Q", scale=upward.scale(), axis=_ruled(upward, inks)),
    }
    layers = [
        *_behind(fields, across, upward, inks),
        _line(front_path(drawn, across, upward), inks, position),
        *_whiskers(marks, across, upward, inks),
        *_points(marks, used, providers, inks, position, dark=dark),
        *names(drawn, fields, across, upward, inks, position),
        better_corner(across, upward, inks),
    ]
    return bare(alt.LayerChart(layer=layers, height=HEIGHT_PX + _BESIDE_PX), dark=dark)


def unnamed(found: Sequence[Entry], x: Metric, y: Metric, landscape: Sequence[Reach] = ()) -> int:
    """How many of the front have no room for their name on a desk: the page says so."""
    drawn = [entry for entry in found if entry.is_drawn]
    if not drawn:
        return 0
    across, upward, fields = _ground(drawn, x, y, landscape)
    named = {place.number for place in placed(drawn, fields, across, upward, WIDE_PX)}
    return sum(entry.point.verdict != "dominated" and number not in named for number, entry in enumerate(drawn))


def _values(drawn: Sequence[Entry], number: int, of: Metric) -> list[float]:
    figures = [entry.point.figures[number] for entry in drawn]
    return [of.shown_scale * end for figure in figures if figure is not None for end in _ends(figure)]


def _ends(figure: Spread) -> tuple[float, float, float]:
    low = figure.central if figure.low is None else figure.low
    return low, figure.central, figure.central if figure.high is None else figure.high


def _ground(drawn: Sequence[Entry], x: Metric, y: Metric, landscape: Sequence[Reach]) -> tuple[Axis, Axis, list[Field]]:
    """Both axes, wide enough for the targets and for what is drawn behind them."""
    reaches = landscape if {x.id, y.id} == LANDSCAPE_AXES else ()
    across, upward = (
        axis(of, [*_values(drawn, number, of), *_reached(reaches, of)]) for number, of in enumerate((x, y))
    )
    fields = []
    for reach in reaches:
        low, high = reach.least_output_tokens_per_s, reach.most_output_tokens_per_s
        cost = (reach.least_usd_per_mtok, reach.most_usd_per_mtok)
        cost_is_across = x.id == "usd_per_output_mtok"
        speed = (low, (upward if cost_is_across else across).high if high is None else high)
        sides = (cost, speed) if cost_is_across else (speed, cost)
        says = f"2024: {reach.who}" + (f", above {words.figure(low)}" if high is None else "")
        fields.append(Field(x=sides[0][0], x2=sides[0][1], y=sides[1][0], y2=sides[1][1], says=says))
    return across, upward, fields


def _reached(reaches: Sequence[Reach], of: Metric) -> list[float]:
    if of.id == "usd_per_output_mtok":
        return [end for reach in reaches for end in (reach.least_usd_per_mtok, reach.most_usd_per_mtok)]
    ends = []
    for reach in reaches:
        low, high = reach.least_output_tokens_per_s, reach.most_output_tokens_per_s
        ends += [low, _OPEN_END * low if high is None else high]
    return ends


def _mark(entry: Entry, x: Metric, y: Metric) -> dict[str, Any]:
    mark: dict[str, Any] = {
        "target": entry.target_id,
        "provider": entry.row["provider"],
        "model": entry.row["model"],
        "verdict": entry.point.verdict,
        "says": {"on": "on the front", "may": "may be on the front", "dominated": "dominated"}[
            entry.point.verdict or ""
        ],
        "chance": f"{chance(entry)} %" if entry.point.p_front is not None else "not known",
        "nights": entry.point.n_runs,
        "newest": words.instant(entry.row["measured_at"]),
    }
    for name, figure, of in zip("xy", entry.point.figures, (x, y), strict=True):
        assert figure is not None
        low, central, high = (of.shown_scale * end for end in _ends(figure))
        mark |= {
            name: central,
            f"{name}_low": low,
            f"{name}_high": high,
            f"{name}_shown": f"{format_value(of, figure.central)} {of.shown_unit} ({spread_words(figure, of)})",
        }
    return mark


def _ruled(of: Axis, inks: dict[str, str]) -> alt.Axis:
    ticks: dict[str, Any] = {"values": list(of.ticks)} if of.is_log else {"tickCount": 6}
    return alt.Axis(
        title=of.title, **ticks, grid=True, gridColor=inks["grid"], domain=False, ticks=False, labelOverlap=True,
        format="~r" if of.is_log else alt.Undefined,
    )  # fmt: skip


def _behind(fields: Sequence[Field], across: Axis, upward: Axis, inks: dict[str, str]) -> list[alt.Chart]:
    """The landscape of 2024: a field for most providers, a line that has no end for who was faster than all."""
    layers = []
    for field in fields:
        base = alt.Chart(inline([asdict(field)])).encode(
            x=alt.X("x:Q", scale=across.scale()), y=alt.Y("y:Q", scale=upward.scale())
        )
        if field.x < field.x2 and field.y < field.y2:
            layers.append(base.mark_rect(opacity=0.09, color=inks["text"]).encode(x2="x2:Q", y2="y2:Q"))
        else:
            line = base.mark_rule(strokeWidth=5, opacity=0.16, color=inks["text"])
            layers.append(line.encode(y2="y2:Q") if field.x == field.x2 else line.encode(x2="x2:Q"))
        text = base.mark_text(
            align="left", baseline="bottom", dx=5, dy=-4, fontSize=11, fontStyle="italic", color=inks["text"]
        )
        layers.append(text.encode(text="says:N"))
    return layers


def _line(path: Sequence[tuple[float, float]], inks: dict[str, str], position: dict[str, Any]) -> alt.Chart:
    rows = [{"x": at_x, "y": at_y, "step": step} for step, (at_x, at_y) in enumerate(path)]
    line = alt.Chart(inline(rows)).mark_line(strokeWidth=1.5, color=inks["text"], opacity=0.55, strokeDash=[6, 3])
    encoded: alt.Chart = line.encode(**position, order="step:Q")
    return encoded


def _whiskers(marks: list[dict[str, Any]], across: Axis, upward: Axis, inks: dict[str, str]) -> list[alt.Chart]:
    rule = alt.Chart(inline(marks)).mark_rule(strokeWidth=1.5, color=inks["text"])
    pale = alt.condition("datum.verdict === 'dominated'", alt.value(0.22), alt.value(0.55))
    x, y = across.scale(), upward.scale()
    return [
        rule.encode(x=alt.X("x_low:Q", scale=x), x2="x_high:Q", y=alt.Y("y:Q", scale=y), opacity=pale),
        rule.encode(y=alt.Y("y_low:Q", scale=y), y2="y_high:Q", x=alt.X("x:Q", scale=x), opacity=pale),
    ]


def _shape(number: int) -> str:
    """A shape for each provider; where colours begin anew, shapes go on by another step: no pair is the same."""
    return SHAPES[(number + 3 * (number // len(SHAPES))) % len(SHAPES)]


def _points(
    marks: list[dict[str, Any]],
    used: Sequence[str],
    providers: Sequence[str],
    inks: dict[str, str],
    position: dict[str, Any],
    *,
    dark: bool,
) -> list[alt.Chart]:
    everywhere = list(providers)
    colour = alt.Color(
        "provider:N",
        scale=alt.Scale(domain=used, range=[provider_colour(name, providers, dark=dark) for name in used]),
        legend=alt.Legend(title=None, orient="top", columns=6, labelLimit=120, symbolOpacity=1, symbolSize=90),
    )
    shape = alt.Shape(
        "provider:N",
        scale=alt.Scale(domain=used, range=[_shape(everywhere.index(name)) for name in used]),
    )
    tooltip = [
        alt.Tooltip(f"{name}:N", title=title)
        for name, title in (
            ("target", "target"), ("provider", "provider"), ("model", "model"), ("x_shown", "across"),
            ("y_shown", "upward"), ("says", "verdict"), ("chance", "on the front in"), ("nights", "nights"),
            ("newest", "newest"),
        )
    ]  # fmt: skip
    base = alt.Chart(inline(marks))
    grey = (
        base.transform_filter("datum.verdict === 'dominated'")
        .mark_point(filled=True, size=75, color=_GREY[dark], opacity=1)
        .encode(**position, shape=shape, tooltip=tooltip)
    )
    hollow = (
        base.transform_filter("datum.verdict === 'may'")
        .mark_point(filled=True, size=150, fill=inks["ground"], strokeWidth=2.5, opacity=1)
        .encode(**position, shape=shape, stroke=colour.copy(deep=False), tooltip=tooltip)
    )
    full = (
        base.transform_filter("datum.verdict === 'on'")
        .mark_point(filled=True, size=150, opacity=1)
        .encode(**position, color=colour, shape=shape, tooltip=tooltip)
    )
    return [grey, hollow, full]
