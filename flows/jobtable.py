"""The account of a metered job, for a terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flows.commands.explain import significant
from warehouse.energy_words import boundary_words
from warehouse.range_words import range_words

if TYPE_CHECKING:
    from rich.console import Console

J_PER_WH = 3600.0
UNKNOWN = "unknown"
MILLION = 1e6
MOST_COLUMNS = 100
# By how the method of operational emissions ends.
GRIDS = {
    "hourly": "grid intensity: of the very hours (megatoken grid)",
    "yearly": "grid intensity: a yearly mean; megatoken grid import brings hours",
    "declared": "grid intensity: as the config declares it",
}


def print_job(console: "Console", account: Mapping[str, Any], *, has_site: bool) -> None:
    """How it ended, a row for each figure with its range and basis, and what a reader should know.

    Args:
        console: where to.
        account: as `warehouse.job_accounts` gives it.
        has_site: whether it was said where the machine stands; else one sentence stands for all that this leaves open.
    """
    from rich.table import Table
    from rich.text import Text

    width = min(console.width, MOST_COLUMNS)
    console.print(Text.assemble((account["job_id"], "bold"), f"  {account['label']}: {_ending(account)}"), width=width)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    for justify, style in (("left", ""), ("right", ""), ("left", "dim"), ("right", ""), ("left", "dim")):
        table.add_column("", justify=justify, style=style, no_wrap=True)  # type: ignore[arg-type]  # literals, widened
    for name, value, *rest in figures(account):
        table.add_row(name, Text(value, style="dim" if value == UNKNOWN else ""), *rest)
    console.print(table)
    for said in remarks(account, has_site=has_site):
        console.print(Text(said, style="dim"), width=width)


def figures(account: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """(name, value, unit, low-high, basis) of each figure; UNKNOWN where there is none."""
    rows = [("duration", _value(account["window_s"]), "s", "", "measured")]
    for part in account["components"]:
        if part["in_total"] or part["energy_j"] is not None:
            head = f"{part['component']} energy" if part["in_total"] else f"  {part['component']}"
            rows.append(_figure(head, "J", part, "energy_j", part["basis"]))
    if len(account["components"]) > 1:
        rows.append(_figure("energy", "J", account, "energy_j", account["energy_basis"]))
    if account["active_j"] is not None:
        rows.append(_figure("  idle machine", "J", account, "idle_j", None))
        rows.append(_figure("  active", "J", account, "active_j", None))
    if account["own_active_j"] is not None:
        rows.append(_figure("  active, this job", "J", account, "own_active_j", None))
    for name, unit, column, basis in (
        ("operational", "gCO2e", "operational_gco2e", "emissions_basis"),
        ("embodied", "gCO2e", "embodied_gco2e", "emissions_basis"),
        ("cost", "USD", "usd", "usd_basis"),
    ):
        rows.append(_figure(name, unit, account, column, account[basis]))
    if account["operational_market_gco2e"] is not None:
        rows.append(_figure("operational, as bought", "gCO2e", account, "operational_market_gco2e", None))
    if account["functional_units"] is not None:
        many = account["functional_units"] >= MILLION
        name, scale = f"per {'million ' if many else ''}{account['functional_unit']}", MILLION if many else 1.0
        for unit, column in (("J", "unit_energy_j"), ("gCO2e", "sci_gco2e"), ("USD", "unit_usd")):
            rows.append(_figure(name, unit, account, column, None, scale))
    return rows


def remarks(account: Mapping[str, Any], *, has_site: bool) -> list[str]:
    """Sentences below the table."""
    said = []
    if account["energy_j"] is not None:
        parts = [part["component"] for part in account["components"] if part["in_total"]]
        said.append(f"{_value(account['energy_j'] / J_PER_WH)} Wh, {boundary_words(parts)}")
        if account["idle_j"] is None:
            said.append("--idle 30 would tell idle from active energy")
    if account["operational_gco2e"] is not None:
        said.append(GRIDS[account["operational_method"].rpartition("-")[2]])
    if account["own_cpu_share"] is not None:
        share = f"{account['own_cpu_share'] * 100:.0f} %"
        said.append(f"this job took {share} of the CPU time for which the machine was busy")
    unknown = [part["missing"] for part in account["components"] if part["in_total"] and part["missing"]]
    if has_site and account["reason"]:
        said.append(f"unknown: {account['reason']}")
    elif not has_site:
        said += [f"unknown: {reason}" for reason in unknown]
        said.append("emissions and cost are unknown: --config names a file whose [site] says where this machine stands")
    if account["note"] and account["idle_j"] is not None:
        said.append(f"note: {account['note']}")
    return said


def _ending(account: Mapping[str, Any]) -> str:
    code = account["exit_code"]
    if code is None:
        return "it is not known how it ended"
    return f"exit code {code}" if code >= 0 else f"ended by signal {-code}"


def _figure(
    name: str, unit: str, of: Mapping[str, Any], column: str, basis: str | None, scale: float = 1.0
) -> tuple[str, str, str, str, str]:
    value, low, high = (
        None if (found := of.get(one)) is None else found * scale for one in (column, f"{column}_low", f"{column}_high")
    )
    ranged = ""
    if value is not None and low is not None and high is not None and low != high:
        ranged = range_words(low, high, (_value(low), _value(high)), between=" - ")
    return name, _value(value), unit, ranged, basis or ""


def _value(value: float | None) -> str:
    """Three significant digits; an exponent only below a hundred-thousandth."""
    if value is None:
        return UNKNOWN
    if value != 0 and abs(value) < 1e-5:
        return f"{value:.2e}"
    return significant(value, 3) if abs(value) < 1000 else f"{value:,.0f}"
