"""A night from config to leaderboard, and what becomes of it when things go wrong."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from probes.fake_endpoint import FakeEndpoint, FakeScript, Play, fake_endpoint
from probes.load.spool import read_spool
from tests.flows.nights import (
    ROOT,
    command,
    endpoint,
    environment,
    landed_attempts,
    megatoken,
    night,
    sql,
    write_config,
)

QUICK = FakeScript(ttft_s=0.002, itl_s=0.0005)


def run_id_of(done: subprocess.CompletedProcess[str]) -> str:
    return next(line.split()[1].rstrip(":") for line in done.stdout.splitlines() if line.startswith("run "))


def assert_no_traceback(done: subprocess.CompletedProcess[str]) -> None:
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_night_ends_in_a_ranked_leaderboard(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(QUICK) as one, fake_endpoint(FakeScript(ttft_s=0.2, itl_s=0.002)) as two:
        config = write_config(tmp_path, [endpoint("quick", one.base_url), endpoint("slow", two.base_url)])
        done = night(data, config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_no_traceback(done)
    board = json.loads(megatoken(data, "leaderboard", "--json", "--any-grade", "--by", "ttft_p50_s").stdout)
    assert [(row["target_id"], row["rank"], row["n"]) for row in board] == [("quick", 1, 6), ("slow", 2, 6)]
    # 1 USD in, 2 USD out: what a million output tokens cost follows from the tokens that the server counted
    (cost,) = sql(data, "SELECT usd_per_output_mtok FROM leaderboard WHERE target_id = 'quick'")
    (tokens,) = sql(data, "SELECT prompt_tokens AS i, output_tokens AS o FROM trial_metrics WHERE target_id = 'quick'")
    assert cost["usd_per_output_mtok"] == pytest.approx((tokens["i"] * 1.0 + tokens["o"] * 2.0) / tokens["o"])
    # what a provider's machines draw is not known from outside
    assert all(row["j_per_output_token"] is None for row in board)


def test_a_second_night_adds_and_the_same_one_measures_nothing_again(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(QUICK) as server:
        config = write_config(tmp_path, [endpoint("a", server.base_url)])
        # nobody is there to be told of changes, which is no reason for a night to fail
        config.write_text(f'{config.read_text()}\n[notify]\nrss = true\nwebhook_url_env = "NOBODY_THERE"\n')
        first = night(data, config)
        served = len(server.requests)
        again = night(data, config, "--run-id", run_id_of(first))
        assert len(server.requests) == served
        assert again.returncode == 0
        assert "1 trial of this run has landed already" in again.stdout
        assert "watch: changes show after 10 nights, so far there is 1" in again.stdout
        assert "<feed" in (data / "published" / "changes.atom").read_text()
        night(data, config)
        assert len(server.requests) == 2 * served
    assert sql(data, "SELECT count(*) AS n FROM trial_metrics") == [{"n": 2}]


def test_a_run_is_not_gone_on_with_under_another_config(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(QUICK) as server:
        config = write_config(tmp_path, [endpoint("a", server.base_url)])
        first = night(data, config)
        config.write_text(config.read_text().replace("requests = 6", "requests = 7"))
        again = night(data, config, "--run-id", run_id_of(first))
    assert again.returncode == 2
    assert "pass that config, or leave --run-id out" in again.stderr


FAILURES = {
    "http-401": "auth",
    "http-404-model": "model_not_found",
    "http-503": "overloaded",
    "truncated": "truncated",
}


def test_failing_targets_are_rows_and_the_others_go_on(tmp_path):
    data = tmp_path / "data"
    with contextlib.ExitStack() as servers:
        targets = [
            endpoint(fault, servers.enter_context(fake_endpoint(FakeScript(fault=fault))).base_url)
            for fault in FAILURES
        ]
        targets.append(endpoint("good", servers.enter_context(fake_endpoint(QUICK)).base_url))
        done = night(data, write_config(tmp_path, targets))
    assert done.returncode == 1
    assert_no_traceback(done)
    assert f"failed: {', '.join(sorted(FAILURES))}" in done.stdout
    rows = sql(data, "SELECT DISTINCT target_id, error_class FROM attempt_metrics ORDER BY ALL")
    assert {(row["target_id"], row["error_class"]) for row in rows} == {*FAILURES.items(), ("good", None)}


def test_an_endpoint_that_refuses_connections_is_named(tmp_path):
    data = tmp_path / "data"
    with socket.socket() as closed:  # bound, so that nobody else gets it, and not listening
        closed.bind(("127.0.0.1", 0))
        config = write_config(tmp_path, [endpoint("gone", f"http://127.0.0.1:{closed.getsockname()[1]}/v1")])
        done = night(data, config)
    assert done.returncode == 1
    assert_no_traceback(done)
    assert set(landed_attempts(data)["error_class"]) == {"connect_refused"}


def test_a_key_is_never_written_down(tmp_path):
    data, key = tmp_path / "data", "planted-key-8d1f0c"
    with fake_endpoint(FakeScript(fault="echo-key-401")) as server:
        config = write_config(tmp_path, [endpoint("a", server.base_url, api_key_env="PLANTED")])
        done = night(data, config, PLANTED=key)
        assert server.requests[0].headers["authorization"] == f"Bearer {key}"
    assert key not in done.stdout + done.stderr
    for path in data.rglob("*"):
        assert path.is_dir() or key.encode() not in path.read_bytes(), path
    assert set(landed_attempts(data)["error_class"]) == {"auth"}


def test_without_keys_every_provider_is_skipped_with_its_reason(tmp_path):
    done = megatoken(tmp_path / "data", "night", "flows/configs/providers.example.toml", "--dry-run")
    assert done.returncode == 0
    for name in ("OPENAI", "ANTHROPIC", "GEMINI", "MISTRAL", "GROQ", "TOGETHER", "OPENROUTER", "VLLM"):
        assert f"{name}_API_KEY is not set in the environment" in done.stdout
    assert not (tmp_path / "data").exists()


def test_a_night_in_which_nothing_could_be_measured_is_no_success(tmp_path):
    config = write_config(tmp_path, [endpoint("a", "http://127.0.0.1:9/v1", api_key_env="NOT_SET_ANYWHERE")])
    assert night(tmp_path / "data", config).returncode == 1


def test_the_limit_stops_a_night_before_it_is_passed(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(QUICK) as one, fake_endpoint(QUICK) as two:
        config = write_config(tmp_path, [endpoint("one", one.base_url), endpoint("two", two.base_url)])
        # at worst 7 requests x (120 tokens in, 8 out): 0.000952 USD a trial, so the second may not start
        done = night(data, config, "--max-usd", "0.0011")
        assert done.returncode == 1
        assert one.requests
        assert not two.requests
    assert "stopped before two under w" in done.stdout
    assert sql(data, "SELECT state FROM runs_overview") == [{"state": "stopped_at_budget"}]


def test_a_trial_that_hangs_is_ended_at_its_deadline_with_what_it_had(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(FakeScript(fault="stall", fault_every=40)) as server:
        config = write_config(
            tmp_path, [endpoint("a", server.base_url)], requests=80, trial_s=6.0, concurrency=4, warmup_requests=0
        )
        done = night(data, config)
    assert done.returncode == 1
    assert sql(data, "SELECT status FROM trials") == [{"status": "timed_out"}]
    classes = landed_attempts(data).group_by("error_class").len().to_dicts()
    counted = {row["error_class"]: row["len"] for row in classes}
    assert counted[None] > 0
    assert counted["aborted"] > 0


def test_missing_weights_cost_their_own_target_only(tmp_path):
    data = tmp_path / "data"
    local = {
        "kind": "local", "id": "l", "engine": "llama.cpp", "model": "no-such-model",
        "device": "cpu", "threads": 1, "slots": 1,
    }  # fmt: skip
    site = """
