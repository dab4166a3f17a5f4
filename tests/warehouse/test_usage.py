"""A month of requests and the logs that it is read from."""

import io
import json

import numpy as np
import polars as pl
import pytest

from warehouse.errors import WarehouseError
from warehouse.formulas.breakeven import SECONDS_PER_MONTH
from warehouse.formulas.usage import TokenPrice, Usage, month_usd, same_requests
from warehouse.usage_log import MAX_BYTES, read_usage_log


def tier(above=0, usd_in=1.0, usd_out=4.0, *, cached=0.1, write=1.25, fee=0.0):
    return TokenPrice(
        above_prompt_tokens=above, usd_per_input_mtok=usd_in, usd_per_cached_input_mtok=cached,
        usd_per_cache_write_mtok=write, usd_per_output_mtok=usd_out, usd_per_1k_requests=fee,
    )  # fmt: skip


def test_a_month_worked_by_hand_has_cached_written_and_fresh_tokens_and_a_fee():
    usage = same_requests(1000, prompt_tokens=1000, output_tokens=500, cached_share=0.5, cache_write_share=0.2)
    # 10^6 prompt: 0.3 x 1 + 0.5 x 0.1 + 0.2 x 1.25; 0.5 x 10^6 output x 4; one fee of 2
    assert month_usd(usage, [tier(fee=2.0)]) == pytest.approx(0.3 + 0.05 + 0.25 + 2.0 + 2.0)
    assert usage.total.work(0.1) == pytest.approx(500e3 + 0.1 * 500e3)


def test_a_long_prompt_moves_its_whole_request_to_its_tier_and_one_at_the_limit_does_not():
    prompts = np.array([200_000.0, 200_001.0, 10.0])
    usage = Usage(
        requests=np.ones(3), prompt=prompts, cached=np.zeros(3), written=np.zeros(3), output=np.full(3, 1000.0)
    )
    tiers = [tier(), tier(200_000, 2.0, 8.0)]
    expected = (200_010 * 1 + 2000 * 4 + 200_001 * 2 + 1000 * 8) / 1e6
    assert month_usd(usage, tiers) == pytest.approx(expected)
    assert month_usd(usage.scaled(3), tiers) == pytest.approx(3 * expected)
    parts = [usage.between(0, 200_000), usage.between(200_000, np.inf)]
    assert sum(part.requests for part in parts) == usage.total.requests == 3


def test_prompts_of_no_tokens_are_of_the_shortest_tier():
    usage = same_requests(10, prompt_tokens=0, output_tokens=100)
    assert month_usd(usage, [tier(), tier(100, 9.0, 9.0)]) == pytest.approx(10 * 100 * 4 / 1e6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cached_share": 0.8, "cache_write_share": 0.4}, "more than the 100 tokens"),
        ({"requests_per_month": 0}, "above 0"),
        ({"output_tokens": -1}, "must be 0 or more"),
        ({"output_tokens": float("nan")}, "finite"),
    ],
)
def test_a_month_that_cannot_be_is_refused(changes, said):
    given = {"requests_per_month": 10, "prompt_tokens": 100, "output_tokens": 10} | changes
    with pytest.raises(ValueError, match=said):
        same_requests(given.pop("requests_per_month"), **given)


def test_tiers_must_rise_from_0():
    with pytest.raises(ValueError, match="must rise from 0"):
        month_usd(same_requests(1, prompt_tokens=1, output_tokens=1), [tier(5)])


def csv(*lines):
    return "\n".join(lines).encode()


def test_a_csv_of_answers_gives_its_tokens_and_the_time_that_it_covers():
    log = read_usage_log(
        csv(
            "timestamp,model,prompt_tokens,completion_tokens,cached_tokens",
            "2026-11-01T00:00:00Z,m,100,10,40",
            "2026-11-02T00:00:00Z,m,300,30,",
        ),
        "log.csv",
    )
    assert log.span_s == 86_400
    month = log.month(86_400).total
    assert month.requests == pytest.approx(2 * SECONDS_PER_MONTH / 86_400)
    assert (month.prompt_tokens / month.requests, month.cached_tokens / month.requests) == pytest.approx((200, 20))
    assert log.columns == ("prompt_tokens", "completion_tokens", "cached_tokens")


