"""Tables, views, comments and units: rows.py, migrations and views say the same."""

import dataclasses
import re
import types
import typing
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.begun import begun
from warehouse import rows, schema
from warehouse.errors import WarehouseError
from warehouse.kept import FIGURES
from warehouse.writer import warehouse_path

TABLES = {
    "runs": rows.RunRow,
    "planned_trials": rows.PlannedTrialRow,
    "run_ends": rows.RunEndRow,
    "searches": rows.SearchRow,
    "trials": rows.TrialRow,
    "attempts": rows.AttemptRow,
    "exchanges": rows.ExchangeRow,
    "meters": rows.MeterRow,
    "power_samples": rows.PowerSampleRow,
    "trial_facts": rows.FactRow,
    "jobs": rows.JobRow,
    "grid_hours": rows.GridHourRow,
    "tariff_hours": rows.TariffHourRow,
    "canary_answers": rows.CanaryAnswerRow,
    "endpoint_checks": rows.EndpointCheckRow,
    "check_findings": rows.CheckFindingRow,
}
SQL_TYPES = {
    str: "VARCHAR",
    bytes: "BLOB",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    datetime: "TIMESTAMP WITH TIME ZONE",
}
UNITS = {
    "s", "ns", "w", "j", "gco2e", "usd", "mtok", "token", "bytes", "rps", "share", "kwh", "count", "number", "ratio",
    "l", "mj", "kgsbeq",
}  # fmt: skip
# What may follow the unit: which end of a range, or which of several values.
QUALIFIERS = {
    "low",
    "high",
    "worst",
    "mean",
    "max",
    "asked",
    "planned",
    "others",
    "done",
    "failed",
    "skipped",
    "waiting",
    "missed",
}
# Names without a unit, each for a reason.
EXEMPT = {
    "seq": "an ordinal",
    "seed": "an identifier",
    "search_point": "an ordinal",
    "burstiness": "a shape, as the field names it",
    "slo_percentile": "which percentile: a per cent of a rank",
    "http_status": "a code",
    "exit_code": "a code",
    "concurrency": "requests in flight, as the field says it",
    "concurrency_mean": "requests in flight, as the field says it",
    "load_average_1m": "the kernel's own name",
    "low": "the unit is named in the column quantity",
    "central": "the unit is named in the column quantity",
    "high": "the unit is named in the column quantity",
    "ok": "attempts that succeeded, the counterpart of attempts",
    "n": "a sample size, as are n_ttft and the like",
    "percentile": "a per cent of a rank",
    "impact_value_low": "the unit is named in the column impact",
    "impact_value": "the unit is named in the column impact",
    "impact_value_high": "the unit is named in the column impact",
    "value_before": "the unit is named in the column metric_id",
    "value_after_low": "the unit is named in the column metric_id",
    "value_after": "the unit is named in the column metric_id",
    "value_after_high": "the unit is named in the column metric_id",
    "figure_p05": "the unit is named in the column figure",
    "figure_p50": "the unit is named in the column figure",
    "figure_p95": "the unit is named in the column figure",
}


@pytest.fixture
def con(tmp_path):
    connection = duckdb.connect(warehouse_path(begun(tmp_path)))
    yield connection
    connection.close()


def columns_of(con, table):
    return con.execute(
        "SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index",
        [table],
    ).fetchall()


def expected_columns(row_class):
    hints = typing.get_type_hints(row_class)
    for field in dataclasses.fields(row_class):
        hint = hints[field.name]
        parts = (
            list(typing.get_args(hint))
            if isinstance(hint, types.UnionType) or type(None) in typing.get_args(hint)
            else [hint]
        )
        nullable = type(None) in parts
        kind = next(part for part in parts if part is not type(None))
        if typing.get_origin(kind) is typing.Literal:
            kind = str
        yield field.name, SQL_TYPES[kind], nullable


