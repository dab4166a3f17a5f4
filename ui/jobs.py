"""Metered commands, such as trainings, as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from ui import words
from ui.carbon_detail import scaled
from ui.carbon_table import DASH, MIDDLE, ranged
from ui.markup import Cell, Column, Row
from warehouse.metrics import UNKNOWN

Record = Mapping[str, Any]
_MANY = 1e6  # of what there are so many, a figure is said per million


def job_table(jobs: Sequence[Record]) -> tuple[list[Column], list[Row]]:
    """Metered commands, such as trainings: what each took, and per thing it made."""
    columns = [
        Column(title="Job", unit="began"),
        Column(title="Took", right=True),
        Column(title="Energy", right=True),
        Column(title="Operational", unit="gCO2e, by location", right=True),
        Column(title="Embodied", unit="gCO2e", right=True),
        Column(title="Total", unit="gCO2e", right=True),
        Column(title="Per unit", unit="gCO2e", right=True, hint="Software Carbon Intensity, ISO/IEC 21031"),
        Column(title="Basis"),
    ]
    return columns, [_job(job) for job in jobs]


def _job(job: Record) -> Row:
    reason = job["reason"] or "not known"
    ended = f" {MIDDLE} ended with {job['exit_code']}" if job["exit_code"] else ""
    unit, units = job["functional_unit"], job["functional_units"]
    many = _MANY if unit and units >= _MANY else 1.0
    made = f"per {'million ' if many > 1 else ''}{unit}, of {words.figure(units)}" if unit else "nothing was counted"
    sci = None if job["sci_gco2e"] is None or not unit else many * job["sci_gco2e"]
    return Row(
        cells=[
            Cell(
                main=job["label"],
                beneath=f"{job['program']} {MIDDLE} {words.instant(job['started_at'])}{ended}",
                strong=True,
                wide=True,
            ),
            Cell(main=words.duration(job["window_s"])),
            _metered(job, reason),
            scaled(job, "operational_gco2e", reason),
            scaled(job, "embodied_gco2e", reason),
            scaled(job, "total_gco2e", reason),
            Cell(
                main=words.figure(sci) if sci is not None else (DASH if not unit else UNKNOWN),
                beneath=made,
                tone="plain" if sci is not None else "quiet",
            ),
            Cell(main=job["emissions_basis"] or UNKNOWN, tone="plain" if job["emissions_basis"] else "quiet"),
        ]
    )


def _metered(job: Record, reason: str) -> Cell:
    low, joules, high = (job[f"energy_j{end}"] for end in ("_low", "", "_high"))
    if joules is None:
        return ranged(None, hint=reason)
    exact = low is None or high is None or low == high
    ranging = "" if exact else " \N{EN DASH} ".join(words.energy(end, like=joules) for end in (low, high))
    return Cell(main=words.energy(joules), beneath=ranging)
