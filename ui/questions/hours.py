"""When is it slow, dear or dirty? One target under one workload, by the hour of the week."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from ui import frame, hours, hours_batch, hours_snapshot, hours_table, markup, words
from ui.hours import MEASURES, Measure
from ui.hours_chart import week_chart
from warehouse.daytime import Cell, DayShape, hour_cells, week_cells, zone_named

QUESTION = "When is it slow, dear or dirty?"


def draw(at: frame.Frame) -> None:
    """The hours that stand out, by every measure; the week of the one chosen; the same as a table."""
    chosen = at.bar(workload=True, model=True, window=True, region=True)
    known = [row for row in hours_snapshot.targets(at.shown.path, chosen.workload) if chosen.admits(row)]
    if not known:
        raise frame.Nothing(
            "Nothing measured at any hour",
            f"No night and no pulse has sent an attempt under {chosen.workload} to such a target;"
            " pulses fill the hours between nights",
            code="megatoken pulse",
        )
    target_id = at.box("Target", "target", [row["target_id"] for row in known])
    of = MEASURES[at.box("Show", "show", list(MEASURES), {name: of.title for name, of in MEASURES.items()}, width=178)]
    zone_name = at.box("Time zone", "zone", hours_snapshot.zones(), width=130)
    zone = zone_named(zone_name)
    (target,) = [row for row in known if row["target_id"] == target_id]
    asked = (at.shown.path, chosen.workload, target_id, target["newest_at"], chosen.window)
    seen = hours_snapshot.seen(*asked)
    shapes = hours_snapshot.shapes(*asked, zone_name)
    at.beneath(_caption(target, seen.trials, chosen.window_words))
    cells = {name: week_cells(samples, zone, MEASURES[name].how) for name, samples in seen.samples.items()}

    answer = hours_batch.batch_sentence(shapes, zone_name, seen.work)
    st.html(markup.verdict(markup.Badge(text="batch jobs", tone="good"), answer))
    _week(at, of, cells[of.id], shapes[of.id], zone_name, target_id)
    st.html(markup.heading("Hours that stand out", beneath=_BENEATH))
    sampled = [name for name, samples in seen.samples.items() if samples]
    st.html(
        markup.table(
            *hours.verdict_table(shapes, shown=of.id, seen=sampled), label=f"Best and worst hours of {target_id}"
        )
    )
    st.html(markup.notes(_notes(at, target_id, seen)))
    with st.expander(f"{of.title} by hour and weekday as a table"):
        table = hours_table.hour_table(of, cells[of.id], hour_cells(seen.samples[of.id], zone, of.how))
        st.html(markup.table(*table, label=f"{of.title} of {target_id} by hour and weekday"))
    at.download(
        hours_table.to_csv(cells), f"{target_id}-hours.csv", help=f"Every measure in each hour of the week, {zone_name}"
    )


_BENEATH = (
    "Windows of three hours. Their figures are those of the best and the worst of 24 windows, so new measurements will"
    " lie closer together; p says how often hours shuffled within each day differ as much."
)


def _week(
    at: frame.Frame, of: Measure, cells: Sequence[Cell], shape: DayShape | None, zone_name: str, target_id: str
) -> None:
    finding = hours.finding(of, shape, target_id)
    seen = sum(cell.n > 0 for cell in cells)
    beneath = f"{seen} of 168 hours of the week seen. The number in a cell is how many are behind it; pale: fewer than"
    st.html(markup.heading(finding, beneath=f"{beneath} 3; a stroke: no data."))
    chart = week_chart(cells, of, zone_name, dark=at.dark)
    if chart is None:
        st.html(markup.panel(words.sentence(hours.NO_DATA), words.sentence(f"{of.none}.")))
    else:
        st.altair_chart(chart, alt=f"{finding}. The same figures stand in the table at the end of the page.")


def _caption(target: Mapping[str, Any], kept: Sequence[Mapping[str, Any]], window: str) -> str:
    if not kept:
        return f"nothing in {window}"
    pulses = sum(row["run_kind"] == "pulse" for row in kept)
    attempts = sum(row["attempts"] for row in kept)
    parts = [
        f"{target['model']} at {target['provider']}",
        f"{words.count(pulses, 'pulse')} and {words.count(len(kept) - pulses, 'night trial')}, {attempts:,} attempts",
        f"{words.span(kept[0]['started_at'], kept[-1]['started_at'])} ({window})",
        hours.load_words(kept[0]),
    ]
    return f" {frame.MIDDLE} ".join(parts)


def _notes(at: frame.Frame, target_id: str, seen: hours_snapshot.Seen) -> list[str]:
    notes = []
    if seen.others:
        notes.append(
            f"{words.count(seen.others, 'trial')} under another load left out: a loaded hour and an idle one do not"
            " compare."
        )
    if not any(row["run_kind"] == "pulse" for row in seen.trials):
        notes.append("Nights alone see one hour of the day; megatoken pulse, every three hours, fills the others.")
    tariff = hours.tariff_sentence(hours_snapshot.tariffs(at.shown.path, target_id))
    notes.append(tariff or "No price of this target that rules at some hours only is listed.")
    if seen.samples["rate"]:
        notes.append(
            f"Cost at the tariff: {seen.tariff[-1]['tariff_name']}, {words.count(len(seen.tariff), 'hour')} in the"
            " window and the week after it; kWh and hardware of a million tokens are those of"
            f" {words.count(seen.work.trials if seen.work else 0, 'trial')}."
        )
    if seen.grid:
        notes.append(
            f"Grid: average intensity of zone {seen.grid[0]['zone']}, {words.count(len(seen.grid), 'hour')} stored in"
            " the window."
        )
    return notes


frame.page(QUESTION, draw)