[site]
zone = "WORLD"
pue = 1.0
electricity_usd_per_kwh = 0.1
[site.hardware]
price_usd = 1
lifetime_years = 1.0
utilisation_share = 1.0
embodied_kgco2e = 1
share = 1.0
"""
    with fake_endpoint(QUICK) as server:
        config = write_config(tmp_path, [local, endpoint("a", server.base_url)])
        config.write_text(config.read_text() + site)
        done = night(data, config)
    assert done.returncode == 1
    assert_no_traceback(done)
    rows = sql(data, "SELECT target_id, status, status_reason FROM trials ORDER BY target_id")
    assert [(r["target_id"], r["status"]) for r in rows] == [("a", "completed"), ("l", "setup_failed")]
    assert "no-such-model" in rows[1]["status_reason"]


def test_a_place_that_cannot_be_landed_in_is_one_sentence(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "landing").write_text("in the way")
    config = write_config(tmp_path, [endpoint("a", "http://127.0.0.1:9/v1")])
    done = night(data, config)
    assert done.returncode == 1
    assert_no_traceback(done)
    assert len(done.stderr.strip().splitlines()) == 1


def test_two_runs_do_not_measure_one_machine_at_once(tmp_path):
    from flows.errors import NightError
    from flows.lock import host_lock

    with host_lock(), pytest.raises(NightError, match=f"process {os.getpid()}"), host_lock(wait_s=0.0):
        pass


LEAVES_A_TRIAL = """
import os, subprocess, sys
from flows.lock import host_lock
with host_lock() as lock:
    subprocess.Popen([sys.executable, "-c", "input()"], pass_fds=[lock])
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_run_left_behind_is_waited_for_however_long_it_takes_to_land(monkeypatch, tmp_path):
    from flows.lock import host_lock

    monkeypatch.setenv("MEGATOKEN_HOST_LOCK", str(tmp_path / "lock"))
    left, ours = os.pipe()
    killed = subprocess.run([sys.executable, "-c", LEAVES_A_TRIAL], cwd=ROOT, stdin=left, check=False)
    assert killed.returncode == -signal.SIGKILL
    threading.Timer(0.5, os.close, [ours]).start()  # what is left behind ends with its input
    os.close(left)
    with host_lock(wait_s=0.0):
        pass


