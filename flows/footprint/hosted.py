"""One answer of a hosted model, as EcoLogits estimates it."""

import argparse

from flows.errors import ConfigError
from flows.footprint.infer import Answer
from flows.footprint.place import place_sources
from flows.footprint.result import Source
from warehouse import ecologits
from warehouse.formulas.floor import energy_floor, plausibility
from warehouse.formulas.interval import exactly
from warehouse.reference import device

# What EcoLogits takes every hosted model to run on.
FLOOR_DEVICE, FLOOR_BATCH, FLOOR_BITS = "H100", 64, 16
OWN_MODEL = ("--params", "--active-params", "--device", "--batch", "--lifetime-years", "--utilisation")


def hosted_answer(options: argparse.Namespace) -> Answer:
    """The answer that `footprint infer --model` asks for.

    Raises:
        ConfigError: a model that EcoLogits does not know, or knows of several providers; options of an own model.
    """
    stray = [name for name in OWN_MODEL if getattr(options, name[2:].replace("-", "_")) is not None]
    if stray:
        raise ConfigError([f"{name}: is of your own model; EcoLogits assumes it of a hosted one" for name in stray])
    provider = options.provider or _only_provider(options.model)
    estimate = ecologits.estimate(provider, options.model, output_tokens=options.output_tokens)
    impacts = ecologits.impacts(
        provider, options.model, output_tokens=options.output_tokens, latency_s=options.latency_s
    )
    if estimate is None or impacts is None:
        raise ConfigError([_unknown(options.model, provider)])
    known = (
        ("active_parameters", estimate.active_parameters),
        ("total_parameters", estimate.total_parameters),
        ("output_tokens", exactly(options.output_tokens)),
    )
    sources = [
        Source(
            quantity=quantity,
            value=value,
            source="command line" if quantity == "output_tokens" else estimate.source,
            tag=None if quantity == "output_tokens" else "read",
        )
        for quantity, value in known
    ]
    return Answer(
        words=f"an answer of {options.output_tokens:,} tokens by {estimate.source.partition(': ')[2]}",
        impacts=impacts,
        method_version=ecologits.release(),
        formulas=(
            "IT energy = GPUs x output tokens x (a e^(b batch) x active parameters + c) + share of the server x time"
            " (EcoLogits 0.11.3, fitted to ML.ENERGY's runs on H100)",
            "embodied = time / lifetime x (share of the server + GPUs) / batch (EcoLogits 0.11.3: 3 years, batch 64)",
        ),
        sources=(*sources, *place_sources(options, estimate)),
        notes=(*_notes(options, estimate), _against_floor(estimate)),
    )


def _notes(options: argparse.Namespace, estimate: ecologits.HostedEstimate) -> tuple[str, ...]:
    believed = () if options.region or options.grid_gco2e_per_kwh else (
        f"no --region: EcoLogits believes that it is computed in {estimate.zone}",
    )  # fmt: skip
    own = "central values are midpoints: EcoLogits gives a range without a distribution, and shows its midpoint"
    warned = [note for note in estimate.notes if not note.startswith(("time to first token", "EcoLogits has no"))]
    return (*believed, *warned, own, "prompt tokens are not in EcoLogits' formula")


def _against_floor(estimate: ecologits.HostedEstimate) -> str:
    machine = device(FLOOR_DEVICE)
    peak, bandwidth, power = machine.peak_tflops(FLOOR_BITS), machine.bandwidth_gb_per_s, machine.tdp_w
    assert peak is not None  # a test holds that the ledger has them
    assert bandwidth is not None
    assert power is not None
    floor = energy_floor(
        active_parameters=estimate.active_parameters.central,
        bits=FLOOR_BITS,
        batch=FLOOR_BATCH,
        peak_tflops=peak,
        bandwidth_gb_per_s=bandwidth,
        power_w=power,
    )
    said = plausibility(estimate.j_per_output_token.central, floor)
    return f"{said}, on {machine.name} in batches of {FLOOR_BATCH}"


def _only_provider(model: str) -> str:
    """Whose model it is, if EcoLogits knows it of one provider only.

    Raises:
        ConfigError: of none, or of several.
    """
    providers = ecologits.providers_of(model)
    if not providers:
        raise ConfigError([_unknown(model, None)])
    if len(providers) > 1:
        raise ConfigError([f"--model {model}: EcoLogits knows it of {', '.join(providers)}; choose with --provider"])
    return providers[0]


def _unknown(model: str, provider: str | None) -> str:
    if provider is not None and provider.strip().lower() not in ecologits.PROVIDERS:
        known = ", ".join(dict.fromkeys(ecologits.PROVIDERS.values()))
        said = f"--provider {provider}: {ecologits.release()} does not know it, but {known}"
    else:
        near = ", ".join(ecologits.nearest_models(model, provider))
        said = f"--model {model}: {ecologits.release()} does not know it{f'; nearest are {near}' if near else ''}"
    return f"{said}; or declare it yourself: --params, --active-params, --device and --batch"
