"""Repeats, the stop when they agree, and searches, in whole nights against real servers."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.fast_endpoint import EndpointSpec, fast_endpoint
from tests.flows.nights import endpoint, megatoken, night, sql, write_config
from tests.flows.test_night import QUICK

EVEN = FakeScript(ttft_s=0.1, itl_s=0.01)


def test_repeats_go_round_all_targets_and_a_re_run_measures_what_is_left(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(QUICK) as one, fake_endpoint(QUICK) as two:
        targets = [endpoint("a", one.base_url), endpoint("b", two.base_url, model="other")]
        config = write_config(tmp_path, targets, workload={"repeats": 2})
        # room for three of the four trials
        cut = night(data, config, "--run-id", "r", "--max-usd", "0.0016")
        assert cut.returncode == 1
        order = "SELECT target_id, repeat_number, try_number FROM trials ORDER BY started_at"
        assert [(r["target_id"], r["repeat_number"]) for r in sql(data, order)] == [("a", 1), ("b", 1)] + [("a", 2)] * (
            len(sql(data, order)) - 2
        )
        whole = night(data, config, "--run-id", "r")
        assert whole.returncode == 0, whole.stdout + whole.stderr
    rows = sql(data, "SELECT target_id, repeat_number FROM trials ORDER BY target_id, repeat_number")
    assert [(r["target_id"], r["repeat_number"]) for r in rows] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_repeating_ends_once_both_medians_are_known_well_enough(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(EVEN) as server:
        workload = {"repeats": 7, "stop_at_relative_half_width": 0.9}
        done = night(data, write_config(tmp_path, [endpoint("a", server.base_url)], workload=workload))
    assert done.returncode == 0, done.stdout + done.stderr
    (counted,) = sql(data, "SELECT count(*) AS n FROM trials")
    assert 5 <= counted["n"] < 7
    assert "is left out, TTFT and TPOT are known to within 90%" in done.stdout


def test_events_older_than_they_are_to_be_kept_are_removed_at_the_end_of_a_night(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(QUICK) as server:
        config = write_config(tmp_path, [endpoint("a", server.base_url)], night={"keep_events_days": 3})
        first = night(data, config)
        assert first.returncode == 0, first.stdout + first.stderr
        assert "keep_events_days" not in first.stdout
        (today,) = (data / "events").glob("date=*")
        old = data / "events" / f"date={datetime.now(UTC).date() - timedelta(days=4)}"
        shutil.copytree(today, old)
        second = night(data, config)
    assert "removed the single events of 1 trials older than 3 days (keep_events_days)" in second.stdout
    assert not list(old.glob("*.parquet"))
    assert list(today.glob("*.parquet"))


# --- searches


# The level is one that a busy machine hardly ever passes: a rate is not held because its queue grows.
SEARCH = {
    "arrivals": "constant", "concurrency": None, "requests": None, "duration_s": 1.0, "slo_ttft_ms": 1000,
    "slo_tpot_ms": 200, "search": "slo",
    "search_limits": {"rate_min_rps": 30, "rate_max_rps": 120, "point_repeats": 2, "tolerance": 1.3},
}  # fmt: skip
PLANTED = EndpointSpec(ttft_s=0.01, itl_s=0.001, tokens=8, capacity_rps=50.0)


@pytest.mark.slow
def test_a_search_in_a_night_finds_the_planted_limit_and_lands_its_answer(tmp_path):
    data = tmp_path / "data"
    with fast_endpoint(PLANTED) as server:
        config = write_config(tmp_path, [endpoint("a", server.base_url)], workload=SEARCH)
        done = night(data, config, "--run-id", "s")
        assert done.returncode == 0, done.stdout + done.stderr
        (found,) = sql(data, "SELECT * FROM searches")
        assert found["found_rate_rps_low"] <= 52.5
        assert found["found_rate_rps_high"] >= 47.5
        assert (found["kind"], found["slo_percentile"], found["slo_ttft_s"]) == ("slo", 95, 1.0)
        points = sql(data, "SELECT search_point, search_id, requests_planned FROM trials ORDER BY search_point")
        assert [p["search_point"] for p in points] == list(range(found["points"]))
        assert {p["search_id"] for p in points} == {found["search_id"]}
        assert all(p["requests_planned"] >= 60 for p in points)
        assert "50" in done.stdout
        # it has its answer, so a re-run measures nothing again
        again = night(data, config, "--run-id", "s")
        assert again.returncode == 0, again.stdout + again.stderr
    assert sql(data, "SELECT count(*) AS n FROM trials") == [{"n": found["points"]}]


@pytest.mark.slow
def test_a_search_ends_where_the_budget_ends_and_begins_anew_in_a_re_run(tmp_path):
    data = tmp_path / "data"
    with fast_endpoint(PLANTED) as server:
        two_points = {"search": "sweep", "search_limits": {"rate_min_rps": 35, "rate_max_rps": 45}}
        config = write_config(tmp_path, [endpoint("a", server.base_url)], workload=SEARCH | two_points)
        # 61 requests at worst cost 0.0083 USD: one point, not two
        cut = night(data, config, "--run-id", "s", "--max-usd", "0.0095")
        assert cut.returncode == 1
        assert "would pass max_usd" in cut.stdout
        assert sql(data, "SELECT count(*) AS n FROM searches") == [{"n": 0}]
        whole = night(data, config, "--run-id", "s")
        assert whole.returncode == 0, whole.stdout + whole.stderr
    assert sql(data, "SELECT count(*) AS n FROM searches") == [{"n": 1}]
    trials = sql(data, "SELECT count(*) AS n, count(DISTINCT trial_id) AS different FROM trials")
    assert trials[0]["n"] == trials[0]["different"] >= 3


@pytest.mark.slow
def test_a_bench_finds_a_planted_limit_within_five_per_cent(tmp_path):
    with fast_endpoint(EndpointSpec(ttft_s=0.01, itl_s=0.001, tokens=8, capacity_rps=60.0)) as server:
        done = megatoken(
            tmp_path / "data", "bench", server.base_url, "--model", "m", "--output-tokens", "8", "--warmup", "0",
            "--find-rate", "--arrivals", "constant", "--rate-min", "50", "--rate-max", "75", "--slo-ttft-ms", "1000",
            "--duration", "1", "--tolerance", "1.04", "--json",
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    *points, found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found["points"] == len(points)
    assert found["rate_rps"] == pytest.approx(60.0, rel=0.05)
    assert found["low_rps"] <= found["rate_rps"] < found["high_rps"]
    assert {point["certificate_grade"] for point in points} <= set("ABCD")


def test_a_sweep_prints_its_points_and_ends_when_the_target_is_over_saturated(tmp_path):
    with fast_endpoint(PLANTED) as server:
        done = megatoken(
            tmp_path / "data", "bench", server.base_url, "--model", "m", "--output-tokens", "8", "--sweep",
            "--arrivals", "constant", "--rate-min", "35", "--rate-max", "200", "--duration", "2.5", "--no-land",
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "offered/s" in done.stdout
    assert "keeps up" in done.stdout
    assert "over-saturated at" in done.stdout
