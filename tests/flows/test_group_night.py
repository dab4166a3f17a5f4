"""Endpoints of one model, measured interleaved by one client: each lands its own trial, whatever happens meanwhile."""

import contextlib
import random
import signal
import time

import pytest

from probes.fake_endpoint import FakeScript, fake_endpoint
from tests.flows.nights import endpoint, landed_attempts, night, sql, write_config
from tests.flows.test_night import (
    QUICK,
    STOPS,
    assert_every_landed_attempt_is_loaded_once,
    running_night,
    trial_of,
    until,
    waits,
)

WARM_UP = ".1.w"  # TRIAL.wNN; a measured one is TRIAL.NNNNN


@contextlib.contextmanager
def group_config(folder, script, count=2, **changes):
    """A config of so many endpoints that serve one model, and the endpoints."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(fake_endpoint(script)) for _ in range(count)]
        targets = [endpoint("abcdef"[n], server.base_url) for n, server in enumerate(servers)]
        yield write_config(folder, targets, paired=True, **changes), servers


def test_one_client_interleaves_a_group_and_each_member_lands_its_own_trial(tmp_path):
    data = tmp_path / "data"
    with group_config(tmp_path, QUICK, 3, requests=8) as (config, servers):
        done = night(data, config)
        truths = [[r["recv_ns"] for r in server.truth() if WARM_UP not in r["request_id"]] for server in servers]
    assert done.returncode == 0, done.stdout + done.stderr
    trials = sql(data, "SELECT trial_id, target_id, status, group_id, client_processes FROM trials ORDER BY target_id")
    assert [(t["target_id"], t["status"]) for t in trials] == [
        ("a", "completed"),
        ("b", "completed"),
        ("c", "completed"),
    ]
    assert {t["group_id"] for t in trials} == {f"{trials[0]['trial_id']}+2"}
    attempts = landed_attempts(data).filter(landed_attempts(data)["phase"] == "measured")
    per_pair = attempts.group_by("pair_id").len()
    assert len(per_pair) == 8
    assert set(per_pair["len"]) == {3}  # every round asks every member once
    assert [len(times) for times in truths] == [8, 8, 8]
    # interleaved, not one after the other: each began before any had ended
    assert max(min(times) for times in truths) < min(max(times) for times in truths)
    assert_every_landed_attempt_is_loaded_once(data)
    board = sql(data, "SELECT target_id FROM leaderboard ORDER BY target_id")
    assert [row["target_id"] for row in board] == ["a", "b", "c"]


def test_a_member_that_refuses_everybody_costs_itself_only(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(FakeScript(fault="http-401")) as bad, fake_endpoint(QUICK) as good:
        targets = [endpoint("bad", bad.base_url), endpoint("good", good.base_url)]
        done = night(data, write_config(tmp_path, targets, paired=True))
    assert done.returncode == 1
    assert "failed: bad" in done.stdout
    rows = sql(
        data,
        "SELECT t.target_id, m.ok, t.group_id FROM trials AS t JOIN trial_metrics AS m USING (trial_id) ORDER BY 1",
    )
    assert [(r["target_id"], r["ok"]) for r in rows] == [("bad", 0), ("good", 6)]
    assert rows[0]["group_id"] is not None


def test_the_limit_lets_only_so_many_into_a_group_as_it_surely_covers(tmp_path):
    data = tmp_path / "data"
    with group_config(tmp_path, QUICK, 3, workload={"prompt_tokens": 400}) as (config, servers):
        # at worst 7 requests x (600 tokens in, 8 out): 0.0043 USD a trial, so two of three may start
        done = night(data, config, "--max-usd", "0.009")
        assert done.returncode == 1
        assert [bool(server.requests) for server in servers] == [True, True, False]
    assert "stopped before c under w" in done.stdout
    assert sql(data, "SELECT state FROM runs_overview") == [{"state": "stopped_at_budget"}]


def test_only_and_a_missing_key_leave_the_others_of_a_group(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(QUICK) as one, fake_endpoint(QUICK) as two:
        targets = [
            endpoint("a", one.base_url),
            endpoint("b", two.base_url),
            endpoint("keyless", two.base_url, api_key_env="NOT_SET_ANYWHERE"),
        ]
        config = write_config(tmp_path, targets, paired=True)
        done = night(data, config, "--only", "b", "--only", "keyless")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sql(data, "SELECT target_id, group_id FROM trials") == [{"target_id": "b", "group_id": None}]


def test_ctrl_c_lands_every_member_and_a_re_run_completes_the_group(tmp_path):
    data = tmp_path / "data"
    with group_config(tmp_path, STOPS, requests=20) as (config, servers):
        with running_night(data, config, "--run-id", "cut") as process:
            until(lambda: all(map(waits, servers)), process)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=300)
        assert process.returncode == 1, output
        assert "Traceback" not in output
        rows = sql(data, "SELECT target_id, status FROM trials ORDER BY target_id")
        assert [(r["target_id"], r["status"]) for r in rows] == [("a", "aborted"), ("b", "aborted")]
        again = night(data, config, "--run-id", "cut")
        assert again.returncode == 0, again.stdout + again.stderr
    done = sql(data, "SELECT target_id FROM trials WHERE status = 'completed' ORDER BY target_id")
    assert [row["target_id"] for row in done] == ["a", "b"]
    groups = sql(data, "SELECT count(DISTINCT group_id) AS n FROM trials")
    assert groups == [{"n": 2}]  # measured at two times, so two groups
    assert_every_landed_attempt_is_loaded_once(data)


def test_a_group_that_hangs_is_ended_at_its_deadline_with_what_each_had(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(FakeScript(fault="stall", fault_every=8)) as bad, fake_endpoint(QUICK) as good:
        targets = [endpoint("bad", bad.base_url), endpoint("good", good.base_url)]
        config = write_config(
            tmp_path, targets, paired=True, requests=80, trial_s=6.0, concurrency=2, warmup_requests=0
        )
        done = night(data, config)
    assert done.returncode == 1
    assert "timed_out" in {row["status"] for row in sql(data, "SELECT status FROM trials")}
    assert len(sql(data, "SELECT status FROM trials")) == 2
    assert landed_attempts(data)["error_class"].is_null().any()


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["night", "trial"])
def test_a_group_killed_at_any_moment_is_completed_by_a_re_run(tmp_path, victim):
    moments = random.Random(f"group {victim}")
    with group_config(tmp_path, FakeScript(ttft_s=0.02, itl_s=0.005), requests=12) as (config, _):
        for round_number in range(2):
            data = tmp_path / f"data{round_number}"
            with running_night(data, config, "--run-id", "r") as process:
                until(lambda process=process: trial_of(process) is not None, process)
                time.sleep(moments.uniform(0.0, 3.0))
                killed = process if victim == "night" else trial_of(process)
                if killed is not None:  # it may have ended by itself just now
                    killed.kill()
                process.communicate(timeout=300)
            done = night(data, config, "--run-id", "r")
            assert done.returncode == 0, done.stdout + done.stderr
            rows = sql(data, "SELECT target_id FROM trials WHERE status = 'completed' ORDER BY target_id")
            assert [row["target_id"] for row in rows] == ["a", "b"]
            assert_every_landed_attempt_is_loaded_once(data)
            alone = "SELECT count(*) AS n FROM trials WHERE status = 'crashed' AND group_id IS NULL"
            assert sql(data, alone) == [{"n": 0}]  # a killed trial still says with whom it was measured
            assert not list((data / "spool").iterdir())
