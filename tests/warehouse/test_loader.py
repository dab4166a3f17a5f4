"""Loading: every landed row exactly once, whatever is damaged, repeated or killed."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import duckdb
import pytest

from tests.warehouse.begun import begun
from tests.warehouse.builders import (
    attempt_row,
    end_row,
    fact_row,
    meter_row,
    planned_row,
    run_row,
    sample_row,
    trial_row,
)
from warehouse.errors import WarehouseError
from warehouse.landing import land, read_manifest
from warehouse.loader import TrialResult, load, load_and_summarise, trial_results
from warehouse.tables import TABLES
from warehouse.writer import locked, warehouse_path

DAY = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def data_dir(tmp_path):
    """A data folder that has its warehouse; to a test that takes `tmp_path` the first load is what it is about."""
    return begun(tmp_path)


def land_trial(data_dir, number, attempts=3):
    trial_id = f"night-1.t{number}.chat.1"
    rows = [trial_row(trial_id=trial_id, target_id=f"t{number}")]
    rows += [attempt_row(seq, trial_id=trial_id, start_s=float(seq)) for seq in range(attempts)]
    return land(data_dir, batch_id=trial_id, host_id="host", rows=rows, landed_at=DAY)


def query(data_dir, sql):
    con = duckdb.connect(warehouse_path(data_dir), read_only=True)
    try:
        return con.execute(sql).fetchall()
    finally:
        con.close()


def test_a_row_of_every_table_arrives_as_it_landed(tmp_path):
    rows = [
        run_row(), planned_row(), end_row(), trial_row(), attempt_row(), meter_row(),
        sample_row(meter="rapl:package-0", phase="idle", second=0), fact_row("pue", 1.0),
    ]  # fmt: skip
    land(tmp_path, batch_id="all", host_id="host", rows=rows)
    report = load(tmp_path)
    assert (report.loaded_batches, report.loaded_rows, report.damaged) == (("all",), len(rows), ())
    for row in rows:
        table = next(name for name, row_class in TABLES.items() if row_class is type(row))
        con = duckdb.connect(warehouse_path(tmp_path), read_only=True)
        (stored,) = con.sql(f"SELECT * FROM {table}").pl().to_dicts()
        con.close()
        assert type(row)(**stored) == row


def test_loading_again_changes_nothing(data_dir):
    land_trial(data_dir, 1)
    assert load(data_dir).loaded_rows == 4
    again = load(data_dir)
    assert (again.loaded_batches, again.loaded_rows, again.accounted_trials) == ((), 0, 0)
    assert query(data_dir, "SELECT count(*) FROM attempts") == [(3,)]


def test_a_lost_warehouse_is_rebuilt_from_landing(tmp_path):
    land_trial(tmp_path, 1)
    load(tmp_path)
    first = query(tmp_path, "SELECT * FROM attempts ORDER BY attempt_id")
    warehouse_path(tmp_path).unlink()
    load(tmp_path)
    assert query(tmp_path, "SELECT * FROM attempts ORDER BY attempt_id") == first


def test_the_ledger_names_each_batch_with_the_digest_of_its_manifest(data_dir):
    folder = land_trial(data_dir, 1)
    load(data_dir)
    batch = read_manifest(folder)
    assert query(data_dir, "SELECT batch_id, sha256, landed_rows, landed_path FROM loaded_batches") == [
        (batch.batch_id, batch.sha256, 4, "date=2026-11-01/host-night-1.t1.chat.1")
    ]


@pytest.mark.parametrize("how", ["torn", "missing", "no manifest", "garbage"])
def test_a_damaged_batch_is_named_and_the_others_load(data_dir, how):
    land_trial(data_dir, 1)
    broken = land_trial(data_dir, 2)
    land_trial(data_dir, 3)
    file = broken / "attempts.parquet"
    if how == "torn":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif how == "missing":
        file.unlink()
    elif how == "garbage":
        file.write_bytes(b"not parquet at all")
    else:
        (broken / "manifest.json").unlink()
    report = load(data_dir)
    assert len(report.loaded_batches) == 2
    (sentence,) = report.damaged
    assert str(broken) in sentence
    assert "move it out of landing/" in sentence
    assert query(data_dir, "SELECT count(*), count(DISTINCT attempt_id) FROM attempts") == [(6, 6)]


def test_a_mended_batch_loads_next_time(data_dir):
    folder = land_trial(data_dir, 1)
    file = folder / "attempts.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert load(data_dir).loaded_batches == ()
    file.write_bytes(whole)
    assert load(data_dir).loaded_batches == ("night-1.t1.chat.1",)


def test_a_batch_that_repeats_rows_of_another_is_left_out_and_named_loaded_before_or_not(data_dir):
    land_trial(data_dir, 1)
    again = [attempt_row(0, trial_id="night-1.t1.chat.1")]
    land(data_dir, batch_id="z-again", host_id="host", rows=again, landed_at=DAY)
    first = load(data_dir)
    assert first.loaded_batches == ("night-1.t1.chat.1",)
    assert "repeats attempt_id 'night-1.t1.chat.1.0' of attempts" in first.damaged[0]
    second = load(data_dir)
    assert second.loaded_batches == ()
    assert second.damaged == first.damaged
    assert query(data_dir, "SELECT count(*) FROM attempts") == [(3,)]


def test_a_batch_that_repeats_a_row_within_itself_is_left_out(data_dir):
    land(data_dir, batch_id="twice", host_id="host", rows=[attempt_row(0), attempt_row(0)])
    assert "repeats attempt_id" in load(data_dir).damaged[0]


def test_a_batch_id_of_two_hosts_is_loaded_once(data_dir):
    land(data_dir, batch_id="same", host_id="a", rows=[run_row()], landed_at=DAY)
    land(data_dir, batch_id="same", host_id="b", rows=[run_row(run_id="night-2")], landed_at=DAY)
    report = load(data_dir)
    assert report.loaded_batches == ("same",)
    assert "another batch named same" in report.damaged[0]


def test_results_of_a_run_are_there_before_anything_is_published(data_dir):
    land_trial(data_dir, 1)
    load(data_dir)
    (result,) = trial_results(data_dir, "night-1")
    assert result == TrialResult(
        trial_id="night-1.t1.chat.1",
        target_id="t1",
        workload_id="chat",
        status="completed",
        attempts=3,
        ok=3,
        usd=None,
        usd_reason=result.usd_reason,
        ttft_p50_s=0.5,
        tpot_p50_s=0.05,
        e2e_p50_s=1.0,
    )
    assert "no meter watched this trial" in result.usd_reason


def test_a_second_loader_waits_and_then_names_the_process_that_holds_the_lock(tmp_path):
    with locked(tmp_path), pytest.raises(WarehouseError, match=f"process {os.getpid()} has been writing"):
        load(tmp_path, lock_timeout_s=0.05)
    assert load(tmp_path).damaged == ()


def test_a_file_that_is_no_warehouse_is_one_sentence(tmp_path):
    warehouse_path(tmp_path).write_bytes(b"this is not a database" * 1000)
    with pytest.raises(WarehouseError, match=r"cannot be opened: .*rebuilds it from landing/"):
        load(tmp_path)


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseError, match=r"cannot be written: Not a directory|cannot be written: File exists"):
        load(tmp_path / "file" / "data")


# Says when it is about to load, so that a kill falls into the load and not into Python's start.
LOADER = """
import sys
import duckdb, polars
from pathlib import Path
from warehouse.loader import load
sys.stdout.write("ready\\n"); sys.stdout.flush()
load(Path(sys.argv[1]))
sys.stdout.write("done\\n"); sys.stdout.flush()
"""


@pytest.mark.slow
def test_a_loader_killed_at_any_moment_leaves_each_attempt_to_be_loaded_exactly_once(tmp_path):
    killed = 0
    for moment in range(10):
        for number in range(3):
            land_trial(tmp_path, moment * 3 + number, attempts=200)
        child = subprocess.Popen([sys.executable, "-c", LOADER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "ready\n"
        time.sleep(moment * 0.03)
        child.send_signal(signal.SIGKILL)
        killed += "done" not in child.stdout.read()
        child.wait()
        child.stdout.close()
    assert killed >= 1
    report = load(tmp_path)
    assert report.damaged == ()
    assert query(tmp_path, "SELECT count(*), count(DISTINCT attempt_id) FROM attempts") == [(6000, 6000)]
    assert query(tmp_path, "SELECT count(*), count(DISTINCT trial_id) FROM trials") == [(30, 30)]
    assert query(tmp_path, "SELECT count(*) FROM loaded_batches") == [(30,)]
    assert query(tmp_path, "SELECT count(*), count(DISTINCT trial_id) FROM energy_accounts") == [(30, 30)]
    assert load(tmp_path).loaded_rows == 0


def test_a_trial_is_summarised_that_came_with_this_load_or_an_earlier_one_while_others_come(data_dir):
    for number in (1, 2, 3):
        land_trial(data_dir, number, attempts=number)
    at_once = load_and_summarise(data_dir, "night-1.t2.chat.1")
    land_trial(data_dir, 4, attempts=4)
    later = load_and_summarise(data_dir, "night-1.t2.chat.1")
    assert at_once == later
    assert (at_once["trial_id"], at_once["attempts"]) == ("night-1.t2.chat.1", 2)
    assert query(data_dir, "SELECT count(*) FROM trial_metrics") == [(4,)]
    assert query(data_dir, "SELECT count(*) FROM certificates") == [(4,)]
