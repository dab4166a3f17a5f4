"""The facts of a training from the command line and the ledgers; every mistake is found at once."""

import argparse
import dataclasses
from collections.abc import Iterator
from datetime import UTC, date, datetime

from flows.errors import ConfigError
from flows.footprint.model import ModelSize, model_size
from flows.footprint.plausible import plausibility
from flows.footprint.result import Source
from flows.footprint.training import Training
from flows.footprint.words import count_words
from flows.ledgerfacts import yearly_grid_fact, zone_facts
from flows.options.footprint import Figure
from warehouse.errors import ReferenceDataError
from warehouse.factors import Factor, current, factors_of
from warehouse.formulas.interval import Interval, between, exactly
from warehouse.reference import Device, device
from warehouse.rows import FactRow

GIVEN = "command line"
SERVER = "ai-server-without-gpu"  # its row of embodied.csv
WUE_SITE, WUE_GRID = "wue_site_l_per_kwh", "wue_grid_l_per_kwh"
# what the option gives, and the quantity that a ledger has where it is not given
ASSUMED = {
    "devices_per_server": "devices_per_server_count",
    "lifetime_years": "hardware_lifetime_years",
    "utilisation": "hardware_utilisation_share",
}


def gather_training(options: argparse.Namespace) -> Training:
    """The facts of `footprint train` and `footprint finetune`.

    Raises:
        ConfigError: every mistake on the command line, a sentence each.
    """
    problems: list[str] = []
    size = model_size(options, problems)
    machine = _device(options.device, problems)
    _check_choices(options, problems)
    missing: list[str] = []
    found = (
        *_work(options, machine, problems),
        *_power(options, machine, missing),
        *_place(options, problems),
        *_hardware(options, machine, missing),
        *_water(options, problems, missing),
    )
    if problems:
        raise ConfigError(problems)
    assert size is not None  # without one there was a problem
    assert machine is not None
    training = Training(
        subject=_subject(options, size, machine),
        device_count=options.count,
        sources=(*size.sources, *found),
        missing=tuple(missing),
    )
    return plausibility(training, size, machine)


def _device(name: str, problems: list[str]) -> Device | None:
    try:
        return device(name)
    except ReferenceDataError as error:
        problems.append(f"--device: {error}")
        return None


def _check_choices(options: argparse.Namespace, problems: list[str]) -> None:
    """Exactly one of each pair; what neither says is not guessed."""
    for one, other in (
        ("--achieved-tflops", "--efficiency"),
        ("--pue", "--hosting"),
        ("--grid-gco2e-per-kwh", "--region"),
        ("--wue-l-per-kwh", "--wue-of"),
    ):
        given = [name for name in (one, other) if getattr(options, name[2:].replace("-", "_")) is not None]
        if len(given) == 2 or (not given and one != "--wue-l-per-kwh"):  # water is an extra
            problems.append(f"{one} and {other}: {'both are given' if given else 'neither is given'}; give one of them")
    if options.asked == "finetune" and options.adapter_params is not None and options.method != "lora":
        problems.append("--adapter-params is of --method lora; a full fine-tuning trains every parameter")


def _work(options: argparse.Namespace, machine: Device | None, problems: list[str]) -> Iterator[Source]:
    yield _given("tokens", options.tokens)
    if options.asked == "finetune":
        yield _given("epochs_count", options.epochs)
        if options.method == "lora":
            if options.adapter_params is None:
                yield Source(quantity="adapter_params", value=exactly(0.0), source="left out")
            else:
                yield _given("adapter_params", options.adapter_params)
    if options.achieved_tflops is not None:
        yield _given("achieved_tflops", options.achieved_tflops)
    elif options.efficiency is not None and machine is not None:
        peak = machine.peak_tflops(16)
        if peak is None:
            problems.append(f"--efficiency: devices.csv has no 16-bit peak of {machine.name}; give --achieved-tflops")
        else:
            yield _of_device("peak_tflops", peak, machine)
            yield _given("efficiency_share", options.efficiency)


def _power(options: argparse.Namespace, machine: Device | None, missing: list[str]) -> Iterator[Source]:
    if options.system_power_w is not None:
        yield _given("system_power_w", options.system_power_w)
    elif machine is not None and machine.tdp_w is not None:
        yield _of_device("tdp_w", machine.tdp_w, machine)
        yield _assumed("system_power_per_tdp_ratio")
    elif machine is not None:
        missing.append(
            f"energy: devices.csv has no TDP of {machine.name}; add a row with its source, or give --system-power-w"
        )


