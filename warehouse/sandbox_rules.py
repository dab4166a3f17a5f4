"""Which statements a stranger may ask of a snapshot: one question, over the data, not over the machine that holds it.

DuckDB's own locks keep a reader from files, settings and extensions, but not from what the process knows of itself:
`duckdb_databases()` and `current_setting('allowed_paths')` tell where the snapshot lies, and `read_blob` may read the
database's own file. So the parsed statement is looked through: table functions by a list of those allowed (a new one of
a new DuckDB is refused), catalogue views by name.
"""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    import duckdb

ASK_WITH = "ask with SELECT, FROM, DESCRIBE, SUMMARIZE or EXPLAIN"
MOST_CHARACTERS = 20_000

_TABLE_FUNCTIONS = frozenset(
    (
        "duckdb_columns", "duckdb_constraints", "duckdb_functions", "duckdb_keywords", "duckdb_tables", "duckdb_types",
        "duckdb_views", "generate_series", "icu_calendar_names", "json_each", "json_tree", "pg_timezone_names",
        "pragma_table_info", "pragma_version", "range", "repeat", "repeat_row", "summary", "test_all_types", "unnest",
    )
)  # fmt: skip
_CATALOGUE = ("duckdb_", "pg_", "pragma_", "sqlite_")  # beginnings of the names of DuckDB's own views
_CATALOGUE_VIEWS = frozenset(("duckdb_columns", "duckdb_constraints", "duckdb_tables", "duckdb_types", "duckdb_views"))
_SCALAR_FUNCTIONS = frozenset(("current_setting", "write_log"))  # those that are not allowed
_SPACE = r"(?:\s|--[^\n]*(?:\n|$)|/\*(?:[^*]|\*(?!/))*\*/)*"
_EXPLAIN = re.compile(rf"{_SPACE}EXPLAIN\b\s*(ANALYZE\b)?", re.IGNORECASE)


class Refused(WarehouseError):
    """A statement that is not asked; `str()` of it is the sentence that its author reads."""


def admitted(con: "duckdb.DuckDBPyConnection", sql: str) -> tuple[str, int]:
    """The statement to run, and by how many characters a place in it stands later in `sql`.

    What is run is what was looked through: an EXPLAIN is put together anew before the question that it explains.

    Raises:
        Refused: no statement, more than one, not a question, or one about the machine.
        duckdb.Error: DuckDB cannot parse it.
    """
    if len(sql) > MOST_CHARACTERS:
        raise Refused(f"the query has {len(sql):,} characters; {MOST_CHARACTERS:,} are answered at most")
    statements = con.extract_statements(sql)
    if not statements:
        raise Refused(f"there is no statement; {ASK_WITH}")
    if len(statements) > 1:
        raise Refused(f"the query holds {len(statements)} statements; give exactly one")
    kind, text = statements[0].type.name, statements[0].query
    before = max(sql.find(text), 0)
    if kind == "SELECT":
        _look_through(con, text)
        return text, before
    if kind == "EXPLAIN":
        rebuilt, more = _explained(con, text)
        return rebuilt, before + more
    if kind == "MULTI":
        raise Refused("a PIVOT must name its values here, as in PIVOT runs ON state IN ('completed', 'aborted')")
    raise Refused(f"{kind} is not a question; {ASK_WITH}")


def the_statement(con: "duckdb.DuckDBPyConnection", sql: str) -> str:
    """The one statement of somebody who may also read and write files: a question, or a COPY of one.

    Raises:
        Refused: no statement, more than one, or another kind of it.
        duckdb.Error: DuckDB cannot parse it.
    """
    statements = con.extract_statements(sql)
    if len(statements) != 1:
        raise Refused(f"the query holds {len(statements)} statements; give exactly one")
    kind = statements[0].type.name
    if kind not in ("SELECT", "EXPLAIN", "COPY"):
        raise Refused(f"{kind} is not a question; {ASK_WITH}, or write files with COPY ... TO")
    return str(statements[0].query)


def _explained(con: "duckdb.DuckDBPyConnection", text: str) -> tuple[str, int]:
    begins = _EXPLAIN.match(text)
    question = text[begins.end() :] if begins else ""
    if not begins or question.lstrip().startswith("("):
        raise Refused("options of EXPLAIN are not taken; write EXPLAIN or EXPLAIN ANALYZE before a question")
    kinds = [statement.type.name for statement in con.extract_statements(question)]
    if kinds != ["SELECT"]:
        raise Refused(f"only a question can be explained here; {ASK_WITH}")
    _look_through(con, question)
    prefix = "EXPLAIN ANALYZE" if begins[1] else "EXPLAIN"
    return f"{prefix} {question}", begins.end() - len(prefix) - 1


def _look_through(con: "duckdb.DuckDBPyConnection", text: str) -> None:
    row = con.execute("SELECT json_serialize_sql(?)", [text]).fetchone()
    parsed: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if parsed["error"] or len(parsed.get("statements", ())) != 1:
        raise Refused(f"this form of question is not taken here; {ASK_WITH}")
    for node in _nodes(parsed):
        kind, name = node.get("type"), str(node.get("function_name") or node.get("table_name") or "").lower()
        if kind == "TABLE_FUNCTION":
            called = str(node["function"].get("function_name", "")).lower()
            if called not in _TABLE_FUNCTIONS:
                raise Refused(f"{called}() is not allowed here: a question sees the snapshot's views and tables only")
        elif node.get("class") == "FUNCTION" and name in _SCALAR_FUNCTIONS:
            raise Refused(f"{name}() is not allowed here: it tells of the machine, not of the data")
        elif kind == "BASE_TABLE" and name.startswith(_CATALOGUE) and name not in _CATALOGUE_VIEWS:
            raise Refused(f"{name} is not allowed here: it tells of the machine, not of the data")
        elif kind == "SHOW_REF" and node.get("show_type") == "SHOW":
            raise Refused(f"SHOW {name} may be a setting of the machine; DESCRIBE {name} tells of a view")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - JSON
    """Every object of a JSON value, in no order; without recursion, so that no depth of a query overflows a stack."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)
