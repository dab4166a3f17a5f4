"""The table of the page `calculator` as a CSV file."""

import csv
import io
from collections.abc import Sequence

from ui.calculator import sentences
from warehouse.calculator import Estimate
from warehouse.calculator_figure import Figure


def to_csv(found: Sequence[Estimate]) -> str:
    """The table in base units."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = ("usd_per_month", "kgco2e_per_month", "answer_s")
    ends = [f"{name}{end}" for name in names for end in ("_low", "", "_high")]
    writer.writerow(
        ["rank_low", "rank_high", "target_id", "provider", "model", *ends, "machines", "busy_share", "note"]
    )
    for each in found:
        figures = [_ends(of) for of in (each.usd, each.kg, each.seconds)]
        machines = each.machines
        writer.writerow(
            [
                each.rank_low,
                each.rank_high,
                *(_safe(text) for text in (each.target.target_id, each.target.provider, each.target.model)),
                *(end for of in figures for end in of),
                None if machines is None else machines.count.central,
                None if machines is None else machines.busy_share,
                _safe(sentences(each.usd)),
            ]
        )
    return out.getvalue()


def _ends(of: Figure) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if of.value is None else (of.value.low, of.value.central, of.value.high)


def _safe(text: str) -> str:
    """A spreadsheet runs a text that begins like a formula: such a one gets an apostrophe before it."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
