"""The two ways to hold the warehouse, by a DuckDB of its own and by the one that writes Parquet files: alike in all."""

import signal
import subprocess
import sys

import duckdb
import numpy as np
import pytest

from warehouse.errors import WarehouseError
from warehouse.parquet import write_parquet
from warehouse.writer import STORAGE_VERSION, connected, open_warehouse, transaction, warehouse_path

both = pytest.mark.parametrize("one_thread", [False, True])

KILLED = """
import os, signal, sys
from pathlib import Path
from warehouse.writer import open_warehouse, transaction
with open_warehouse(Path(sys.argv[1]), one_thread=sys.argv[2] == "True") as con:
    with transaction(con):
        con.execute("CREATE TABLE kept AS SELECT 42 AS answer").fetchall()
    con.execute("BEGIN").fetchall()
    con.execute("CREATE TABLE lost AS SELECT 43 AS answer").fetchall()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def tables(con):
    return {name for (name,) in con.execute("SELECT table_name FROM information_schema.tables").fetchall()}


@both
def test_what_was_committed_before_a_kill_is_there_and_nothing_else(tmp_path, one_thread):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(one_thread)], check=False)
    assert done.returncode == -signal.SIGKILL
    with open_warehouse(tmp_path, one_thread=not one_thread) as con:
        assert con.execute("FROM kept").fetchall() == [(42,)]
        assert "lost" not in tables(con)


@both
def test_once_closed_the_file_is_whole_and_free_even_after_an_error(tmp_path, one_thread):
    with pytest.raises(ZeroDivisionError), open_warehouse(tmp_path, one_thread=one_thread) as con:
        with transaction(con):
            con.execute("CREATE TABLE kept AS SELECT 42 AS answer").fetchall()
        with transaction(con):
            con.execute("CREATE TABLE lost AS SELECT 43 AS answer").fetchall()
            raise ZeroDivisionError
    assert not warehouse_path(tmp_path).with_name("warehouse.duckdb.wal").exists()
    reader = duckdb.connect(warehouse_path(tmp_path), read_only=True)
    assert {"kept", "trial_metrics"} <= tables(reader)
    assert "lost" not in tables(reader)
    reader.close()
    plain = tmp_path / "plain.duckdb"
    duckdb.connect(plain, config={"storage_compatibility_version": STORAGE_VERSION}).close()
    written = slice(8, 20)  # "DUCK" and the version of the format: the 1.5 command line reads no later one
    assert warehouse_path(tmp_path).read_bytes()[written] == plain.read_bytes()[written]


@both
def test_a_file_that_is_none_is_a_sentence_and_parquet_files_are_written_on(tmp_path, one_thread):
    warehouse_path(tmp_path).write_text("something else entirely" * 1000)
    refused = pytest.raises(WarehouseError, match=r"cannot be opened: .*rebuilds it from landing/")
    with refused, connected(tmp_path, one_thread=one_thread):
        pass
    write_parquet(tmp_path / "a.parquet", {"a": np.arange(3)}, "a", metadata={})
    assert (tmp_path / "a.parquet").stat().st_size > 0


def test_one_thread_serves_one_data_folder_after_another(tmp_path):
    for name in ("a", "b"):
        with open_warehouse(tmp_path / name, one_thread=True) as con:
            con.execute(f"CREATE TABLE of_{name} (answer INTEGER)").fetchall()
            found = {table for table in tables(con) if table.startswith("of_")}
        assert found == {f"of_{name}"}
        write_parquet(tmp_path / f"{name}.parquet", {"a": np.arange(3)}, "a", metadata={})
