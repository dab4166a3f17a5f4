"""Landing tables: which dataclass of rows.py is which table, and its columns as Parquet and DuckDB hold them."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any

from warehouse import rows
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Of what a batch holds; a batch of a higher number is refused until Megatoken is updated.
SCHEMA_NUMBER = 6

TABLES: Mapping[str, type[rows.LandingRow]] = MappingProxyType(
    {
        "runs": rows.RunRow,
        "planned_trials": rows.PlannedTrialRow,
        "run_ends": rows.RunEndRow,
        "trials": rows.TrialRow,
        "searches": rows.SearchRow,
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
)
# What makes a row of a table itself; power samples are readings and have no name of their own.
KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "runs": ("run_id",),
        "planned_trials": ("run_id", "target_id", "workload_id"),
        "trials": ("trial_id",),
        "searches": ("search_id",),
        "attempts": ("attempt_id",),
        "exchanges": ("attempt_id",),
        "meters": ("trial_id", "meter"),
        "trial_facts": ("trial_id", "quantity"),
        "jobs": ("job_id",),
        "grid_hours": ("zone", "hour_at", "signal", "source", "retrieved_at"),
        "tariff_hours": ("run_id", "hour_at"),
        "canary_answers": ("run_id", "target_id", "question_id"),
        "endpoint_checks": ("check_id",),
        "check_findings": ("check_id", "finding_id"),
    }
)

# What is not loaded: prompts and answers are for who measured them, and a snapshot may be for everybody.
LEFT_IN_LANDING: Mapping[str, tuple[str, ...]] = MappingProxyType({"exchanges": ("request_body", "response_body")})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a landing table."""

    name: str
    python_type: type  # str, bytes, int, float, bool or datetime
    nullable: bool


@cache
def columns_of(table: str) -> tuple[Column, ...]:
    """The columns of a landing table, in the order of its dataclass."""
    hints = typing.get_type_hints(TABLES[table])
    columns = []
    for field in dataclasses.fields(TABLES[table]):
        hint = hints[field.name]
        is_literal = typing.get_origin(hint) is typing.Literal
        members = [hint] if is_literal else list(typing.get_args(hint)) or [hint]
        kinds = [member for member in members if member is not NoneType]
        kind = str if typing.get_origin(kinds[0]) is typing.Literal else kinds[0]
        columns.append(Column(name=field.name, python_type=kind, nullable=len(kinds) < len(members)))
    return tuple(columns)


def by_table(landing_rows: Sequence[rows.LandingRow]) -> dict[str, list[rows.LandingRow]]:
    """Rows by the table they belong to, in the order of `TABLES`; tables without rows are left out."""
    names = {row_class: name for name, row_class in TABLES.items()}
    sorted_rows: dict[str, list[rows.LandingRow]] = {name: [] for name in TABLES}
    for row in landing_rows:
        sorted_rows[names[type(row)]].append(row)
    return {name: members for name, members in sorted_rows.items() if members}


def to_columns(table: str, table_rows: Sequence[rows.LandingRow]) -> dict[str, "NDArray[Any]"]:
    """Rows of one table as columns that DuckDB reads; see `select_of`.

    Returns:
        An array of shape (rows,) by name of the column: masked where a number is NULL, of objects where it is a text;
        an instant is microseconds since 1970.

    Raises:
        WarehouseError: a value has another type than its field, is None where it may not be, or is an instant
            without a time zone; names table, column and value.
    """
    columns = {}
    for column in columns_of(table):
        values = list(map(attrgetter(column.name), table_rows))
        kinds = set(map(type, values))
        _check_values(table, column, values, kinds)
        try:
            columns[column.name] = _array(column.python_type, values, kinds)
        except (TypeError, OverflowError) as error:
            raise WarehouseError(f"{table}.{column.name} holds a value that does not fit its column: {error}") from None
    return columns


def select_of(table: str) -> str:
    """What makes a table's rows of its columns in memory, as expressions of a SELECT."""
    types = {str: "VARCHAR", bytes: "BLOB", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}
    return ", ".join(
        f"make_timestamptz({column.name}) AS {column.name}"
        if column.python_type is datetime
        else f"{column.name}::{types[column.python_type]} AS {column.name}"
        for column in columns_of(table)
    )


def insert_rows(con: "duckdb.DuckDBPyConnection", table: str, table_rows: Sequence[rows.LandingRow]) -> None:
    """Put rows into a landing table that need not land.

    Raises:
        WarehouseError: as `to_columns`.
    """
    con.register("new_rows", to_columns(table, table_rows))
    con.execute(f"INSERT INTO {table} BY NAME SELECT {select_of(table)} FROM new_rows").fetchall()
    con.unregister("new_rows")


def insert_dicts(con: "duckdb.DuckDBPyConnection", table: str, dicts: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to any table, by the names of its columns: all rows have those of the first; the others are NULL."""
    if not dicts:
        return
    kinds = con.table(table)
    types = dict(zip(kinds.columns, map(str, kinds.types), strict=True))
    names = list(dicts[0])
    # lists and unnest: one statement however many rows
    values = ", ".join(f"unnest(?::{types[name]}[]) AS {name}" for name in names)
    con.execute(
        f"INSERT INTO {table} BY NAME SELECT {values}", [[row[name] for row in dicts] for name in names]
    ).fetchall()


def _array(python_type: type, values: Sequence[Any], kinds: set[type]) -> "NDArray[Any]":
    import numpy as np

    if python_type in (str, bytes):
        return np.array(values, dtype=object)
    if python_type is datetime:
        values = [None if value is None else (value - _EPOCH) // _MICROSECOND for value in values]
    kind: type[np.generic] = np.float64 if python_type is float else np.bool_ if python_type is bool else np.int64
    if kinds == {NoneType}:  # half of all columns of most trials
        return np.ma.masked_array(np.zeros(len(values), kind), mask=True)
    if NoneType not in kinds:
        return np.ma.masked_array(np.array(values, kind))
    masked = np.array([value is None for value in values], np.bool_)
    return np.ma.masked_array(np.array([0 if value is None else value for value in values], kind), mask=masked)


def _check_values(table: str, column: Column, values: Sequence[Any], kinds: set[type]) -> None:
    at_most = {column.python_type, NoneType} if column.nullable else {column.python_type}
    if kinds <= at_most and column.python_type is not datetime:
        return
    allowed: tuple[type, ...] = (column.python_type, NoneType) if column.nullable else (column.python_type,)
    if column.python_type is float:
        allowed = (*allowed, int)
    for value in values:
        # bool is an int to Python, and True is no count
        if not isinstance(value, allowed) or (isinstance(value, bool) and column.python_type is not bool):
            raise WarehouseError(
                f"{table}.{column.name} = {value!r} must be {column.python_type.__name__}"
                f"{' or None' if column.nullable else ', and known'}; nothing of this batch was landed"
            )
        if isinstance(value, datetime) and value.tzinfo is None:
            raise WarehouseError(
                f"{table}.{column.name} = {value.isoformat()} has no time zone; give UTC."
                " Nothing of this batch was landed"
            )
