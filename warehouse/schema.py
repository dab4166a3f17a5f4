"""Tables and views of a warehouse file: numbered migrations, applied once, and views, written anew at each load."""

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.errors import WarehouseError
from warehouse.kept import KEPT, comment_table, formula, keep, make_table

if TYPE_CHECKING:
    import duckdb

MIGRATIONS = Path(__file__).parent / "migrations"
VIEWS = Path(__file__).parent / "views"

# In the order in which they build on each other; a test holds this list and the folder together.
VIEW_NAMES = (
    "percentile_rules",
    "attempt_metrics",
    "trial_outcomes",
    "trial_metrics",
    "trial_tokens",
    "grades",
    "certificate",
    "length_fidelity",
    "conversation_turns",
    "trial_figures",
    "cell_trials",
    "cell_figures",
    "paired_differences",
    "search_points",
    "energy",
    "cost",
    "emissions",
    "attempt_accounts",
    "impacts",
    "uncertainty",
    "sci",
    "carbon_breakdown",
    "ad_hoc_runs",
    "trial_status",
    "runs_overview",
    "bill_lines",
    "leaderboard",
    "factors_now",
    "price_history",
    "prices_now",
    "price_drift",
    "trial_cost_today",
    "job_accounts",
    "tariff_hours_latest",
    "grid_hours_latest",
    "grid_coverage",
    "canary_nights",
    "canary_agreement",
    "latest_checks",
    "latest_check_findings",
    "reliability_classes",
    "reliability_trials",
    "reliability_errors",
    "reliability_days",
    "rate_limits",
    "hour_of_week",
    "changes",
)

# A comment of ours is one statement on one line, ended by a quote and a semicolon.
_COMMENT = re.compile(r"^COMMENT ON .*';$", re.MULTILINE)

_LEDGER = """
CREATE TABLE IF NOT EXISTS applied_migrations (
    migration_number BIGINT PRIMARY KEY,
    file_name VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE applied_migrations IS 'Which numbered migrations this file has had (grain: migration).';
COMMENT ON COLUMN applied_migrations.migration_number IS 'Number at the head of the file name.';
COMMENT ON COLUMN applied_migrations.file_name IS 'Name of the migration file.';
COMMENT ON COLUMN applied_migrations.sha256 IS 'SHA-256 of its text when it was applied, hexadecimal.';
COMMENT ON COLUMN applied_migrations.applied_at IS 'UTC instant at which it was applied.';
"""


def migrate(con: "duckdb.DuckDBPyConnection", folder: Path = MIGRATIONS) -> list[str]:
    """Bring the tables of the current database up to date; call it inside a transaction.

    Args:
        con: a connection whose current catalog is the warehouse file.
        folder: holds `NNNN_name.sql`; every number once.

    Returns:
        Names of the files applied now, in order; empty if there was nothing to do.

    Raises:
        WarehouseError: a migration that was applied has been edited or is gone, or the file is of a newer Megatoken.
    """
    con.execute(_LEDGER).fetchall()
    applied = {
        number: (name, digest)
        for number, name, digest in con.execute(
            "SELECT migration_number, file_name, sha256 FROM applied_migrations"
        ).fetchall()
    }
    files = {int(path.name.split("_", 1)[0]): path for path in sorted(folder.glob("*.sql"))}
    for number, (name, digest) in sorted(applied.items()):
        if number not in files:
            raise WarehouseError(
                f"the warehouse has had migration {name}, which this Megatoken does not know; "
                "it was written by a newer version: update Megatoken, or move warehouse.duckdb away"
                " to rebuild it from landing/"
            )
        if _sha256(files[number]) != digest:
            raise WarehouseError(
                f"migration {name} was edited after it was applied (SHA-256 was {digest[:12]},"
                f" is {_sha256(files[number])[:12]}); put it back and write the change as the next number"
            )
    now_applied = []
    for number, path in sorted(files.items()):
        if number in applied:
            continue
        con.execute(path.read_text(encoding="utf-8")).fetchall()
        con.execute(
            "INSERT INTO applied_migrations VALUES (?, ?, ?, now())", [number, path.name, _sha256(path)]
        ).fetchall()
        now_applied.append(path.name)
    return now_applied


def create_views(con: "duckdb.DuckDBPyConnection") -> bool:
    """Write the views anew if their text has changed since they were last written; True if it had.

    Replacing a view drops its comments, so each file holds both.
    """
    digest = views_sha256()
    if con.execute("SELECT sha256 FROM written_views").fetchall() == [(digest,)]:
        return False
    for name, text in zip(VIEW_NAMES, _view_texts(), strict=True):
        if name in KEPT:
            make_table(con, name)
            comment_table(con, name, text)
        con.execute(text).fetchall()
    con.execute("DELETE FROM kept_trials").fetchall()
    keep(con)
    con.execute("DELETE FROM written_views").fetchall()
    con.execute("INSERT INTO written_views VALUES (?, now())", [digest]).fetchall()
    return True


def views_sha256() -> str:
    """What tells the views of this Megatoken from those of another, hexadecimal."""
    return hashlib.sha256("\0".join([*_view_texts(), *map(formula, KEPT)]).encode()).hexdigest()


def _view_texts() -> list[str]:
    return [(VIEWS / f"{name}.sql").read_text(encoding="utf-8") for name in VIEW_NAMES]


def create_for_one_use(con: "duckdb.DuckDBPyConnection") -> None:
    """Tables and views in an empty database that nobody will keep or browse: no ledger, and no comments.

    Comments are four fifths of the time that it would take, and `megatoken bench` waits for it.
    """
    for path in sorted(MIGRATIONS.glob("*.sql")):
        con.execute(_COMMENT.sub("", path.read_text(encoding="utf-8"))).fetchall()
    for name, text in zip(VIEW_NAMES, _view_texts(), strict=True):
        if name in KEPT:
            make_table(con, name)
        con.execute(_COMMENT.sub("", text)).fetchall()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
