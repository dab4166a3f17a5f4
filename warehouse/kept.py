"""Figures of trials, worked out once, when a trial is loaded, and kept: a year of nights holds two million attempts.

The formula of a kept view stands in `figures/NAME.sql`, its words in `views/NAME.sql`; its table, `NAME_kept`, follows
from both. When a view or a formula changes, all trials are worked out anew: 4 s of CPU for two million attempts.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

FIGURES = Path(__file__).parent / "figures"
# In the order in which they build on each other.
KEPT = ("trial_outcomes", "trial_metrics", "trial_tokens")


def formula(view: str) -> str:
    """The query that works out the rows of a kept view, of every trial that has no row in `kept_trials`."""
    return (FIGURES / f"{view}.sql").read_text(encoding="utf-8")


def make_table(con: "duckdb.DuckDBPyConnection", view: str) -> None:
    """An empty table with the columns of a kept view; what its formula asks must be there."""
    con.execute(f"DROP TABLE IF EXISTS {view}_kept").fetchall()
    con.execute(f"CREATE TABLE {view}_kept AS {formula(view)} WITH NO DATA").fetchall()


def comment_table(con: "duckdb.DuckDBPyConnection", view: str, text: str) -> None:
    """Say of the table of a kept view what the text of its view says of itself."""
    for line in text.splitlines():
        if line.startswith("COMMENT ON "):
            said = line.replace(f"VIEW {view} IS '", f"TABLE {view}_kept IS 'Kept rows of its view. ")
            con.execute(said.replace(f"COLUMN {view}.", f"COLUMN {view}_kept.")).fetchall()


def keep(con: "duckdb.DuckDBPyConnection") -> None:
    """Work out and keep the figures of every trial that has none; call it inside a transaction."""
    pending = con.execute("SELECT EXISTS (FROM trials ANTI JOIN kept_trials USING (trial_id))").fetchall()
    if pending == [(False,)]:
        return
    for view in KEPT:
        con.execute(f"INSERT INTO {view}_kept BY NAME {formula(view)}").fetchall()
    con.execute(
        "INSERT INTO kept_trials SELECT trial_id, now() FROM trials ANTI JOIN kept_trials USING (trial_id)"
    ).fetchall()