@pytest.mark.parametrize("table", TABLES)
def test_a_landing_table_has_the_fields_of_its_dataclass_in_order_with_their_types(con, table):
    assert columns_of(con, table) == list(expected_columns(TABLES[table]))


def test_every_landing_row_class_has_a_table():
    assert set(TABLES.values()) == set(typing.get_args(rows.LandingRow))


def test_every_table_view_and_column_says_what_it_is(con):
    silent = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
    ).fetchall()
    silent += con.execute("SELECT table_name FROM duckdb_tables() WHERE comment IS NULL").fetchall()
    silent += con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL").fetchall()
    assert silent == []


def has_unit(name):
    parts = name.split("_")
    while parts and parts[-1] in QUALIFIERS:
        parts.pop()
    return bool(parts) and (parts[-1] in UNITS or (len(parts[-1]) > 3 and parts[-1].endswith("s")))


def test_every_numeric_column_ends_in_a_known_unit_or_is_a_plural(con):
    numeric = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        " AND regexp_matches(data_type, '^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*)$')"
    ).fetchall()
    assert len(numeric) > 100
    assert [(t, c) for t, c in numeric if not (has_unit(c) or c in EXEMPT or c.startswith("n_"))] == []


def test_the_unit_rule_can_fail():
    assert not has_unit("latency")
    assert not has_unit("price_high")
    assert not has_unit("latency_ms")
    assert has_unit("ttft_p95_s")
    assert has_unit("usd_per_output_mtok_low")


def test_the_list_of_views_is_the_folder_of_views():
    assert sorted(schema.VIEW_NAMES) == sorted(path.stem for path in schema.VIEWS.glob("*.sql"))


@pytest.mark.parametrize(
    "path", [*sorted(schema.VIEWS.glob("*.sql")), *sorted(FIGURES.glob("*.sql"))], ids=lambda p: p.stem
)
def test_a_view_says_purpose_and_grain_never_sorts_and_guards_its_divisions(path: Path):
    text = path.read_text()
    assert text.startswith("-- Purpose: ")
    assert "\n-- Grain: " in text
    body = re.sub(r"(?m)^(--.*|COMMENT ON .*)$", "", text)
    # an ORDER BY may stand inside a window or an aggregate only
    depth = 0
    for token in re.finditer(r"\(|\)|ORDER BY", body):
        depth += {"(": 1, ")": -1}.get(token.group(), 0)
        assert token.group() != "ORDER BY" or depth > 0
    for divisor in re.findall(r"/\s*([a-z0-9_.(]+)", body):
        assert divisor.startswith("nullif(") or re.fullmatch(r"1e\d+\)?", divisor) or divisor in ("1e9", "1e6"), divisor


def test_migrations_are_applied_once(tmp_path):
    con = duckdb.connect(tmp_path / "w.duckdb")
    first = schema.migrate(con)
    assert first == sorted(path.name for path in schema.MIGRATIONS.glob("*.sql"))
    assert schema.migrate(con) == []
    con.close()


def test_an_edited_migration_is_an_error_that_names_it(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_a.sql").write_text("CREATE TABLE a (n BIGINT);")
    con = duckdb.connect()
    schema.migrate(con, folder)
    (folder / "0001_a.sql").write_text("CREATE TABLE a (n DOUBLE);")
    with pytest.raises(WarehouseError, match=r"0001_a\.sql was edited after it was applied"):
        schema.migrate(con, folder)
    con.close()


def test_a_file_of_a_newer_megatoken_is_refused(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_a.sql").write_text("CREATE TABLE a (n BIGINT);")
    (folder / "0002_b.sql").write_text("CREATE TABLE b (n BIGINT);")
    con = duckdb.connect()
    schema.migrate(con, folder)
    (folder / "0002_b.sql").unlink()
    with pytest.raises(WarehouseError, match=r"0002_b\.sql, which this Megatoken does not know"):
        schema.migrate(con, folder)
    con.close()
