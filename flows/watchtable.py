"""Changes as people read them in a terminal, a flow's artifact and the report of a night."""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.change_words import figure_name, shown, since, size, title, unit, verdict, where
from warehouse.formulas.change_points import MIN_NIGHTS, NIGHTS_THAT_COUNT
from warehouse.query import open_published
from warehouse.watch import Change, Watch, changes, last_watch

RECENT = timedelta(days=28)
_JUST_NOW = timedelta(days=7)  # of the report of a night
_SAID = 3


def changes_table(data_dir: Path) -> list[dict[str, Any]]:
    """Rows with formatted values, the newest first: what an artifact shows of the last weeks."""
    with open_published(data_dir) as con:
        seen = last_watch(con)
        newest = None if seen is None else seen.newest_on
        found = changes(con, since=None if newest is None else newest - RECENT + timedelta(days=1))
    return [
        {
            "since": str(change.changed_on),
            "kind": change.change_kind,
            "target": change.target_id,
            "workload": change.workload_id or "",
            "figure": f"{figure_name(change)} ({unit(change)})",
            "before": shown(change, change.value_before),
            "after": shown(change, change.value_after),
            "change": f"{size(change)}, {verdict(change)}",
            "nights": f"{change.after_nights} after {change.before_nights}",
            "that night": "; ".join(change.hints),
        }
        for change in found
    ]


def recent_sentences(data_dir: Path) -> list[str]:
    """What the report of a night says of the last week: the worst first, and how to see the rest."""
    with open_published(data_dir) as con:
        seen = last_watch(con)
        if seen is None or seen.newest_on is None:
            return []
        found = changes(con, since=seen.newest_on - _JUST_NOW + timedelta(days=1))
    if not seen.watched_series and not found:
        return [f"watch: changes show after {MIN_NIGHTS} nights, so far there {_nights(seen.nights)}"]
    lasting = sorted((change for change in found if change.change_kind != "night"), key=_worst_first)
    odd = {
        change.target_id for change in found if change.change_kind == "night" and change.changed_on == seen.newest_on
    }
    said = [f"watch: {title(change)} {since(change)}" for change in lasting[:_SAID]]
    if len(lasting) > _SAID:
        said.append(f"watch: and {len(lasting) - _SAID} more changes of the last 7 nights, see `megatoken watch`")
    if odd:
        said.append(f"watch: this night was unlike the others at {', '.join(sorted(odd))}; one night is no shift yet")
    return said or [f"watch: nothing changed in the last 7 nights ({seen.watched_series} series)"]


def _worst_first(change: Change) -> tuple[bool, float]:
    relative = change.relative
    return change.is_better, -math.inf if relative is None else -abs(relative)


def print_changes(
    console: Console, found: Sequence[Change], seen: Watch | None, since_day: date | None, *, with_nights: bool
) -> None:
    """A table of changes, what else differed beneath those of one night and cell, and what was looked at."""
    if seen is None:
        console.print(Text("nothing has been watched yet; `megatoken publish` looks at what has landed"))
        return
    lasting = [change for change in found if change.change_kind != "night"]
    shown_changes = found if with_nights else lasting
    if shown_changes:
        console.print(_table(shown_changes))
        console.print()
    elif seen.watched_series:
        console.print(Text(f"nothing changed{f' since {since_day}' if since_day else ''}"))
    else:
        console.print(Text(f"changes show after {MIN_NIGHTS} nights; so far there {_nights(seen.nights)}"))
    odd = len(found) - len(lasting)
    if odd and not with_nights:
        one = odd == 1
        said = f"{odd} figure{'' if one else 's'} of single nights {'was' if one else 'were'} far from the others"
        console.print(Text(f"{said}, see --nights", style="dim"))
    if seen.watched_series:
        looked = f"{seen.watched_series} series of {seen.nights} nights up to {seen.newest_on}"
        short = f"; {seen.short_series} have fewer than {MIN_NIGHTS} nights" if seen.short_series else ""
        console.print(Text(f"looked at {looked}{short}", style="dim"))
    said = (
        f"a shift lasts {NIGHTS_THAT_COUNT} nights or more; beside it stands what else differed, which need not be why"
    )
    console.print(Text(said, style="dim"))


def _nights(nights: int) -> str:
    return "is 1" if nights == 1 else f"are {nights}"


def _table(found: Sequence[Change]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1), collapse_padding=True)
    table.add_column("since", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("before -> after", justify="right", no_wrap=True)
    table.add_column("change", justify="right", no_wrap=True)
    table.add_column("nights", justify="right", no_wrap=True)
    for (day, who), group in groupby(found, key=lambda of: (of.changed_on, where(of))):
        members = list(group)
        table.add_row(str(day), Text(who, style="bold"))
        for change in members:
            after = f"{shown(change, change.value_before)} -> {shown(change, change.value_after)} {unit(change)}"
            style = "green" if change.is_better else "yellow"
            nights = (
                "1 night" if change.change_kind == "night" else f"{change.after_nights} after {change.before_nights}"
            )
            table.add_row(
                "", figure_name(change), after, Text(f"{size(change)} {verdict(change)}", style=style), nights
            )
        for hint in dict.fromkeys(hint for change in members for hint in change.hints):
            table.add_row("", Text(f"  {hint}", style="dim"))
    return table
