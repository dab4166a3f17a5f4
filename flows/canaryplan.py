"""The canary in a plan: which targets are asked the fixed questions, and what that could cost at worst. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from flows.config import BenchmarkConfig, EndpointTarget, Target
from flows.targets import Timeouts
from probes.load.protocols import protocol
from warehouse.canary_questions import questions
from warehouse.rows import FactRow

# Nobody waits longer for the answers of one target; what has been answered by then lands.
DEADLINE_S: Final = 240.0
SPEC_NAME: Final = "canary.json"  # in the folder of a canary under way
# A byte is a token at worst; around each question stand a chat template and perhaps a system prompt.
_TEMPLATE_TOKENS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCanary:
    """The fixed questions to one target, once a run."""

    target: Target
    quote_usd_worst: float | None
    skip_reason: str | None
    landed: bool


def canary_batch_id(run_id: str, target_id: str) -> str:
    """RUN.TARGET.canary: the batch, the folder while it runs, and the head of the requests' ids."""
    return f"{run_id}.{target_id}.canary"


def asked_targets(run_id: str, batch_ids: Collection[str]) -> set[str]:
    """Target ids whose canary of a run is among landed batches."""
    head, tail = f"{run_id}.", ".canary"
    return {b.removeprefix(head).removesuffix(tail) for b in batch_ids if b.startswith(head) and b.endswith(tail)}


def model_group(target: Target) -> str:
    """What a target is thought to serve, as other targets would say it."""
    return (target.group if isinstance(target, EndpointTarget) else None) or target.model


def planned_canaries(
    config: BenchmarkConfig,
    *,
    asked: Collection[str],
    skipped: Mapping[str, str],
    facts: Mapping[str, Sequence[FactRow]],
    local_quote_usd: Callable[[Timeouts], float | None],
) -> tuple[PlannedCanary, ...]:
    """A canary for each target that answers in words, of a config that wants them.

    Args:
        config: the night's.
        asked: ids of the targets whose canary of this run has landed.
        skipped: why a target is not measured, by its id: it is then not asked either.
        facts: of each target, by its id.
        local_quote_usd: the most that this machine costs in as long as `trial_s` says.
    """
    if not config.night.canary:
        return ()
    local_usd = local_quote_usd(replace(config.night.timeouts, trial_s=DEADLINE_S))
    return tuple(
        PlannedCanary(
            target=target,
            quote_usd_worst=_hosted_usd(facts[target.id]) if isinstance(target, EndpointTarget) else local_usd,
            skip_reason=skipped.get(target.id),
            landed=target.id in asked,
        )
        for target in config.targets
        if not isinstance(target, EndpointTarget) or protocol(target.api).converses
    )


def most_tokens() -> tuple[int, int]:
    """The most prompt tokens and output tokens that the questions of one target can take."""
    return (
        sum(len(each.prompt.encode()) + _TEMPLATE_TOKENS for each in questions()),
        sum(each.max_output_tokens for each in questions()),
    )


def _hosted_usd(facts: Sequence[FactRow]) -> float | None:
    price = {fact.quantity: fact.central for fact in facts}
    per_input, per_output = price.get("price_usd_per_input_mtok"), price.get("price_usd_per_output_mtok")
    if per_input is None or per_output is None:
        return None
    tokens_in, tokens_out = most_tokens()
    return (tokens_in * per_input + tokens_out * per_output) / 1e6
