"""What the page `carbon` says in sentences: who emits least, how joules become grams, and what makes the range wide."""

from collections.abc import Sequence

from ui import words
from ui.carbon import Entry, Per, Record
from ui.quantities import inside
from warehouse.certificates import is_fit
from warehouse.formulas.carbon import J_PER_KWH

TIMES = "\N{MULTIPLICATION SIGN}"
# A share of the variance, or of the total, below this is not most of it.
_MOST = 0.5


def finding(found: Sequence[Entry], per: Per) -> str:
    """What the chart shows, in one sentence; a lead that may be none is called that."""
    whole = [entry for entry in found if entry.total is not None]
    known = [entry for entry in whole if is_fit(entry.row)]
    if whole and not known:
        return "No target can be said to emit least: every load client was graded C or D"
    if not known:
        return "No target's emissions are known as a whole"
    first = known[0]
    assert first.total is not None  # it is among the known
    figure = f"{words.figure(first.total.central)} {per.unit}"
    made_of = _largest_part(first)
    if len(known) == 1:
        return f"{first.target_id}: {figure}{made_of}"
    second = known[1]
    assert second.total is not None
    if first.total.high >= second.total.low:
        return f"{first.target_id} emits least, {figure}{made_of}, but its range overlaps with {second.target_id}'s"
    return f"{first.target_id} emits least, {figure}{made_of}"


def reckoning(entry: Entry, convention: str, per: Per) -> str:
    """The way from joules to grams in figures: what a reader can check with a pocket calculator."""
    row = entry.row
    total, operational, embodied = entry.total, entry.operational, entry.embodied
    said = []
    if operational is not None and row["energy_j"] is not None and row["pue"] is not None:
        energy, factor = _energy(row, per)
        grid = f"{words.figure(_intensity(row, convention))} gCO2e/kWh ({_kind(row, convention)})"
        said.append(
            f"{words.figure(energy)} {factor} of IT energy {TIMES} PUE {words.figure(row['pue'])} {TIMES} {grid}"
            f" = {words.figure(operational.central)} {per.unit} operational"
        )
    elif operational is not None:
        said.append(f"{words.figure(operational.central)} {per.unit} operational")
    if embodied is not None:
        said.append(
            f"{words.figure(embodied.central)} embodied"
            if said
            else f"{words.figure(embodied.central)} {per.unit} embodied"
        )
    text = " + ".join(said)
    return f"{text} = {words.figure(total.central)} {per.unit}." if total is not None and len(said) > 1 else f"{text}."


def drivers_finding(spread: Record | None) -> str:
    """What makes the figure wide, in one sentence."""
    if spread is None or spread["figure_p50"] is None:
        return "How wide the figure is, is not known"
    shares = spread["variance_shares"] or []
    if not shares:
        return "No input has a range: the figure is as exact as what was declared"
    first = shares[0]
    if first["share"] >= _MOST or len(shares) == 1:
        return (
            f"Why the range is wide: mostly {inside(first['quantity'])} ({words.share(first['share'])} of the variance)"
        )
    second = shares[1]
    return (
        f"Why the range is wide: {inside(first['quantity'])} ({words.share(first['share'])} of the variance),"
        f" then {inside(second['quantity'])} ({words.share(second['share'])})"
    )


def likely(spread: Record, entry: Entry, per: Per) -> str:
    """The middle nine tenths of the draws, in the unit shown."""
    served = 1.0 if per.served is None else entry.row[per.served]
    low, middle, high = (spread[f"figure_{at}"] for at in ("p05", "p50", "p95"))
    if middle is None or not served:
        return ""
    each = per.scale / served
    return (
        f"Of {spread['draws']:,} draws within the ranges of its inputs, nine tenths lie between"
        f" {words.figure(low * each)} and {words.figure(high * each)} {per.unit}, half of them below"
        f" {words.figure(middle * each)}; low and high are what is possible at all. Reckoned by location."
    )


def who(row: Record) -> str:
    """Provider, model and device of a target, as far as they are known."""
    named = (row["provider"], row["model"], row["quantisation"], row["device"] or row["region"])
    return " \N{MIDDLE DOT} ".join(str(part) for part in named if part)


def _largest_part(entry: Entry) -> str:
    if entry.total is None or entry.operational is None or entry.embodied is None or not entry.total.central:
        return ""
    embodied = entry.embodied.central / entry.total.central
    if embodied >= _MOST:
        return f", {words.share(embodied)} of it embodied in the hardware"
    return f", {words.share(1 - embodied)} of it operational"


def _intensity(row: Record, convention: str) -> float | None:
    """What a kWh at the site emitted; of what was bought, what energy, building and emissions leave over for it."""
    if convention == "location":
        intensity: float | None = row["grid_gco2e_per_kwh"]
        return intensity
    grams: float = row["operational_market_gco2e"]
    kwh = row["energy_j"] / J_PER_KWH * row["pue"]
    return grams / kwh if kwh else None


def _kind(row: Record, convention: str) -> str:
    return str(row["grid_kind"]) if convention == "location" else "as bought"


def _energy(row: Record, per: Per) -> tuple[float, str]:
    joules: float = row["energy_j"]
    if per.id == "mtok":
        return row["j_per_output_token"], "J/token"
    if per.id == "request":
        return joules / row["requests"], "J/request"
    return joules, "J"
