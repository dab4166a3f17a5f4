"""The `megatoken` command, as a person or a script uses it."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from flows.commands.bench import PROMISED
from probes.fake_endpoint import FakeScript, fake_endpoint
from tests.flows import prepared
from tests.flows.nights import ROOT, command, environment, megatoken
from tests.warehouse.synthetic import copy_synthetic

COMMANDS = ("night", "bench", "leaderboard", "explain", "sql", "publish", "ui", "doctor", "track", "grid")


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("cli") / "data"
    copy_synthetic(data, nights=2, seed=1)
    return data


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_text_with_an_example(name, tmp_path):
    done = megatoken(tmp_path / "data", name, "--help")
    assert done.returncode == 0
    assert f"example:\n  megatoken {name}" in done.stdout


def test_an_unknown_command_or_option_is_one_sentence_and_exit_code_2(tmp_path):
    for arguments in (["nite"], ["night", "--max-use", "3"], ["bench"], []):
        done = megatoken(tmp_path / "data", *arguments)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
        assert done.stderr.startswith("megatoken: ")


def test_a_data_folder_that_cannot_be_written_ends_a_night_before_anything_is_started(tmp_path):
    (tmp_path / "data").write_text("a file where a folder should be")
    done = megatoken(tmp_path / "data", "night", "flows/configs/small.toml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "data cannot be written (it is no folder); choose another, with --data" in done.stderr


# --- bench


def bench(data: Path, url: str, *more: str):
    lengths = () if "--trace" in more else ("--output-tokens", "8")
    return megatoken(data, "bench", url, "--model", "fake", *lengths, "--warmup", "1", *more)


def test_a_bench_prints_one_object_with_the_promised_keys_and_lands(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(FakeScript(ttft_s=0.03, itl_s=0.004)) as server:
        done = bench(data, server.base_url, "--concurrency", "4", "--requests", "12", "--json")
        truth = [r for r in server.truth() if ".w" not in r["request_id"]]
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert list(row)[: len(PROMISED)] == list(PROMISED)
    assert (row["attempts"], row["ok"], row["errors"]) == (12, 12, {})
    ttft_s = sorted((r["first_ns"] - r["recv_ns"]) / 1e9 for r in truth)
    # the truth begins when the endpoint had read the request, a moment after it was sent
    assert ttft_s[0] <= row["ttft_p50_s"] <= ttft_s[-1] + 0.05
    assert 0 < row["concurrency_mean"] <= 4
    stored = megatoken(data, "sql", "--json", f"SELECT ok FROM trial_metrics WHERE trial_id = '{row['trial_id']}'")
    assert json.loads(stored.stdout) == [{"ok": 12}]
    board = megatoken(data, "leaderboard", "--json")
    assert json.loads(board.stdout) == []  # an ad hoc bench ranks nobody


def test_a_bench_that_is_not_to_land_leaves_nothing(tmp_path):
    with fake_endpoint(FakeScript()) as server:
        done = bench(tmp_path / "data", server.base_url, "--requests", "3", "--no-land", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] == 3
    assert not (tmp_path / "data").exists()


def test_an_open_loop_reports_how_late_its_sends_were(tmp_path):
    with fake_endpoint(FakeScript()) as server:
        options = ("--rate", "40", "--arrivals", "constant", "--duration", "0.5", "--no-land", "--json")
        done = bench(tmp_path / "data", server.base_url, *options)
    row = json.loads(done.stdout)
    assert row["attempts"] == 20
    assert row["lag_p99_s"] >= 0


def test_a_bench_of_nobody_says_why_and_is_no_success(tmp_path):
    done = bench(tmp_path / "data", "http://127.0.0.1:9/v1", "--requests", "3", "--json")
    assert done.returncode == 1
    row = json.loads(done.stdout)
    assert row["errors"] == {"connect_refused": row["attempts"]}
    assert row["ended_by"] == "3 attempts in a row ended in connect_refused: 127.0.0.1:9: Connection refused"
    assert "Traceback" not in done.stderr


def test_a_dead_address_is_told_first_in_one_sentence_and_asked_once_however_many_repeats_or_points(tmp_path):
    asked = ("http://127.0.0.1:9/v1", "--no-land")
    said = (
        "no answer from http://127.0.0.1:9/v1: 3 attempts in a row ended in connect_refused: 127.0.0.1:9: Connection"
        " refused; nothing listens there: start the server, or correct host and port"
    )
    repeated = bench(tmp_path, *asked, "--requests", "3", "--repeats", "3")
    first, second = repeated.stdout.splitlines()
    assert (repeated.returncode, first) == (1, said)
    assert re.fullmatch(r"bench-\S+\.adhoc\.adhoc\.1 has no figures", second)
    searched = bench(tmp_path, *asked, "--find-rate", "--duration", "3")
    assert (searched.returncode, searched.stdout) == (1, f"no rate found that meets the service level: {said}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ftp://x"], "must be an http"),
        (["http://127.0.0.1:9/v1", "--requests", "0"], "requests = 0"),
        (["http://127.0.0.1:9/v1", "--rate", "0"], "rate_rps = 0"),
        (["http://127.0.0.1:9/v1", "--concurrency", "0"], "concurrency = 0"),
        (["http://127.0.0.1:9/v1", "--duration", "-1"], "--duration -1"),
        (["http://127.0.0.1:9/v1", "--arrivals", "constant"], "needs --rate R"),
        (["http://127.0.0.1:9/v1", "--api", "openai-chta"], "openai-chat"),
        (["http://127.0.0.1:9/v1", "--api-key-env", "sk-abcdef"], "NAME of an environment variable"),
        (["http://127.0.0.1:9/v1", "--burstiness", "0.5"], "--arrivals gamma needs --rate R"),
        (["http://127.0.0.1:9/v1", "--rate", "3", "--rate-end", "9"], "give all three"),
        (["http://127.0.0.1:9/v1", "--rate", "3", "--arrivals", "closed"], "and no rate_rps"),
        (["http://127.0.0.1:9/v1", "--trace", "gone.csv"], "gone.csv cannot be read"),
        (["http://127.0.0.1:9/v1", "--find-rate", "--rate", "3"], "leave rate_rps out"),
        (["http://127.0.0.1:9/v1", "--find-rate", "--rate-min", "9", "--rate-max", "3"], "must not be above"),
        (["http://127.0.0.1:9/v1", "--find-rate", "--requests", "9"], "a p95 needs at least 60"),
        (["http://127.0.0.1:9/v1", "--concurrency", "99999"], "ulimit -n"),
    ],
)
def test_a_benchs_mistakes_are_one_sentence_each(tmp_path, arguments, sentence):
    done = bench(tmp_path / "data", *arguments)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert sentence in done.stderr


def test_a_bad_row_of_a_trace_is_named_by_its_number(tmp_path):
    trace = tmp_path / "t.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.0,9,9\n2024-05-10 00:00:01.0,9,-3\n")
    done = bench(tmp_path / "data", "http://127.0.0.1:9/v1", "--trace", str(trace))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert 't.csv row 3: GeneratedTokens is "-3"' in done.stderr


def test_a_host_that_nobody_knows_fails_every_attempt_and_is_no_success(tmp_path):
    done = bench(tmp_path / "data", "http://no-such-host.invalid/v1", "--requests", "3", "--no-land", "--json")
    assert done.returncode == 1
    row = json.loads(done.stdout)
    assert row["errors"] == {"dns": row["attempts"]}
    assert "Traceback" not in done.stderr


# --- reading what is published


def test_the_leaderboard_as_json_holds_what_scripts_need(published):
    rows = json.loads(megatoken(published, "leaderboard", "--json").stdout)
    needed = {
        "target_id", "workload_id", "rank", "ttft_p50_s", "ttft_p95_s", "tpot_p50_s", "e2e_p50_s",
        "output_tokens_per_s",
        "goodput_share", "failed_share", "usd_per_output_mtok", "usd_per_output_mtok_low", "usd_per_output_mtok_high",
        "j_per_output_token", "operational_gco2e_per_output_mtok", "operational_gco2e_per_output_mtok_low",
        "operational_gco2e_per_output_mtok_high", "embodied_gco2e_per_output_mtok",
        "embodied_gco2e_per_output_mtok_low",
        "embodied_gco2e_per_output_mtok_high", "basis", "n", "measured_at",
        "rank_low", "rank_high", "tier", "p_first", "n_runs", "nights_to_separate", "tied_by", "next_better",
        "band_basis", "band_reason", "band_figure", "band_low", "band_high", "band_nights", "last_rank",
        "service_level", "utility", "contributions", "dominated_by", "leeways", "provider_ratios",
    }  # fmt: skip
    assert rows
    assert all(needed <= set(row) for row in rows)


def test_a_service_level_and_weights_of_ones_own_decide_the_board(published):
    asked = ("--slo", "ttft=400ms,tpot=100ms,success=0.9", "--weights", "cost=2,ttft_p50=1", "--workload", "chat-1")
    rows = json.loads(megatoken(published, "leaderboard", "--json", *asked).stdout)
    ranked = [row for row in rows if row["rank"] is not None]
    assert [row["utility"] for row in ranked] == sorted((row["utility"] for row in ranked), reverse=True)
    assert all(set(row["contributions"]) == {"usd_per_output_mtok", "ttft_p50_s"} for row in ranked)
    assert {leeway["metric_id"] for leeway in ranked[0]["leeways"]} == {"usd_per_output_mtok", "ttft_p50_s"}
    failing = [row for row in rows if row["service_level"] and row["service_level"]["standing"] == "fails"]
    assert failing
    assert all(row["rank"] is None and "fails the service level" in row["band_reason"] for row in failing)
    printed = megatoken(published, "leaderboard", *asked).stdout
    assert "ranked by utility" in printed
    assert "weight of Cost:" in printed
    assert "limits" in printed


def test_the_leaderboard_narrows_to_a_workload_and_ranks_by_any_metric(published):
    rows = json.loads(megatoken(published, "leaderboard", "--json", "--by", "output_tokens_per_s").stdout)
    workload = rows[0]["workload_id"]
    mine = json.loads(
        megatoken(
            published, "leaderboard", "--json", "--workload", workload, "--by", "output_tokens_per_s", "--any-grade"
        ).stdout
    )
    speeds = [row["band_figure"] for row in mine if row["rank"] is not None]
    assert speeds
    assert speeds == sorted(speeds, reverse=True)
    assert {row["workload_id"] for row in mine} == {workload}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["leaderboard", "--by", "ttft_p50"], "did you mean ttft_p50_s?"),
        (["leaderboard", "--workload", "nope"], "has not been measured"),
        (["leaderboard", "--slo", "ttft=1"], "give a number and its unit"),
        (["leaderboard", "--weights", "price=1"], "is of no metric; use ttft_p50"),
        (["leaderboard", "--weights", "cost=1", "--by", "ttft_p50_s"], "give one of them"),
        (["leaderboard", "--days", "0"], "must be above 0"),
        (["sql", "DELETE FROM trials"], "SELECT"),
        (["sql", "SELECT * FROM read_text('/etc/hostname')"], "megatoken: "),
        (["sql", "SELEKT 1"], "(line 1, column 1)"),
        (["sql", "FROM trials", "--timeout", "0"], "--timeout 0 must be above 0"),
        (["sql", "--output", "a.csv"], "--output writes the answer to a query"),
        (["sql", "SELECT nothing FROM leaderboard"], "nothing"),
    ],
)
def test_a_readers_mistakes_are_one_sentence_each(published, arguments, sentence):
    done = megatoken(published, *arguments)
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.strip().splitlines()) == 1
    assert sentence in done.stderr


def test_a_snapshot_of_another_version_says_how_to_publish_anew_and_sql_still_reads_it(tmp_path):
    import duckdb

    data = tmp_path / "data"
    copy_synthetic(data, nights=2, seed=1)
    snapshot = (data / "published" / "megatoken.duckdb").resolve()
    snapshot.chmod(0o644)
    with duckdb.connect(snapshot) as con:
        con.execute("UPDATE written_views SET sha256 = 'of another version'")
    refused = megatoken(data, "leaderboard")
    assert refused.returncode == 2
    assert "published by another version of Megatoken; `megatoken publish`" in refused.stderr
    assert megatoken(data, "sql", "SELECT count(*) FROM trials").returncode == 0
    done = megatoken(data, "publish")
    assert (done.returncode, done.stderr) == (0, "")
    assert "loaded 0 new batches" in done.stdout
    assert megatoken(data, "leaderboard").returncode == 0


def test_before_the_first_night_there_is_a_sentence_and_no_leaderboard(tmp_path):
    for name in ("leaderboard", "sql"):
        done = megatoken(tmp_path / "data", name)
        assert done.returncode == 2
        assert "megatoken night" in done.stderr


def test_sql_without_a_query_lists_the_views_with_their_columns(published):
    views = json.loads(megatoken(published, "sql", "--json").stdout)
    board = next(view for view in views if view["view"] == "leaderboard")
    assert board["columns"]["ttft_p50_s"].startswith("Time to first token")


def test_the_board_fits_a_narrow_terminal(published):
    wide = megatoken(published, "leaderboard").stdout
    assert max(len(line.rstrip()) for line in wide.splitlines()) <= 120
    tables = [line for block in wide.split("ranked by")[1:] for line in block.split("\n\n")[0].splitlines()[1:]]
    assert max(len(line.rstrip()) for line in tables) <= 100


def test_the_board_in_markdown_is_one_table_a_workload(published):
    printed = megatoken(published, "leaderboard", "--markdown").stdout
    rows = json.loads(megatoken(published, "leaderboard", "--json").stdout)
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    workloads = {row["workload_id"] for row in rows}
    assert len(lines) == len(rows) + 2 * len(workloads)
    assert len({line.count(" | ") for line in lines}) == 1
    assert all(f"**{workload_id}**: ranked by cost" in printed for workload_id in workloads)
    refused = megatoken(published, "leaderboard", "--markdown", "--json")
    assert refused.returncode == 2
    assert "not allowed with" in refused.stderr


def test_sql_writes_a_file_and_prints_json_that_every_reader_takes(published, tmp_path):
    to = tmp_path / "board.json"
    done = megatoken(published, "sql", "SELECT target_id FROM leaderboard", "--output", str(to))
    targets = [row["target_id"] for row in json.loads(to.read_text())]
    assert done.stdout == f"{len(targets)} rows in {to}\n"
    assert len(targets) > 3
    query = "SELECT 1::HUGEINT << 100 AS large, 'nan'::DOUBLE AS nan, MAP {'a': [1.5::DECIMAL(2, 1)]} AS map, NULL AS x"
    (row,) = json.loads(megatoken(published, "sql", "--json", query).stdout, parse_constant=pytest.fail)
    assert row == {"large": str(2**100), "nan": None, "map": {"a": [1.5]}, "x": None}


def test_ctrl_c_ends_a_question_at_once_with_its_process(published):
    asking = subprocess.Popen(
        command("sql", "--json", "FROM range(20_000_000_000)"), cwd=ROOT, env=environment(published),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert asking.stdout is not None
    assert asking.stdout.readline() == "[\n"
    (worker,) = psutil.Process(asking.pid).children()
    asking.send_signal(signal.SIGINT)
    _, said = asking.communicate(timeout=60)
    assert (asking.returncode, said) == (1, "megatoken: ended by Ctrl-C\n")
    assert not worker.is_running()


@pytest.mark.engine
def test_doctor_says_what_to_do_about_each_thing_that_is_missing(tmp_path):
    done = megatoken(tmp_path / "data", "doctor", "flows/configs/providers.example.toml")
    assert done.returncode == 0, done.stderr
    assert "OPENAI_API_KEY" in done.stdout
    assert "export OPENAI_API_KEY=..." in re.sub(r"\s+", " ", done.stdout)
    assert "xllamacpp" in done.stdout


def test_the_benchmark_runs_the_whole_path_and_pairs_every_request():
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.run", "--requests", "8", "--concurrency", "4"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8/8 ok at 4 streams, 8 paired with the truth" in done.stdout


def test_rows_of_many_columns_are_shown_a_value_a_line(published):
    names = [f"name_{n}" for n in range(12)]
    wide = megatoken(published, "sql", "SELECT " + ", ".join(f"{n} AS {name}" for n, name in enumerate(names)))
    assert [line.split() for line in wide.stdout.splitlines()] == [
        ["row", "1"], *([name, str(n)] for n, name in enumerate(names)),
    ]  # fmt: skip
    narrow = megatoken(published, "sql", "SELECT 1 AS a, NULL AS b")
    assert [line.split() for line in narrow.stdout.splitlines()] == [["a", "b"], ["1", "NULL"]]


def test_the_first_config_is_found_where_there_is_no_checkout(tmp_path):
    found = prepared.run(
        ("night", "--dry-run", "--data", "data"), cwd=tmp_path, env=environment(tmp_path / "data"), limit_s=60
    )
    assert found.returncode == 0, found.stderr
    assert "3 targets, 6 trials" in found.stdout
    assert not (tmp_path / "data").exists()
