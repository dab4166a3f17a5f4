"""What a reader should hold against a training's facts: peaks, memory, and what others ran the same size at."""

import dataclasses
from collections.abc import Iterator

from flows.errors import ConfigError
from flows.footprint.model import ModelSize
from flows.footprint.training import Training, achieved, facts
from flows.footprint.words import significant
from warehouse.formulas.llmcarbon import parallelism, throughput_tflops
from warehouse.reference import Device

BYTES_PER_PARAM = 2  # of weights in 16 bits
GPUS_PER_NODE = 8
REGRESSED = ("nvidia-a100-sxm-80gb", "nvidia-v100")  # the devices that LLMCarbon's regression is of


def plausibility(training: Training, size: ModelSize, machine: Device) -> Training:
    """The training with notes on what does not fit together.

    Raises:
        ConfigError: a device that would achieve more than its peak.
    """
    tflops = achieved(facts(training))
    peaks = [each for each in (machine.bf16_tflops, machine.fp16_tflops, machine.fp8_tflops) if each is not None]
    if peaks and tflops.high > max(peaks):
        raise ConfigError(
            [
                f"--achieved-tflops {significant(tflops.high)} is above what a {machine.name} can do,"
                f" {significant(max(peaks))} TFLOP/s dense; give TFLOP/s of one device"
            ]
        )
    notes = (
        *_peak_note(training, machine, tflops.central),
        *_memory_note(training, size, machine),
        *_regression_note(size, machine, tflops.central),
        *_adapter_note(training),
        *_power_note(training),
    )
    return dataclasses.replace(training, notes=(*training.notes, *notes))


def _peak_note(training: Training, machine: Device, tflops: float) -> Iterator[str]:
    peak = machine.peak_tflops(16)
    if peak is not None and "achieved_tflops" in facts(training):
        yield f"{significant(tflops)} TFLOP/s are {tflops / peak:.1%} of the device's dense 16-bit peak"


def _memory_note(training: Training, size: ModelSize, machine: Device) -> Iterator[str]:
    if machine.memory_gb is None:
        return
    weights_gb, memory_gb = size.total_params.central * BYTES_PER_PARAM / 1e9, machine.memory_gb * training.device_count
    if weights_gb > memory_gb:
        yield (
            f"the weights alone, {significant(weights_gb)} GB in 16 bits, do not fit into the"
            f" {significant(memory_gb)} GB of these devices"
        )


def _regression_note(size: ModelSize, machine: Device, tflops: float) -> Iterator[str]:
    if machine.memory_gb is None or not machine.name.startswith(REGRESSED) or size.total_params != size.active_params:
        return
    params = size.total_params.central
    try:
        usual = throughput_tflops(params, parallelism(params, GPUS_PER_NODE, machine.memory_gb), machine.memory_gb)
    except ValueError:
        return  # outside what it was fitted to, it says nothing
    yield (
        f"LLMCarbon's regression over Megatron-LM's runs has {significant(usual)} TFLOP/s for this size and device;"
        f" here it is {significant(tflops)}"
    )


def _adapter_note(training: Training) -> Iterator[str]:
    adapter = facts(training).get("adapter_params")
    if adapter is not None and adapter.high == 0:
        yield (
            "operations of the adapter itself are left out: 1.5 % more for each 1 % of the parameters that it has"
            " (--adapter-params)"
        )


def _power_note(training: Training) -> Iterator[str]:
    of = facts(training)
    if "tdp_w" in of:
        ratio = of["system_power_per_tdp_ratio"]
        low_w, high_w = of["tdp_w"].low * ratio.low, of["tdp_w"].high * ratio.high
        yield (
            f"the system's power is not known: {significant(low_w)} to {significant(high_w)} W a device are"
            f" {ratio.low:g} to {ratio.high:g} x TDP (--system-power-w)"
        )
