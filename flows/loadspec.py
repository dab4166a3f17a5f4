"""A trial's spec as orders for the load client."""

import json
from typing import TYPE_CHECKING, Any

from flows.spec import TrialSpec
from flows.targets import api_key
from probes.load.spec import LoadSpec
from probes.load.spec import Timeouts as LoadTimeouts

if TYPE_CHECKING:
    from probes.engines.process import Engine


def load_spec(spec: TrialSpec, engine: "Engine | None") -> LoadSpec:
    """The load client's orders for a trial."""
    target, workload, timeouts = spec.endpoint, spec.workload, spec.timeouts
    if target is not None:
        base_url, api, key = target.base_url, target.api, api_key(target)
        extra_body, max_tokens_field = dict(target.extra_body), target.max_tokens_field
    else:
        assert engine is not None  # a local trial has started its engine
        base_url, api, key, max_tokens_field = engine.base_url, "openai-chat", None, "max_tokens"
        extra_body = _engine_body(spec)
    return LoadSpec(
        base_url=base_url,
        api=api,
        model=_model_name(spec),
        api_key=key,
        extra_body=extra_body,
        max_tokens_field=max_tokens_field,
        arrivals=workload.arrivals,
        concurrency=workload.concurrency,
        rate_rps=workload.rate_rps,
        rate_end_rps=workload.rate_end_rps,
        burstiness=workload.burstiness,
        rates_file=workload.rates_file,
        trace_file=workload.trace_file,
        trace_speed=workload.trace_speed,
        connections=workload.connections,
        requests=workload.requests,
        duration_s=workload.duration_s,
        warmup_requests=workload.warmup_requests,
        prompt_tokens=workload.prompt_tokens,
        output_tokens=workload.output_tokens,
        prompt_lengths=workload.prompt_lengths,
        output_lengths=workload.output_lengths,
        text=workload.text,
        tokenizer=spec.target.tokenizer,
        nonce=workload.nonce,
        shared_prefix_share=workload.shared_prefix_share,
        prompts_file=workload.prompts_file,
        prompts_order=workload.prompts_order,
        turns=workload.turns,
        think_s=workload.think_s,
        history=workload.history,
        images=workload.images,
        documents=workload.documents,
        document_tokens=workload.document_tokens,
        audio_s=workload.audio_s,
        max_rps=target.max_rps if target else None,
        max_tokens_per_minute=target.max_tokens_per_minute if target else None,
        pace=target.pace if target else None,
        seed=workload.seed,
        attempt_prefix=spec.trial_id,
        timeouts=LoadTimeouts(
            connect_s=timeouts.connect_s,
            first_token_s=timeouts.first_token_s,
            stall_s=timeouts.stall_s,
            total_s=timeouts.total_s,
        ),
    )


def _model_name(spec: TrialSpec) -> str:
    """What to call the model in a request."""
    if spec.local is not None and spec.local.engine == "transformers" and spec.weights is not None:
        return str(spec.weights.path)  # its server answers for the folder that it loaded, and for no other name
    return spec.target.model


def _engine_body(spec: TrialSpec) -> dict[str, Any]:
    """What keeps an engine's answers comparable: a short one would flatter it, a cached one is not the model's."""
    if spec.local is not None and spec.local.engine == "transformers":
        # It refuses fields that it does not know, these two among them. Its cache shares whole blocks of 256 tokens
        # that begin alike: our prompts never do.
        return {"generation_config": json.dumps({"eos_token_id": -1, "do_sample": False})}
    return {"ignore_eos": True, "cache_prompt": False}
