"""The sandboxed console: real attacks on a real snapshot, each by a real process, and what is answered honestly."""

import json
import os
import signal
import threading
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import psutil
import pytest

from tests.warehouse.workers import sandbox_workers
from warehouse.errors import WarehouseError
from warehouse.sandbox import AT_ONCE, Limits, ask
from warehouse.sandbox_rules import Refused, admitted
from warehouse.sandbox_worker import _opened

QUICK, PATIENT = Limits(timeout_s=1.0), Limits(timeout_s=120.0)


def worker_of(asking):
    """The process that answers a thread."""
    while not (workers := sandbox_workers()):
        assert asking.is_alive()
        time.sleep(0.01)
    (worker,) = workers
    return worker


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """What the sandbox needs of a snapshot: a table and a view, in a folder that nobody is to learn of."""
    path = tmp_path_factory.mktemp("secret-folder") / "megatoken-1.duckdb"
    with duckdb.connect(path) as con:
        con.execute("CREATE TABLE runs AS SELECT 'night-1' AS run_id, 0.5 AS quote_usd_worst")
        con.execute("CREATE VIEW runs_overview AS SELECT run_id, 3 AS trials_planned FROM runs")
    return path


@pytest.fixture(scope="module")
def locked_down(snapshot):
    """The worker's own connection in this process, for what needs no process to be shown."""
    request = {"snapshot": str(snapshot), "memory_bytes": 512_000_000, "threads": 1, "timeout_s": 20.0}
    con = _opened(request)
    yield con
    con.close()


def refusal(snapshot, sql, limits=None):
    with pytest.raises(WarehouseError) as refused:
        ask(snapshot, sql, limits=limits)
    said = str(refused.value)
    assert str(snapshot.parent) not in said
    assert "\n" not in said
    return said


def test_values_come_back_in_their_types(snapshot):
    answer = ask(
        snapshot,
        """
        SELECT 1 AS a, 2.5::DOUBLE AS a, 1.50::DECIMAL(9, 2) AS d, 'x' AS s, NULL AS n, TRUE AS b, 'nan'::DOUBLE AS nan,
            DATE '2026-11-01' AS day, TIMESTAMPTZ '2026-11-01 02:15:00+00' AS at, [1, 2] AS l, {'k': 'v'} AS st,
            '\\xAB'::BLOB AS blob, DATE '290309-12-22' AS late
        """,
    )
    assert [column.name for column in answer.columns][:3] == ["a", "a_1", "d"]
    assert answer.columns[2].type == "DECIMAL(9,2)"
    (row,) = answer.rows
    assert row[:6] == (1, 2.5, Decimal("1.50"), "x", None, True)
    assert row[6] != row[6]
    assert row[7:] == (
        date(2026, 11, 1), datetime(2026, 11, 1, 2, 15, tzinfo=UTC), "[1, 2]", '{"k": "v"}', "ab", "290309-12-22",
    )  # fmt: skip
    assert answer.cut is None


def test_a_view_is_answered_and_explained(snapshot):
    assert ask(snapshot, "FROM runs_overview").rows == [("night-1", 3)]
    ((_, plan),) = ask(snapshot, "-- why\nEXPLAIN ANALYZE FROM runs").rows
    assert "runs" in plan


def test_rows_end_at_the_limit_and_it_is_known_that_there_were_more(snapshot):
    assert ask(snapshot, "FROM range(20_000_000_000)").cut == "rows"
    few = Limits(rows=5)
    exact, more = ask(snapshot, "FROM range(5)", limits=few), ask(snapshot, "FROM range(6)", limits=few)
    assert (len(exact.rows), exact.cut, len(more.rows), more.cut) == (5, None, 5, "rows")


def test_bytes_end_at_the_limit_and_one_row_beyond_it_is_refused(snapshot):
    small = Limits(result_bytes=50_000)
    answer = ask(snapshot, "SELECT repeat('x', 1000) FROM range(1000)", limits=small)
    assert answer.cut == "bytes"
    assert len(answer.rows) == 49
    assert "one row alone" in refusal(snapshot, "SELECT repeat('x', 50_001)", small)


