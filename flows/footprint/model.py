"""How large the model is: as given, or from its architecture."""

import argparse
from dataclasses import dataclass

from flows.footprint.result import Source
from flows.footprint.words import count_words
from warehouse.formulas.interval import Interval, exactly
from warehouse.formulas.moe import moe_active_params, moe_params
from warehouse.formulas.training import transformer_params

DENSE = ("layers", "hidden", "vocabulary")
MIXTURE = ("experts", "top_k", "moe_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """Parameters that are stored, and what a token passes through."""

    total_params: Interval
    active_params: Interval
    words: str
    sources: tuple[Source, ...]  # `params` is what a token passes through


def model_size(options: argparse.Namespace, problems: list[str]) -> ModelSize | None:
    """The size of the model; None if the options do not say, which is then among the problems."""
    dense = [name for name in DENSE if getattr(options, name) is not None]
    mixture = [name for name in MIXTURE if getattr(options, name) is not None]
    if not dense and not mixture:
        return _given_size(options, problems)
    if options.params is not None or options.active_params is not None:
        problems.append("--params and an architecture are both given; give one of them")
    elif len(dense) < len(DENSE) or len(mixture) not in (0, len(MIXTURE)):
        wanted = DENSE if len(dense) < len(DENSE) else MIXTURE
        absent = ", ".join(_flag(name) for name in wanted if getattr(options, name) is None)
        problems.append(f"the architecture is incomplete: give {absent} too, or --params")
    elif mixture:
        return _mixture_size(options, problems)
    else:
        dense_params = exactly(transformer_params(options.layers, options.hidden, options.vocabulary, sequence=0))
        return _size(
            dense_params, dense_params, "from its architecture: 12 l h^2 (1 + 13/(12h) + V/(12lh)), Megatron-LM"
        )
    return None


def _given_size(options: argparse.Namespace, problems: list[str]) -> ModelSize | None:
    if options.params is None:
        problems.append("--params: not given; give it, or --layers, --hidden and --vocabulary")
        return None
    total = _interval(options.params)
    active = total if options.active_params is None else _interval(options.active_params)
    if active.high > total.high:
        problems.append(
            f"--active-params {active.high:g} is more than --params {total.high:g}; a token passes through some of them"
        )
        return None
    return _size(total, active, "command line")


def _mixture_size(options: argparse.Namespace, problems: list[str]) -> ModelSize | None:
    low, central, high = options.moe_share
    if low != high:
        problems.append("--moe-share is of an architecture and has no range; give one figure")
        return None
    shape = (options.layers, options.hidden, options.vocabulary, central, options.experts)
    try:
        total, active = moe_params(*shape), moe_active_params(*shape, top_k=options.top_k)
    except ValueError as error:
        problems.append(f"--experts and --top-k: {error}")
        return None
    return _size(
        exactly(total), exactly(active), "from its architecture: l (4 + (1-rho) 8 + rho E 8) h^2 + Vh, derived"
    )


def _size(total: Interval, active: Interval, source: str) -> ModelSize:
    words = f"{count_words(total.central)} parameters"
    if active != total:
        words += f" ({count_words(active.central)} active)"
    return ModelSize(
        total_params=total,
        active_params=active,
        words=words,
        sources=(Source(quantity="params", value=active, source=source),),
    )


def _interval(figure: tuple[float, float, float]) -> Interval:
    low, central, high = figure
    return Interval(low=low, central=central, high=high)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
