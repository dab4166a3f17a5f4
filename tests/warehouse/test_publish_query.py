"""Publishing and reading: readers see whole snapshots, never wait, and are told in a sentence what is not there."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.begun import begun
from tests.warehouse.builders import attempt_row, counter_samples, local_facts, meter_row, trial_row
from tests.warehouse.snapshots import run_query
from tests.warehouse.synthetic import TARGETS, write_synthetic
from warehouse.errors import WarehouseError
from warehouse.landing import land
from warehouse.loader import load
from warehouse.metrics import METRICS
from warehouse.publish import publish, published_link, snapshots
from warehouse.query import (
    connect_snapshot,
    open_published,
    published_path,
    ranked,
    summarise_batch,
    views_with_comments,
)
from warehouse.schema import VIEW_NAMES
from warehouse.writer import locked, open_warehouse

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def leaderboard_rows(data_dir, **asked):
    with open_published(data_dir) as con:
        return ranked(con, **asked)


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """A published data folder that tests only read."""
    folder = tmp_path_factory.mktemp("nights")
    write_synthetic(folder, nights=2, attempts=70)
    return folder


def land_and_load(data_dir, number):
    trial_id = f"t{number}"
    land(
        data_dir,
        batch_id=trial_id,
        host_id="host",
        rows=[trial_row(trial_id=trial_id, target_id=trial_id), attempt_row(trial_id=trial_id)],
    )
    load(begun(data_dir))


# publishing


def test_a_snapshot_has_a_name_of_its_own_and_the_link_names_the_newest(tmp_path):
    land_and_load(tmp_path, 1)
    first = publish(tmp_path, now=NOON)
    second = publish(tmp_path, now=NOON)
    assert [path.name for path in (first, second)] == [
        "megatoken-20261101T120000Z-1.duckdb",
        "megatoken-20261101T120000Z-2.duckdb",
    ]
    assert published_path(tmp_path) == second.resolve()
    assert str(published_link(tmp_path).readlink()) == second.name


def test_a_reader_keeps_what_it_opened_while_newer_snapshots_are_published_and_its_own_is_deleted(tmp_path):
    land_and_load(tmp_path, 1)
    publish(tmp_path, now=NOON)
    with open_published(tmp_path) as early:
        land_and_load(tmp_path, 2)
        publish(tmp_path, keep=1, now=NOON + timedelta(days=1))
        assert early.execute("SELECT count(*) FROM trials").fetchall() == [(1,)]
        with open_published(tmp_path) as late:
            assert late.execute("SELECT count(*) FROM trials").fetchall() == [(2,)]
    assert len(snapshots(tmp_path)) == 1


def test_a_reader_never_blocks_the_loader_nor_the_loader_a_reader(tmp_path):
    land_and_load(tmp_path, 1)
    publish(tmp_path)
    with open_published(tmp_path) as reader, open_warehouse(tmp_path) as writer:
        writer.execute("DELETE FROM attempts").fetchall()
        assert reader.execute("SELECT count(*) FROM attempts").fetchall() == [(1,)]


def test_only_the_newest_are_kept_and_never_is_the_linked_one_deleted(tmp_path):
    land_and_load(tmp_path, 1)
    for minute in range(5):
        publish(tmp_path, keep=3, now=NOON + timedelta(minutes=minute))
    assert [path.name for path in snapshots(tmp_path)] == [
        f"megatoken-20261101T120{minute}00Z-{minute + 1}.duckdb" for minute in (2, 3, 4)
    ]
    # the clock of the machine went back a day: the new snapshot sorts first, and stays
    early = publish(tmp_path, keep=1, now=NOON - timedelta(days=1))
    assert published_path(tmp_path) == early.resolve()
    with pytest.raises(WarehouseError, match="keep = 0"):
        publish(tmp_path, keep=0)


def test_nothing_is_published_while_a_loader_holds_the_warehouse(tmp_path):
    land_and_load(tmp_path, 1)
    with locked(tmp_path), pytest.raises(WarehouseError, match="has been writing the warehouse"):
        publish(tmp_path, lock_timeout_s=0.05)
    assert snapshots(tmp_path) == []


def test_a_disk_that_refuses_a_snapshot_is_one_sentence(tmp_path):
    land_and_load(tmp_path, 1)
    (tmp_path / "published").write_text("a file where a folder should be")
    with pytest.raises(WarehouseError, match=r"no snapshot could be published .* readers keep the one before"):
        publish(tmp_path)


def test_a_snapshot_is_written_in_the_storage_version_that_duckdb_1_5_reads(nights):
    with open_published(nights) as con:
        ((tags,),) = con.execute(
            "SELECT tags FROM duckdb_databases() WHERE database_name = current_database()"
        ).fetchall()
    assert tags["storage_version"].startswith("v1.5.0")


READER = """
import sys
import duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
sys.stdout.write(str(con.execute("SELECT count(*) FROM leaderboard").fetchall()[0][0]))
"""


def test_other_processes_read_the_link_at_the_same_time_while_it_is_written(nights):
    with open_warehouse(nights) as con:
        con.execute("BEGIN").fetchall()
        con.execute("DELETE FROM attempts").fetchall()
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", READER, str(published_link(nights))], stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        counts = {reader.communicate(timeout=60)[0] for reader in readers}
        con.execute("ROLLBACK").fetchall()
    assert counts == {str(2 * (len(TARGETS) - 2))}  # neither the skipped nor the crashed one


# what is not there


def test_nothing_published_a_deleted_snapshot_and_the_last_one_deleted_are_told_apart(tmp_path):
    with pytest.raises(WarehouseError, match="nothing has been published"):
        published_path(tmp_path)
    land_and_load(tmp_path, 1)
    first = publish(tmp_path, now=NOON)
    second = publish(tmp_path, now=NOON + timedelta(days=1))
    second.unlink()
    assert published_path(tmp_path) == first.resolve()
    assert len(leaderboard_rows(tmp_path)) == 1
    first.unlink()
    with pytest.raises(WarehouseError, match=r"snapshot megatoken-20261102T120000Z-2\.duckdb was deleted"):
        leaderboard_rows(tmp_path)


def test_a_broken_snapshot_is_one_sentence(tmp_path):
    land_and_load(tmp_path, 1)
    snapshot = publish(tmp_path)
    snapshot.write_bytes(b"broken" * 1000)
    with pytest.raises(WarehouseError, match=r"cannot be read: .*delete it and publish again"):
        leaderboard_rows(tmp_path)


# reading


def test_the_leaderboard_is_ranked_within_each_workload_with_unknowns_last_and_unranked(nights):
    rows = leaderboard_rows(nights, by="usd_per_output_mtok")
    assert len({row["workload_id"] for row in rows}) == 2
    for workload in ("chat-1", "rag-4"):
        mine = [row for row in rows if row["workload_id"] == workload]
        known = [row["usd_per_output_mtok"] for row in mine if row["rank"] is not None]
        assert known == sorted(known)
        assert [row["rank"] for row in mine if row["rank"] is not None] == list(range(1, len(known) + 1))
        # its client was starved by others; and a price that nobody stated
        assert [row["target_id"] for row in mine if row["rank"] is None] == ["smollm2-q4", "vllm-own"]
        assert mine[-1]["usd_per_output_mtok"] is None
    assert rows[0]["measured_at"].tzinfo is UTC


def test_a_metric_of_which_more_is_better_ranks_the_largest_first(nights):
    rows = leaderboard_rows(nights, by="output_tokens_per_s", workload_id="chat-1")
    speeds = [row["output_tokens_per_s"] for row in rows if row["rank"] is not None]
    assert len(speeds) > 3
    assert speeds == sorted(speeds, reverse=True)
    assert rows[0]["rank"] == 1


def test_only_what_a_client_certified_a_or_b_measured_is_ranked_unless_every_grade_is_asked_for(nights):
    by_default = leaderboard_rows(nights, workload_id="chat-1")
    assert {row["client_grade"] for row in by_default if row["rank"] is not None} <= {"A", "B"}
    (starved,) = [row for row in by_default if row["client_grade"] not in ("A", "B")]
    assert starved["rank"] is None
    assert "others took" in starved["client_reasons"][0]
    assert starved["usd_per_output_mtok"] is not None
    of_any = {row["target_id"]: row["rank"] for row in leaderboard_rows(nights, workload_id="chat-1", any_grade=True)}
    assert of_any[starved["target_id"]] is not None


def test_equal_values_share_a_rank_and_the_next_one_is_skipped(nights):
    rows = leaderboard_rows(nights, by="failed_share", workload_id="chat-1")
    ranks = [row["rank"] for row in rows]
    tied = ranks.count(1)
    assert tied > 1
    assert ranks[tied] == tied + 1


def test_every_metric_of_the_registry_ranks(nights):
    for metric in METRICS:
        assert any(row["rank"] == 1 for row in leaderboard_rows(nights, by=metric.id))


def test_an_unknown_metric_names_the_known_ones(nights):
    with pytest.raises(WarehouseError, match="metric 'speed' is not known; use one of ttft_p50_s"):
        leaderboard_rows(nights, by="speed")


def test_every_view_and_each_of_its_columns_is_listed_with_its_comment(nights):
    views = views_with_comments(nights)
    assert [view.name for view in views] == sorted(VIEW_NAMES)
    for view in views:
        assert "Grain: " in view.comment
        assert all(name and comment for name, comment in view.columns)
    board = next(view for view in views if view.name == "leaderboard")
    assert board.columns[0] == ("trial_id", "The trial measured last.")


def test_several_readers_of_one_process_share_a_snapshot(nights):
    cached = connect_snapshot(published_path(nights))
    with open_published(nights) as other:
        assert (
            cached.cursor().execute("SELECT count(*) FROM runs").fetchall()
            == other.execute("SELECT count(*) FROM runs").fetchall()
        )
    cached.close()


# an ad hoc trial


def test_a_trial_that_did_not_land_is_summarised_as_if_it_had(tmp_path):
    rows = [trial_row(), attempt_row(0), attempt_row(1, start_s=2), meter_row(), *counter_samples(), *local_facts()]
    summary = summarise_batch(rows)
    land(tmp_path, batch_id="b", host_id="host", rows=rows)
    load(begun(tmp_path))
    publish(tmp_path)
    columns, (landed,) = run_query(tmp_path, "SELECT * FROM trial_metrics")
    assert {name: summary[name] for name in columns} == dict(zip(columns, landed, strict=True))
    (row,) = leaderboard_rows(tmp_path)
    for name in ("usd_per_output_mtok", "j_per_output_token", "operational_gco2e_per_output_mtok", "usd_basis"):
        assert summary[name] == row[name] is not None


def test_rows_of_no_trial_or_of_two_cannot_be_summarised():
    with pytest.raises(WarehouseError, match="0 trials cannot be summarised"):
        summarise_batch([attempt_row()])
    with pytest.raises(WarehouseError, match="2 trials cannot be summarised"):
        summarise_batch([trial_row(), trial_row(trial_id="other")])


def test_synthetic_nights_are_the_same_for_the_same_seed_and_say_what_they_are(tmp_path, nights):
    write_synthetic(tmp_path, nights=2, attempts=70)
    once, again = (run_query(folder, "SELECT * FROM trial_metrics ORDER BY trial_id") for folder in (nights, tmp_path))
    assert once == again
    assert run_query(nights, "SELECT DISTINCT config_name FROM runs")[1] == [("synthetic",)]


def test_the_duckdb_command_line_of_1_5_reads_a_snapshot(nights):
    shell = Path(sys.executable).with_name("duckdb")
    version = subprocess.run([shell, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert version.stdout.startswith("v1.5.")
    done = subprocess.run(
        [shell, "-readonly", "-csv", "-noheader", str(published_link(nights)), "SELECT count(*) FROM leaderboard"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert int(done.stdout) == 2 * (len(TARGETS) - 2)


def test_importing_the_read_side_loads_neither_duckdb_nor_polars():
    code = "import sys, warehouse.query, warehouse.landing, warehouse.metrics, warehouse.prices, warehouse.reference;"
    code += "heavy = {'duckdb', 'polars', 'numpy', 'genai_prices', 'prefect', 'streamlit'};"
    code += "sys.stdout.write(' '.join(sorted(heavy & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""


def test_duckdb_is_the_version_whose_traps_are_known():
    assert duckdb.__version__.startswith("2.")
