"""One answer of a model on own machines, by EcoLogits' formula and what the ledgers have of the device."""

import argparse
from collections.abc import Iterator

from flows.errors import ConfigError
from flows.footprint.infer import Answer
from flows.footprint.place import given, of_factor, place_sources, today
from flows.footprint.result import Source
from flows.footprint.words import count_words, significant
from warehouse import ecologits
from warehouse.answer_impacts import AnswerImpacts, answer_impacts
from warehouse.factors import Factor, current
from warehouse.formulas.carbon import J_PER_KWH
from warehouse.formulas.floor import energy_floor, plausibility
from warehouse.formulas.interval import Interval, exactly
from warehouse.formulas.sizing import decode_bound_tokens_per_s, devices_needed, weights_gb
from warehouse.reference import Device, device

YEAR_S = 365 * 86_400.0  # as EcoLogits counts them
SERVER, LIFETIME = "ai-server-without-gpu", "accelerator-ecologits"
FITTED_ON, MOST_BATCH, MOST_PARAMETERS = "nvidia-h100-sxm", 512, 200e9
OVERHEAD_RATIO = 1.2  # EcoLogits: memory over that of the weights


def own_answer(options: argparse.Namespace) -> Answer:
    """The answer that `footprint infer --params` asks for.

    Raises:
        ConfigError: device or batch is not given, or more parameters are active than there are.
        ReferenceDataError: devices.csv does not have the device.
    """
    problems = [f"{name}: is missing; it has no default" for name in ("--device", "--batch") if _lacks(options, name)]
    if options.provider is not None:
        problems.append("--provider: is of a hosted model; give --model with it")
    total, active = _interval(options.params), _interval(options.active_params or options.params)
    if any(part > whole for part, whole in zip(_ends(active), _ends(total), strict=True)):
        problems.append(f"--active-params {active.high:g} is more than --params {total.high:g}; give at most as many")
    if problems:
        raise ConfigError(problems)
    machine = device(options.device)
    if machine.memory_gb is None:
        raise ConfigError([f"--device {options.device}: devices.csv has no memory of {machine.name} to hold a model"])
    card = _embodied(machine.embodied) if machine.embodied else None
    server, lifetime = _needed("embodied", SERVER, "embodied_gco2e"), _lifetime(options)
    busy = _interval(options.utilisation or (1.0, 1.0, 1.0))
    impacts = _impacts(options, machine.memory_gb, active, total, card, server)
    impacts = _charged(impacts, lifetime.value * busy)
    sources = (
        Source(quantity="params", value=total, source="command line"),
        Source(quantity="active_params", value=active, source="command line"),
        Source(quantity="output_tokens", value=exactly(options.output_tokens), source="command line"),
        Source(quantity="batch_count", value=exactly(options.batch), source="command line"),
        *_device_sources(machine, options.bits),
        *([of_factor("device_embodied_gco2e", card)] if card else []),
        of_factor("server_embodied_gco2e", server),
        lifetime,
        Source(
            quantity="utilisation_share",
            value=busy,
            source="command line" if options.utilisation else "EcoLogits 0.11.3, which takes hardware as always busy",
        ),
        *place_sources(options, None),
    )
    lacking = (
        f"embodied emissions: embodied.csv has no row of {machine.name}; add one with its source and name it in"
        " devices.csv",
    )
    return Answer(
        words=_words(options, active, total, machine),
        impacts=impacts,
        method_version=ecologits.release(),
        formulas=(
            "IT energy = GPUs x output tokens x (a e^(b batch) x active parameters + c) + share of the server x time"
            " (EcoLogits 0.11.3, fitted to ML.ENERGY's runs on H100)",
            "GPUs = weights x 1.2 / memory, rounded up to a power of 2 (EcoLogits 0.11.3)",
            "embodied = time / (lifetime x utilisation) x (share of the server + GPUs) / batch (EcoLogits 0.11.3)",
        ),
        sources=sources,
        notes=tuple(_notes(options, machine, active, total, impacts)),
        missing=() if card else lacking,
        embodied_known=card is not None,
    )


def _impacts(
    options: argparse.Namespace,
    memory_gb: float,
    active: Interval,
    total: Interval,
    card: Factor | None,
    server: Factor,
) -> AnswerImpacts:
    """Low, central and high together: the formula rises with each of its inputs."""
    ends = [
        answer_impacts(
            active_billions=active_of / 1e9,
            total_billions=total_of / 1e9,
            output_tokens=options.output_tokens,
            latency_s=options.latency_s,
            batch_size=options.batch,
            model_quantization_bits=options.bits,
            gpu_memory=memory_gb,
            gpu_embodied_gwp=card_g / 1000,
            server_embodied_gwp=server_g / 1000,
            server_lifetime=YEAR_S,
        )
        for active_of, total_of, card_g, server_g in zip(
            _ends(active), _ends(total), _factor_ends(card), _factor_ends(server), strict=True
        )
    ]
    low, central, high = ends

    def across(field: str) -> Interval:
        values = [getattr(each, field).central for each in (low, central, high)]
        return Interval(low=values[0], central=values[1], high=values[2])

    return AnswerImpacts(
        duration_s=across("duration_s"),
        it_energy_kwh=across("it_energy_kwh"),
        embodied_gco2e=across("embodied_gco2e"),
        embodied_adpe_kgsbeq=across("embodied_adpe_kgsbeq"),
        embodied_primary_mj=across("embodied_primary_mj"),
    )


