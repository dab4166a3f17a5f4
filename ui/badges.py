"""Badges for a README: a target's cost, speed or carbon with its place, as small SVG files that need nothing else."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from ui import words
from ui.overview import Question
from ui.ranking import Entry
from ui.report_figures import Report, WorkloadFigures
from warehouse.errors import WarehouseError
from warehouse.metrics import format_value

# What a badge is of, by the key of its question in `ui.overview`.
KINDS: Final[Mapping[str, str]] = {"cheapest": "cost", "fastest": "speed", "cleanest": "carbon"}
_HEIGHT_PX, _PAD_PX, _FONT_PX = 20, 7, 11
_LEFT = "#3A4753"
# White on each of them has a contrast above 4.5:1.
_MAY_BE_FIRST, _RANKED, _NOT_RANKED = "#00705A", "#0B5C8A", "#5F6B76"
_LONGEST_NAME = 40
# Widths in a sans serif of 11 px; `textLength` makes any font fit them.
_NARROW, _WIDE = frozenset("ijltfrI|.,:;'!()[] "), frozenset("mwMWGOQ@%")
_NARROW_PX, _USUAL_PX, _WIDE_PX = 4.1, 6.7, 9.4


def badges(report: Report, *, target_id: str | None = None) -> dict[str, str]:
    """Every badge of a report, by its path: `WORKLOAD/TARGET-cost.svg`, and so on.

    Args:
        report: the figures.
        target_id: of this target only.

    Raises:
        WarehouseError: there is no such target.
    """
    drawn: dict[str, str] = {}
    known: set[str] = set()
    for one in report.workloads:
        for question in report.asked:
            if question.key not in KINDS:
                continue
            found = one.answers[question.key]
            known |= {entry.target_id for entry in found}
            for entry in found:
                if target_id in (None, entry.target_id):
                    name = f"{file_name(entry.target_id)}-{KINDS[question.key]}.svg"
                    drawn[f"{file_name(one.workload_id)}/{name}"] = _badge(one, entry, question, len(_ranked(found)))
    if target_id is not None and target_id not in known:
        raise WarehouseError(f"--target {target_id} has no figures; there are {', '.join(sorted(known)) or 'none'}")
    return drawn


def badge_svg(label: str, message: str, *, colour: str, title: str) -> str:
    """A badge of two fields.

    Args:
        label: left, shortened where it is long.
        message: right.
        colour: behind the message, dark enough for white text.
        title: all of it in words: tooltip, and what a screen reader says.
    """
    # what is no character of XML would break the file
    label, message, title = (
        "".join(one if one.isprintable() else " " for one in text) for text in (label, message, title)
    )
    label = label if len(label) <= _LONGEST_NAME else f"{label[: _LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"
    left, right = text_width_px(label), text_width_px(message)
    split = left + 2 * _PAD_PX
    width = split + right + 2 * _PAD_PX
    said = escape(title)
    fit = 'lengthAdjust="spacingAndGlyphs"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT_PX}" role="img"'
        f' aria-label="{said}"><title>{said}</title>'
        f'<rect width="{width}" height="{_HEIGHT_PX}" rx="3" fill="{_LEFT}"/>'
        f'<path d="M{split} 0h{width - split - 3}a3 3 0 0 1 3 3v{_HEIGHT_PX - 6}a3 3 0 0 1-3 3H{split}z"'
        f' fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="{_FONT_PX}">'
        f'<text x="{_PAD_PX}" y="14" textLength="{left}" {fit}>{escape(label)}</text>'
        f'<text x="{split + _PAD_PX}" y="14" textLength="{right}" {fit}>{escape(message)}</text>'
        "</g></svg>\n"
    )


def text_width_px(text: str) -> int:
    """About how wide a text is; the same on every machine."""
    return round(sum(_NARROW_PX if one in _NARROW else _WIDE_PX if one in _WIDE else _USUAL_PX for one in text))


def file_name(text: str) -> str:
    """A name as one that every file system takes; two names never become one."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", text).lstrip(".")[:80]
    if plain == text:
        return plain
    return f"{plain or 'name'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _ranked(found: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in found if entry.rank is not None]


def _badge(one: WorkloadFigures, entry: Entry, question: Question, ranked: int) -> str:
    by = question.by
    figure = format_value(by, entry.value)
    shown = f"{figure} {by.shown_unit}" if entry.value is not None else f"{KINDS[question.key]} {figure}"
    band = entry.band
    if entry.rank is None:
        place, colour = "not ranked", _NOT_RANKED
        said = f"not ranked: {band.reason}"
    else:
        place = f"place {entry.places or entry.rank} of {ranked}"
        colour = _MAY_BE_FIRST if (band.rank_low or entry.rank) == 1 else _RANKED
        sure = "" if entry.places else ", not known how sure"
        said = f"{place}{sure}, typical of {words.count(band.n_runs, 'night')}"
    title = (
        f"{entry.target_id} under {one.workload_id}: {by.title}, {shown}; {said};"
        f" measured {entry.row['measured_at']:%Y-%m-%d}"
    )
    return badge_svg(entry.target_id, f"{shown} | {place}", colour=colour, title=title)
