"""Every kind of meter, and why it is used on this machine or is not."""

import time
from pathlib import Path

from probes.check import Check
from probes.errors import ProbeError
from probes.power import amd, nvml
from probes.power.discover import Discovery, discover
from probes.power.hook import HookMeter
from probes.power.powercap import psys_domain
from probes.power.readings import HookSpec, MeterRecord, PowerOverrides, Reading


def meter_checks(overrides: PowerOverrides, powercap_root: Path) -> list[Check]:
    """Every meter that would watch a trial here, and every one that would not; each hook is asked once."""
    found = discover(overrides, powercap_root=powercap_root)
    used = [_meter_check(meter.record, None) for meter in found.meters]
    used += [_meter_check(record, _without(record)) for record in found.missing]
    used += [_meter_check(record, "until then a model stands in") for record in found.passed_over]
    absent = [*_cards(used), *_rapl(used, overrides, powercap_root), *_models(found)]
    return [*used, *absent, *_hooks(overrides.hooks), _replay()]


def _meter_check(record: MeterRecord, meanwhile: str | None) -> Check:
    # An invalid record's reason ends with what to do.
    return Check(
        name=f"meter {record.meter}",
        ok=record.valid,
        detail=record.invalid_reason or f"{record.device}: {record.basis}, {record.source}{_limits(record)}",
        remedy=meanwhile,
    )


def _without(record: MeterRecord) -> str:
    if record.component == "machine":
        return "until then the machine's energy is that of its parts"
    return "until then its trials have no energy"


def _limits(record: MeterRecord) -> str:
    if record.basis != "measured":
        return ""
    old = f"; up to {record.resolution_s:g} s old" if record.resolution_s else ""
    return old + (f"; at most {record.power_w_max:g} W" if record.power_w_max is not None else "")


def _cards(used: list[Check]) -> list[Check]:
    makers = (
        ("nvml", "NVIDIA", nvml.find_cards, "its driver, and nvidia-ml-py"),
        ("amdsmi", "AMD", amd.find_amd_cards, "ROCm, and the amdsmi package that it brings"),
    )
    return [
        Check(
            name=f"meter {api}",
            ok=False,
            detail=find()[1] or f"{api} finds no card",
            remedy=f"nothing, if this machine has no {maker} card; else install {remedy}",
        )
        for api, maker, find, remedy in makers
        if not _any(used, api)
    ]


def _rapl(used: list[Check], overrides: PowerOverrides, root: Path) -> list[Check]:
    psys = psys_domain(root)
    if not _any(used, "rapl:package") and psys is None:
        return [
            Check(
                name="meter rapl",
                ok=False,
                detail=f"no energy counter under {root}: neither packages nor memory (dram) nor platform (psys)",
                remedy="on bare metal load the module intel_rapl_common; a virtual machine has none: give cpu_tdp_w in "
                "[site] to narrow the model's range, or a wall meter in [[site.meters]]",
            )
        ]
    checks = []
    if not _any(used, "rapl:dram"):
        checks.append(_not("rapl:dram", "this processor shows no counter of its memory", "nothing: a model stands in"))
    if psys is None and not overrides.rapl_psys:
        checks.append(_not("rapl:psys", "this machine shows no counter of its platform", "nothing: packages are read"))
    elif not overrides.rapl_psys:
        checks.append(
            _not(
                "rapl:psys",
                f"{psys} is there and is not read: it holds the packages and more, so it would count them twice",
                "if it covers your whole machine (compare it with a wall meter), set rapl_psys = true in [site]",
            )
        )
    return checks


def _models(found: Discovery) -> list[Check]:
    watched = {meter.record.meter for meter in found.meters} | {record.meter for record in found.missing}
    return [
        _not(f"modelled:{component}", f"a counter shows the energy of {what}", "nothing: a counter is better")
        for component, what in (("cpu", "the processor"), ("ram", "the memory"))
        if f"modelled:{component}" not in watched
    ]


def _hooks(hooks: tuple[HookSpec, ...]) -> list[Check]:
    if not hooks:
        return [
            _not(
                "hook",
                "no meter of your own in the config",
                "to read a smart plug, BMC or PDU, add [[site.meters]] with id, component, value, unit, command or url,"
                " and json_path or pattern",
            )
        ]
    return [_hook(HookMeter(spec)) for spec in hooks]


def _hook(meter: HookMeter) -> Check:
    begun_s = time.monotonic()
    try:
        reading, failure = meter.read(), meter.silence
    except ProbeError as error:
        reading, failure = None, str(error)
    took_ms = (time.monotonic() - begun_s) * 1e3
    record = meter.record
    if reading is None:
        return Check(
            name=f"meter {record.meter}",
            ok=False,
            detail=f"{failure} ({record.source})",
            remedy="mend it, or take it out of the config: until then trials are accounted without it",
        )
    return Check(
        name=f"meter {record.meter}",
        ok=True,
        detail=f"{record.component}: {_amount(reading)} just now, by {record.source}; answered in {took_ms:.0f} ms",
        remedy=None,
    )


def _amount(reading: Reading) -> str:
    return f"{reading.energy_j:.10g} J" if reading.energy_j is not None else f"{reading.power_w:g} W"


def _replay() -> Check:
    return _not("replay", "plays a recorded power log in place of a machine's meters", "nothing: it is for tests")


def _not(kind: str, why: str, remedy: str) -> Check:
    return Check(name=f"meter {kind}", ok=False, detail=why, remedy=remedy)


def _any(checks: list[Check], start: str) -> bool:
    return any(check.name.startswith(f"meter {start}") for check in checks)
