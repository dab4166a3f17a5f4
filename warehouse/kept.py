"""Figures of trials, worked out once and kept: a year of nights holds two million attempts, and a page asks for all.

A view that is kept reads its own table first (`SELECT * FROM trial_metrics_kept UNION ALL BY NAME`) and works out the
trials that have no row in `kept_trials`. Its columns and its formula stand in one place, the view; its table follows
from it, and is emptied when a view changes.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

from warehouse import figures_once

if TYPE_CHECKING:
    import duckdb

# In the order in which they build on each other.
KEPT = ("trial_outcomes", "trial_metrics")
_PENDING = "SELECT trial_id FROM trials ANTI JOIN kept_trials USING (trial_id)"


def worked_out(view: str, text: str) -> str:
    """The text of a view's file without its table: what works out the trials that are not kept.

    Raises:
        ValueError: a kept view does not read its table, so that it would be worked out anew for ever.
    """
    reads = f"SELECT * FROM {view}_kept\nUNION ALL BY NAME\n"
    if view not in KEPT:
        return text
    if reads not in text:
        raise ValueError(f"view {view} is kept and must hold {reads!r}")
    return text.replace(reads, "")


def make_table(con: "duckdb.DuckDBPyConnection", view: str, text: str) -> None:
    """An empty table with the columns and comments of a kept view, which the view itself is then to stand upon.

    Args:
        con: in a transaction, all that the view is made of being there.
        view: its name.
        text: what its file holds.
    """
    con.execute(f"DROP TABLE IF EXISTS {view}_kept").fetchall()
    con.execute(worked_out(view, text)).fetchall()
    con.execute(f"CREATE TABLE {view}_kept AS FROM {view} WITH NO DATA").fetchall()
    for line in text.splitlines():
        if line.startswith("COMMENT ON "):
            said = line.replace(
                f"COMMENT ON VIEW {view} IS '", f"COMMENT ON TABLE {view}_kept IS 'Kept rows of its view. "
            )
            con.execute(said.replace(f"COLUMN {view}.", f"COLUMN {view}_kept.")).fetchall()


def keep(con: "duckdb.DuckDBPyConnection", *, ready: Collection[str] = ()) -> None:
    """Keep the figures of every trial that has none kept; call it inside a transaction.

    A warehouse whose views have changed is worked out as a whole: 3 s of CPU for 2 million attempts.

    Args:
        con: a connection to a warehouse with all tables and views.
        ready: the trials whose figures `figures_once` has ready, to be taken from there.
    """
    pending = [trial_id for (trial_id,) in con.execute(_PENDING).fetchall()]
    if not pending:
        return
    if not set(pending) <= set(ready):
        figures_once.forget(con)
    # the uppermost first: it asks the others, which give a trial twice between their own row and the ledger's
    for view in reversed(KEPT):
        con.execute(f"INSERT INTO {view}_kept BY NAME FROM {view} SEMI JOIN ({_PENDING}) USING (trial_id)").fetchall()
    con.execute(f"INSERT INTO kept_trials SELECT trial_id, now() FROM ({_PENDING})").fetchall()
