"""One trial under the definitions of other load generators: why their numbers would differ from ours.

Only definitions are switched. The clock readings are ours, percentiles are by nearest rank throughout, an attempt
counts as a success where it does for us, and token counts are the server's. What another tool would have lost by its
own queueing is not in these figures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from warehouse.formulas.peer_readings import (
    Floats,
    Reading,
    Success,
    aiperf,
    genai_bench,
    guidellm,
    inference_perf,
    llmperf,
    vllm,
)
from warehouse.formulas.statistics import nearest_rank

Goodput = Literal["rate", "share_of_attempts", "share_of_successes"]

LATENCIES: Final = ("ttft", "tpot", "itl", "e2e")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool's definitions.

    `why` is how they differ from ours and `needs_events` what is approximated once the events are gone: ends of
    sentences that begin with the name.
    """

    name: str
    read: Callable[[Success], Reading]
    tpot_if_one_token_s: float | None  # what its goodput takes the TPOT of a one-token answer for; None passes
    goodput: Goodput | None
    why: str
    needs_events: str | None
    new_connections: bool = False
    wall_clock: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What of a trial no single success tells."""

    attempts: int
    window_s: float | None  # first measured send to last byte
    slo_ttft_s: float
    slo_tpot_s: float


def figures(
    tool: Tool, successes: Sequence[Success], whole: Whole, *, percentiles: Sequence[int]
) -> Mapping[str, float | None]:
    """The figures of a trial as a tool would define them.

    Args:
        tool: one of `TOOLS`.
        successes: measured attempts that succeeded.
        whole: the trial.
        percentiles: which ones, such as 50 and 99.

    Returns:
        `ttft_p50_s` and so on for each of `LATENCIES` and each percentile; `output_tokens_per_s`, `goodput_rps` and
        `goodput_share`. None is what the tool does not have, or what is not known.
    """
    readings = [tool.read(success) for success in successes]
    samples = {
        "ttft": _known([r.ttft_s for r in readings]),
        "tpot": _known([r.tpot_s for r in readings]),
        "itl": np.concatenate([r.itl_s for r in readings]) if readings else np.empty(0),
        "e2e": _known([r.e2e_s for r in readings]),
    }
    row: dict[str, float | None] = {
        f"{name}_p{percent}_s": nearest_rank(values, percent / 100) if len(values) else None
        for name, values in samples.items()
        for percent in percentiles
    }
    tokens = [r.tokens for r in readings]
    known = [count for count in tokens if count is not None]
    complete = bool(known) and len(known) == len(tokens)  # one unknown count makes the sum unknown, not smaller
    row["output_tokens_per_s"] = sum(known) / whole.window_s if complete and whole.window_s else None
    good = sum(_is_good(tool, reading, whole) for reading in readings)
    has_rate = tool.goodput in ("rate", "share_of_attempts")
    row["goodput_rps"] = good / whole.window_s if has_rate and whole.window_s else None
    row["goodput_share"] = None
    if tool.goodput == "share_of_attempts" and whole.attempts:
        row["goodput_share"] = good / whole.attempts
    elif tool.goodput == "share_of_successes" and successes:
        row["goodput_share"] = good / len(successes)
    return MappingProxyType(row)


def _is_good(tool: Tool, reading: Reading, whole: Whole) -> bool:
    tpot_s = tool.tpot_if_one_token_s if reading.tpot_s is None else reading.tpot_s
    return (
        reading.ttft_s is not None
        and reading.ttft_s <= whole.slo_ttft_s
        and (tpot_s is None or tpot_s <= whole.slo_tpot_s)
    )


def _known(values: Sequence[float | None]) -> Floats:
    return np.array([value for value in values if value is not None], np.float64)


TOOLS: Final = (
    Tool(
        name="vLLM",
        read=vllm,
        tpot_if_one_token_s=0.0,
        goodput="rate",
        why="stops the TTFT clock at the first event with a choice, even an empty role chunk, and the E2E clock at the"
        " finish chunk, so that TPOT spans both; its ITL are gaps between chunks, not tokens, and in its goodput, a"
        " rate, the TPOT of a one-token answer is 0",
        needs_events="E2E and TPOT end at the last payload, and ITL is unknown",
    ),
    Tool(
        name="AIPerf",
        read=aiperf,
        tpot_if_one_token_s=None,
        goodput="share_of_attempts",
        why="has our clock, but divides by all output tokens, those of hidden reasoning too, and its ITL is that same"
        " TPOT; it would count tokens with a tokenizer of its own, where the server's count is used here",
        needs_events=None,
    ),
    Tool(
        name="GuideLLM",
        read=guidellm,
        tpot_if_one_token_s=None,
        goodput=None,
        why="counts the wait for the first token into TPOT (send to last token, over all tokens), calls our TPOT ITL,"
        " ends E2E with the stream, a round trip after the last token, and reads a wall clock, which may step",
        needs_events=None,
        wall_clock=True,
    ),
    Tool(
        name="genai-bench",
        read=genai_bench,
        tpot_if_one_token_s=None,
        goodput=None,
        why="ends E2E, and with it TPOT, after the usage chunk at the end of the stream",
        needs_events="a tool call counts as its first token, which it would not",
        new_connections=True,
    ),
    Tool(
        name="inference-perf",
        read=inference_perf,
        tpot_if_one_token_s=None,
        goodput="share_of_successes",
        why="sees text only, so that reasoning and tool calls are waiting, has no figures for an answer of one token,"
        " puts zeros into ITL where a chunk holds several, and ends E2E with the stream; goodput is of what succeeded",
        needs_events="a tool call counts as text, and ITL is unknown",
    ),
    Tool(
        name="llmperf",
        read=llmperf,
        tpot_if_one_token_s=None,
        goodput=None,
        why="sees text only and has no TPOT: its ITL is the time to the last chunk, the wait for the first included,"
        " over the chunks; it would count the tokens of every model with Llama 2's tokenizer",
        needs_events="a tool call counts as text",
        new_connections=True,
    ),
)
