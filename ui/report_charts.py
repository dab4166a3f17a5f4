"""Charts of a report: rows of HTML with an SVG track each, so that they fit any width without a library.

A track's x positions are percentages, which follow the width of the window, and its text is not scaled with it. Every
mark has a tooltip that the browser itself shows (<title>). A log axis is a second drawing of the same rows; a radio
button shows one of the two by CSS alone, so a mail program that runs no script shows both charts' data all the same.
Measured against vl-convert's bundled Vega: 84 MB to install, 0.9 MB a file, and `new Function` in it, for which a
Content-Security-Policy would have to allow evaluating strings.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from ui.charts import log_ticks, provider_colour
from ui.overview import Question
from ui.ranking import Entry, ends_text
from warehouse.certificates import is_fit
from warehouse.metrics import Metric, format_value

_PLACE_ROW_PX, _VALUE_ROW_PX = 50, 26
_FIRST, _LAST = 3.0, 97.0  # percent of the track between which marks lie: none is cut at an edge
_LOG_FROM_RATIO = 30.0
_TICKS = 5


def provider_css(providers: Sequence[str]) -> str:
    """A class a provider with its colour, the same as on the pages, on a light and on a dark ground."""
    light = [f".rp-p{n}{{--rp:{provider_colour(name, providers)}}}" for n, name in enumerate(providers)]
    dark = [f".rp-p{n}{{--rp:{provider_colour(name, providers, dark=True)}}}" for n, name in enumerate(providers)]
    return f"{''.join(light)}\n@media screen and (prefers-color-scheme: dark) {{{''.join(dark)}}}\n"


def places_chart(answers: Mapping[str, Sequence[Entry]], asked: Sequence[Question], targets: Sequence[str]) -> str:
    """A row a target, a mark a question at its place, a line over the places that it may have; "" if nobody has one."""
    ranked = {
        question.key: {entry.target_id: entry for entry in answers[question.key] if entry.rank is not None}
        for question in asked
    }
    ends = [e.band.rank_high or e.rank or 1 for found in ranked.values() for e in found.values()]
    listed = [target for target in targets if any(target in found for found in ranked.values())]
    if not listed:
        return ""
    last = max(ends)
    legend = "".join(
        f'<span class="rp-key"><svg width="14" height="14" aria-hidden="true">{_shape(n, "50%", 7)}</svg>'
        f"{escape(question.leader)}</span>"
        for n, question in enumerate(asked)
    )
    rows = []
    for target in listed:
        marks, said = [], []
        for n, question in enumerate(asked):
            entry = ranked[question.key].get(target)
            if entry is None or entry.rank is None:
                continue
            low, high = entry.band.rank_low or entry.rank, entry.band.rank_high or entry.rank
            place = f"place {entry.places or f'{entry.rank}, not known how sure'}"
            figure = f"{format_value(question.by, entry.value)} {question.by.shown_unit}"
            tip = f"{target}: {question.leader.lower()}, {place}, {figure}"
            y = 7 + n * (_PLACE_ROW_PX - 14) / max(len(asked) - 1, 1)
            line = f'<line class="rp-band" x1="{_at(low, 1, last)}" x2="{_at(high, 1, last)}" y1="{y:g}" y2="{y:g}"/>'
            marks.append(
                f'<g class="rp-mark rp-q{n}"><title>{escape(tip)}</title>{line}'
                f"{_shape(n, _at(entry.rank, 1, last), y)}</g>"
            )
            said.append(f"{question.leader}: {place}")
        grid = "".join(_rule(_at(tick, 1, last), _PLACE_ROW_PX) for tick in _places(last))
        track = _svg(_PLACE_ROW_PX, f"{target}. {'; '.join(said)}", grid + "".join(marks))
        rows.append(_row(target, track, ""))
    axis = _axis([(_at(tick, 1, last), f"{tick}") for tick in _places(last)], "Place (1 is best)", "")
    return f'<div class="rp-legend">{legend}</div><div class="rp-chart">{"".join(rows)}{axis}</div>'


def values_chart(found: Sequence[Entry], by: Metric, providers: Sequence[str], *, name: str) -> str:
    """Typical figures with their intervals, a row a target, with a linear and where possible a log axis; "" for none.

    Args:
        found: the board by this metric, best first.
        by: the metric.
        providers: all of the snapshot, for colours.
        name: unlike those of all other charts of the file: its two radio buttons are called by it.
    """
    known = [entry for entry in found if entry.value is not None]
    if not known:
        return ""
    lows = [entry.value if entry.low is None else entry.low for entry in known]
    highs = [entry.value if entry.high is None else entry.high for entry in known]
    scale = by.shown_scale
    lowest = min(low for low in lows if low is not None) * scale
    highest = max(high for high in highs if high is not None) * scale
    parts = []
    log = lowest > 0 and highest / lowest >= 2
    begin_with_log = log and highest / lowest > _LOG_FROM_RATIO
    if log:
        for kind, title, on in (("lin", "linear", not begin_with_log), ("log", "log", begin_with_log)):
            checked = " checked" if on else ""
            ident = f"{name}-{kind}"
            parts.append(
                f'<input type="radio" class="rp-{kind}" name="{escape(name)}" id="{escape(ident)}"{checked}>'
                f'<label for="{escape(ident)}">{title}</label>'
            )
    drawings = [("lin", _linear(known, by, providers, lowest, highest))]
    drawings += [("log", _log(known, by, providers, lowest, highest))] if log else []
    parts += [f'<div class="rp-chart rp-draw-{kind}">{drawn}</div>' for kind, drawn in drawings]
    return f'<div class="rp-values">{"".join(parts)}</div>'


def _linear(known: Sequence[Entry], by: Metric, providers: Sequence[str], lowest: float, highest: float) -> str:
    first, step = min(lowest, 0.0), _step(highest - min(lowest, 0.0))
    last = max(step * math.ceil(highest / step), step)
    ticks = [step * n for n in range(math.ceil(first / step), round(last / step) + 1)]
    return _drawn(known, by, providers, lambda value: _at(value, first, last), ticks, "")


def _log(known: Sequence[Entry], by: Metric, providers: Sequence[str], lowest: float, highest: float) -> str:
    first, last = math.log10(lowest), math.log10(highest)
    ticks = log_ticks([{"low": lowest, "high": highest}])
    while len(ticks) > _TICKS + 2:
        ticks = ticks[::3] if len(ticks) > 3 * _TICKS else ticks[::2]
    return _drawn(known, by, providers, lambda value: _at(math.log10(value), first, last), ticks, ", log axis")


def _drawn(
    known: Sequence[Entry],
    by: Metric,
    providers: Sequence[str],
    at: Callable[[float], str],
    ticks: Sequence[float],
    remark: str,
) -> str:
    middle = _VALUE_ROW_PX / 2
    grid = "".join(_rule(at(tick), _VALUE_ROW_PX) for tick in ticks)
    rows = []
    for entry in known:
        value = (entry.value or 0.0) * by.shown_scale
        shown, ends = format_value(by, entry.value), ends_text(by, entry.low, entry.high)
        tip = f"{entry.target_id}: {shown} {by.shown_unit}" + (f", {ends}" if ends else "")
        whisker = ""
        if entry.low is not None and entry.high is not None:
            low, high = at(entry.low * by.shown_scale), at(entry.high * by.shown_scale)
            whisker = f'<line class="rp-whisker" x1="{low}" x2="{high}" y1="{middle:g}" y2="{middle:g}"/>'
        hollow = " rp-hollow" if entry.rank is None or not is_fit(entry.row) else ""
        why = f"; not ranked: {entry.band.reason}" if entry.rank is None else ""
        dot = f'<circle cx="{at(value)}" cy="{middle:g}" r="5"/>'
        colour = list(providers).index(entry.row["provider"])
        mark = f'<g class="rp-mark rp-p{colour}{hollow}"><title>{escape(tip + why)}</title>{whisker}{dot}</g>'
        rows.append(_row(entry.target_id, _svg(_VALUE_ROW_PX, tip + why, grid + mark), shown))
    axis = _axis(
        [(at(tick), f"{tick:,.6g}") for tick in ticks],
        f"{by.title}, {by.shown_unit} ({by.direction} is better{remark})",
        "figure",
    )
    return "".join(rows) + axis


def _row(name: str, track: str, figure: str) -> str:
    beside = f'<span class="rp-figure">{escape(figure)}</span>' if figure else ""
    kind = "rp-row" if figure else "rp-row rp-bare"
    return f'<div class="{kind}"><span class="rp-name">{escape(name)}</span>{track}{beside}</div>'


def _svg(height_px: int, said: str, inside: str) -> str:
    return f'<svg class="rp-track" height="{height_px}" role="img" aria-label="{escape(said)}">{inside}</svg>'


def _axis(ticks: Sequence[tuple[str, str]], title: str, beside: str) -> str:
    """Labels under the tracks, which leave room beside the first and the last."""
    texts = [f'<text x="{x}" y="13" text-anchor="middle">{escape(text)}</text>' for x, text in ticks]
    kind = "rp-row rp-axis" if beside else "rp-row rp-bare rp-axis"
    return (
        f'<div class="{kind}"><span class="rp-name"></span><div>'
        f'<svg class="rp-track" height="16" aria-hidden="true">{"".join(texts)}</svg>'
        f'<div class="rp-title">{escape(title)}</div></div></div>'
    )


def _rule(x: str, height_px: int) -> str:
    return f'<line class="rp-grid" x1="{x}" x2="{x}" y1="0" y2="{height_px}"/>'


def _shape(number: int, x: str, y: float) -> str:
    """Circle, square, diamond or triangle: a question is told by shape too. Nested, as only an <svg> moves by %."""
    shapes = (
        '<circle r="5"/>',
        '<rect x="-4.5" y="-4.5" width="9" height="9"/>',
        '<path d="M0-6 6 0 0 6-6 0Z"/>',
        '<path d="M0-5.5 5.5 4.5H-5.5Z"/>',
    )
    return f'<svg class="rp-shape rp-q{number}" x="{x}" y="{y:g}" overflow="visible">{shapes[number]}</svg>'


def _at(value: float, first: float, last: float) -> str:
    """The place of a value on a track, in percent."""
    share = 0.0 if last == first else (value - first) / (last - first)
    return f"{_FIRST + (_LAST - _FIRST) * share:.2f}%"


def _places(last: int) -> list[int]:
    step = 1 if last <= 12 else 5
    return [1, *range(step if step > 1 else 2, last + 1, step)]


def _step(width: float) -> float:
    """1, 2 or 5 of a power of ten, of which about five make up the width."""
    if width <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(width / _TICKS))
    return next(power * times for times in (1, 2, 5, 10) if power * times * _TICKS >= width)
