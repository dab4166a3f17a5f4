"""What changes in a long row of invented nights: a shift, a repair, another engine, a price, and one bad night."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.warehouse.synthetic import Target

FEW = 10  # nights, in which nothing changes yet
BAD, SLOWER, ENGINE, PRICE, FASTER = 12, 18, 20, 22, 23


def on_night(targets: "Sequence[Target]", number: int) -> "list[Target]":
    """The targets as they are on a night, the first being 0; each also a little slower or faster than usual."""
    random = Random(number)
    return [_on_night(target, number, random.lognormvariate(0, 0.06)) for target in targets]


def _on_night(target: "Target", number: int, by: float) -> "Target":
    of_night = replace(target, ttft_s=target.ttft_s * by, tpot_s=target.tpot_s * by**0.5)
    if target.id == "groq-llama-70b" and number == BAD:
        return replace(of_night, ttft_s=8 * of_night.ttft_s)
    if target.id == "together-llama-70b" and number >= SLOWER:
        return replace(of_night, ttft_s=1.6 * of_night.ttft_s)
    if target.id == "smollm2-q8" and number >= ENGINE:
        return replace(of_night, tpot_s=1.35 * of_night.tpot_s, engine_version="b2")
    if target.id == "openai-mini" and number >= PRICE:
        return replace(of_night, usd_per_mtok=(0.15, 0.75))
    if target.id == "vllm-own" and number >= FASTER:
        return replace(of_night, ttft_s=0.6 * of_night.ttft_s)
    return of_night