@pytest.mark.parametrize(
    "attack",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "FROM '/etc/passwd'",
        "SELECT content FROM read_text('/proc/self/environ')",
        "FROM glob('/*')",
        "FROM read_blob('{path}')",
        "FROM duckdb_settings()",
        "FROM duckdb_secrets()",
        "SELECT path FROM duckdb_databases()",
        "FROM pragma_database_list",
        "SELECT name, setting FROM pg_catalog.pg_settings",
        "SHOW allowed_paths",
        "SELECT current_setting('allowed_paths')",
        "SELECT x.current_setting() FROM (SELECT 'allowed_paths' AS x)",
        "EXPLAIN SELECT current_setting('allowed_paths')",
        "EXPLAIN /* */ ANALYZE SELECT current_setting('allowed_paths')",
        "EXPLAIN (ANALYZE) SELECT current_setting('allowed_paths')",
        "WITH x AS MATERIALIZED (SELECT current_setting('allowed_paths') AS a) SELECT (SELECT a FROM x)",
        "FROM query('SELECT * FROM duckdb_settings()')",
        "FROM query_table('duckdb_databases')",
        "FROM histogram_values('duckdb_databases', 'path')",
        "FROM json_execute_serialized_sql(json_serialize_sql('FROM duckdb_settings()'))",
        "SELECT (SELECT list(path) FROM duckdb_databases)",
        "DESCRIBE SELECT current_setting('allowed_paths') FROM duckdb_databases()",
        "FROM runs WHERE run_id IN (SELECT path FROM duckdb_databases())",
        "SELECT getenv('PATH')",
        "ATTACH '{path}' AS other",
        "DETACH main",
        "COPY runs TO '/tmp/runs.csv'",
        "EXPORT DATABASE '/tmp/out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '100GB'",
        "RESET max_execution_time",
        "PRAGMA memory_limit = '100GB'",
        "PRAGMA database_list",
        "CALL duckdb_settings()",
        "INSERT INTO runs SELECT * FROM runs",
        "CREATE TABLE t AS SELECT 1",
        "CREATE TEMP TABLE t AS SELECT 1",
        "CREATE TEMP MACRO m() AS 1",
        "SET VARIABLE x = 1",
        "CHECKPOINT",
        "EXPLAIN INSERT INTO runs SELECT * FROM runs",
        "EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1",
        "SELECT 1; SELECT 2",
        "BEGIN",
        "",
        "-- nothing",
        "PIVOT runs ON run_id USING count(*)",
        "SELECT * FROM con",
        "SELECT * FROM request",
    ],
)
def test_what_reaches_beyond_the_data_is_refused(locked_down, snapshot, attack):
    with pytest.raises((Refused, duckdb.Error)) as refused:
        text, _ = admitted(locked_down, attack.format(path=snapshot))
        locked_down.execute(text).fetchall()
    assert "secret-folder" not in str(refused.value).replace(str(snapshot), "")


def test_a_question_that_takes_seconds_draws_no_progress_into_its_answer(locked_down):
    assert locked_down.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]


def test_nothing_that_is_admitted_of_the_catalogue_names_a_path_of_the_machine(locked_down, snapshot):
    """Every view and every table function that this DuckDB has, also those that a next version adds."""
    views = locked_down.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE internal").fetchall()
    asked = [f'FROM {schema}."{view}"' for schema, view in views]
    functions = locked_down.execute(
        """
        SELECT DISTINCT function_name, function_type LIKE 'table%', len(parameters)
        FROM duckdb_functions()
        WHERE function_type LIKE 'table%' OR len(parameters) = 0 OR parameter_types = ['VARCHAR']
        """
    ).fetchall()
    for name, is_table, parameters in functions:
        arguments = ["", "'runs'"] if is_table else ["" if parameters == 0 else "'allowed_paths'"]
        asked += [f'{"FROM" if is_table else "SELECT"} "{name}"({given})' for given in arguments]
    answered = 0
    for sql in asked:
        if "sleep" in sql:
            continue
        try:
            rows = locked_down.execute(admitted(locked_down, sql)[0]).fetchmany(2000)
        except (Refused, duckdb.Error) as refused:
            assert str(snapshot.parent) not in str(refused)
            continue
        answered += 1
        assert str(snapshot.parent) not in str(rows), sql
        assert str(Path.cwd()) not in str(rows), sql
    assert answered > 100


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT 1; SELECT 2", "the query holds 2 statements; give exactly one"),
        (" ; ", "there is no statement; ask with SELECT, FROM, DESCRIBE, SUMMARIZE or EXPLAIN"),
        ("SET threads = 64", "SET is not a question; ask with SELECT, FROM, DESCRIBE, SUMMARIZE or EXPLAIN"),
        ("PIVOT runs ON run_id USING count(*)", "a PIVOT must name its values here"),
        ("FROM read_text('/etc/hostname')", "read_text() is not allowed here: a question sees the snapshot's views"),
        ("SHOW threads", "SHOW threads may be a setting of the machine; DESCRIBE threads tells of a view"),
        ("EXPLAIN (FORMAT json) SELECT 1", "options of EXPLAIN are not taken"),
        ("SELECT '" + "x" * 30_000 + "'", "the query has 30,009 characters; 20,000 are answered at most"),
    ],
)
def test_what_is_not_asked_is_said_in_one_sentence(locked_down, sql, sentence):
    with pytest.raises(Refused) as refused:
        admitted(locked_down, sql)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT 1; SELECT 2", "the query holds 2 statements"),
        ("SELECT 1,\n  nope FROM runs", "(line 2, column 3)"),
        (" EXPLAIN ANALYZE\n SELECT nope FROM runs", "(line 2, column 9)"),
        ("SELECT len(range(900_000_000))", "the query needs more than 512 MB of memory"),
        ("SELECT " + "+".join(["1"] * 990), "nested too deeply"),
    ],
)
def test_each_refusal_is_one_sentence(snapshot, sql, sentence):
    assert sentence in refusal(snapshot, sql)


