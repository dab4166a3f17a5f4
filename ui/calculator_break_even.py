"""Break-even volumes as the page `calculator` says them."""

from collections.abc import Sequence

from ui import words
from ui.calculator import DASH, MIDDLE
from ui.markup import Cell, Column, Row
from warehouse.calculator import Estimate
from warehouse.calculator_break_even import Crossing


def crossing_finding(met: Sequence[Crossing], asked: float) -> str:
    """Which machine of ours is the first to be cheaper than an API, in one sentence."""
    crossing = [(each.requests, each) for each in met if each.requests is not None]
    if not crossing:
        return "No machine of ours becomes cheaper than an API at the same service level"
    volume, first = min(crossing, key=lambda each: each[0])
    said = f"{first.own_id} is cheaper than {first.api_id} from {words.figure(volume)} requests a month"
    return f"{said}: {words.figure(volume / asked, 2)} times what you asked for"


def crossing_table(met: Sequence[Crossing], found: Sequence[Estimate]) -> tuple[list[Column], list[Row]]:
    """A row a machine and an API, the lowest volume first, then those that never cross with the reason."""
    models = {each.target.target_id: each.target.model for each in found}
    columns = [
        Column(title="Machine of ours", unit="model"),
        Column(title="API", unit="model"),
        Column(title="Cheaper from", unit="requests a month", right=True),
        Column(title="Cheaper for good from", unit="requests a month", right=True),
        Column(title="Both then cost", unit="USD a month", right=True),
        Column(title="To know"),
    ]
    ordered = sorted(met, key=lambda each: (each.requests is None, each.requests or 0.0, each.own_id, each.api_id))
    return columns, [_row(each, models) for each in ordered]


def _row(each: Crossing, models: dict[str, str]) -> Row:
    pair = [
        Cell(main=name, beneath=models.get(name, ""), strong=name == each.own_id) for name in (each.own_id, each.api_id)
    ]
    if each.requests is None:
        return Row(quiet=True, cells=[*pair, Cell(main=words.sentence(each.reason or "never"), span=4)])
    low = "?" if each.requests_low is None else words.figure(each.requests_low)
    high = "never" if each.requests_high is None else words.figure(each.requests_high)
    gap = ""
    if each.for_good is None:
        gap = "every further machine makes it dearer again for a while"
    elif each.for_good > each.requests * 1.001:
        gap = "between the two, each further machine makes it dearer for a while"
    notes = f" {MIDDLE} ".join(note for note in (each.reason, gap) if note)
    return Row(
        cells=[
            *pair,
            Cell(main=words.figure(each.requests), beneath=f"{low} {DASH} {high}"),
            Cell(main="never" if each.for_good is None else words.figure(each.for_good)),
            Cell(main=words.figure(each.usd)),
            Cell(main=words.sentence(notes) or DASH, wide=True),
        ]
    )
