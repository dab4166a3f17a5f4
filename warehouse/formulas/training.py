"""What training a transformer takes: operations, device time, energy. Pure formulas; ranges pass through them.

Device-seconds (operations over what one device achieves) carry energy and embodied emissions; the number of devices
only says how long the calendar runs, so a range of it does not widen them.
"""

from warehouse.formulas.interval import AnyQuantity

TERA = 1e12


def training_flop(active_params: AnyQuantity, tokens: AnyQuantity) -> AnyQuantity:
    """Operations of training, C = 6PD: 2 for each parameter and token forward, 4 backward.

    Args:
        active_params: parameters that each token passes through, a count; of a mixture of experts, only those.
        tokens: tokens trained on, repeats included, a count.

    Returns:
        Floating-point operations. Attention over long contexts, recomputed activations and restarts are not in them.

    Source: Kaplan et al. 2020 (arXiv 2001.08361), section 2.1; LLMCarbon (arXiv 2309.14393) as its repository has it
        (read).
    """
    return active_params * tokens * 6.0


def inference_flop(active_params: AnyQuantity, tokens: AnyQuantity) -> AnyQuantity:
    """Operations of reading or writing tokens, C = 2PD, without attention over the context.

    Source: Kaplan et al. 2020 (arXiv 2001.08361), section 2.1; LLMCarbon as its repository has it (read).
    """
    return active_params * tokens * 2.0


def lora_flop(active_params: AnyQuantity, adapter_params: AnyQuantity, tokens: AnyQuantity) -> AnyQuantity:
    """Operations of tuning an adapter over frozen weights: 4PD for the weights, 6 for each parameter of the adapter.

    Frozen weights need no gradient of their own: of the 6 remain 2 forward and 2 backward through activations. So it
    is two thirds of full fine-tuning, and a little more.

    Args:
        active_params: frozen parameters that each token passes through, a count.
        adapter_params: parameters of the adapter, a count; 0 leaves them out.
        tokens: tokens trained on, repeats included, a count.

    Returns:
        Floating-point operations.

    Source: derived from the split in Kaplan et al. 2020; "slightly more than two thirds" by Schulman et al. 2025, LoRA
        Without Regret (read in summaries of it).
    """
    return (active_params * 4.0 + adapter_params * 6.0) * tokens


def transformer_params(layers: int, hidden: int, vocabulary: int, sequence: int) -> float:
    """Parameters of a dense decoder, 12 l h^2 (1 + 13/(12h) + (V+s)/(12lh)).

    Args:
        layers: transformer blocks, l.
        hidden: width, h; the feed-forward part is 4h wide.
        vocabulary: tokens of the vocabulary, V.
        sequence: learned positions, s; 0 if positions are not learned.

    Returns:
        A count, with embeddings, biases and norms.

    Raises:
        ValueError: a dimension that is not above 0.

    Source: Narayanan et al. 2021 (Megatron-LM, arXiv 2104.04473), equation 2; the formula is recalled, and gives the
        ten sizes of that paper's table (read).
    """
    check_dimensions(layers=layers, hidden=hidden, vocabulary=vocabulary)
    if sequence < 0:
        raise ValueError(f"a sequence of {sequence} positions is below 0; give 0 if positions are not learned")
    blocks = 12.0 * layers * hidden**2
    return blocks * (1 + 13 / (12 * hidden) + (vocabulary + sequence) / (12 * layers * hidden))


def check_dimensions(**dimensions: int) -> None:
    """Raise ValueError for a dimension of a model that is not above 0."""
    for name, value in dimensions.items():
        if value <= 0:
            raise ValueError(f"{name} = {value} of a model must be above 0")


def achieved_tflops(peak_tflops: AnyQuantity, efficiency_share: AnyQuantity) -> AnyQuantity:
    """What one device achieves in training: peak x efficiency, TFLOP/s.

    Raises:
        ValueError: an efficiency above 1.

    Source: LLMCarbon (arXiv 2309.14393) as its repository has it (read).
    """
    if efficiency_share.high > 1:
        raise ValueError(f"an efficiency of {efficiency_share.high} is above 1; give it as a share of the peak, 0 to 1")
    return peak_tflops * efficiency_share


def training_device_s(flop: AnyQuantity, achieved_tflops_per_device: AnyQuantity) -> AnyQuantity:
    """Device-seconds of a training: operations over what one device achieves.

    Raises:
        ValueError: devices that may achieve nothing.

    Source: LLMCarbon (arXiv 2309.14393), t = C / (n x peak x efficiency), before n is divided out.
    """
    return flop / (achieved_tflops_per_device * TERA)


def training_energy_j(device_s: AnyQuantity, system_power_w: AnyQuantity) -> AnyQuantity:
    """Energy at the machines: device time x average power of the system, per device.

    Args:
        device_s: device-seconds.
        system_power_w: average power of the whole system (host, memory, network) over its number of devices, watts.

    Returns:
        Joules of IT energy, PUE not in it.

    Source: LLMCarbon's validation script (read), after Patterson et al. 2021 (arXiv 2104.10350), who measured it.
    """
    return device_s * system_power_w