@pytest.mark.parametrize(
    "endless",
    [
        # one side is small: a big one would fill the memory before the second is over
        "SELECT sum(a.range * b.range) FROM range(1_000_000_000_000) AS a, range(1_000) AS b",
        "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t) SELECT max(x) FROM t",
    ],
)
def test_what_never_ends_is_ended(snapshot, endless):
    assert "was ended after 1 s" in refusal(snapshot, endless, QUICK)
    assert sandbox_workers() == []


def test_a_worker_that_is_killed_in_the_midst_of_a_question_is_one_sentence_and_the_next_one_is_answered(snapshot):
    said = []
    asking = threading.Thread(target=lambda: said.append(refusal(snapshot, "SELECT sleep_ms(600_000)", PATIENT)))
    asking.start()
    os.kill(worker_of(asking).pid, signal.SIGKILL)
    asking.join()
    assert said == ["the process that answered was ended by SIGKILL; ask again"]
    assert ask(snapshot, "SELECT 1").rows == [(1,)]


def test_the_worker_inherits_no_variable_no_folder_and_few_rights(snapshot, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    seen = []
    asking = threading.Thread(target=lambda: seen.append(refusal(snapshot, "SELECT sleep_ms(600_000)", PATIENT)))
    asking.start()
    worker = worker_of(asking)
    while worker.rlimit(psutil.RLIMIT_CORE) != (0, 0) or worker.cmdline()[0:1] == [""]:
        time.sleep(0.01)
    assert worker.environ() == {}
    assert worker.cwd() == "/"
    assert worker.rlimit(psutil.RLIMIT_AS) == (1_500_000_000, 1_500_000_000)
    assert worker.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert "secret-folder" not in " ".join(worker.cmdline())
    worker.kill()
    asking.join()
    assert "was ended by SIGKILL" in seen[0]


def test_a_snapshot_that_is_gone_or_broken_is_one_sentence(tmp_path):
    gone = tmp_path / "gone.duckdb"
    assert "gone.duckdb is gone" in refusal(gone, "SELECT 1")
    gone.write_bytes(b"no database" * 1000)
    assert "the snapshot cannot be opened" in refusal(gone, "SELECT 1")


def test_more_questions_than_may_run_at_once_wait_and_all_are_answered(snapshot):
    rows = []
    asking = [
        threading.Thread(target=lambda n=n: rows.extend(ask(snapshot, f"SELECT {n}", limits=PATIENT).rows))
        for n in range(AT_ONCE + 1)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert sorted(rows) == [(n,) for n in range(AT_ONCE + 1)]


def test_an_answer_is_json_and_never_a_pickle(snapshot):
    answer = ask(snapshot, "SELECT {'a': [1.5::DECIMAL(3, 1), NULL]} AS nested")
    assert json.loads(answer.rows[0][0]) == {"a": [1.5, None]}
