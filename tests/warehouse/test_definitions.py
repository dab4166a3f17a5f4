"""One small trial under every tool's definitions, worked by hand, then laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.formulas.definitions import TOOLS, Whole, figures
from warehouse.formulas.peer_readings import Stream, Success

MS = 1_000_000
TOOL = {tool.name: tool for tool in TOOLS}


def at(*times_ms):
    return np.array([t * MS for t in times_ms], np.int64)


# 5 tokens in 3 chunks after an empty role chunk; then a finish chunk at 510 and the end of the stream at 530.
PLAIN = Success(
    t_start_ns=0, t_choice_ns=100 * MS, t_first_ns=300 * MS, t_visible_ns=300 * MS, t_last_ns=500 * MS,
    t_end_ns=530 * MS, output_tokens=5, reasoning_tokens=None, chunks=3,
    stream=Stream(choice_ns=at(100, 300, 400, 500, 510), said_ns=at(300, 400, 500), text_ns=at(300, 400, 500)),
)  # fmt: skip
# Sent at 1000. Two chunks of thought, two of text; 10 tokens, 4 of them thought; finish in the last chunk.
THINKING = Success(
    t_start_ns=1000 * MS, t_choice_ns=1200 * MS, t_first_ns=1200 * MS, t_visible_ns=1500 * MS, t_last_ns=1700 * MS,
    t_end_ns=1710 * MS, output_tokens=10, reasoning_tokens=4, chunks=4,
    stream=Stream(
        choice_ns=at(1200, 1300, 1500, 1700), said_ns=at(1200, 1300, 1500, 1700), text_ns=at(1500, 1700)
    ),
)  # fmt: skip
# Sent at 2000: one token, then a finish chunk at 2410.
ONE_TOKEN = Success(
    t_start_ns=2000 * MS, t_choice_ns=2400 * MS, t_first_ns=2400 * MS, t_visible_ns=2400 * MS, t_last_ns=2400 * MS,
    t_end_ns=2450 * MS, output_tokens=1, reasoning_tokens=0, chunks=1,
    stream=Stream(choice_ns=at(2400, 2410), said_ns=at(2400), text_ns=at(2400)),
)  # fmt: skip
TRIAL = (PLAIN, THINKING, ONE_TOKEN)
WHOLE = Whole(attempts=4, window_s=2.5, slo_ttft_s=0.35, slo_tpot_s=0.1)  # a fourth attempt failed


@pytest.mark.parametrize(
    ("name", "ttft_s", "tpot_s", "e2e_s", "itl_s"),
    [
        (
            "vLLM",
            [0.1, 0.2, 0.4],
            [0.41 / 4, 0.5 / 9, None],
            [0.51, 0.7, 0.41],
            [[0.2, 0.1, 0.1, 0.01], [0.1, 0.2, 0.2], [0.01]],
        ),
        ("AIPerf", [0.3, 0.2, 0.4], [0.05, 0.5 / 9, None], [0.5, 0.7, 0.4], [[0.05], [0.5 / 9], []]),
        ("GuideLLM", [0.3, 0.2, 0.4], [0.1, 0.07, 0.4], [0.53, 0.71, 0.45], [[0.05], [0.5 / 9], []]),
        ("genai-bench", [0.3, 0.2, 0.4], [0.23 / 4, 0.51 / 9, None], [0.53, 0.71, 0.45], [[], [], []]),
        (
            "inference-perf",
            [0.3, 0.5, None],
            [0.05, 0.2 / 5, None],
            [0.53, 0.71, 0.45],
            [[0.1, 0.1, 0, 0], [0.2, 0, 0, 0, 0], []],
        ),
        ("llmperf", [0.3, 0.5, 0.4], [None] * 3, [0.53, 0.71, 0.45], [[0.5 / 3], [0.7 / 2], [0.4]]),
    ],
)
def test_three_answers_under_each_definition(name, ttft_s, tpot_s, e2e_s, itl_s):
    readings = [TOOL[name].read(success) for success in TRIAL]
    assert [r.ttft_s for r in readings] == [pytest.approx(v) if v is not None else None for v in ttft_s]
    assert [r.tpot_s for r in readings] == [pytest.approx(v) if v is not None else None for v in tpot_s]
    assert [r.e2e_s for r in readings] == pytest.approx(e2e_s)
    for reading, expected in zip(readings, itl_s, strict=True):
        assert reading.itl_s.tolist() == pytest.approx(expected)


def row(name, whole=WHOLE, trial=TRIAL):
    return figures(TOOL[name], trial, whole, percentiles=(50, 95))


def test_percentiles_are_by_nearest_rank_over_what_a_tool_has():
    assert row("vLLM")["ttft_p50_s"] == pytest.approx(0.2)
    assert row("vLLM")["tpot_p50_s"] == pytest.approx(0.5 / 9)  # of two
    assert row("vLLM")["itl_p50_s"] == pytest.approx(0.1)  # of 0.01 0.01 0.1 0.1 0.1 0.2 0.2 0.2
    assert row("inference-perf")["itl_p50_s"] == 0.0  # of six zeros and three gaps
    assert row("inference-perf")["ttft_p95_s"] == pytest.approx(0.5)
    assert row("genai-bench")["itl_p50_s"] is None


def test_all_divide_tokens_by_the_whole_run_and_some_count_only_what_is_seen():
    rates = {name: row(name)["output_tokens_per_s"] for name in TOOL}
    assert rates == pytest.approx(
        {"vLLM": 6.4, "AIPerf": 6.4, "GuideLLM": 6.4, "genai-bench": 6.4, "inference-perf": 4.8, "llmperf": 4.8}
    )


def test_goodput_is_what_each_tool_says_it_is():
    goods = {name: (row(name)["goodput_rps"], row(name)["goodput_share"]) for name in TOOL}
    assert goods["vLLM"] == (pytest.approx(1 / 2.5), None)  # the plain answer misses TPOT by its finish chunk
    assert goods["AIPerf"] == (pytest.approx(2 / 2.5), 2 / 4)  # over what was attempted
    assert goods["inference-perf"] == (None, pytest.approx(1 / 3))  # over what succeeded; thinking is waiting
    assert {goods[name] for name in ("GuideLLM", "genai-bench", "llmperf")} == {(None, None)}


def test_a_one_token_answer_passes_vllms_goodput_by_a_tpot_of_zero():
    patient = replace(WHOLE, slo_ttft_s=0.45)
    assert row("vLLM", patient, (ONE_TOKEN,))["goodput_rps"] == pytest.approx(1 / 2.5)
    assert row("inference-perf", patient, (ONE_TOKEN,))["goodput_share"] == 0.0


def test_without_events_what_can_be_known_stays_and_what_cannot_is_unknown():
    bare = [replace(success, stream=None) for success in TRIAL]
    for name in ("AIPerf", "GuideLLM", "genai-bench"):
        assert row(name, trial=bare) == row(name)
    vllm = [TOOL["vLLM"].read(success) for success in bare]
    assert [r.ttft_s for r in vllm] == pytest.approx([0.1, 0.2, 0.4])  # attempts keep the first choice
    assert [r.e2e_s for r in vllm] == pytest.approx([0.5, 0.7, 0.4])
    assert row("vLLM", trial=bare)["itl_p50_s"] is None
    assert row("inference-perf", trial=bare)["itl_p50_s"] is None
    assert row("inference-perf", trial=bare)["ttft_p50_s"] == row("inference-perf")["ttft_p50_s"]
    assert {tool.name for tool in TOOLS if tool.needs_events} == {"vLLM", "genai-bench", "inference-perf", "llmperf"}


def test_unknown_counts_are_unknown_figures_but_for_the_tool_that_counts_chunks():
    untold = [replace(PLAIN, output_tokens=None), THINKING]
    assert row("vLLM", trial=untold)["output_tokens_per_s"] is None
    assert TOOL["vLLM"].read(untold[0]).tpot_s is None
    assert TOOL["GuideLLM"].read(untold[0]).tpot_s == pytest.approx(0.5 / 3)
    assert row("GuideLLM", trial=untold)["output_tokens_per_s"] == pytest.approx(13 / 2.5)


def test_a_trial_without_success_has_no_figures():
    for tool in TOOLS:
        row_of_none = figures(tool, (), WHOLE, percentiles=(50,))
        latencies = {value for metric, value in row_of_none.items() if metric.endswith("_s") and "_p50" in metric}
        assert latencies == {None}
        assert row_of_none["output_tokens_per_s"] is None
        assert row_of_none["goodput_share"] in (None, 0.0)


STREAMS = st.lists(st.integers(1, 500), min_size=2, max_size=20)


@given(STREAMS, st.integers(0, 50))
def test_where_every_event_is_one_visible_token_only_ends_and_names_differ(gaps_ms, close_ms):
    """No role chunk, no finish chunk, no thought: what is left of the differences is E2E's end and GuideLLM's TPOT."""
    times = np.cumsum(gaps_ms) * MS
    plain = Success(
        t_start_ns=0, t_choice_ns=int(times[0]), t_first_ns=int(times[0]), t_visible_ns=int(times[0]),
        t_last_ns=int(times[-1]), t_end_ns=int(times[-1]) + close_ms * MS, output_tokens=len(times),
        reasoning_tokens=0, chunks=len(times), stream=Stream(choice_ns=times, said_ns=times, text_ns=times),
    )  # fmt: skip
    read = {name: tool.read(plain) for name, tool in TOOL.items()}
    assert {r.ttft_s for r in read.values()} == {times[0] / 1e9}
    tpot_s = (times[-1] - times[0]) / 1e9 / (len(times) - 1)
    for name in ("vLLM", "AIPerf", "inference-perf"):
        assert read[name].tpot_s == pytest.approx(tpot_s)
    assert read["genai-bench"].tpot_s == pytest.approx(tpot_s + close_ms / 1e3 / (len(times) - 1))
    assert read["GuideLLM"].tpot_s * len(times) == pytest.approx(read["AIPerf"].e2e_s)
    assert read["vLLM"].itl_s.sum() == pytest.approx(tpot_s * (len(times) - 1))
    assert read["vLLM"].itl_s.tolist() == read["inference-perf"].itl_s.tolist()
    assert read["llmperf"].itl_s[0] == pytest.approx(read["GuideLLM"].tpot_s)
