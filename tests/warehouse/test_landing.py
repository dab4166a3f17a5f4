"""Landing: a batch appears whole or not at all, once, and is never changed."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.builders import attempt_row, end_row, fact_row, planned_row, run_row, trial_row
from warehouse.errors import WarehouseError
from warehouse.landing import LandedTrial, land, landed_batches, landed_run, landed_trials, read_manifest, verify
from warehouse.tables import SCHEMA_NUMBER, TABLES, columns_of

DAY = datetime(2026, 11, 1, 23, 59, tzinfo=UTC)


def land_one(data_dir, **changes):
    given = {"batch_id": "b1", "host_id": "host", "rows": [trial_row(), attempt_row()], "landed_at": DAY}
    return land(data_dir, **(given | changes))


def test_a_batch_is_a_folder_of_its_day_with_a_file_for_each_table_that_has_rows(tmp_path):
    folder = land_one(tmp_path)
    assert folder == tmp_path / "landing" / "date=2026-11-01" / "host-b1"
    assert sorted(path.name for path in folder.iterdir()) == ["attempts.parquet", "manifest.json", "trials.parquet"]
    assert [path.name for path in folder.parent.iterdir()] == ["host-b1"]


def test_what_was_landed_is_what_is_read(tmp_path):
    rows = [attempt_row(0), attempt_row(1, t_sched_ns=5, error_class="timeout")]
    folder = land_one(tmp_path, rows=rows)
    frame = pl.read_parquet(folder / "attempts.parquet")
    assert frame.columns == [column.name for column in columns_of("attempts")]
    assert [type(rows[0])(**row) for row in frame.to_dicts()] == rows
    assert frame.schema["started_at"] == pl.Datetime("us", "UTC")
    assert pl.read_parquet_metadata(folder / "attempts.parquet")["megatoken.schema_number"] == str(SCHEMA_NUMBER)


def test_landing_the_same_batch_again_is_an_error_and_changes_nothing(tmp_path):
    folder = land_one(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(WarehouseError, match="batch b1 has landed already"):
        land_one(tmp_path, rows=[run_row()], landed_at=DAY.replace(day=2))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not (tmp_path / "landing" / "date=2026-11-02").exists()


def test_a_value_of_the_wrong_type_or_an_unknown_that_may_not_be_is_named_and_nothing_lands(tmp_path):
    for rows, says in (
        ([trial_row(try_number=None)], r"trials\.try_number = None must be int, and known"),
        ([trial_row(threads="two")], r"trials\.threads = 'two' must be int or None"),
        ([attempt_row(reads=True)], r"attempts\.reads = True must be int or None"),
        ([run_row(started_at=datetime(2026, 1, 1))], "has no time zone"),  # noqa: DTZ001 - the mistake under test
        ([attempt_row(response_bytes=2**70)], r"attempts\.response_bytes holds a value that does not fit"),
        ([], "has no rows"),
    ):
        with pytest.raises(WarehouseError, match=says):
            land_one(tmp_path, rows=rows)
    assert landed_batches(tmp_path) == set()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b"])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path, name):
    with pytest.raises(WarehouseError, match="cannot name a folder"):
        land_one(tmp_path, batch_id=name)


FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.warehouse.builders import attempt_row, trial_row
from warehouse.errors import WarehouseError
from warehouse.landing import land
rows = [trial_row(), *(attempt_row(n) for n in range(500))]
from warehouse.parquet import write_parquet
from warehouse.tables import select_of, to_columns
# loads DuckDB before files are limited
write_parquet(Path(sys.argv[1]) / "x", to_columns("trials", rows[:1]), select_of("trials"), metadata={})
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    land(Path(sys.argv[1]), batch_id="b2", host_id="host", rows=rows)
except WarehouseError as error:
    sys.stdout.write(str(error))
"""


def test_a_disk_that_takes_no_more_is_one_sentence_and_leaves_nothing_half_written(tmp_path):
    land_one(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "batch b2 could not be landed" in done.stdout
    assert "File too large" in done.stdout
    assert "nothing that had landed is lost" in done.stdout
    assert landed_batches(tmp_path) == {"b1"}
    assert list((tmp_path / "landing").rglob("*.tmp")) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "landing").write_text("a file where a folder should be")
    with pytest.raises(WarehouseError, match=r"could not be landed in .*: Not a directory"):
        land_one(tmp_path)