def _place(options: argparse.Namespace, problems: list[str]) -> Iterator[Source]:
    if options.pue is not None:
        yield _given("pue", options.pue)
    elif options.hosting is not None:
        yield _of_ledger("pue", "pue", options.hosting)
    if options.grid_gco2e_per_kwh is not None:
        yield _given("grid_gco2e_per_kwh", options.grid_gco2e_per_kwh)
    elif options.region is not None:
        try:
            yield _of_fact(yearly_grid_fact(options.region.upper(), trial_id="", on=_today(), where="--region"))
        except ConfigError as error:
            problems += error.problems


def _hardware(options: argparse.Namespace, machine: Device | None, missing: list[str]) -> Iterator[Source]:
    for option, quantity in ASSUMED.items():
        given = getattr(options, option)
        yield _assumed(quantity) if given is None else _given(quantity, given)
    made = ("device_embodied_gco2e", options.device_embodied_kgco2e, machine.embodied if machine else None)
    for quantity, given, row in (made, ("server_embodied_gco2e", options.server_embodied_kgco2e, SERVER)):
        if given is not None:
            yield _given(quantity, given, scale=1000.0)
        elif row is not None:
            yield _of_ledger(quantity, "embodied", row, column="embodied_gco2e")
        elif machine is not None:
            missing.append(
                f"embodied emissions: embodied.csv has no row of {machine.name}; add one with its source,"
                " or give --device-embodied-kgco2e"
            )


def _water(options: argparse.Namespace, problems: list[str], missing: list[str]) -> Iterator[Source]:
    if options.wue_l_per_kwh is not None:
        yield _given(WUE_SITE, options.wue_l_per_kwh)
    elif options.wue_of is not None:
        found = current("wue", options.wue_of, WUE_SITE, on=_today())
        if found is None:
            known = ", ".join(factor.key for factor in factors_of("wue"))
            problems.append(f"--wue-of: wue.csv has no row {options.wue_of!r}, but {known}; add one with its source")
        else:
            yield _of_factor(WUE_SITE, found)
    else:
        missing.append("water: nothing says what the site evaporates; give --wue-of or --wue-l-per-kwh")
    if options.wue_grid_l_per_kwh is not None:
        yield _given(WUE_GRID, options.wue_grid_l_per_kwh)
    elif options.region is not None:
        zone = options.region.upper()
        fact = next((each for each in zone_facts(zone, trial_id="", on=_today()) if each.quantity == WUE_GRID), None)
        if fact is not None:
            yield _of_fact(fact)
        else:
            missing.append(
                f"water: grid_impacts.csv has no {WUE_GRID} of {zone}; add a row with its source,"
                " or give --wue-grid-l-per-kwh"
            )
    else:
        missing.append("water: nothing says what the electricity takes; give --region or --wue-grid-l-per-kwh")


def _given(quantity: str, figure: Figure, *, scale: float = 1.0) -> Source:
    low, central, high = figure
    value = Interval(low=low * scale, central=central * scale, high=high * scale)
    return Source(quantity=quantity, value=value, source=GIVEN)


def _assumed(quantity: str) -> Source:
    found = _of_ledger(quantity, "training_assumptions", quantity, column=quantity)
    return dataclasses.replace(found, source=f"assumed: {found.source}")


def _of_device(quantity: str, value: float, machine: Device) -> Source:
    return Source(quantity=quantity, value=exactly(value), source=f"{machine.name}: {machine.source}", tag=machine.tag)


def _of_ledger(quantity: str, ledger: str, key: str, *, column: str | None = None) -> Source:
    found = current(ledger, key, column or quantity, on=_today())
    if found is None:
        raise ReferenceDataError(f"no {column or quantity} of {key} in {ledger}.csv; add a row with its source")
    return _of_factor(quantity, found)


def _of_factor(quantity: str, factor: Factor) -> Source:
    return Source(
        quantity=quantity,
        value=between(factor.low, factor.central, factor.high),
        source=factor.source,
        tag=factor.tag,
        factor_version=factor.factor_version,
    )


def _of_fact(fact: FactRow) -> Source:
    return Source(
        quantity=fact.quantity,
        value=between(fact.low, fact.central, fact.high),
        source=fact.source,
        factor_version=fact.factor_version,
    )


def _today() -> date:
    return datetime.now(UTC).date()


def _subject(options: argparse.Namespace, size: ModelSize, machine: Device) -> str:
    tokens = count_words(options.tokens[1])
    if options.asked == "train":
        doing = f"training {size.words} on {tokens} tokens"
    else:
        how = "by LoRA" if options.method == "lora" else "in full"
        passes = options.epochs[1]
        times = "" if passes == 1 else f", {passes:g} times"
        doing = f"fine-tuning {size.words} {how} on {tokens} tokens{times}"
    return f"{doing}, with {options.count:,} x {machine.name}"
