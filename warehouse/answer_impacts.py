"""What one answer of a language model takes, by the formula of EcoLogits, from the size of the model alone."""

import importlib
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from warehouse.formulas.interval import Interval, exactly

if TYPE_CHECKING:
    from ecologits.utils.range_value import ValueOrRange


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerImpacts:
    """What one answer takes, by EcoLogits' formula; embodied is the part of the hardware's manufacture."""

    duration_s: Interval
    it_energy_kwh: Interval
    embodied_gco2e: Interval
    embodied_adpe_kgsbeq: Interval
    embodied_primary_mj: Interval


def answer_impacts(
    *,
    active_billions: "ValueOrRange",
    total_billions: "ValueOrRange",
    output_tokens: float,
    latency_s: float | None = None,
    tokens_per_s: float | None = None,
    first_token_s: float | None = None,
    **constants: float,
) -> AnswerImpacts:
    """EcoLogits' formula for an answer, whoever computes it.

    Args:
        active_billions: parameters that take part in a token, in 10^9.
        total_billions: all parameters, in 10^9.
        output_tokens: length of the answer, at least 1.
        latency_s: how long it took, if that is known; it caps the modelled time.
        tokens_per_s: decode speed, if it is known.
        first_token_s: time to first token, if it is known.
        constants: of its formula that are to differ, by the names of `ecologits.impacts.llm.compute_llm_impacts_dag`:
            `batch_size`, `model_quantization_bits`, `gpu_memory`, `gpu_embodied_gwp`, `server_lifetime`, ...

    Raises:
        ValueError: less than one output token, or a latency that is not above 0.
    """
    if output_tokens < 1:
        raise ValueError(f"an answer of {output_tokens} output tokens has no energy per token; give at least 1")
    if latency_s is not None and not latency_s > 0:
        raise ValueError(f"an answer cannot take {latency_s} s; give a latency above 0, or none")
    load_package()
    from ecologits.impacts.llm import compute_llm_impacts

    # PUE 1, no water and no grid: the formula's own factors are ours to apply, with their ranges
    found = compute_llm_impacts(
        model_active_parameter_count=active_billions,
        model_total_parameter_count=total_billions,
        output_token_count=output_tokens,
        if_electricity_mix_adpe=0.0,
        if_electricity_mix_pe=0.0,
        if_electricity_mix_gwp=0.0,
        if_electricity_mix_wue=0.0,
        datacenter_pue=1.0,
        datacenter_wue=0.0,
        request_latency=latency_s,
        tps=tokens_per_s,
        ttft=first_token_s,
        **constants,
    )
    return AnswerImpacts(
        duration_s=_duration_s(
            as_interval(active_billions), output_tokens, latency_s, tokens_per_s, first_token_s, constants
        ),
        it_energy_kwh=as_interval(found.usage.energy.value),
        embodied_gco2e=as_interval(found.embodied.gwp.value) * 1000.0,
        embodied_adpe_kgsbeq=as_interval(found.embodied.adpe.value),
        embodied_primary_mj=as_interval(found.embodied.pe.value),
    )


def _duration_s(
    active_billions: Interval,
    output_tokens: float,
    latency_s: float | None,
    tokens_per_s: float | None,
    first_token_s: float | None,
    constants: Mapping[str, float],
) -> Interval:
    """How long it computes: the package gives this to its other steps only."""
    from ecologits.impacts import llm

    low, central, high = (
        float(
            llm.generation_latency(
                model_active_parameter_count=billions,
                output_token_count=output_tokens,
                batch_size=int(constants.get("batch_size", llm.BATCH_SIZE)),
                latency_alpha=llm.LATENCY_ALPHA,
                latency_beta=llm.LATENCY_BETA,
                latency_gamma=llm.LATENCY_GAMMA,
                request_latency=math.inf if latency_s is None else latency_s,
                tps=tokens_per_s,
                ttft=first_token_s,
            )
        )
        for billions in (active_billions.low, active_billions.central, active_billions.high)
    )
    return Interval(low=low, central=central, high=high)


@cache
def load_package() -> None:
    """Import it, once: 0.2 s. It puts a class of its own in the place of everybody's loggers, which is taken back."""
    before = logging.getLoggerClass()
    importlib.import_module("ecologits.tracers.utils")
    logging.setLoggerClass(before)


def as_interval(value: "ValueOrRange") -> Interval:
    """A value of the package; of a range the centre is its midpoint."""
    from ecologits.utils.range_value import RangeValue

    if isinstance(value, RangeValue):
        return Interval(low=float(value.min), central=value.mean, high=float(value.max))
    return exactly(float(value))
