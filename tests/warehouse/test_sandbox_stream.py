"""Answers that are handed on as they come, or written to a file, by a process that reaches nothing else."""

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from tests.warehouse.workers import sandbox_workers
from warehouse.errors import WarehouseError
from warehouse.sandbox import Limits
from warehouse.sandbox_stream import FORMATS, limits_of, streamed, written

LIMITS = limits_of()
NIGHTS = """
    SELECT 'night ' || range AS run_id, range / 2 AS usd, TIMESTAMPTZ '2026-11-01 02:15:00+00' AS at
    FROM range(3)
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    path = tmp_path_factory.mktemp("secret-folder") / "megatoken-1.duckdb"
    with duckdb.connect(path) as con:
        con.execute("CREATE TABLE runs AS SELECT range AS n FROM range(30_000)")
    return path


def refusal(snapshot, sql, limits=LIMITS, **more):
    with pytest.raises(WarehouseError) as refused, streamed(snapshot, sql, limits, **more) as answer:
        list(answer.batches)
    assert str(snapshot.parent) not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert sandbox_workers() == []
    return str(refused.value)


def test_every_row_comes_some_at_a_time_in_its_type(snapshot):
    sql = """
        SELECT n, 1.50::DECIMAL(9, 2) AS d, DATE '2026-11-01' AS day, TIMESTAMPTZ '2026-11-01 02:15:00+00' AS at,
            [1.5::DECIMAL(3, 1)] AS n, MAP {DATE '2026-11-01': {'k': NULL}} AS m
        FROM runs
        ORDER BY n
    """
    with streamed(snapshot, sql, LIMITS) as answer:
        batches = list(answer.batches)
    assert [column.name for column in answer.columns] == ["n", "d", "day", "at", "n_1", "m"]
    assert len(batches) > 100
    assert [row[0] for batch in batches for row in batch] == list(range(30_000))
    assert batches[-1][-1][1:] == (
        Decimal("1.50"), date(2026, 11, 1), datetime(2026, 11, 1, 2, 15, tzinfo=UTC), [1.5],
        {"2026-11-01": {"k": None}},
    )  # fmt: skip


def test_whoever_leaves_early_leaves_no_process_behind(snapshot):
    with streamed(snapshot, "FROM range(20_000_000_000)", LIMITS) as answer:
        assert next(answer.batches)[0] == (0,)
        assert len(sandbox_workers()) == 1
    assert sandbox_workers() == []


@pytest.mark.parametrize(
    ("sql", "limits", "sentence"),
    [
        ("SELECT count(*) FROM range(9e9::BIGINT), range(9e9::BIGINT)", limits_of(timeout_s=1.0), "ended after 1 s"),
        ("SELECT len(range(500_000_000))", LIMITS, "needs more than 2000 MB of memory"),
        ("SELECT repeat('x', 2_000_000)", Limits(result_bytes=1_000_000), "one row alone takes more than 1 MB"),
        ("SELECT CASE WHEN n = 29000 THEN error('late') ELSE n END FROM runs", LIMITS, "late"),
        ("FROM read_text('/etc/hostname')", LIMITS, "read_text() is not allowed here"),
        ("COPY runs TO 'out.csv'", LIMITS, "COPY is not a question"),
        ("SELECT 1;\nSELECT nothing", LIMITS, "holds 2 statements"),
        ("SELECT 1,\n  nothing", LIMITS, "(line 2, column 3)"),
    ],
    ids=lambda of: of[:30] if isinstance(of, str) else "",
)
def test_what_takes_too_much_or_reaches_out_is_ended_with_one_sentence(snapshot, sql, limits, sentence):
    assert sentence in refusal(snapshot, sql, limits)


def test_files_are_read_and_written_where_that_is_allowed_and_nothing_else_is(snapshot, tmp_path):
    (tmp_path / "mine.csv").write_text("a,b\n1,x\n2,y\n")
    with streamed(snapshot, "SELECT sum(a) FROM 'mine.csv'", LIMITS, files_from=tmp_path) as answer:
        assert list(answer.batches) == [[(3,)]]
    with streamed(snapshot, "COPY runs TO 'runs.parquet'", LIMITS, files_from=tmp_path) as answer:
        assert list(answer.batches) == [[(30_000,)]]
    assert pl.read_parquet(tmp_path / "runs.parquet").height == 30_000
    said = refusal(snapshot, "ATTACH 'other.duckdb'", files_from=tmp_path)
    assert said.startswith("ATTACH is not a question")


@pytest.mark.parametrize("kind", FORMATS)
def test_an_answer_is_written_whole_in_the_format_that_the_name_ends_in(snapshot, tmp_path, kind):
    to = tmp_path / f"it's.{kind}"
    to.write_text("what was there before")
    assert written(snapshot, f"-- three\n{NIGHTS};", to, LIMITS) == 3
    read = {"parquet": pl.read_parquet, "csv": pl.read_csv, "json": pl.read_json}[kind](to)
    assert read.columns == ["run_id", "usd", "at"]
    assert read["run_id"].to_list() == ["night 0", "night 1", "night 2"]
    assert read["usd"].to_list() == [0.0, 0.5, 1.0]
    assert list(tmp_path.iterdir()) == [to]


@pytest.mark.parametrize(
    ("sql", "name", "sentence"),
    [
        ("SELECT nothing FROM runs", "old.csv", "(line 1, column 8)"),
        ("COPY runs TO '{folder}/other.csv'", "old.csv", "COPY is not a question"),
        ("FROM runs", "old.xlsx", "must end in .parquet, .csv or .json"),
        ("FROM runs", "missing/old.csv", "cannot be written (No such file or directory)"),
    ],
)
def test_a_file_is_left_as_it_was_where_there_is_no_answer(snapshot, tmp_path, sql, name, sentence):
    (tmp_path / "old.csv").write_text("old")
    with pytest.raises(WarehouseError) as refused:
        written(snapshot, sql.format(folder=tmp_path), tmp_path / name, LIMITS)
    assert sentence in str(refused.value)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("old.csv", "old")]
