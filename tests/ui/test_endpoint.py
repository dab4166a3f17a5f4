"""The page of one target: its course in words, its changes, what it is made of, and the way to measure it again."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui import endpoint, endpoint_charts, endpoint_provenance, markup
from ui.server import DATA_DIR_VARIABLE
from warehouse.changes import Change
from warehouse.metrics import METRICS, metric

TTFT, COST, FAILED = metric("ttft_p50_s"), metric("usd_per_output_mtok"), metric("failed_share")
FIRST = date(2026, 11, 1)


def night(number, **changes):
    row = {
        "night": FIRST + timedelta(days=number),
        "started_at": datetime(2026, 11, 1, 2, 15, tzinfo=UTC) + timedelta(days=number),
        "trial_id": f"n{number}.t.w.1", "trace_name": None, "window_start_ns": None, "window_end_ns": None,
        "run_id": f"n{number}", "target_id": "t", "kind": "endpoint",
        "provider": "acme", "model": "m", "quantisation": None, "models_returned": ["m-1"],
        "system_fingerprints": [], "weights_sha256": None, "region": "USA", "base_url": "https://acme.example/v1",
        "engine": None, "engine_version": None, "device": None, "threads": None, "slots": None, "arrivals": "closed",
        "concurrency": 4, "rate_rps": None, "rate_end_rps": None, "burstiness": None, "requests_planned": 30,
        "prompt_tokens_asked": 100, "output_tokens_asked": 64, "slo_ttft_s": 1.0, "slo_tpot_s": 0.1, "seed": 7,
        "api": "openai-chat", "host_id": "h", "cpu_model": "c", "gpu_models": None, "megatoken_version": "0.1.0",
        "config_name": "n", "config_sha256": "a" * 64, "config_toml": None, "client_grade": "A",
        "cpu_share_others": 0.02, "attempts": 30, "ok": 29, "errors": {"timeout": 1},
    }  # fmt: skip
    for of in METRICS:
        row |= {of.column: 0.5, f"{of.column}_low": 0.4, f"{of.column}_high": 0.6}
    for time in ("ttft", "tpot", "e2e"):
        row |= {f"{time}_{name}_s": 0.1 for name in ("p10", "p25", "p75", "p90")}
    return row | changes


def change(number, **changes):
    on = FIRST + timedelta(days=number)
    found = Change(
        target_id="t", workload_id="w", metric_id="ttft_p50_s", change_kind="shift", changed_on=on, earliest_on=on,
        latest_on=on, value_before=0.4, value_after=0.6, before_nights=number, after_nights=5, is_better=False,
        hints=("engine_version b1 -> b2",),
    )  # fmt: skip
    return replace(found, **changes)


NIGHTS = [night(number) for number in range(20)]


@pytest.mark.parametrize(
    ("nights", "found", "said"),
    [
        (NIGHTS, [], "TTFT p50 kept its level over 20 nights"),
        (NIGHTS[:4], [], "TTFT p50 over 4 nights: shifts show after 10"),
        (NIGHTS, [change(12)], "TTFT p50 shifted by +50 % on 2026-11-13 (worse)"),
        (NIGHTS[14:], [change(12)], "TTFT p50 over 6 nights: shifts show after 10"),
        (NIGHTS, [change(6), change(12, value_after=0.2, is_better=True)],
         "TTFT p50 shifted by -50 % on 2026-11-13 (better), the last of 2 shifts"),
        (NIGHTS, [change(12, change_kind="night")], "TTFT p50 kept its level over 20 nights"),
        ([night(0, ttft_p50_s=None)], [], "TTFT p50 is not known of any night"),
    ],
)  # fmt: skip
def test_the_title_of_the_course_states_what_it_comes_to(nights, found, said):
    assert endpoint.finding(nights, TTFT, found) == said


def test_the_verdict_names_the_newest_night_on_which_something_changed_and_the_worse_first():
    badge, said = endpoint.verdict_of(
        [change(12), change(12, metric_id="e2e_p50_s", is_better=True), change(3)], NIGHTS
    )
    assert (badge.text, said) == ("got worse", "TTFT p50 +50 % since 2026-11-13.")
    assert endpoint.verdict_of([change(12, change_kind="night")], NIGHTS)[0].text == "steady"
    assert endpoint.verdict_of([], NIGHTS[:3])[0].text == "too early"


def test_levels_reach_from_shift_to_shift():
    first, second = change(5), change(12, value_before=0.6, value_after=0.3)
    assert endpoint_charts.levels_of([first, second]) == [
        (None, first.changed_on, 0.4),
        (first.changed_on, second.changed_on, 0.6),
        (second.changed_on, None, 0.3),
    ]
    assert endpoint_charts.levels_of([]) == []


def drawn(chart):
    return json.loads(chart.to_json())


def test_the_course_has_a_dot_a_night_its_interval_its_levels_and_the_shift():
    found = [change(12), change(3, change_kind="night")]
    chart = drawn(endpoint_charts.trend_chart(NIGHTS, TTFT, found, colour="#0072B2"))
    (dots,) = [rows for rows in chart["datasets"].values() if "value" in rows[0]]
    assert len(dots) == 20
    assert (dots[0]["value"], dots[0]["low"], dots[0]["high"]) == (500.0, 400.0, 600.0)
    assert [dot["said"] for dot in dots if dot["kind"] == "odd"] == ["2026-11-04"]
    text = json.dumps(chart)
    assert "lower is better" in text
    assert "+50 %, worse" in text
    assert "engine_version b1 -> b2" in text


def test_a_night_without_a_figure_is_no_dot_and_without_any_there_is_no_chart():
    nights = [night(0), night(1, ttft_p50_s=None, ttft_p50_s_low=None, ttft_p50_s_high=None)]
    assert "2026-11-02" not in json.dumps(drawn(endpoint_charts.trend_chart(nights, TTFT, [], colour="#000")))
    assert endpoint_charts.trend_chart(nights[1:], TTFT, [], colour="#000") is None
    assert endpoint_charts.box_chart([night(0, ttft_p25_s=None)], "ttft", colour="#000") is None
    assert endpoint_charts.errors_chart([night(0, errors={}, ok=30)]) is None


def test_failures_are_drawn_as_shares_by_kind():
    chart = endpoint_charts.errors_chart([night(0), night(1, errors={"timeout": 3, "rate_limited": 6}, ok=21)])
    said = json.dumps(drawn(chart))
    assert '"percent": 20.0' in said
    assert "3 of 30" in said


def test_a_year_of_nights_stays_below_two_thousand_marks():
    year = [night(number % 400) for number in range(800)]
    chart = drawn(endpoint_charts.trend_chart(year, TTFT, [change(200)], colour="#000"))
    assert 380 <= sum(len(chart["datasets"][layer["data"]["name"]]) for layer in chart["layer"]) < 2000


def test_provenance_says_since_which_night_it_is_so_and_what_it_was_before():
    nights = [night(n, engine="llama.cpp", engine_version="b2" if n >= 5 else "b1", device="cpu") for n in range(9)]
    _, rows = endpoint_provenance.provenance_table(nights)
    told = {row.cells[0].main: row.cells for row in rows}
    assert told["Engine"][1].main == "llama.cpp b2 on cpu"
    assert (told["Engine"][2].main, told["Engine"][2].beneath) == ("2026-11-06", "before: llama.cpp b1 on cpu")
    assert told["Provider and region"][2].main == "all nights"
    assert told["Service level"][1].main == "first token within 1 s, then at most 0.1 s a token"
    assert told["Config and its SHA-256"][1].main == "n aaaaaaaaaaaa..."
    assert "Fingerprint" not in told


def test_the_command_measures_the_newest_cell_again_with_the_name_of_its_key():
    toml = '[[targets]]\nid = "t"\napi_key_env = "ACME_KEY"\n'
    said = endpoint_provenance.command_of(night(0, config_toml=toml, model="m; rm -rf x"))
    assert said == (
        "megatoken bench https://acme.example/v1 --model 'm; rm -rf x' --api-key-env ACME_KEY --concurrency 4"
        " --requests 30 --prompt-tokens 100 --output-tokens 64 --seed 7 --slo-ttft-ms 1000 --slo-tpot-ms 100"
    )
    of_own = endpoint_provenance.command_of(night(0, kind="local"))
    assert of_own == "megatoken night flows/configs/n.toml --only t"


def test_the_command_of_a_bench_is_one_that_megatoken_takes():
    import shlex

    from flows.benchplan import bench_target, bench_workload
    from flows.cli import build_parser

    open_loop = night(0, arrivals="gamma", concurrency=None, rate_rps=2.5, burstiness=0.5)
    timed = open_loop | {"requests_planned": None, "window_start_ns": 0, "window_end_ns": 60_000_000_000}
    for row in (night(0), open_loop, timed):
        options = build_parser().parse_args(shlex.split(endpoint_provenance.command_of(row))[1:])
        workload = bench_workload(options)
        assert bench_target(options).model == "m"
        assert (workload.concurrency, workload.rate_rps) == (row["concurrency"], row["rate_rps"])
        assert (workload.requests, workload.duration_s) == (row["requests_planned"], 60.0 if row is timed else None)
        assert (workload.seed, workload.slo_ttft_ms) == (7, 1000.0)


def test_tables_escape_names_and_lead_to_the_run():
    _, rows = endpoint.night_table([night(0, run_id="<b>&n")], TTFT)
    html = markup.table([markup.Column(title=str(n)) for n in range(6)], rows, label="x")
    assert 'href="runs?run=%3Cb%3E%26n&amp;trial=n0.t.w.1"' in html
    hostile = change(3, hints=("model <img src=x> -> b",))
    columns, rows = endpoint.change_table([hostile, change(2, change_kind="price", workload_id=None,
                                                           metric_id="price_usd_per_output_mtok")])  # fmt: skip
    html = markup.table(columns, rows, label="x")
    assert "<img" not in html
    assert "Price of output tokens" in html


def test_the_file_and_the_twin_hold_every_night():
    rows = list(csv.DictReader(io.StringIO(endpoint.to_csv(NIGHTS))))
    assert len(rows) == 20
    assert (rows[0]["night"], rows[0]["ttft_p50_s"]) == ("2026-11-01", "0.5")
    twin = endpoint.twin(NIGHTS)
    assert (len(twin), twin[0]["night"], twin[0]["TTFT p50, ms"]) == (20, "2026-11-20", 500.0)


# the page itself, over two small nights


def drawn_page(folder, monkeypatch, **query):
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(folder))
    page = AppTest.from_file(str(Path(endpoint.__file__).parent / "questions/endpoint.py"), default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return " ".join(html.proto.body for html in page.get("html"))


def test_the_page_of_a_target_tells_its_nights_and_of_one_without_any_why(nights, monkeypatch):
    said = drawn_page(nights, monkeypatch, target="smollm2-q8", figure="j_per_output_token")
    assert "Energy over 2 nights: shifts show after 10" in said
    assert "What it is, and since when" in said
    said = drawn_page(nights, monkeypatch, target="mistral-small")
    assert "MISTRAL_API_KEY is not set" in said


def test_an_address_that_asks_for_nonsense_is_told_so(nights, monkeypatch):
    assert "There is no target" in drawn_page(nights, monkeypatch, target="<script>")
