"""Any question to a snapshot by anybody, answered by a process of its own that can reach nothing else.

DuckDB's `memory_limit` is no sandbox: list and string functions allocate past it, and do not heed an interrupt. So each
question gets a process with an address-space limit and a deadline, which `warehouse.sandbox_worker` is.
"""

import json
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from warehouse.errors import WarehouseError
from warehouse.sandbox_process import end, start, too_long, why_ended

AT_ONCE = 3  # processes; a fourth question waits for one of them
_GRACE_S = 1.0  # from DuckDB's own limit to our kill: to start, and to end by itself
_FREE = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one question may take. Below 0.7 GB of address space DuckDB's threads do not start."""

    timeout_s: float = 15.0
    rows: int = 10_000
    result_bytes: int = 8_000_000
    memory_bytes: int = 512_000_000  # DuckDB's own account: buffers, hash tables
    address_space_bytes: int = 1_500_000_000  # the kernel's account: everything, by whomever it is asked for
    threads: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of an answer: its name, unlike all others, and its DuckDB type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a question came to.

    `rows` hold int, float, bool, str, Decimal, date, time and datetime (in UTC where the column has a zone); blobs are
    hexadecimal text, nested values JSON text. `cut` says what ended them early, None if they are all.
    """

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]] = field(repr=False)
    cut: Literal["rows", "bytes"] | None
    took_s: float  # from the start of the process to the last byte


def ask(snapshot: Path, sql: str, *, limits: Limits | None = None) -> Answer:
    """The answer to one SELECT, FROM, DESCRIBE, SUMMARIZE or EXPLAIN over a snapshot.

    Args:
        snapshot: path of a published snapshot.
        sql: the question; exactly one statement.
        limits: what it may take.

    Raises:
        WarehouseError: one sentence: not one statement, not a question, DuckDB's own complaint with line and column,
            too long, too large, or the process that answered was killed.
    """
    allowed = limits or Limits()
    if not snapshot.exists():
        raise WarehouseError(f"the snapshot {snapshot.name} is gone; ask again, the next one is taken")
    if not _FREE.acquire(timeout=allowed.timeout_s):
        raise WarehouseError(f"{AT_ONCE} other questions are being answered since {allowed.timeout_s:g} s; ask again")
    began = time.monotonic()
    try:
        told = _told(snapshot, sql, allowed)
    finally:
        _FREE.release()
    took_s = time.monotonic() - began
    if "refused" in told:
        raise WarehouseError(str(told["refused"]))
    columns = named_columns(told["columns"])
    return Answer(columns=columns, rows=typed(columns, told["rows"]), cut=told["cut"], took_s=took_s)


def _told(snapshot: Path, sql: str, limits: Limits) -> dict[str, Any]:
    """What the process wrote, once it has ended by itself; else why it did not."""
    process = start({"snapshot": str(snapshot.resolve()), "sql": sql, **asdict(limits)})
    try:
        written = _read(process, limits)
    finally:
        end(process)
    if written is None:
        raise WarehouseError(too_long(limits.timeout_s))
    try:
        told = json.loads(written)
    except ValueError:
        why = why_ended(process.returncode, timeout_s=limits.timeout_s, address_space_bytes=limits.address_space_bytes)
        raise WarehouseError(why) from None
    if not isinstance(told, dict):
        raise WarehouseError("the process that answered wrote something that is no answer; ask again")
    return told


def _read(process: "subprocess.Popen[bytes]", limits: Limits) -> bytes | None:
    """All that the process writes until it closes its end; None if that takes too long, or there is too much."""
    assert process.stdout is not None
    deadline = time.monotonic() + limits.timeout_s + _GRACE_S
    parts: list[bytes] = []
    room = 2 * limits.result_bytes + 1_000_000  # the process counts itself; this is for one that does not
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while room > 0:
            if not ready.select(max(deadline - time.monotonic(), 0.0)):
                return None
            part = os.read(process.stdout.fileno(), 1 << 20)
            if not part:
                with suppress(subprocess.TimeoutExpired):  # all is said: what is left of it is ended by us
                    process.wait(_GRACE_S)
                return b"".join(parts)
            parts.append(part)
            room -= len(part)
    return b""


def named_columns(told: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    """Columns under names that differ, as a data frame needs them: a, a_1, a_2."""
    taken: set[str] = set()
    columns = []
    for name, kind in told:
        free, number = name, 0
        while free in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free)
        columns.append(Column(name=free, type=kind))
    return tuple(columns)


_PARSERS = {
    "DATE": date.fromisoformat,
    "TIME": time_of_day.fromisoformat,
    "TIMESTAMP": datetime.fromisoformat,
    "DECIMAL": Decimal,
}


def typed(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Rows as a worker wrote them, with what JSON does not have parsed: days, times, instants and decimals."""
    by_column = []
    for at, column in enumerate(columns):
        values = [row[at] for row in rows]
        # TIMESTAMP_NS and TIMESTAMP WITH TIME ZONE are instants, TIME WITH TIME ZONE is a time of day; a list is text
        base = "" if column.type.endswith("]") else column.type.split("(")[0].split(" ")[0].split("_")[0]
        parse = _PARSERS.get(base)
        by_column.append(values if parse is None else _parsed(values, parse))
    return list(zip(*by_column, strict=True)) if columns else []


def _parsed(values: list[Any], parse: Any) -> list[Any]:  # noqa: ANN401 - a constructor from text
    try:
        return [None if value is None else parse(value) for value in values]
    except ValueError:
        return values  # an instant after the year 9999, which Python does not have: the whole column stays text
