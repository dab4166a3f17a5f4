"""LLMCarbon's regressions over the scaling runs of Megatron-LM on A100, and its emissions of a part.

The regressions are second-degree polynomials fitted to the ten runs of one table (Narayanan et al. 2021, table 1: 1.7
to 1008 billion parameters on A100 of 80 GB). Which runs each was fitted to is not printed; fitting the table again
gives the published coefficients for the spans below, outside of which a regression says nothing and raises. All of
them are for dense models. What the paper says of efficiency away from the best number of devices has constants that
are not published, and is not here.

Source: SotaroKaneda/MLCarbon, model.py (read); LLMCarbon, arXiv 2309.14393.
"""

import math
from dataclasses import dataclass

TENSOR_ONLY_PARAMS = (1.7e9, 18.4e9)
PIPELINE_PARAMS = (18.4e9, 1008e9)
GPU_COUNT_PARAMS = (76.1e9, 1008e9)
PIPELINE_STAGES = (1, 64)
PARAMS_PER_GB = 0.03e9  # parameters that a GPU holds in training, for each GB of its memory
TENSOR_ONLY_BATCH = 512
RUNS_MEMORY_GB = 80  # of the GPUs of those runs
OTHER_GPUS_RATIO = 2.5  # so many more GPUs where they are not those
SMALL_MEMORY_GB, SMALL_MEMORY_RATIO = 40, 2
SLOWER_SHARE = 7.76 / 33.46  # throughput lost on them
V100_PEAK_TFLOPS, A100_PEAK_TFLOPS = 125, 312


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallelism:
    """Over how many GPUs one copy of a model is spread."""

    tensor: int  # GPUs that share each layer, at most those of one node
    pipeline: int  # stages of layers, one after another

    @property
    def gpus(self) -> int:
        """GPUs of one copy of the model."""
        return self.tensor * self.pipeline


def parallelism(params: float, gpus_per_node: int, memory_gb: float) -> Parallelism:
    """How a model is spread: tensor parallel within a node first, then in stages over nodes.

    Args:
        params: parameters of the model, a count above 0.
        gpus_per_node: GPUs of one server.
        memory_gb: memory of one GPU, GB.

    Raises:
        ValueError: a model, node or memory that is not above 0.
    """
    if not (params > 0 and gpus_per_node > 0 and memory_gb > 0):
        raise ValueError(
            f"{params:g} parameters on nodes of {gpus_per_node} GPUs of {memory_gb:g} GB: all must be above 0"
        )
    capacity = PARAMS_PER_GB * memory_gb
    if params < gpus_per_node * capacity:
        return Parallelism(tensor=math.ceil(params / capacity), pipeline=1)
    return Parallelism(tensor=gpus_per_node, pipeline=math.ceil(params / (gpus_per_node * capacity)))


def tensor_parallel_tflops(params: float) -> float:
    """TFLOP/s that an A100 achieved within one node (no pipeline), by the model's parameters.

    Raises:
        ValueError: outside 1.7 to 18.4 billion parameters.
    """
    _check(params, TENSOR_ONLY_PARAMS, "throughput within a node")
    return _polynomial(params, -8.82079068e-20, 1.68591116e-09, 1.33954735e02)


def pipeline_parallel_tflops(params: float) -> float:
    """TFLOP/s that an A100 achieved with a pipeline over nodes, by the model's parameters.

    Raises:
        ValueError: outside 18.4 to 1008 billion parameters.
    """
    _check(params, PIPELINE_PARAMS, "throughput over nodes")
    return _polynomial(params, -5.60233749e-23, 8.45435587e-11, 1.34546129e02)


def throughput_tflops(params: float, spread: Parallelism, memory_gb: float) -> float:
    """TFLOP/s of one GPU: an A100 of 80 GB, else a V100, on which it is taken to be slower.

    Raises:
        ValueError: a model outside the span of the regression.
    """
    a100 = tensor_parallel_tflops(params) if spread.pipeline == 1 else pipeline_parallel_tflops(params)
    if memory_gb == RUNS_MEMORY_GB:
        return a100
    return a100 * (1 - SLOWER_SHARE) / A100_PEAK_TFLOPS * V100_PEAK_TFLOPS


def gpu_count(params: float, spread: Parallelism, memory_gb: float) -> int:
    """GPUs that such a model was trained on, a whole number of its copies where they have 80 GB.

    Raises:
        ValueError: outside 76.1 to 1008 billion parameters.
    """
    _check(params, GPU_COUNT_PARAMS, "number of GPUs")
    fitted = _polynomial(params, -2.12910565e-21, 4.39684339e-09, 7.99173057e02)
    gpus = round(fitted / spread.gpus) * spread.gpus
    if memory_gb != RUNS_MEMORY_GB:
        gpus = round(gpus * OTHER_GPUS_RATIO)
    return gpus * SMALL_MEMORY_RATIO if memory_gb == SMALL_MEMORY_GB else gpus


def batch_size(spread: Parallelism, gpus: int) -> int:
    """Sequences of one step: 512 within a node, else by the stages of the pipeline; never fewer than GPUs.

    Raises:
        ValueError: a pipeline of more than 64 stages.
    """
    if spread.pipeline == 1:
        return max(TENSOR_ONLY_BATCH, gpus)
    _check(spread.pipeline, PIPELINE_STAGES, "batch", scale=1, unit="stages")
    fitted = _polynomial(spread.pipeline, -4.29439186e-01, 5.21376002e01, 1.43737095e03)
    return max(round(fitted / 8) * 8, gpus)


def part_gco2e(units: float, gco2e_per_unit: float) -> float:
    """Emissions of making one part: area x emissions per area of a chip, capacity x emissions per GB of memory.

    Neither packaging, board, cooling nor transport is in it: a whole V100 is about twenty times its die.

    Args:
        units: area, cm2, or capacity, GB.
        gco2e_per_unit: grams of CO2 equivalent per cm2 of that process, or per GB.

    Raises:
        ValueError: a negative area, capacity or factor.

    Source: LLMCarbon's embodied.py (read).
    """
    if units < 0 or gco2e_per_unit < 0:
        raise ValueError(f"a part of {units:g} units at {gco2e_per_unit:g} g each: neither can be below 0")
    return units * gco2e_per_unit


def _polynomial(x: float, square: float, linear: float, constant: float) -> float:
    return square * x * x + linear * x + constant


def _check(
    value: float, span: tuple[float, float], what: str, *, scale: float = 1e9, unit: str = "billion parameters"
) -> None:
    low, high = span
    if not low <= value <= high:
        raise ValueError(
            f"LLMCarbon's regression of the {what} was fitted to {low / scale:g} to {high / scale:g} {unit}"
            f" and says nothing of {value / scale:g}; give what was achieved"
        )
