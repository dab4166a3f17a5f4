"""Lines over time as an SVG: panels below each other that share the time axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

_WIDTH, _PANEL, _LEFT, _TOP, _GAP = 860, 110, 70, 56, 46
_INK, _FAINT, _LINE = "#1f2933", "#d5dbe1", "#1f6feb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One line: (time, value), in order of time."""

    title: str
    points: Sequence[tuple[float, float]]


def line_chart(title: str, time_title: str, panels: Sequence[Panel]) -> str:
    """The picture. Every panel begins at 0 and shows its largest value."""
    longest = max((t for panel in panels for t, _ in panel.points), default=1.0)
    height = _TOP + len(panels) * (_PANEL + _GAP) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12" fill="{_INK}"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="{_LEFT}" y="24" font-size="16" font-weight="bold">{escape(title)}</text>'
    ]
    for n, panel in enumerate(panels):
        parts.append(_panel(panel, _TOP + n * (_PANEL + _GAP), longest))
    bottom = _TOP + len(panels) * (_PANEL + _GAP) - _GAP
    for t in _ticks(longest):
        x = _x(t, longest)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{t:g}</text>')
    parts.append(f'<text x="{_WIDTH - 20}" y="{bottom + 40}" text-anchor="end">{escape(time_title)}</text></svg>')
    return "\n".join(parts)


def _panel(panel: Panel, top: float, longest: float) -> str:
    ticks = _ticks(max((value for _, value in panel.points), default=0.0) or 1.0, about=3)
    most = ticks[-1]

    def y(value: float) -> float:
        return top + _PANEL * (1 - value / most)

    lines = [f'<text x="{_LEFT}" y="{top - 8:.1f}" font-weight="bold">{escape(panel.title)}</text>']
    for tick in ticks:
        lines.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="{_FAINT}"/>'
            f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    path = " ".join(f"{_x(t, longest):.1f},{y(value):.1f}" for t, value in panel.points)
    lines.append(f'<polyline points="{path}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>')
    return "\n".join(lines)


def _x(t: float, longest: float) -> float:
    return _LEFT + (_WIDTH - 20 - _LEFT) * t / (longest or 1.0)


def _ticks(most: float, about: int = 6) -> list[float]:
    """Round numbers from 0 to the first that is not below `most`."""
    raw = most / about
    size = 10.0 ** floor(log10(raw))
    step = next(size * n for n in (1, 2, 5, 10) if size * n >= raw)
    return [round(n * step, 12) for n in range(ceil(round(most / step, 9)) + 1)]
