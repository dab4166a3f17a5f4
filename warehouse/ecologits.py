"""Energy and manufacture of hosted models, from the pinned package ecologits: offline, ranges kept, unknown is None.

What a provider runs is not published, so EcoLogits carries a least and a most for the parameters that are active, and
gives a range without a distribution. Our central value is its midpoint: that is what EcoLogits itself shows of a range.
Of making the hardware it has one figure each; the ends of ours are those that embodied.csv has for the same hardware.
"""

import difflib
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from warehouse.answer_impacts import AnswerImpacts, answer_impacts, as_interval, load_package
from warehouse.formulas.carbon import J_PER_KWH
from warehouse.formulas.interval import Interval, exactly
from warehouse.reference import embodied_range

if TYPE_CHECKING:
    from ecologits.electricity_mix_repository import ElectricityMix
    from ecologits.model_repository import Model
    from ecologits.utils.range_value import ValueOrRange

# An answer whose time to first token is spread over its tokens, unless the caller knows better.
TYPICAL_OUTPUT_TOKENS = 400

# What it takes every hosted model to run on, as embodied.csv names it.
GPU, SERVER = "nvidia-h100-sxm", "ai-server-without-gpu"

# What we and the price list call a provider -> what EcoLogits does.
PROVIDERS = {
    "anthropic": "anthropic",
    "cohere": "cohere",
    "gemini": "google_genai",
    "google": "google_genai",
    "google_genai": "google_genai",
    "huggingface": "huggingface_hub",
    "huggingface_hub": "huggingface_hub",
    "mistral": "mistralai",
    "mistralai": "mistralai",
    "openai": "openai",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedEstimate:
    """What one output token of a hosted model is estimated to take, and where EcoLogits believes it is computed.

    Factors of the grid are None where it has no electricity mix of the zone.
    """

    j_per_output_token: Interval  # IT energy: without what the data centre adds
    embodied_gco2e_per_output_mtok: Interval
    pue: Interval
    wue_site_l_per_kwh: Interval | None  # per kWh of IT energy
    zone: str
    grid_gco2e_per_kwh: Interval | None
    wue_grid_l_per_kwh: Interval | None
    grid_adpe_kgsbeq_per_kwh: Interval | None
    grid_primary_mj_per_kwh: Interval | None
    active_parameters: Interval  # a count
    total_parameters: Interval  # a count
    source: str  # 'ecologits 0.11.3: openai/gpt-4o'
    notes: tuple[str, ...]


def estimate(
    provider: str, model: str, *, zone: str | None = None, output_tokens: int = TYPICAL_OUTPUT_TOKENS
) -> HostedEstimate | None:
    """What EcoLogits estimates for a hosted model, by output token; prompts are not in its formula.

    Args:
        provider: who serves it, for example `openai` or `mistral`.
        model: model name as it is asked for.
        zone: of the grid; where EcoLogits believes that the provider computes, if None.
        output_tokens: length of an answer; its time to first token is spread over so many.

    Returns:
        The estimate, or None if EcoLogits does not know provider or model.
    """
    known = _find(provider, model)
    found = impacts(provider, model, output_tokens=output_tokens)
    if known is None or found is None:
        return None
    from ecologits.tracers.utils import PROVIDER_CONFIG_MAP

    site = PROVIDER_CONFIG_MAP[known.provider.value]
    where = zone.strip().upper() if zone else site.datacenter_location
    mix = electricity_mix(where)
    active, total = _parameters(known)
    notes = [warning.message for warning in known.warnings]
    notes.append(f"time to first token spread over {output_tokens} output tokens; prompt tokens are not in the formula")
    notes.append("embodied: EcoLogits' figures, between the ends that embodied.csv has for an H100 and its server")
    if mix is None:
        notes.append(f"EcoLogits has no electricity mix of zone {where}")
    return HostedEstimate(
        j_per_output_token=found.it_energy_kwh * (J_PER_KWH / output_tokens),
        embodied_gco2e_per_output_mtok=found.embodied_gco2e * (1e6 / output_tokens),
        pue=as_interval(site.datacenter_pue),
        wue_site_l_per_kwh=as_interval(site.datacenter_wue),
        zone=where,
        grid_gco2e_per_kwh=exactly(mix.gwp * 1000.0) if mix else None,
        wue_grid_l_per_kwh=exactly(mix.wue) if mix else None,
        grid_adpe_kgsbeq_per_kwh=exactly(mix.adpe) if mix else None,
        grid_primary_mj_per_kwh=exactly(mix.pe) if mix else None,
        active_parameters=as_interval(active) * 1e9,
        total_parameters=as_interval(total) * 1e9,
        source=f"{release()}: {known.provider.value}/{known.name}",
        notes=tuple(notes),
    )


def impacts(provider: str, model: str, *, output_tokens: int, latency_s: float | None = None) -> AnswerImpacts | None:
    """What one answer of a hosted model takes, see `answer_impacts`; None if EcoLogits does not know it."""
    known = _find(provider, model)
    if known is None:
        return None
    active, total = _parameters(known)
    deployment = known.deployment
    answer = partial(
        answer_impacts,
        active_billions=active,
        total_billions=total,
        output_tokens=output_tokens,
        latency_s=latency_s,
        tokens_per_s=deployment.tps if deployment else None,
        first_token_s=deployment.ttft if deployment else None,
    )
    found = answer()
    gpu, server = embodied_range(GPU), embodied_range(SERVER)
    low = answer(gpu_embodied_gwp=gpu.low / 1000, server_embodied_gwp=server.low / 1000)
    high = answer(gpu_embodied_gwp=gpu.high / 1000, server_embodied_gwp=server.high / 1000)
    embodied = Interval(
        low=min(low.embodied_gco2e.low, found.embodied_gco2e.central),
        central=found.embodied_gco2e.central,
        high=max(high.embodied_gco2e.high, found.embodied_gco2e.central),
    )
    return replace(found, embodied_gco2e=embodied)


def electricity_mix(zone: str) -> "ElectricityMix | None":
    """EcoLogits' factors of a country's grid per kWh, in its own units (kg, kg, MJ, L)."""
    load_package()
    from ecologits.electricity_mix_repository import electricity_mixes

    return electricity_mixes.find_electricity_mix("WOR" if zone.upper() == "WORLD" else zone.upper())


def providers_of(model: str) -> tuple[str, ...]:
    """Providers, as EcoLogits names them, under which it knows a model."""
    return tuple(provider for provider, name in _repository() if name == model.casefold())


def nearest_models(model: str, provider: str | None = None) -> tuple[str, ...]:
    """Up to four models, as provider/model, whose names are most like one that is not known."""
    theirs = PROVIDERS.get(provider.strip().lower()) if provider else None
    names = {
        known.name.casefold(): f"{each}/{known.name}"
        for (each, _), known in _repository().items()
        if theirs in (None, each)
    }
    return tuple(names[name] for name in difflib.get_close_matches(model.casefold(), names, n=4, cutoff=0.5))


def release() -> str:
    """The package and its version, as sources name it."""
    return f"ecologits {version('ecologits')}"


def _find(provider: str, model: str) -> "Model | None":
    theirs = PROVIDERS.get(provider.strip().lower())
    return _repository().get((theirs, model.casefold())) if theirs else None


@cache
def _repository() -> dict[tuple[str, str], "Model"]:
    load_package()
    from ecologits.model_repository import models

    return {(model.provider.value, model.name.casefold()): model for model in models.list_models()}


def _parameters(model: "Model") -> tuple["ValueOrRange", "ValueOrRange"]:
    """Active and total parameters, in 10^9."""
    from ecologits.model_repository import ParametersMoE

    parameters = model.architecture.parameters
    if isinstance(parameters, ParametersMoE):
        return parameters.active, parameters.total
    return parameters, parameters
