"""Tables of the page `method`: metrics, formulas, meters, factors, hours of grids, declared prompts, and codecarbon."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui import method_words, words
from ui.carbon_detail import spread
from ui.carbon_table import DASH, MIDDLE
from ui.formula_words import said
from ui.markup import Badge, Cell, Column, Row, Tone
from ui.quantities import COMPONENTS, quantity
from warehouse.metrics import METRICS, UNKNOWN

Record = Mapping[str, Any]
Table = tuple[list[Column], list[Row]]
_ACCOUNTS = {
    "water_l": "water",
    "adpe_kgsbeq": "materials",
    "primary_energy_mj": "primary energy",
}
_COMPONENTS = {"operational_market": "operational, by market"}
# What a tag says of a figure, and how much it is worth.
_TAGS: Mapping[str, tuple[str, Tone, str]] = {
    "read": ("read", "good", "read in its source"),
    "computed": ("computed", "good", "computed from figures that were read"),
    "recalled": ("recalled", "warn", "recalled from published material, not read again"),
}


def metric_table(definitions: Mapping[str, str]) -> Table:
    """The registry of metrics, with the definition that the view gives of each."""
    columns = [
        Column(title="Metric", unit="shown in"),
        Column(title="Better"),
        Column(title="What it is"),
        Column(title="Range"),
        Column(title="Needs", unit="attempts", right=True, hint="With fewer it is left blank"),
    ]
    rows = [
        Row(
            cells=[
                Cell(main=of.title, beneath=of.shown_unit, strong=True),
                Cell(main=of.direction),
                Cell(main=definitions.get(of.column, UNKNOWN), wide=True),
                Cell(main=method_words.RANGES[of.range_of]),
                Cell(main=str(of.min_attempts)),
            ]
        )
        for of in METRICS
    ]
    return columns, rows


def formula_table(methods: Sequence[Record]) -> Table:
    """Formulas behind the accounts of this snapshot, each in its own words."""
    columns = [
        Column(title="Account", unit="of what"),
        Column(title="Formula", unit="in its own words"),
        Column(title="Method", unit="version"),
        Column(title="Trials", unit="and jobs", right=True),
    ]
    rows = []
    for one in methods:
        formula = said(one["method"])
        account, component = str(one["account"]), str(one["component"])
        rows.append(
            Row(
                cells=[
                    Cell(
                        main=words.sentence(_ACCOUNTS.get(account, account)),
                        beneath=_COMPONENTS.get(component, COMPONENTS.get(component, component)),
                        strong=True,
                    ),
                    Cell(
                        main=formula.sentence if formula else "as its name says",
                        beneath=formula.source if formula else "",
                        tone="plain" if formula else "quiet",
                        wide=True,
                    ),
                    Cell(main=one["method"], beneath=f"version {one['method_version']}", wide=True),
                    Cell(main=f"{one['trials']:,}"),
                ]
            )
        )
    return columns, rows


def ladder_table() -> Table:
    """The meters from the best to the last resort."""
    columns = [Column(title="Meter"), Column(title="What is read"), Column(title="How"), Column(title="Basis")]
    return columns, [
        Row(cells=[Cell(main=name, strong=True), Cell(main=what, wide=True), Cell(main=how), Cell(main=basis)])
        for name, what, how, basis in method_words.METERS
    ]


def meter_table(meters: Sequence[Record]) -> Table:
    """The meters that were in use."""
    columns = [
        Column(title="Component"),
        Column(title="Method"),
        Column(title="Basis"),
        Column(title="Devices"),
        Column(title="Trials", unit="and jobs", right=True),
    ]
    rows = []
    for one in meters:
        bad = (Badge(text=f"{one['invalid']:,} not usable", tone="bad"),) if one["invalid"] else ()
        component = COMPONENTS.get(one["component"], one["component"])
        rows.append(
            Row(
                cells=[
                    Cell(main=words.sentence(component), badges=bad, beneath=one["invalid_reason"] or "", strong=True),
                    Cell(main=one["method"]),
                    Cell(main=one["basis"]),
                    Cell(main=one["devices"], wide=True),
                    Cell(main=f"{one['trials']:,}"),
                ]
            )
        )
    return columns, rows


def ledger_table(factors: Sequence[Record]) -> Table:
    """The factors of a ledger that are in force, with what they rest on and how old they are."""
    columns = [
        Column(title="Factor", unit="of what"),
        Column(title="Value", unit=f"low {DASH} high", right=True),
        Column(title="Tag", hint="read in its source, computed from read figures, or recalled"),
        Column(title="Valid from", unit="age"),
        Column(title="Source", unit=f"taken {MIDDLE} version"),
    ]
    rows = []
    for one in factors:
        of = quantity(one["quantity"])
        tag, tone, hint = _TAGS.get(str(one["tag"]), (one["tag"] or "not said", "quiet", ""))
        rows.append(
            Row(
                cells=[
                    Cell(
                        main=one["key"], beneath=f"{of.name}{f', {of.unit}' if of.unit else ''}", strong=True, wide=True
                    ),
                    Cell(
                        main=words.figure(one["central"] * of.scale, 4),
                        beneath=spread(one, of.scale),
                    ),
                    Cell(main="", badges=(Badge(text=tag, tone=tone, hint=hint),)),
                    Cell(main=one["valid_from"] or "not dated", beneath=_age(one["age_days"])),
                    Cell(
                        main=one["source"],
                        beneath=f" {MIDDLE} ".join(p for p in (one["retrieved_on"], one["factor_version"]) if p),
                        wide=True,
                    ),
                ]
            )
        )
    return columns, rows


def coverage_table(coverage: Sequence[Record]) -> Table:
    """Which hours of which grid are known, and from whom."""
    columns = [
        Column(title="Zone", unit="signal"),
        Column(title="From", unit="UTC"),
        Column(title="To", unit="UTC"),
        Column(title="Hours", right=True),
        Column(title="Missing between", unit="hours", right=True),
        Column(title="Intensity", unit="gCO2e/kWh", right=True),
        Column(title="Source", unit="retrieved"),
    ]
    rows = [
        Row(
            cells=[
                Cell(main=one["zone"], beneath=one["signal"], strong=True),
                Cell(main=f"{one['first_hour_at']:%Y-%m-%d %H:%M}"),
                Cell(main=f"{one['last_hour_at']:%Y-%m-%d %H:%M}"),
                Cell(main=f"{one['hours']:,}"),
                Cell(main=f"{one['missing_hours']:,}"),
                Cell(
                    main=f"{words.figure(one['lowest_gco2e_per_kwh'])} {DASH}"
                    f" {words.figure(one['highest_gco2e_per_kwh'])}"
                ),
                Cell(main=one["source"], beneath=words.instant(one["retrieved_at"]), wide=True),
            ]
        )
        for one in coverage
    ]
    return columns, rows


def prompt_table(prompts: Sequence[Mapping[str, str]]) -> Table:
    """What providers declare of one prompt of theirs, from the ledger."""
    columns = [
        Column(title="Prompt", unit="publisher"),
        Column(title="Energy", unit="Wh", right=True),
        Column(title="Emissions", unit="gCO2e", right=True),
        Column(title="Water", unit="mL", right=True),
        Column(title="Boundary"),
        Column(title="Source"),
    ]
    rows = [
        Row(
            cells=[
                Cell(main=words.sentence(one["prompt"]), beneath=one["publisher"], strong=True, wide=True),
                *(_declared(one[column]) for column in ("energy_wh", "gco2e", "water_ml")),
                Cell(main=one["boundary"], wide=True),
                Cell(main=one["source"], beneath=f"{one['valid_from']} {MIDDLE} {one['tag']}", wide=True),
            ]
        )
        for one in prompts
    ]
    return columns, rows


def codecarbon_table() -> Table:
    """Why our figures differ from codecarbon's on the same machine."""
    columns = [Column(title="What"), Column(title="codecarbon 3.3.2"), Column(title="Megatoken")]
    return columns, [
        Row(cells=[Cell(main=what, strong=True), Cell(main=theirs, wide=True), Cell(main=ours, wide=True)])
        for what, theirs, ours in method_words.CODECARBON
    ]


def _declared(text: str) -> Cell:
    return Cell(main=words.figure(float(text))) if text else Cell(main="not said", tone="quiet")


def _age(days: int | None) -> str:
    if days is None:
        return ""
    return f"{days} d" if days < 730 else f"{days / 365.25:.0f} years"