def test_what_is_still_being_written_has_not_landed(tmp_path):
    (tmp_path / "landing" / "date=2026-11-01" / ".host-b9.77.tmp").mkdir(parents=True)
    assert landed_batches(tmp_path) == set()


def test_batches_trials_and_the_run_that_landed_are_found_again(tmp_path):
    land_one(tmp_path, batch_id="plan", rows=[run_row(), planned_row()])
    land_one(tmp_path, batch_id="t1")
    other = trial_row(trial_id="night-2.alpha.chat.1", run_id="night-2")
    land_one(tmp_path, batch_id="t2", rows=[other])
    land_one(tmp_path, batch_id="end", rows=[end_row()])
    assert landed_batches(tmp_path) == {"plan", "t1", "t2", "end"}
    assert landed_run(tmp_path, "night-1") == run_row()
    assert landed_run(tmp_path, "night-9") is None
    assert landed_trials(tmp_path, "night-1") == [
        LandedTrial(
            trial_id="night-1.alpha.chat.1",
            target_id="alpha",
            workload_id="chat",
            try_number=1,
            status="completed",
        )
    ]


def test_an_empty_data_folder_has_nothing_landed(tmp_path):
    assert landed_batches(tmp_path / "none") == set()
    assert landed_trials(tmp_path / "none", "night-1") == []


def test_a_batch_without_its_manifest_still_holds_its_name(tmp_path):
    folder = land_one(tmp_path)
    (folder / "manifest.json").unlink()
    assert "b1" in landed_batches(tmp_path)
    with pytest.raises(WarehouseError, match="damaged"):
        read_manifest(folder)


def test_a_torn_file_of_a_run_is_named_when_that_run_is_asked_for_and_not_for_another(tmp_path):
    folder = land_one(tmp_path, batch_id="night-1.t")
    file = folder / "trials.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(WarehouseError, match=r"host-night-1\.t is damaged: trials\.parquet"):
        landed_trials(tmp_path, "night-1")
    assert landed_trials(tmp_path, "night-2") == []


def damage(folder: Path, how: str) -> None:
    file = folder / "trials.parquet"
    if how == "torn":
        file.write_bytes(file.read_bytes()[:-1])
    elif how == "missing":
        file.unlink()
    elif how == "newer":
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_number": 99}))


@pytest.mark.parametrize(
    ("how", "says"),
    [("torn", "another SHA-256"), ("missing", "No such file"), ("newer", r"newer Megatoken \(schema 99")],
)
def test_a_batch_whose_files_are_not_those_of_its_manifest_does_not_verify(tmp_path, how, says):
    folder = land_one(tmp_path)
    verify(read_manifest(folder))
    damage(folder, how)
    with pytest.raises(WarehouseError, match=says):
        verify(read_manifest(folder))


def test_every_landing_table_can_be_landed(tmp_path):
    from tests.warehouse.builders import (
        canary_row,
        exchange_row,
        grid_hour_row,
        job_row,
        meter_row,
        sample_row,
        search_row,
        tariff_hour_row,
    )
    from tests.warehouse.synthetic_checks import check_row, finding_row
    from warehouse.canary_questions import questions

    rows = [
        run_row(), planned_row(), end_row(), trial_row(), search_row(), attempt_row(), exchange_row(), meter_row(),
        sample_row(meter="rapl:package-0", phase="idle", second=0), fact_row("pue", 1),
        job_row(), grid_hour_row(), tariff_hour_row(), canary_row(questions()[0], "4"), check_row(), finding_row(),
    ]  # fmt: skip
    batch = read_manifest(land_one(tmp_path, rows=rows))
    assert batch.tables == dict.fromkeys(TABLES, 1)
    assert batch.run_ids == ("night-1",)
    assert replace(batch, folder=tmp_path).file("runs") == tmp_path / "runs.parquet"
