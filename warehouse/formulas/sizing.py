"""How many devices a model needs, how well they were used, and how fast they can decode at most."""

import math


def weights_gb(parameters: float, bits: float) -> float:
    """Size of a model's weights: parameters x bits / 8, GB (10^9 bytes).

    Args:
        parameters: all of them, also those that a token does not pass through; above 0.
        bits: of a weight, above 0; 16 for fp16 and bf16.

    Raises:
        ValueError: parameters or bits that are not above 0.
    """
    _above_0(parameters=parameters, bits=bits)
    return parameters * bits / 8 / 1e9


def devices_needed(memory_gb: float, device_memory_gb: float, *, overhead_ratio: float = 1.0) -> int:
    """Devices whose memories together hold a model: ceil(weights x overhead / memory).

    Args:
        memory_gb: of the weights.
        device_memory_gb: of one device.
        overhead_ratio: memory needed over that of the weights; EcoLogits takes 1.2 for caches and activations, a bare
            count of weights is 1.

    Raises:
        ValueError: a memory that is not above 0, or an overhead below 1.
    """
    _above_0(memory_gb=memory_gb, device_memory_gb=device_memory_gb)
    if overhead_ratio < 1:
        raise ValueError(f"an overhead of {overhead_ratio} would need less than the weights; it must be at least 1")
    return math.ceil(memory_gb * overhead_ratio / device_memory_gb)


def mfu_share(flop: float, *, devices: int, duration_s: float, peak_tflops: float) -> float:
    """Model FLOPs utilisation: operations of the model over what the devices could have done in the time, 0 to 1.

    Raises:
        ValueError: devices, time or peak that are not above 0, or more than the devices can do.

    Source: Chowdhery et al.: PaLM (2022), arXiv 2204.02311, appendix B.
    """
    _above_0(devices=devices, duration_s=duration_s, peak_tflops=peak_tflops)
    share = flop / (devices * duration_s * peak_tflops * 1e12)
    if share > 1:
        raise ValueError(
            f"{flop:.3g} operations are {share:.2f} times what {devices} devices of {peak_tflops:g} TFLOP/s do in"
            f" {duration_s:.3g} s; one of the four is wrong"
        )
    return share


def decode_bound_tokens_per_s(active_gb: float, bandwidth_gb_per_s: float) -> float:
    """Tokens per second that one sequence can get at most: every active weight is read once for each token.

    Args:
        active_gb: weights that a token passes through, GB.
        bandwidth_gb_per_s: of the memory that holds them; of several devices, their sum.

    Raises:
        ValueError: weights or a bandwidth that are not above 0.
    """
    _above_0(active_gb=active_gb, bandwidth_gb_per_s=bandwidth_gb_per_s)
    return bandwidth_gb_per_s / active_gb


def _above_0(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} = {value} must be above 0")
