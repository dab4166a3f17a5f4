"""A training or a fine-tuning as facts, and its footprint by published formulas."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flows.footprint.result import Footprint, Source
from flows.footprint.words import amount, significant
from warehouse.formulas.carbon import J_PER_KWH, embodied_gco2e, facility_kwh, operational_gco2e
from warehouse.formulas.interval import AnyQuantity, Interval, exactly
from warehouse.formulas.training import achieved_tflops, lora_flop, training_device_s, training_energy_j, training_flop
from warehouse.formulas.uncertainty import spread
from warehouse.formulas.water import water_l

METHOD = "llmcarbon"
METHOD_VERSION = "training-1"  # a change of any formula changes it
S_PER_YEAR = 365 * 86_400.0  # as LLMCarbon counts them
DIVISORS = (
    "achieved_tflops",
    "peak_tflops",
    "efficiency_share",
    "devices_per_server_count",
    "hardware_lifetime_years",
    "hardware_utilisation_share",
)
OF_RUNNING = ("pue", "grid_gco2e_per_kwh")
OF_MAKING = (
    "device_embodied_gco2e",
    "server_embodied_gco2e",
    "devices_per_server_count",
    "hardware_lifetime_years",
    "hardware_utilisation_share",
)
OF_WATER = ("wue_site_l_per_kwh", "wue_grid_l_per_kwh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a footprint is computed from.

    Of `sources` these are always there: params (those that a token passes through), tokens, pue, grid_gco2e_per_kwh,
    devices_per_server_count, hardware_lifetime_years, hardware_utilisation_share; and either achieved_tflops, or
    peak_tflops and efficiency_share. With adapter_params only an adapter is trained. Energy needs system_power_w, or
    tdp_w and system_power_per_tdp_ratio; embodied emissions device_embodied_gco2e and server_embodied_gco2e; water
    wue_site_l_per_kwh and wue_grid_l_per_kwh. What is not there is not known, and `missing` says why.
    """

    subject: str
    device_count: int
    sources: tuple[Source, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def training_footprint(training: Training) -> Footprint:
    """Energy, emissions and water with their ranges, formulas, sources, and what makes them uncertain.

    Raises:
        ValueError: an efficiency above 1 or a PUE below 1.
    """
    of = facts(training)
    energy_j = it_energy_j(of)
    uncertain = _uncertainty(of)
    return Footprint(
        subject=training.subject,
        energy_kwh=None if energy_j is None else facility_kwh(energy_j, of["pue"]),
        operational_gco2e=operational(of),
        embodied_gco2e=embodied(of),
        water_l=water(of),
        duration_s=device_s(of).central / training.device_count,
        method=METHOD,
        method_version=METHOD_VERSION,
        formulas=tuple(_formulas(of, training.device_count)),
        sources=training.sources,
        missing=training.missing,
        notes=(*((uncertain,) if uncertain else ()), *training.notes),
    )


def facts(training: Training) -> Mapping[str, Interval]:
    """What a training's formulas are computed from, by name; machines are reserved whole."""
    return {source.quantity: source.value for source in training.sources} | {"resource_share": exactly(1.0)}


def device_s(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
    """Device-seconds, from facts by name."""
    return training_device_s(operations(of), achieved(of))


def operations(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
    """Floating-point operations of the whole, from facts by name."""
    tokens = of["tokens"] * of["epochs_count"] if "epochs_count" in of else of["tokens"]
    if "adapter_params" in of:
        return lora_flop(of["params"], of["adapter_params"], tokens)
    return training_flop(of["params"], tokens)


def achieved(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
    """TFLOP/s of a device, from facts by name."""
    if "achieved_tflops" in of:
        return of["achieved_tflops"]
    return achieved_tflops(of["peak_tflops"], of["efficiency_share"])


def it_energy_j(of: Mapping[str, AnyQuantity]) -> AnyQuantity | None:
    """Joules at the machines, from facts by name; None if their power is not known."""
    if "system_power_w" in of:
        return training_energy_j(device_s(of), of["system_power_w"])
    if "tdp_w" in of:
        return training_energy_j(device_s(of), of["tdp_w"] * of["system_power_per_tdp_ratio"])
    return None


def operational(of: Mapping[str, AnyQuantity]) -> AnyQuantity | None:
    """Grams of running, from facts by name; None if the machines' power is not known."""
    energy_j = it_energy_j(of)
    return None if energy_j is None else operational_gco2e(energy_j, of["pue"], of["grid_gco2e_per_kwh"])


def embodied(of: Mapping[str, AnyQuantity]) -> AnyQuantity | None:
    """Grams of making the hardware that fall to this use of it, from facts by name; None if not known."""
    if "device_embodied_gco2e" not in of or "server_embodied_gco2e" not in of:
        return None
    machine_gco2e = of["device_embodied_gco2e"] + of["server_embodied_gco2e"] / of["devices_per_server_count"]
    # the formula is linear in time: of one second, times the device-seconds with their range
    a_second = embodied_gco2e(
        machine_gco2e,
        1.0,
        of["hardware_lifetime_years"] * S_PER_YEAR,
        of["resource_share"],
        of["hardware_utilisation_share"],
    )
    return a_second * device_s(of)


def total(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
    """Operational and embodied grams, as far as they are known, from facts by name.

    Raises:
        ValueError: neither is.
    """
    running, making = operational(of), embodied(of)
    if running is None and making is None:
        raise ValueError("neither operational nor embodied emissions are known; there is no total")
    if running is None or making is None:
        known = making if running is None else running
        assert known is not None
        return known
    return running + making


def water(of: Mapping[str, AnyQuantity]) -> AnyQuantity | None:
    """Litres, from facts by name; None if not known."""
    energy_j = it_energy_j(of)
    if energy_j is None or "wue_site_l_per_kwh" not in of or "wue_grid_l_per_kwh" not in of:
        return None
    return water_l(energy_j, of["pue"], of["wue_site_l_per_kwh"], of["wue_grid_l_per_kwh"])


def _uncertainty(of: Mapping[str, Interval]) -> str | None:
    """What makes the total uncertain, as a sentence; None if nothing does, or there is no total."""
    running, making = operational(of), embodied(of)
    if running is None and making is None:
        return None
    # what the total does not depend on
    idle = {*OF_WATER, *(OF_RUNNING if running is None else ()), *(OF_MAKING if making is None else ())}
    drawn = spread({name: value for name, value in of.items() if name not in idle}, total, divisors=DIVISORS)
    if not drawn.variance_shares:
        return None
    name, share = drawn.variance_shares[0]
    return (
        f"largest uncertainty: {name}, {share:.0%} of the variance of the total;"
        f" 9 of 10 draws lie from {amount(drawn.p05, 'gCO2e')} to {amount(drawn.p95, 'gCO2e')}"
    )


def _formulas(of: Mapping[str, Interval], device_count: int) -> Iterator[str]:
    tokens = "tokens x epochs" if "epochs_count" in of else "tokens"
    flop = amount(operations(of).central, "FLOP")
    if "adapter_params" in of:
        yield (f"operations = (4 x frozen + 6 x adapter parameters) x {tokens} = {flop} (after Kaplan et al. 2020)")
    else:
        yield f"operations = 6 x parameters x {tokens} = {flop} (Kaplan et al. 2020; LLMCarbon)"
    if "achieved_tflops" not in of:
        yield f"achieved = peak x efficiency = {significant(achieved(of).central)} TFLOP/s (LLMCarbon)"
    hours = device_s(of).central / 3600
    days = amount(device_s(of).central / device_count, "s")
    yield f"device time = operations / achieved = {significant(hours)} hours, {days} on all (LLMCarbon)"
    energy_j = it_energy_j(of)
    if energy_j is not None:
        power = "average system power" if "system_power_w" in of else "TDP x system power over TDP"
        at_machines = amount(energy_j.central / J_PER_KWH, "kWh")
        yield f"IT energy = device time x {power} = {at_machines} (Patterson et al. 2021)"
        yield "energy = IT energy x PUE; operational = energy x grid intensity (SCI, ISO/IEC 21031)"
    if embodied(of) is not None:
        yield "embodied = (device + its part of a server) x device time / lifetime / utilisation (SCI)"
    if water(of) is not None:
        yield "water = IT energy x (of the site + PUE x of the electricity) (Li et al. 2023)"
