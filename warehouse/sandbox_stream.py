"""A question to a snapshot whose answer is handed on as it comes, or written to a file: for a command line.

The process is that of `warehouse.sandbox`, with the same rules; but rows are passed on some at a time, however many
there are, and the time limit is on what the process takes, not on who reads the answer.
"""

import json
import os
import selectors
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from warehouse.errors import WarehouseError
from warehouse.sandbox import Column, Limits, named_columns, typed
from warehouse.sandbox_process import end, start, why_ended

FORMATS = ("parquet", "csv", "json")
DEFAULT_TIMEOUT_S = 60.0
DEFAULT_MEMORY_MB = 2000
_BESIDE_BYTES = 1_000_000_000  # what the process needs beside DuckDB's own account: threads, code, rows on their way
_ROW_BYTES = 64_000_000
_GRACE_S = 1.0  # to end by itself once it has said all


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer while it comes: its columns, and its rows some at a time, typed as in `warehouse.sandbox.Answer`.

    Nested values are lists and dicts.
    """

    columns: tuple[Column, ...]
    batches: Iterator[list[tuple[Any, ...]]]


def limits_of(*, timeout_s: float = DEFAULT_TIMEOUT_S, memory_mb: int = DEFAULT_MEMORY_MB) -> Limits:
    """Limits of a question of somebody at his own machine."""
    memory_bytes = memory_mb * 1_000_000
    return Limits(
        timeout_s=timeout_s,
        result_bytes=_ROW_BYTES,
        memory_bytes=memory_bytes,
        address_space_bytes=memory_bytes + _BESIDE_BYTES,
    )


@contextmanager
def streamed(snapshot: Path, sql: str, limits: Limits, *, files_from: Path | None = None) -> Iterator[Stream]:
    """The answer to one SELECT, FROM, DESCRIBE, SUMMARIZE or EXPLAIN over a snapshot, row by row.

    Leaving the context, by an error or by Ctrl-C too, ends the process at once.

    Args:
        snapshot: path of a published snapshot.
        sql: the question; exactly one statement.
        limits: what it may take; of the result, `result_bytes` is what one row may have.
        files_from: let it read and write files of this machine, relative ones from this folder, and COPY to them; None
            for no file at all. The network stays out of reach either way.

    Raises:
        WarehouseError: as `warehouse.sandbox.ask`; also from `batches`, where it comes up only then.
    """
    process = start(_request(snapshot, sql, limits, files_from), folder=str(files_from or "/"))
    try:
        lines = _lines(process, limits)
        columns = named_columns(next(lines)["columns"])
        yield Stream(columns=columns, batches=(typed(columns, batch) for batch in lines if isinstance(batch, list)))
    finally:
        end(process)


def written(snapshot: Path, sql: str, to: Path, limits: Limits, *, files_from: Path | None = None) -> int:
    """Write the answer to a file, in the format that its name ends in, once all of it is there.

    Args:
        snapshot, sql, limits, files_from: as for `streamed`; without the last the process reaches no file but `to`.
        to: ends in one of `FORMATS`; what is there is replaced.

    Returns:
        How many rows it has.

    Raises:
        WarehouseError: as `streamed`; another ending, or the file cannot be written.
    """
    kind = to.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise WarehouseError(f"{to.name} must end in .parquet, .csv or .json; rows are written in that format")
    beside = to.absolute().with_name(f".{to.name}.{os.getpid()}.part")
    try:
        beside.touch()
        request = _request(snapshot, sql, limits, files_from) | {"output": str(beside), "format": kind}
        process = start(request, folder=str(files_from or "/"))
        try:
            rows = int(next(_lines(process, limits))["rows"])
        finally:
            end(process)
        beside.replace(to)
    except OSError as error:
        raise WarehouseError(f"{to} cannot be written ({error.strerror}); name another file") from None
    finally:
        beside.unlink(missing_ok=True)
    return rows


def _request(snapshot: Path, sql: str, limits: Limits, files_from: Path | None) -> dict[str, Any]:
    more = {"streamed": True, "files": files_from is not None}
    return {"snapshot": str(snapshot.resolve()), "sql": sql, **more, **asdict(limits)}


def _lines(process: "subprocess.Popen[bytes]", limits: Limits) -> Iterator[Any]:
    """What the process says, line by line, until it has said that this was all."""
    assert process.stdout is not None
    left_s, held = limits.timeout_s, bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            began = time.monotonic()
            if left_s <= 0 or not ready.select(left_s):
                raise WarehouseError(
                    f"the query was ended after {limits.timeout_s:g} s; ask for less, or allow more with --timeout"
                )
            left_s -= time.monotonic() - began
            part = os.read(process.stdout.fileno(), 1 << 20)
            if not part:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE_S)
                raise WarehouseError(
                    why_ended(
                        process.returncode, timeout_s=limits.timeout_s, address_space_bytes=limits.address_space_bytes
                    )
                )
            held += part
            *whole, rest = held.split(b"\n") if b"\n" in part else (held,)
            held = bytearray(rest)
            for line in whole:
                said = json.loads(line)
                if isinstance(said, dict) and "refused" in said:
                    raise WarehouseError(str(said["refused"]))
                yield said
                if isinstance(said, dict) and "rows" in said:
                    return