# --- what kills a night, and what is left of it


@contextlib.contextmanager
def running_night(data: Path, config: Path, *more: str):
    """A night as a process of its own."""
    process = subprocess.Popen(
        command("night", str(config), "--no-prefect", *more),
        cwd=ROOT, env=environment(data), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(condition, process, limit_s=240.0):
    """Wait for something to be so; a night that ends first, or four minutes, is a failure."""
    end = time.monotonic() + limit_s
    while not condition():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < end
        time.sleep(0.01)


# The tenth and the eleventh request of the first trial, by then all that is in flight, wait for ever.
STOPS = FakeScript(ttft_s=0.02, itl_s=0.001, plays=(Play(fixture="silent", requests=(10, 11)),))


def waits(server: FakeEndpoint) -> bool:
    """Whether a trial at an endpoint that `STOPS` has come to where it goes no further."""
    return [request.fault for request in server.requests].count("silent") == 2


def kept_attempts(data: Path) -> int:
    """What the first trial has on disk."""
    spools = sorted(data.glob("spool/*/attempts.spool"))
    return len(read_spool(spools[0])) if spools else 0


def trial_of(process: subprocess.Popen[str]) -> psutil.Process | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children():
            if "flows.trial" in child.cmdline():
                return child
    return None


def assert_every_landed_attempt_is_loaded_once(data: Path) -> None:
    landed = sorted(landed_attempts(data)["attempt_id"])
    assert len(landed) == len(set(landed))
    loaded = [row["attempt_id"] for row in sql(data, "SELECT attempt_id FROM attempts ORDER BY attempt_id")]
    assert loaded == landed


def test_ctrl_c_lands_what_was_measured_and_a_re_run_completes(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(STOPS) as server:
        config = write_config(tmp_path, [endpoint("a", server.base_url), endpoint("b", server.base_url)], requests=20)
        with running_night(data, config, "--run-id", "cut") as process:
            until(lambda: waits(server), process)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=300)
        assert process.returncode == 1, output
        assert "Traceback" not in output
        assert "ended by Ctrl-C" in output
        assert sql(data, "SELECT status FROM trials") == [{"status": "aborted"}]
        assert {None, "aborted"} == set(landed_attempts(data)["error_class"])
        again = night(data, config, "--run-id", "cut")
        assert again.returncode == 0, again.stdout + again.stderr
    done = sql(data, "SELECT target_id, status FROM trials WHERE status = 'completed' ORDER BY target_id")
    assert [row["target_id"] for row in done] == ["a", "b"]
    assert_every_landed_attempt_is_loaded_once(data)


def test_a_killed_trial_is_landed_as_crashed_with_what_it_had_and_the_night_goes_on(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(STOPS) as server:
        config = write_config(tmp_path, [endpoint("a", server.base_url), endpoint("b", server.base_url)], requests=20)
        with running_night(data, config, "--run-id", "k") as process:
            until(lambda: waits(server) and kept_attempts(data) > 4, process)
            trial = trial_of(process)
            assert trial is not None
            trial.kill()
            output, _ = process.communicate(timeout=300)
        assert process.returncode == 1, output
        assert "the trial process was ended by SIGKILL" in output
        rows = sql(data, "SELECT target_id, status FROM trials ORDER BY target_id")
        assert [(r["target_id"], r["status"]) for r in rows] == [("a", "crashed"), ("b", "completed")]
        kept = landed_attempts(data).filter(landed_attempts(data)["trial_id"].str.contains("k.a."))
        assert len(kept) > 4
        assert night(data, config, "--run-id", "k").returncode == 0
    assert sql(data, "SELECT count(*) AS n FROM trials WHERE status = 'completed'") == [{"n": 2}]
    assert_every_landed_attempt_is_loaded_once(data)


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["night", "trial"])
def test_a_night_killed_at_any_moment_is_completed_by_a_re_run(tmp_path, victim):
    moments = random.Random(f"20261122 {victim}")
    with fake_endpoint(FakeScript(ttft_s=0.02, itl_s=0.005)) as server:
        config = write_config(tmp_path, [endpoint("a", server.base_url), endpoint("b", server.base_url)], requests=10)
        for round_number in range(2):
            data = tmp_path / f"data{round_number}"
            with running_night(data, config, "--run-id", "r") as process:
                if victim == "trial":
                    until(lambda: trial_of(process) is not None, process)
                time.sleep(moments.uniform(0.0, 2.0))
                killed = process if victim == "night" else trial_of(process)
                if killed is not None:  # a trial may have ended by itself just now
                    killed.kill()
                process.communicate(timeout=300)
            done = night(data, config, "--run-id", "r")
            assert done.returncode == 0, done.stdout + done.stderr
            rows = sql(data, "SELECT target_id FROM trials WHERE status = 'completed' ORDER BY target_id")
            assert [row["target_id"] for row in rows] == ["a", "b"]
            assert_every_landed_attempt_is_loaded_once(data)
            assert not list((data / "spool").iterdir())
