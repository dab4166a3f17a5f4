"""The hours of the week as a table and as a file: the twins of the heat map."""

import csv
import io
from collections.abc import Mapping, Sequence

from ui.hours import DASH, MEASURES, NO_DATA, WEEKDAYS, Measure
from ui.markup import Cell, Column, Row
from warehouse.daytime import Cell as HourCell


def hour_table(of: Measure, cells: Sequence[HourCell], by_hour: Sequence[HourCell]) -> tuple[list[Column], list[Row]]:
    """The heat map as a table: a row an hour, a column a weekday.

    Args:
        of: what is shown.
        cells: of the week.
        by_hour: of all days together, by hour.
    """
    columns = [Column(title="Hour"), Column(title="All days", unit=of.unit, right=True)]
    columns += [Column(title=name[:3], right=True) for name in WEEKDAYS]
    at = {(cell.weekday, cell.hour): cell for cell in cells}
    rows = [
        Row(
            cells=[
                Cell(main=f"{whole.hour:02d}{DASH}{(whole.hour + 1) % 24:02d} h", strong=True),
                _hour_cell(of, whole),
                *(_hour_cell(of, at[weekday, whole.hour]) for weekday in range(7)),
            ]
        )
        for whole in by_hour
    ]
    return columns, rows


def _hour_cell(of: Measure, cell: HourCell) -> Cell:
    if cell.value is None:
        return Cell(main=NO_DATA, tone="quiet")
    return Cell(main=of.shown(cell.value), beneath=f"n = {cell.n}")


def to_csv(cells: Mapping[str, Sequence[HourCell]]) -> str:
    """Every measure in each hour of the week, in the units that are shown; empty is no data."""
    out = io.StringIO()
    writer = csv.writer(out)
    head = ["weekday", "hour"]
    for name in cells:
        head += [f"{name} ({MEASURES[name].unit})", f"n {name}"]
    writer.writerow(head)
    for row in zip(*cells.values(), strict=True):
        values: list[object] = [WEEKDAYS[row[0].weekday], row[0].hour]
        for name, cell in zip(cells, row, strict=True):
            values += ["" if cell.value is None else cell.value * MEASURES[name].scale, cell.n]
        writer.writerow(values)
    return out.getvalue()
