"""The facts of a training from the command line and the ledgers; every mistake is found at once."""

import argparse
from collections.abc import Iterator

from flows.errors import ConfigError
from flows.footprint.model import ModelSize, model_size
from flows.footprint.plausible import plausibility
from flows.footprint.result import Source
from flows.footprint.training import Training
from flows.footprint.words import count_words
from flows.options.footprint import Figure
from warehouse.errors import ReferenceDataError
from warehouse.formulas.interval import Interval, between
from warehouse.reference import Device, ReferenceRange, device, embodied_range, pue_range
from warehouse.reference.training import assumption

GIVEN = "command line"
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
        *_place(options, problems),
        *_hardware(options, machine, missing),
        *_water(options, missing),
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
    ):
        given = [name for name in (one, other) if getattr(options, name[2:].replace("-", "_")) is not None]
        if len(given) != 1:
            problems.append(f"{one} and {other}: {'both are given' if given else 'neither is given'}; give one of them")
    if options.asked == "finetune" and options.adapter_params is not None and options.method != "lora":
        problems.append("--adapter-params is of --method lora; a full fine-tuning trains every parameter")


def _work(options: argparse.Namespace, machine: Device | None, problems: list[str]) -> Iterator[Source]:
    yield _given("tokens", options.tokens)
    if options.asked == "finetune":
        yield _given("epochs_count", options.epochs)
        if options.method == "lora":
            yield _given("adapter_params", options.adapter_params or (0.0, 0.0, 0.0))
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
        yield _from_ledger("pue", pue_range(options.hosting))
    if options.grid_gco2e_per_kwh is not None:
        yield _given("grid_gco2e_per_kwh", options.grid_gco2e_per_kwh)
    elif options.region is not None:
        from flows.facts import grid_fact

        try:
            fact = grid_fact(options.region.upper(), None, trial_id="", where="--region")
        except ConfigError as error:
            problems += error.problems
            return
        value = between(fact.low, fact.central, fact.high)
        yield Source(quantity="grid_gco2e_per_kwh", value=value, source=fact.source)


def _hardware(options: argparse.Namespace, machine: Device | None, missing: list[str]) -> Iterator[Source]:
    for option, quantity in ASSUMED.items():
        given = getattr(options, option)
        yield _assumed(quantity) if given is None else _given(quantity, given)
    made = ("device_embodied_gco2e", options.device_embodied_kgco2e, machine.embodied if machine else None)
    for quantity, given, row in (made, ("server_embodied_gco2e", options.server_embodied_kgco2e, SERVER)):
        if given is not None:
            low, central, high = given
            yield _given(quantity, (low * 1000, central * 1000, high * 1000))
        elif row is not None:
            yield _from_ledger(quantity, embodied_range(row))
        elif machine is not None:
            missing.append(
                f"embodied emissions: embodied.csv has no row of {machine.name}; add one with its source,"
                " or give --device-embodied-kgco2e"
            )


def _water(options: argparse.Namespace, missing: list[str]) -> Iterator[Source]:
    for quantity, given in (("site_l_per_kwh", options.site_l_per_kwh), ("grid_l_per_kwh", options.grid_l_per_kwh)):
        if given is not None:
            yield _given(quantity, given)
        else:
            missing.append(f"water: nothing says {quantity}; give --{quantity.replace('_', '-')}")


def _given(quantity: str, figure: Figure) -> Source:
    low, central, high = figure
    return Source(quantity=quantity, value=Interval(low=low, central=central, high=high), source=GIVEN)


def _assumed(quantity: str) -> Source:
    row = assumption(quantity)
    value = Interval(low=row.low, central=row.central, high=row.high)
    return Source(quantity=quantity, value=value, source=f"assumed: {row.source}", tag=row.tag)


def _of_device(quantity: str, value: float, machine: Device) -> Source:
    exact = Interval(low=value, central=value, high=value)
    return Source(quantity=quantity, value=exact, source=f"{machine.name}: {machine.source}", tag=machine.tag)


def _from_ledger(quantity: str, row: ReferenceRange) -> Source:
    value = Interval(low=row.low, central=row.central, high=row.high)
    return Source(quantity=quantity, value=value, source=row.source)


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
