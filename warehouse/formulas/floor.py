"""The least that an output token can take on a device at its design power: a check of estimates, no measurement."""

from dataclasses import dataclass
from typing import Literal

FAR_ABOVE_RATIO = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyFloor:
    """What a token takes at least, joules, and what sets it: computing it, or reading the weights."""

    j_per_token: float
    bound: Literal["compute", "memory"]


def energy_floor(
    *,
    active_parameters: float,
    bits: float,
    batch: int,
    peak_tflops: float,
    bandwidth_gb_per_s: float,
    power_w: float,
    efficiency_share: float = 1.0,
) -> EnergyFloor:
    """Power x the longer of computing a batch's tokens and reading the active weights, by token.

    A batch computes 2 x P x batch operations and reads the weights once for all of its tokens. Devices that share a
    model share both, so their number does not matter. The host, the cache of attention, prompts, and that the tokens of
    a batch pass through different experts are left out: all of them cost more.

    Args:
        active_parameters: that a token passes through.
        bits: of a weight.
        batch: sequences decoded together, at least 1.
        peak_tflops: dense peak for such operands.
        bandwidth_gb_per_s: of the device's memory.
        power_w: of the device at work; its design power.
        efficiency_share: of the peak that is reached, above 0 to 1.

    Returns:
        Joules per output token, and which of the two sets it.

    Raises:
        ValueError: an input that is not above 0, an efficiency above 1, or a batch below 1.

    Source: roofline model (Williams, Waterman and Patterson 2009) on the two costs of decoding.
    """
    for name, value in {
        "active_parameters": active_parameters,
        "bits": bits,
        "peak_tflops": peak_tflops,
        "bandwidth_gb_per_s": bandwidth_gb_per_s,
        "power_w": power_w,
        "efficiency_share": efficiency_share,
    }.items():
        if not value > 0:
            raise ValueError(f"{name} = {value} must be above 0")
    if batch < 1:
        raise ValueError(f"a batch of {batch} decodes nothing; give at least 1")
    if efficiency_share > 1:
        raise ValueError(f"an efficiency of {efficiency_share} is above the peak itself; give a share, 0 to 1")
    compute_s = 2 * active_parameters * batch / (peak_tflops * 1e12 * efficiency_share)
    read_s = active_parameters * bits / 8 / (bandwidth_gb_per_s * 1e9)
    return EnergyFloor(
        j_per_token=power_w * max(compute_s, read_s) / batch, bound="compute" if compute_s >= read_s else "memory"
    )


def plausibility(estimate_j_per_token: float, floor: EnergyFloor) -> str:
    """One sentence on an estimate against the floor.

    Below it no device can be that draws its design power (one that waits for its memory may draw less); far above it
    an estimate holds idle time, small batches, or a mistake.
    """
    ratio = estimate_j_per_token / floor.j_per_token
    said = f"the estimate is {ratio:.2g} times the physical floor of {floor.j_per_token:.3g} J per token"
    said = f"{said} ({floor.bound}-bound)"
    if ratio < 1:
        return f"{said}: not plausible of a device at its design power"
    if ratio > FAR_ABOVE_RATIO:
        return f"{said}: far above, as idle time, small batches or a mistake would make it"
    return said
