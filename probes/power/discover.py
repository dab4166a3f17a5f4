"""Which meters this machine has: a counter where there is one, a model where there is none."""

import os
from dataclasses import dataclass
from pathlib import Path

from probes.errors import ProbeError
from probes.host import cpu_facts
from probes.power import amd, nvml
from probes.power.cards import card_meter
from probes.power.modelled import CpuModel, RamModel
from probes.power.powercap import POWERCAP_ROOT, powercap_meters
from probes.power.readings import Component, Meter, MeterRecord, PowerOverrides


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found."""

    meters: tuple[Meter, ...]
    missing: tuple[MeterRecord, ...]  # nothing reads these: energy that nobody knows, so they land as invalid
    passed_over: tuple[MeterRecord, ...]  # cannot be read, but a model stands in for them


def discover(overrides: PowerOverrides, *, powercap_root: Path = POWERCAP_ROOT) -> Discovery:
    """The meters of this machine: cards of NVIDIA and AMD, RAPL, models for what RAPL does not show.

    The user's own, `overrides.hooks`, are not looked for: they are there because the user says so.

    Args:
        overrides: what the user knows better than the tables.
        powercap_root: the powercap tree; a recorded one in tests.
    """
    rapl = powercap_meters(powercap_root, psys=overrides.rapl_psys)
    counters = [meter for meter in rapl if not isinstance(meter, MeterRecord)]
    unreadable = [record for record in rapl if isinstance(record, MeterRecord)]
    if overrides.rapl_psys and not any(_record(meter).component == "machine" for meter in rapl):
        unreadable.append(_no_psys(powercap_root))
    counted = {meter.record.component for meter in counters}
    models = [_model(component, overrides) for component in ("cpu", "ram") if component not in counted]
    cards = [card_meter(card) for card in (*nvml.find_cards()[0], *amd.find_amd_cards()[0])]
    found = [*counters, *models, *cards]
    return Discovery(
        meters=tuple(meter for meter in found if not isinstance(meter, MeterRecord)),
        # One package of two that cannot be read leaves a hole that no model fills.
        missing=(
            *(record for record in found if isinstance(record, MeterRecord)),
            *(record for record in unreadable if record.component in counted or record.component == "machine"),
        ),
        passed_over=tuple(
            record for record in unreadable if record.component not in counted and record.component != "machine"
        ),
    )


def ram_bytes() -> int:
    """Memory of this machine, as the kernel counts it."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _model(component: Component, overrides: PowerOverrides) -> Meter | MeterRecord:
    if component == "ram":
        return RamModel(ram_bytes())
    cpu = cpu_facts()
    try:
        return CpuModel(cpu, overrides)
    except ProbeError as error:
        return MeterRecord(
            meter="modelled:cpu",
            component="cpu",
            basis="modelled",
            method="tdp-load-curve",
            device=cpu.model,
            source="codecarbon cpu_power.csv",
            valid=False,
            invalid_reason=str(error),
        )


def _no_psys(root: Path) -> MeterRecord:
    return MeterRecord(
        meter="rapl:psys",
        component="machine",
        basis="measured",
        method="powercap-psys-counter",
        device="psys",
        source="Linux powercap",
        valid=False,
        invalid_reason=f"rapl_psys is set, but no domain under {root} is named psys; remove rapl_psys, or give a wall "
        "meter, [[site.meters]]",
    )


def _record(meter: Meter | MeterRecord) -> MeterRecord:
    return meter if isinstance(meter, MeterRecord) else meter.record
