"""The process that answers one question and ends: limits first, then DuckDB, then the question, then JSON.

Started by `warehouse.sandbox` with an empty environment in `/`. Everything that a process can give up is given up
before the question is looked at, so that the parent's kill is the last of several ends and not the only one: the
kernel ends this process by address space, by CPU time and by the alarm clock, also when the parent is gone.
"""

import json
import math
import os
import resource
import signal
import sys
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from warehouse.sandbox_rules import Refused, admitted

if TYPE_CHECKING:
    import duckdb

CHUNK_ROWS = 256
GRACE_S = 2.0  # the alarm rings after DuckDB's own limit and the parent's


def main() -> None:
    """Read the request from standard input, write one JSON object to standard output."""
    # the way to the parent is ours alone: whatever else writes to standard output writes into nothing
    told = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    request = json.load(sys.stdin.buffer)
    _give_up(request)
    try:
        answer = _answer(request)
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    except MemoryError:
        answer = {"refused": _out_of_memory(request)}
    except RecursionError:
        answer = {"refused": "the query is nested too deeply; write it with fewer levels"}
    with os.fdopen(told, "wb") as out:
        out.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    os._exit(0)  # DuckDB would tidy up first: it waits for its threads and frees what the kernel frees at once


def _give_up(request: dict[str, Any]) -> None:
    """Lower every limit that a question could be used to raise."""
    seconds, threads = request["timeout_s"], request["threads"]
    cpu_s = math.ceil((seconds + GRACE_S) * threads)
    for what, most in (
        (resource.RLIMIT_AS, request["address_space_bytes"]),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(what, (most, most))
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_S)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    import duckdb

    try:
        con = _opened(request)
    except duckdb.Error as error:
        # without its text, which names the file
        raise Refused(f"the snapshot cannot be opened ({type(error).__name__}); publish it again") from None
    before = 0
    try:
        text, before = admitted(con, request["sql"])
        os.nice(10)  # a question waits for a night that measures on this machine, never the other way round
        result = con.execute(text)
        return _rows(result, request)
    except duckdb.Error as error:
        raise Refused(_said(error, before, request)) from None


def _opened(request: dict[str, Any]) -> "duckdb.DuckDBPyConnection":
    import duckdb

    con = duckdb.connect(
        request["snapshot"],
        read_only=True,
        config={
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "memory_limit": f"{request['memory_bytes']}B",
            "max_temp_directory_size": "0GB",
            "temp_directory": "",
            "threads": request["threads"],
            "errors_as_json": True,
        },
    )
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")  # in `python -c` DuckDB thinks that a person looks on
    con.execute("SET max_execution_time = ?", [math.ceil(1000 * request["timeout_s"])])
    con.execute("SET lock_configuration = true")
    return con


def _rows(result: "duckdb.DuckDBPyConnection", request: dict[str, Any]) -> dict[str, Any]:
    """Rows until there are enough of them, or enough bytes; one more is asked for, to know whether that was all."""
    columns = [[str(name), str(kind)] for name, kind, *_ in result.description or []]
    most, room = request["rows"], request["result_bytes"]
    rows: list[list[Any]] = []
    cut = None
    while cut is None and (chunk := result.fetchmany(min(CHUNK_ROWS, most + 1 - len(rows)))):
        for row in chunk:
            # a long text is refused by its length: writing it out first would take as long again
            room -= sum(len(value) for value in row if isinstance(value, str | bytes))
            if room >= 0:
                plain = [_plain(value) for value in row]
                room -= len(json.dumps([value for value in plain if not isinstance(value, str)], ensure_ascii=False))
            if len(rows) == most or room < 0:
                cut = "rows" if len(rows) == most else "bytes"
                break
            rows.append(plain)
    if cut == "bytes" and not rows:
        raise Refused(f"one row alone takes more than {request['result_bytes'] / 1e6:.0f} MB; select less of it")
    return {"columns": columns, "rows": rows, "cut": cut}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell of a query: any type that DuckDB has
    """A cell as JSON; what JSON has not is text, nested values as JSON text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=_nested, ensure_ascii=False)
    return str(value)


def _nested(value: Any) -> Any:  # noqa: ANN401
    return float(value) if isinstance(value, Decimal) else _plain(value)


def _said(error: "duckdb.Error", before: int, request: dict[str, Any]) -> str:
    """DuckDB's own error as one sentence, with the place in the query where it has one."""
    told = str(error)
    start = told.find("{")
    try:
        found = json.loads(told[start:]) if start >= 0 else {}
    except ValueError:
        found = {}
    kind = found.get("exception_type", "")
    if kind == "INTERRUPT":
        return f"the query was ended after {request['timeout_s']:g} s; ask for less, or of fewer trials"
    if kind == "Out of Memory" or "bad_alloc" in told:
        return _out_of_memory(request)
    message = " ".join(str(found.get("exception_message", told)).split())
    message = message.replace(request["snapshot"], "the snapshot")  # where it lies is nobody's business
    place = ""
    if str(found.get("position", "")).isdigit():
        at = int(found["position"]) + before
        lines = request["sql"].encode()[:at].decode(errors="replace").split("\n")
        place = f" (line {len(lines)}, column {len(lines[-1]) + 1})"
    return f"{message}{place}"


def _out_of_memory(request: dict[str, Any]) -> str:
    return (
        f"the query needs more than {request['memory_bytes'] / 1e6:.0f} MB of memory; aggregate, or ask for fewer rows"
    )


if __name__ == "__main__":
    main()
