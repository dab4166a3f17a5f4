"""The process that answers one question and ends: limits first, then DuckDB, then the question, then JSON.

Started by `warehouse.sandbox` or `warehouse.sandbox_stream` with an empty environment. Everything that a process can
give up is given up before the question is looked at, so that the parent's kill is the last of several ends and not the
only one: the kernel ends this process by address space, by CPU time and, unless somebody reads along, by the alarm
clock, also when the parent is gone.
"""

import json
import math
import os
import resource
import signal
import sys
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from warehouse.sandbox_rules import Refused, admitted, the_statement

if TYPE_CHECKING:
    import duckdb

CHUNK_ROWS = 256
_FORMATS = {"parquet": "FORMAT parquet", "csv": "FORMAT csv, HEADER true", "json": "FORMAT json, ARRAY true"}
GRACE_S = 2.0  # the alarm rings after DuckDB's own limit and the parent's


def main() -> None:
    """Read the request from standard input, write one JSON object to standard output."""
    # the way to the parent is ours alone: whatever else writes to standard output writes into nothing
    told = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    request = json.load(sys.stdin.buffer)
    _give_up(request)
    if request.get("streamed"):
        with os.fdopen(told, "wb") as out:
            _stream(request, out)
        os._exit(0)
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
    limits = {
        resource.RLIMIT_AS: request["address_space_bytes"],
        resource.RLIMIT_CPU: math.ceil((seconds + GRACE_S) * threads),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    if request.get("files"):
        del limits[resource.RLIMIT_FSIZE], limits[resource.RLIMIT_NOFILE]
    if request.get("output"):
        del limits[resource.RLIMIT_FSIZE]
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))
    if not request.get("streamed"):  # who reads a stream may take his time: the parent counts what is not his
        signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_S)


def _stream(request: dict[str, Any], out: IO[bytes]) -> None:
    """Lines of JSON as rows come: columns, then lists of rows, then how many there were; a refusal may end it early."""

    def tell(said: object) -> None:
        out.write(json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
        out.flush()

    try:
        tell(_answer(request, tell))
    except Refused as refusal:
        tell({"refused": str(refusal)})
    except MemoryError:
        tell({"refused": _out_of_memory(request)})
    except RecursionError:
        tell({"refused": "the query is nested too deeply; write it with fewer levels"})
    except BrokenPipeError:
        os._exit(1)  # whom we told has left


def _answer(request: dict[str, Any], tell: Callable[[object], None] | None = None) -> dict[str, Any]:
    import duckdb

    try:
        con = _opened(request)
    except duckdb.Error as error:
        # without its text, which names the file
        raise Refused(f"the snapshot cannot be opened ({type(error).__name__}); publish it again") from None
    before = 0
    try:
        if request.get("files"):
            text = the_statement(con, request["sql"])
        else:
            text, before = admitted(con, request["sql"])
        os.nice(10)  # a question waits for a night that measures on this machine, never the other way round
        if request.get("output"):
            copy = f"COPY (\n{text.rstrip().rstrip(';')}\n) TO {_quoted(request['output'])}"
            before -= copy.index("\n") + 1
            ((rows,),) = con.execute(f"{copy} ({_FORMATS[request['format']]}, USE_TMP_FILE false)").fetchall()
            return {"rows": rows}
        result = con.execute(text)
        return _rows(result, request) if tell is None else _told_rows(result, request, tell)
    except duckdb.Error as error:
        raise Refused(_said(error, before, request)) from None


def _opened(request: dict[str, Any]) -> "duckdb.DuckDBPyConnection":
    import duckdb

    con = duckdb.connect(
        request["snapshot"],
        read_only=True,
        config={
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
    if request.get("output"):
        con.execute(f"SET allowed_paths = [{_quoted(request['output'])}]")
    if not request.get("files"):
        con.execute("SET enable_external_access = false")
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")  # in `python -c` DuckDB thinks that a person looks on
    if not request.get("streamed"):
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


def _told_rows(
    result: "duckdb.DuckDBPyConnection", request: dict[str, Any], tell: Callable[[object], None]
) -> dict[str, Any]:
    """Tell the columns and then the rows, some at a time; how many there were."""
    tell({"columns": [[str(name), str(kind)] for name, kind, *_ in result.description or []]})
    told = 0
    while chunk := result.fetchmany(CHUNK_ROWS):
        for row in chunk:
            if sum(len(value) for value in row if isinstance(value, str | bytes)) > request["result_bytes"]:
                raise Refused(
                    f"one row alone takes more than {request['result_bytes'] / 1e6:.0f} MB; select less of it"
                )
        tell([[_tree(value) for value in row] for row in chunk])
        told += len(chunk)
    return {"rows": told}


def _tree(value: Any) -> Any:  # noqa: ANN401 - a cell of a query: any type that DuckDB has
    """A cell as JSON, nested values as such; keys of a map are text."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(_plain(key)): _nested(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [_nested(of) for of in value]
    return _plain(value)


def _nested(value: Any) -> Any:  # noqa: ANN401
    return float(value) if isinstance(value, Decimal) else _tree(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell of a query: any type that DuckDB has
    """A cell as JSON; what JSON has not is text, nested values as JSON text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple | dict):
        return json.dumps(_tree(value), ensure_ascii=False)
    return str(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


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
