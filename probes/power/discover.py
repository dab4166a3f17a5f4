"""Which meters this machine has: a counter where there is one, a model where there is none."""

from dataclasses import dataclass
from pathlib import Path

import psutil

from probes.errors import ProbeError
from probes.host import cpu_facts
from probes.power import nvml
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
    """All meters of this machine: every NVIDIA card, RAPL packages and memory, models for what RAPL does not show.

    Args:
        overrides: what the user knows better than the tables.
        powercap_root: the powercap tree; a recorded one in tests.
    """
    rapl = powercap_meters(powercap_root)
    counters = [meter for meter in rapl if not isinstance(meter, MeterRecord)]
    unreadable = [record for record in rapl if isinstance(record, MeterRecord)]
    counted = {meter.record.component for meter in counters}
    models = [_model(component, overrides) for component in ("cpu", "ram") if component not in counted]
    cards = [nvml.card_meter(card) for card in nvml.find_cards()[0]]
    found = [*counters, *models, *cards]
    return Discovery(
        meters=tuple(meter for meter in found if not isinstance(meter, MeterRecord)),
        # One package of two that cannot be read leaves a hole that no model fills.
        missing=(
            *(record for record in found if isinstance(record, MeterRecord)),
            *(record for record in unreadable if record.component in counted),
        ),
        passed_over=tuple(record for record in unreadable if record.component not in counted),
    )


def _model(component: Component, overrides: PowerOverrides) -> Meter | MeterRecord:
    if component == "ram":
        return RamModel(psutil.virtual_memory().total)
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