def test_openai_s_usage_export_holds_many_requests_a_row():
    log = read_usage_log(
        csv(
            "start_time,end_time,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens",
            "1761955200,1762041600,10,m,1000,200,500",
            "1762041600,1762128000,0,m,0,0,0",
        ),
        "completions_usage.csv",
    )
    assert log.span_s == 2 * 86_400
    assert (log.requests.tolist(), log.prompt.tolist(), log.cached.tolist()) == ([10.0], [100.0], [50.0])
    assert "rows hold several requests each" in log.notes[0]


def test_json_lines_are_looked_into_and_what_anthropic_counts_beside_is_added():
    lines = [
        {"usage": {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 64}}},
        {"usage": {"prompt_tokens": 50, "completion_tokens": 7}},
    ]
    log = read_usage_log("\n".join(map(json.dumps, lines)).encode() + b"\n\n", "log.jsonl")
    assert (log.prompt.tolist(), log.cached.tolist(), log.span_s) == ([100.0, 50.0], [64.0, 0.0], None)
    anthropic = {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_input_tokens": 90,
        "cache_creation_input_tokens": 20,
    }
    log = read_usage_log(json.dumps([anthropic]).encode(), "log.json")
    assert (log.prompt.tolist(), log.cached.tolist(), log.written.tolist()) == ([120.0], [90.0], [20.0])
    assert "count beside input_tokens" in log.notes[0]


def test_parquet_with_a_struct_is_read():
    frame = pl.DataFrame({"usage": [{"prompt_tokens": 7, "completion_tokens": 3}]})
    file = io.BytesIO()
    frame.write_parquet(file)
    log = read_usage_log(file.getvalue(), "log.parquet")
    assert (log.prompt.tolist(), log.output.tolist()) == ([7.0], [3.0])


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (csv("prompt_tokens,completion_tokens", "1,2", "x,2"), "l.csv", "line 3: prompt_tokens is 'x'; it must be"),
        (csv("prompt_tokens,completion_tokens", "1,"), "l.csv", "line 2: completion_tokens is empty"),
        (csv("prompt_tokens,completion_tokens", "1,-4"), "l.csv", "line 2: completion_tokens is '-4'"),
        (csv("prompt_tokens,completion_tokens,cached_tokens", "1,4,9"), "l.csv", "line 2: 9 cached tokens are more"),
        (csv("prompt_tokens,completion_tokens", "1e12,4"), "l.csv", "line 2: a request of 1e\\+12 tokens cannot be"),
        (csv("a,b", "1,2"), "l.csv", "no column of prompt and output tokens; it has 'a', 'b'"),
        (csv("prompt_tokens,completion_tokens"), "l.csv", "holds no row"),
        (b"", "l.csv", "cannot be read"),
        (b'{"prompt_tokens": 1, "completion_tokens": 2}\nnonsense\n', "l.jsonl", "l.jsonl line 2 is no JSON"),
        (b"[1]", "l.json", "row 1 is no object"),
        (b"PAR1", "l.parquet", "cannot be read"),
        (b"x", "l.xlsx", "no log that can be read"),
        (b"x" * (MAX_BYTES + 1), "l.csv", "at most 50 MB"),
    ],
)  # fmt: skip
def test_nonsense_is_one_sentence_that_names_the_line(data, name, said):
    with pytest.raises(WarehouseError, match=said):
        read_usage_log(data, name)


def test_a_log_whose_times_cannot_be_read_does_not_say_how_long_it_covers():
    log = read_usage_log(csv("time,prompt_tokens,completion_tokens", "monday,1,2", "tuesday,1,2"), "l.csv")
    assert log.span_s is None
