"""One target's emissions in detail: tables of steps, drivers, factors, impacts and metered components."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui import words
from ui.carbon import Entry, Per, Range, Step
from ui.carbon_charts import driver_rows
from ui.carbon_table import DASH, MIDDLE, ends, ranged
from ui.markup import Cell, Column, Row
from ui.quantities import COMPONENTS, quantity
from warehouse.metrics import UNKNOWN

Record = Mapping[str, Any]
# Impacts of the view impacts: what a person reads, the unit for a million tokens, and that for a request or a window.
_IMPACTS: Mapping[str, tuple[str, tuple[str, float], tuple[str, float]]] = {
    "water_l": ("Water", ("L", 1.0), ("mL", 1e3)),
    "adpe_kgsbeq": ("Materials (ADPe)", ("mgSbeq", 1e6), ("\N{MICRO SIGN}gSbeq", 1e9)),
    "primary_energy_mj": ("Primary energy", ("MJ", 1.0), ("kJ", 1e3)),
}


def step_table(steps: Sequence[Step], per: Per) -> tuple[list[Column], list[Row]]:
    """The steps of the chart as a table."""
    columns = [
        Column(title="Step"),
        Column(title="IT energy", unit="J, whole window", right=True),
        Column(title="Emissions", unit=per.unit, right=True),
        Column(title="Basis"),
    ]
    rows = [
        Row(
            cells=[
                Cell(main=step.label, strong=step.kind == "sum", wide=True),
                Cell(main="" if step.energy_j is None else words.figure(step.energy_j)),
                Cell(main=words.figure(step.size), strong=step.kind == "sum", beneath=_step_range(step)),
                Cell(main=step.basis or UNKNOWN, tone="plain" if step.basis else "quiet"),
            ]
        )
        for step in steps
    ]
    return columns, rows


def driver_table(shares: Sequence[Record]) -> tuple[list[Column], list[Row]]:
    """What each input brings to the variance, as a table."""
    columns = [Column(title="Input"), Column(title="Share", unit="of the variance", right=True)]
    return columns, [
        Row(cells=[Cell(main=name, wide=True), Cell(main=words.share(share))]) for name, share in driver_rows(shares)
    ]


def factor_table(factors: Sequence[Record]) -> tuple[list[Column], list[Row]]:
    """Every factor that the accounts used, with the row and the version it came from."""
    columns = [
        Column(title="Factor"),
        Column(title="Value", unit=f"low {DASH} high", right=True),
        Column(title="Basis"),
        Column(title="Valid from"),
        Column(title="Source", unit=f"ledger {MIDDLE} version"),
    ]
    rows = []
    for factor in factors:
        of = quantity(factor["quantity"])
        version = " ".join(str(part) for part in (factor["ledger"], factor["ledger_key"]) if part)
        known = (version, factor["factor_version"])
        rows.append(
            Row(
                cells=[
                    Cell(main=of.name, beneath=of.unit, strong=True, wide=True),
                    Cell(
                        main=words.figure(factor["central"] * of.scale),
                        beneath=spread(factor, of.scale),
                    ),
                    Cell(main=factor["basis"]),
                    Cell(main=factor["valid_from"] or "not dated", tone="plain" if factor["valid_from"] else "quiet"),
                    Cell(main=factor["source"], beneath=f" {MIDDLE} ".join(part for part in known if part), wide=True),
                ]
            )
        )
    return columns, rows


def spread(factor: Record, scale: float) -> str:
    """Low to high of a factor; two equal ends are no range: its source gives one figure."""
    if factor["low"] is None or factor["high"] is None or factor["low"] == factor["high"]:
        return "no range given"
    return ends(factor["low"], factor["central"], factor["high"], scale)


def attribution(found: Record | None) -> list[str]:
    """How the energy of a window was divided among its requests, in a sentence."""
    if found is None or found["attributed_j"] is None:
        return []
    whole, divided, overhead = (
        words.figure(found[f"{name}_j"]) for name in ("window_energy", "attributed", "overhead")
    )
    return [
        f"Of {whole} J, {divided} J are divided among the requests ({found['method']}, weights:"
        f" {found['weight_source'] or 'none'}); {overhead} J fell when none was served."
    ]


def impact_table(impacts: Sequence[Record], entry: Entry, per: Per) -> tuple[list[Column], list[Row]]:
    """Water, materials and primary energy per what is counted, as far as they are known."""
    served = 1.0 if per.served is None else entry.row[per.served]
    columns = [
        Column(title="Impact"),
        Column(title="Value", unit=per.title, right=True),
        Column(title="Low to high", right=True),
        Column(title="Basis"),
    ]
    rows = []
    for impact in impacts:
        name, large, small = _IMPACTS[impact["impact"]]
        unit, scale = large if per.id == "mtok" else small
        if impact["impact_value"] is None or not served:
            continue
        each = scale / served
        value = impact["impact_value"]
        rows.append(
            Row(
                cells=[
                    Cell(main=name, beneath=f"{impact['component']}, {unit}", strong=True, wide=True),
                    Cell(main=words.figure(value * each)),
                    Cell(main=ends(impact["impact_value_low"], value, impact["impact_value_high"], each)),
                    Cell(main=impact["basis"] or UNKNOWN),
                ]
            )
        )
    return columns, rows


def unknown_impacts(impacts: Sequence[Record]) -> list[str]:
    """Which impacts are unknown, and why: each reason once."""
    holds: dict[str, list[str]] = {}
    for impact in impacts:
        if impact["impact_value"] is None:
            name = _IMPACTS[impact["impact"]][0]
            holds.setdefault(impact["reason"] or "not known", []).append(f"{name}, {impact['component']}")
    return [f"{words.listed(names)}: unknown, {reason}." for reason, names in holds.items()]


def component_table(components: Sequence[Record]) -> tuple[list[Column], list[Row]]:
    """The energy of each metered component: idle, active, others' part, and how wrong it can be."""
    columns = [
        Column(title="Component", unit="method"),
        Column(title="Energy", unit="J", right=True),
        Column(title="Idle", unit="J", right=True, hint="Idle power with the model loaded x window"),
        Column(title="Active", unit="J", right=True, hint="Energy - idle"),
        Column(title="Others", unit="J, of active", right=True, hint="What other processes drew, by CPU time"),
        Column(title="Read within", unit="J", right=True, hint="The most by which reading at instants can be wrong"),
        Column(title="Idle metered", unit="s", right=True, hint="How long idle power was metered for"),
        Column(title="Basis"),
    ]
    rows = []
    for one in components:
        name = words.sentence(COMPONENTS.get(one["component"], one["component"]))
        covered = "" if one["in_total"] else "covered by a larger meter, not counted"
        reason = one["missing"] or "not known"
        rows.append(
            Row(
                quiet=not one["in_total"],
                cells=[
                    Cell(main=name, beneath=covered or one["method"], strong=True, wide=True, hint=one["note"] or ""),
                    scaled(one, "energy_j", reason),
                    *(_plain(one[column], reason) for column in ("idle_j", "active_j", "others_active_j")),
                    _plain(one["error_bound_j"], reason, plus_minus=True),
                    _plain(one["idle_window_s"], "no idle baseline was metered"),
                    Cell(main=one["basis"] or UNKNOWN, tone="plain" if one["basis"] else "quiet"),
                ],
            )
        )
    return columns, rows


def scaled(row: Record, column: str, reason: str) -> Cell:
    """A figure of a row with its `_low` and `_high` beneath it, or unknown with its reason."""
    low, central, high = (row[f"{column}{end}"] for end in ("_low", "", "_high"))
    if central is None:
        return ranged(None, hint=reason)
    return ranged(Range(low=central if low is None else low, central=central, high=central if high is None else high))


def _plain(value: float | None, reason: str, *, plus_minus: bool = False) -> Cell:
    if value is None:
        return Cell(main=UNKNOWN, tone="quiet", hint=reason)
    return Cell(main=f"\N{PLUS-MINUS SIGN}{words.figure(value)}" if plus_minus else words.figure(value))


def _step_range(step: Step) -> str:
    if step.low is None or step.high is None:
        return ""
    before = 0.0 if step.kind == "sum" else step.start
    return ends(step.low - before, step.size, step.high - before)