def _charged(impacts: AnswerImpacts, busy_years: Interval) -> AnswerImpacts:
    """Manufacture for the years in which the hardware is busy; it came for one year."""
    return AnswerImpacts(
        duration_s=impacts.duration_s,
        it_energy_kwh=impacts.it_energy_kwh,
        embodied_gco2e=impacts.embodied_gco2e / busy_years,
        embodied_adpe_kgsbeq=impacts.embodied_adpe_kgsbeq / busy_years,
        embodied_primary_mj=impacts.embodied_primary_mj / busy_years,
    )


def _notes(
    options: argparse.Namespace, machine: Device, active: Interval, total: Interval, impacts: AnswerImpacts
) -> Iterator[str]:
    weights = weights_gb(total.central, options.bits)
    assert machine.memory_gb is not None  # was checked
    bare = devices_needed(weights, machine.memory_gb)
    padded = devices_needed(weights, machine.memory_gb, overhead_ratio=OVERHEAD_RATIO)
    yield (
        f"weights take {significant(weights)} GB: {bare} x {machine.name} bare, {padded} with a fifth more,"
        f" {2 ** (padded - 1).bit_length()} in EcoLogits' powers of 2"
    )
    if machine.bandwidth_gb_per_s is not None:
        bound = decode_bound_tokens_per_s(weights_gb(active.central, options.bits), machine.bandwidth_gb_per_s * bare)
        yield f"one answer can get at most {significant(bound, 3)} tokens/s: its weights are read for each of them"
    if machine.name != FITTED_ON:
        yield f"EcoLogits' energy was fitted on H100; on {machine.name} it is carried over, not known"
    if options.batch > MOST_BATCH or active.high > MOST_PARAMETERS:
        yield f"EcoLogits' energy was fitted up to batches of {MOST_BATCH} and 200 billion parameters; this is beyond"
    peak = machine.peak_tflops(options.bits)
    if peak is None or machine.bandwidth_gb_per_s is None or machine.tdp_w is None:
        yield f"no physical floor: devices.csv lacks a peak, a bandwidth or a TDP of {machine.name}"
        return
    floor = energy_floor(
        active_parameters=active.central,
        bits=options.bits,
        batch=options.batch,
        peak_tflops=peak,
        bandwidth_gb_per_s=machine.bandwidth_gb_per_s,
        power_w=machine.tdp_w,
    )
    yield plausibility(impacts.it_energy_kwh.central * J_PER_KWH / options.output_tokens, floor)


def _device_sources(machine: Device, bits: int) -> Iterator[Source]:
    for quantity, value in (
        ("memory_gb", machine.memory_gb),
        ("bandwidth_gb_per_s", machine.bandwidth_gb_per_s),
        ("peak_tflops", machine.peak_tflops(bits)),
        ("tdp_w", machine.tdp_w),
    ):
        if value is not None:
            source = f"{machine.name}: {machine.source}"
            yield Source(quantity=quantity, value=exactly(value), source=source, tag=machine.tag)


def _lifetime(options: argparse.Namespace) -> Source:
    if options.lifetime_years is not None:
        return given("lifetime_years", options.lifetime_years)
    return of_factor("lifetime_years", _needed("lifetimes", LIFETIME, "lifetime_years"))


def _embodied(row: str) -> Factor:
    return _needed("embodied", row, "embodied_gco2e")


def _needed(ledger: str, key: str, quantity: str) -> Factor:
    found = current(ledger, key, quantity, on=today())
    if found is None:
        raise ConfigError([f"{ledger}.csv has no {quantity} of {key} that holds today; add a row with its source"])
    return found


def _words(options: argparse.Namespace, active: Interval, total: Interval, machine: Device) -> str:
    size = count_words(total.central)
    if active != total:
        size = f"{size} ({count_words(active.central)} active)"
    return (
        f"an answer of {options.output_tokens:,} tokens by {size} parameters in {options.bits} bits on {machine.name},"
        f" {options.batch} at once"
    )


def _interval(value: tuple[float, float, float]) -> Interval:
    low, central, high = value
    return Interval(low=low, central=central, high=high)


def _ends(value: Interval) -> tuple[float, float, float]:
    return value.low, value.central, value.high


def _factor_ends(factor: Factor | None) -> tuple[float, float, float]:
    if factor is None:
        return 0.0, 0.0, 0.0  # the caller leaves embodied out
    low = factor.central if factor.low is None else factor.low
    return low, factor.central, factor.central if factor.high is None else factor.high


def _lacks(options: argparse.Namespace, name: str) -> bool:
    return getattr(options, name[2:].replace("-", "_")) is None
