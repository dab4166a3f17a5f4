"""What servers of OpenAI's formats count and clock, in their dialects, brought to the reader's canonical fields.

Prompt counts include cached tokens and output counts include reasoning, as OpenAI counts; who counts otherwise is
found out by the total. A server's own times are seconds here, whatever it sends them in.
"""

from typing import Any, Final

from probes.load.protocols.reading import EventReader, seconds

_USD_TICKS: Final = 10_000_000_000  # xAI's unit of money, to the dollar


def take_usage(reader: EventReader, usage: dict[str, Any], prompt: str, output: str) -> None:
    """Note the counts, the cost and the times of a usage object.

    Args:
        reader: where they are noted; what the object does not say stays as it is.
        usage: the object, as the last event that had one says it.
        prompt: the name of the prompt's count ("prompt_tokens"); its details are named after it.
        output: the same of the output's count.
    """
    of_prompt, of_output = _object(usage, f"{prompt}_details"), _object(usage, f"{output}_details")
    reader.prompt_tokens = reader.count(prompt, usage.get(prompt))
    reader.output_tokens = reader.count(output, usage.get(output))
    reader.cached_tokens = reader.count(
        "cached_tokens",
        # DeepSeek's name, then Moonshot's
        _first(of_prompt.get("cached_tokens"), usage.get("prompt_cache_hit_tokens"), usage.get("cached_tokens")),
    )
    reader.cache_write_tokens = reader.count(
        "cache_write_tokens",
        # the last is what gateways to Anthropic pass on
        _first(of_prompt.get("cache_write_tokens"), usage.get("cache_creation_input_tokens")),
    )
    reader.reasoning_tokens = reader.count(
        "reasoning_tokens",
        _first(of_output.get("reasoning_tokens"), usage.get("reasoning_tokens")),  # the second is SGLang's
    )
    _add_reasoning(reader, reader.count("total_tokens", usage.get("total_tokens")))
    reader.billed_usd = _billed_usd(usage)
    _take_phases(reader, usage)  # Groq


def take_timings(reader: EventReader, told: dict[str, Any]) -> None:
    """Note the times that stand beside the usage in an event: llama.cpp's `timings`, Fireworks's `perf_metrics`,
    Cerebras's `time_info`. Their counts are taken only where usage gave none.
    """
    _take_phases(reader, _object(told, "time_info"))
    _take_fireworks(reader, _object(told, "perf_metrics"))
    timings = _object(told, "timings")
    if not timings:
        return
    reader.server_prefill_s = seconds(timings.get("prompt_ms"), per=1000)
    reader.server_decode_s = seconds(timings.get("predicted_ms"), per=1000)
    cached, read = reader.count("cache_n", timings.get("cache_n")), reader.count("prompt_n", timings.get("prompt_n"))
    if reader.cached_tokens is None:
        reader.cached_tokens = cached
    if reader.prompt_tokens is None and cached is not None and read is not None:
        reader.prompt_tokens = cached + read
    if reader.output_tokens is None:
        reader.output_tokens = reader.count("predicted_n", timings.get("predicted_n"))


def _add_reasoning(reader: EventReader, total: int | None) -> None:
    """Bring an output count without the reasoning to one with it; only the total can tell.

    xAI counts reasoning beside the output and inside the total. Gemini's compatible route does so without naming it.
    """
    prompt, output, reasoning = reader.prompt_tokens, reader.output_tokens, reader.reasoning_tokens
    if prompt is None or output is None or total is None:
        return
    beside = total - prompt - output
    if beside > 0 and reasoning in (None, 0, beside):
        reader.output_tokens, reader.reasoning_tokens = output + beside, beside


def _billed_usd(usage: dict[str, Any]) -> float | None:
    cost = usage.get("cost")  # OpenRouter: US dollars
    if isinstance(cost, dict):  # Perplexity
        cost = cost.get("total_cost")
    if cost is not None:
        return _number(cost)
    ticks = _number(usage.get("cost_in_usd_ticks"))
    return None if ticks is None else ticks / _USD_TICKS


def _take_phases(reader: EventReader, phases: dict[str, Any]) -> None:
    """Groq's names, which Cerebras has too; seconds."""
    if "completion_time" in phases:
        reader.server_queue_s = seconds(phases.get("queue_time"))
        reader.server_prefill_s = seconds(phases.get("prompt_time"))
        reader.server_decode_s = seconds(phases["completion_time"])


def _take_fireworks(reader: EventReader, metrics: dict[str, Any]) -> None:
    """Seconds, as numbers or as text; those of the phases on dedicated deployments only. There are several queues."""
    told = {
        name.removeprefix("fireworks-"): number
        for name, value in metrics.items()
        if (number := _number(value)) is not None
    }
    queues = [number for name, number in told.items() if name.endswith("queue-duration")]
    if queues:
        reader.server_queue_s = sum(queues)
    reader.server_prefill_s = told.get("prefill-duration", reader.server_prefill_s)
    reader.server_decode_s = told.get("generation-duration", reader.server_decode_s)


def _object(of: dict[str, Any], name: str) -> dict[str, Any]:
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def _first(*values: object) -> object:
    for value in values:
        if value is not None:
            return value
    return None


def _number(value: object) -> float | None:
    """A number that is not negative, also one written as text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value < float("inf") else None
