"""A log of requests as a table: CSV, JSON lines with their nested objects, or Parquet."""

import io
import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    import polars as pl


def table_of(data: bytes, name: str, *, wanted: Collection[str]) -> "tuple[pl.DataFrame, int | None]":
    """The rows of a file, and the line of the first of them; None where rows are no lines.

    Args:
        data: the file.
        name: its name; the ending says what it is.
        wanted: keys of JSON objects to keep, in lower case and without those that they stand in.

    Raises:
        WarehouseError: it cannot be read; names the line where there is one.
    """
    import polars as pl

    ending = name.rsplit(".", 1)[-1].lower()
    try:
        if ending == "parquet":
            return _flat(pl.read_parquet(io.BytesIO(data))), None
        if ending in ("json", "jsonl", "ndjson"):
            return _from_json(data, name, wanted)
        if ending == "csv":
            return pl.read_csv(io.BytesIO(data), infer_schema=False, try_parse_dates=False), 2
    except pl.exceptions.PolarsError as error:
        raise WarehouseError(f"{name} cannot be read: {str(error).splitlines()[0]}") from error
    raise WarehouseError(f"{name} is no log that can be read; give .csv, .jsonl, .json or .parquet")


def _from_json(data: bytes, name: str, wanted: Collection[str]) -> "tuple[pl.DataFrame, int | None]":
    """Lines of objects, or one list of them; only the columns wanted are kept."""
    import polars as pl

    rows: list[dict[str, Any]] = []
    first_line: int | None = 1
    if data.lstrip()[:1] == b"[":
        first_line = None
        try:
            lines: Sequence[Any] = json.loads(data)
        except ValueError as error:
            raise WarehouseError(f"{name} is no JSON: {error}") from None
    else:
        lines = data.splitlines()
        while lines and not lines[-1].strip():
            lines = lines[:-1]
    for number, line in enumerate(lines, start=1):
        try:
            value = json.loads(line) if isinstance(line, bytes) else line
        except ValueError as error:
            raise WarehouseError(f"{name} line {number} is no JSON: {error}") from None
        if not isinstance(value, dict):
            raise WarehouseError(f"{name} {'line' if first_line else 'row'} {number} is no object of a request")
        rows.append(_flattened(value, wanted))
    return pl.DataFrame(rows, infer_schema_length=None, strict=False), first_line


def _flattened(value: dict[str, Any], wanted: Collection[str]) -> dict[str, Any]:
    """The wanted values of an object and of those in it, as text, by `outer.inner`."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            found |= {f"{key}.{name}": each for name, each in _flattened(inner, wanted).items()}
        elif key.lower() in wanted and not isinstance(inner, list):
            found[key] = None if inner is None else str(inner)
    return found


def _flat(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Columns of structs as columns of their own."""
    import polars as pl

    while structs := [name for name, kind in frame.schema.items() if isinstance(kind, pl.Struct)]:
        frame = frame.with_columns(pl.col(name).name.prefix_fields(f"{name}.") for name in structs).unnest(*structs)
    return frame
