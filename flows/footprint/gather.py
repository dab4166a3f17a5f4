"""The facts of a training from the command line and the ledgers; every mistake is found at once."""

import argparse
import dataclasses
from collections.abc import Iterator

from flows.errors import ConfigError
from flows.footprint.model import ModelSize, model_size
from flows.footprint.place import given, missing_place, of_factor, place_sources, today
from flows.footprint.plausible import plausibility
from flows.footprint.result import Source
from flows.footprint.training import Training
from flows.footprint.words import count_words
from warehouse.errors import ReferenceDataError
from warehouse.factors import current
from warehouse.formulas.interval import exactly
from warehouse.reference import Device, device

SERVER = "ai-server-without-gpu"  # its row of embodied.csv
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
        *_hardware(options, machine, missing),
        *_place(options, problems, missing),
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
    if (options.achieved_tflops is None) == (options.efficiency is None):
        said = "neither is given" if options.efficiency is None else "both are given"
        problems.append(f"--achieved-tflops and --efficiency: {said}; give one of them")
    if options.asked == "finetune" and options.adapter_params is not None and options.method != "lora":
        problems.append("--adapter-params is of --method lora; a full fine-tuning trains every parameter")


def _work(options: argparse.Namespace, machine: Device | None, problems: list[str]) -> Iterator[Source]:
    yield given("tokens", options.tokens)
    if options.asked == "finetune":
        yield given("epochs_count", options.epochs)
        if options.method == "lora":
            if options.adapter_params is None:
                yield Source(quantity="adapter_params", value=exactly(0.0), source="left out")
            else:
                yield given("adapter_params", options.adapter_params)
    if options.achieved_tflops is not None:
        yield given("achieved_tflops", options.achieved_tflops)
    elif options.efficiency is not None and machine is not None:
        peak = machine.peak_tflops(16)
        if peak is None:
            problems.append(f"--efficiency: devices.csv has no 16-bit peak of {machine.name}; give --achieved-tflops")
        else:
            yield _of_device("peak_tflops", peak, machine)
            yield given("efficiency_share", options.efficiency)


def _power(options: argparse.Namespace, machine: Device | None, missing: list[str]) -> Iterator[Source]:
    if options.system_power_w is not None:
        yield given("system_power_w", options.system_power_w)
    elif machine is not None and machine.tdp_w is not None:
        yield _of_device("tdp_w", machine.tdp_w, machine)
        yield _assumed("system_power_per_tdp_ratio")
    elif machine is not None:
        missing.append(
            f"energy: devices.csv has no TDP of {machine.name}; add a row with its source, or give --system-power-w"
        )


def _place(options: argparse.Namespace, problems: list[str], missing: list[str]) -> list[Source]:
    if options.pue is None and options.hosting is None:
        problems.append("--pue and --hosting: neither is given; give one of them")
    if options.grid_gco2e_per_kwh is None and options.region is None:
        problems.append("--grid-gco2e-per-kwh and --region: neither is given; give one of them")
    try:
        found = place_sources(options, None)
    except ConfigError as error:
        problems += error.problems
        return []
    missing += missing_place(found)
    return found


def _hardware(options: argparse.Namespace, machine: Device | None, missing: list[str]) -> Iterator[Source]:
    for option, quantity in ASSUMED.items():
        value = getattr(options, option)
        yield _assumed(quantity) if value is None else given(quantity, value)
    made = ("device_embodied_gco2e", options.device_embodied_kgco2e, machine.embodied if machine else None)
    for quantity, value_kg, row in (made, ("server_embodied_gco2e", options.server_embodied_kgco2e, SERVER)):
        if value_kg is not None:
            in_kg = given(quantity, value_kg)
            yield dataclasses.replace(in_kg, value=in_kg.value * 1000.0)
        elif row is not None:
            yield _of_ledger(quantity, "embodied", row, column="embodied_gco2e")
        elif machine is not None:
            missing.append(
                f"embodied emissions: embodied.csv has no row of {machine.name}; add one with its source,"
                " or give --device-embodied-kgco2e"
            )


def _assumed(quantity: str) -> Source:
    found = _of_ledger(quantity, "training_assumptions", quantity, column=quantity)
    return dataclasses.replace(found, source=f"assumed: {found.source}")


def _of_device(quantity: str, value: float, machine: Device) -> Source:
    return Source(quantity=quantity, value=exactly(value), source=f"{machine.name}: {machine.source}", tag=machine.tag)


def _of_ledger(quantity: str, ledger: str, key: str, *, column: str | None = None) -> Source:
    found = current(ledger, key, column or quantity, on=today())
    if found is None:
        raise ReferenceDataError(f"no {column or quantity} of {key} in {ledger}.csv; add a row with its source")
    return of_factor(quantity, found)


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
