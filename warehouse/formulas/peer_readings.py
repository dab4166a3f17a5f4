"""One successful answer as other load generators would time and count it, a function a tool.

Each tool's rules were read from its source as of November 2026: AIPerf 0.13, GuideLLM 0.8, genai-bench, inference-perf
0.7, llmperf (last commit of December 2024) and vLLM (`vllm bench serve`). The clock readings are ours.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NO_NS: Final = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """When single events of an answer came, client monotonic clock, nanoseconds, in order."""

    choice_ns: Ints  # with a non-empty list of choices, payload or not
    said_ns: Ints  # with text or shown reasoning
    text_ns: Ints  # with text


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """A measured attempt that succeeded: columns of `attempts`, and its events where they are still kept."""

    t_start_ns: int
    t_choice_ns: int | None
    t_first_ns: int | None
    t_visible_ns: int | None
    t_last_ns: int | None
    t_end_ns: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    chunks: int | None
    stream: Stream | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one tool makes of one success: seconds and tokens; None where it has no figure, or we cannot know it."""

    ttft_s: float | None
    tpot_s: float | None
    itl_s: Floats  # all values that it pools from this answer, shape (any,)
    e2e_s: float | None
    tokens: int | None


def _span_s(start_ns: int | None, end_ns: int | None) -> float | None:
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / 1e9


def _rest_s(whole_s: float | None, first_s: float | None, tokens: int | None) -> float | None:
    """(whole - first) / (tokens - 1), where there is more than one token."""
    if whole_s is None or first_s is None or tokens is None or tokens <= 1:
        return None
    return (whole_s - first_s) / (tokens - 1)


def _one(value: float | None) -> Floats:
    return np.empty(0) if value is None else np.array([value])


def _first(times_ns: Ints, otherwise: int | None) -> int | None:
    return int(times_ns[0]) if len(times_ns) else otherwise


def _last(times_ns: Ints, otherwise: int | None) -> int | None:
    return int(times_ns[-1]) if len(times_ns) else otherwise


def vllm(success: Success) -> Reading:
    """First token: first event with a choice. End: last event with a choice. ITL: every gap between such events."""
    choices = success.stream.choice_ns if success.stream else _NO_NS
    ttft_s = _span_s(success.t_start_ns, success.t_choice_ns)
    e2e_s = _span_s(success.t_start_ns, _last(choices, success.t_last_ns))
    return Reading(
        ttft_s=ttft_s,
        tpot_s=_rest_s(e2e_s, ttft_s, success.output_tokens),
        itl_s=np.diff(choices) / 1e9,
        e2e_s=e2e_s,
        tokens=success.output_tokens,
    )


def aiperf(success: Success) -> Reading:
    """First to last payload over all output tokens but one, hidden reasoning included; ITL is another name for it."""
    ttft_s, e2e_s = (_span_s(success.t_start_ns, t) for t in (success.t_first_ns, success.t_last_ns))
    tpot_s = _rest_s(e2e_s, ttft_s, success.output_tokens)
    return Reading(ttft_s=ttft_s, tpot_s=tpot_s, itl_s=_one(tpot_s), e2e_s=e2e_s, tokens=success.output_tokens)


def guidellm(success: Success) -> Reading:
    """TPOT: send to last payload over all tokens. ITL: first to last payload over all but one, a mean per request."""
    tokens = success.chunks if success.output_tokens is None else success.output_tokens
    ttft_s, last_s = (_span_s(success.t_start_ns, t) for t in (success.t_first_ns, success.t_last_ns))
    return Reading(
        ttft_s=ttft_s,
        tpot_s=last_s / tokens if last_s is not None and tokens else None,
        itl_s=_one(_rest_s(last_s, ttft_s, tokens)),
        e2e_s=_span_s(success.t_start_ns, success.t_end_ns),
        tokens=tokens,
    )


def genai_bench(success: Success) -> Reading:
    """First token: text or reasoning. End: the end of the stream, past the usage event."""
    said = success.stream.said_ns if success.stream else _NO_NS
    ttft_s = _span_s(success.t_start_ns, _first(said, success.t_first_ns))
    e2e_s = _span_s(success.t_start_ns, success.t_end_ns)
    return Reading(
        ttft_s=ttft_s,
        tpot_s=_rest_s(e2e_s, ttft_s, success.output_tokens),
        itl_s=np.empty(0),
        e2e_s=e2e_s,
        tokens=success.output_tokens,
    )


def inference_perf(success: Success) -> Reading:
    """Text only, and nothing of an answer of one token. ITL: the tokens of a chunk share its time, so most may be 0."""
    texts = success.stream.text_ns if success.stream else _NO_NS
    tokens = _visible_tokens(success)
    several = tokens is not None and tokens > 1
    first_s = _span_s(success.t_start_ns, _first(texts, success.t_visible_ns)) if several else None
    last_s = _span_s(success.t_start_ns, _last(texts, success.t_last_ns)) if several else None
    zeros = max((tokens or 0) - len(texts), 0) if len(texts) else 0
    return Reading(
        ttft_s=first_s,
        tpot_s=_rest_s(last_s, first_s, tokens),
        itl_s=np.concatenate([np.diff(texts) / 1e9, np.zeros(zeros)]) if several else np.empty(0),
        e2e_s=_span_s(success.t_start_ns, success.t_end_ns),
        tokens=tokens,
    )


def llmperf(success: Success) -> Reading:
    """Text only. "ITL": all gaps, the wait for the first token included, over the chunks. It has no TPOT."""
    texts = success.stream.text_ns if success.stream else _NO_NS
    last_s = _span_s(success.t_start_ns, _last(texts, success.t_last_ns))
    chunks = len(texts) or success.chunks
    return Reading(
        ttft_s=_span_s(success.t_start_ns, _first(texts, success.t_visible_ns)),
        tpot_s=None,
        itl_s=_one(last_s / chunks if last_s is not None and chunks else None),
        e2e_s=_span_s(success.t_start_ns, success.t_end_ns),
        tokens=_visible_tokens(success),
    )


def _visible_tokens(success: Success) -> int | None:
    """What a tool that counts the text itself would find, as near as the server's counts come to it."""
    if success.output_tokens is None:
        return None
    return max(success.output_tokens - (success.reasoning_tokens or 0), 0)
