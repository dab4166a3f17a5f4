"""Two to four targets by the hour of the week: heat maps side by side on one scale of colours, and who leads when."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ui import frame, hours, hours_snapshot, hours_table, markup, words
from ui.compare_hours_snapshot import SideBySide, side_by_side
from ui.hours import MEASURES, Measure
from ui.hours_chart import week_chart
from warehouse.daytime import Cell, hour_cells, week_cells, zone_named

NONE = "none"
_OFFERED = ("ttft", "speed", "failed", "price", "grid")
_HEIGHT_PX = 280


def finding(of: Measure, weeks: Mapping[str, Sequence[Cell]]) -> str:
    """In how many of the hours that all were seen in each was the best: a count, not a test."""
    shared = [
        {name: cell.value for name, cell in zip(weeks, row, strict=True) if cell.value is not None}
        for row in zip(*weeks.values(), strict=True)
    ]
    shared = [row for row in shared if len(row) == len(weeks)]
    if not shared:
        return f"{of.title}: in no hour of the week were all of them seen"
    won = dict.fromkeys(weeks, 0)
    for row in shared:
        best = min(row.values()) if of.direction == "lower" else max(row.values())
        ahead = [name for name, value in row.items() if value == best]
        if len(ahead) == 1:
            won[ahead[0]] += 1
    order = sorted(won, key=lambda name: -won[name])
    every = words.count(len(shared), "hour")
    if not won[order[0]]:
        return f"{of.title} was the same of all in the {every} of the week in which all were seen"
    first, *others = (
        f"{name} {'was the ' + of.best + ' ' if n == 0 else ''}in {won[name]}" for n, name in enumerate(order)
    )
    return f"By {of.named} {first} of the {every} of the week in which all were seen, {words.listed(others)}"


def draw(at: frame.Frame, workload: str, target_ids: tuple[str, ...], chosen: frame.Filters) -> None:
    """The choice of a measure and a time zone, a map a target, and the tables of the same figures."""
    show = {NONE: "nothing", **{name: MEASURES[name].title for name in _OFFERED}}
    picked = at.box("By the hour", "by_hour", list(show), show, default="ttft", width=150)
    if picked == NONE:
        return
    of = MEASURES[picked]
    zone_name = at.box("Time zone", "zone", hours_snapshot.zones(), width=130)
    zone = zone_named(zone_name)
    seen = side_by_side(at.shown.path, workload, target_ids, chosen.window, of.id)
    weeks = {one: week_cells(samples, zone, of.how) for one, samples in seen.samples.items()}
    said = finding(of, weeks)
    st.html(markup.heading(said, beneath=_beneath(seen, chosen)))
    known = [cell.value for week in weeks.values() for cell in week if cell.value is not None]
    if not known:
        st.html(markup.notes([words.sentence(f"{hours.NO_DATA}: {of.none}.")]))
        return
    sides = st.columns(2)
    for number, (one, week) in enumerate(weeks.items()):
        with sides[number % 2]:
            count = sum(cell.n > 0 for cell in week)
            st.html(markup.heading(one, beneath=f"{count} of 168 hours of the week seen"))
            chart = week_chart(week, of, zone_name, dark=at.dark, reach=(min(known), max(known)), height_px=_HEIGHT_PX)
            if chart is None:
                st.html(markup.notes([words.sentence(f"{hours.NO_DATA}: {of.none}.")]))
            else:
                st.altair_chart(
                    chart, alt=f"{of.title} of {one} by hour and weekday. {said}. A table below has it all."
                )
    with st.expander(f"{of.title} by hour and weekday as tables"):
        for one, week in weeks.items():
            st.html(markup.heading(one))
            table = hours_table.hour_table(of, week, hour_cells(seen.samples[one], zone, of.how))
            st.html(markup.table(*table, label=f"{of.title} of {one} by hour and weekday"))


def _beneath(seen: SideBySide, chosen: frame.Filters) -> str:
    parts = [f"The last {chosen.window_words}"]
    if seen.load is not None:
        parts.append(hours.load_words(seen.load))
    if seen.others:
        parts.append(f"{words.count(seen.others, 'trial')} under another load left out")
    line = f"{f' {frame.MIDDLE} '.join(parts)}. One scale of colours; the number in a cell is how many are behind it,"
    return f"{line} pale: fewer than 3, a stroke: no data. Counted, not tested: what is sure stands above."
