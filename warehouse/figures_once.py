"""Figures of the trials that a load brought, worked out once for all that is derived from them.

Certificates, intervals and what a bench prints each ask a view that stands upon `trial_metrics`, and to plan that view
takes longer than to run it. A temporary table stands before a view of its name, also for the views above it: while it
is there, they find the rows of these trials ready, and no others.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_MOST_TRIALS = 16  # of more, planning is the smaller part
# In the order in which they build on each other.
_READY = ("trial_outcomes", "trial_metrics")


def work_out(con: "duckdb.DuckDBPyConnection", trial_ids: Sequence[str]) -> frozenset[str]:
    """Have the figures of these trials ready, until `forget`; of very many nothing is done.

    Returns:
        The trials whose figures are ready: these, or none.
    """
    forget(con)
    if not 0 < len(trial_ids) <= _MOST_TRIALS:
        return frozenset()
    # plain values: a condition on them reaches the attempts below the view, so that only theirs are read
    of_these = f"trial_id IN ({', '.join('?' for _ in trial_ids)})"
    for view in _READY:
        con.execute(f"CREATE TEMP TABLE {view} AS SELECT * FROM {view} WHERE {of_these}", list(trial_ids)).fetchall()
    return frozenset(trial_ids)


def forget(con: "duckdb.DuckDBPyConnection") -> None:
    """Every trial has its figures again; safe to call at any time."""
    for view in _READY:
        con.execute(f"DROP TABLE IF EXISTS temp.{view}").fetchall()


def forget_unless_of(con: "duckdb.DuckDBPyConnection", trial_id: str) -> None:
    """Forget the figures if they are of other trials only: another loader may have brought this one before."""
    if con.execute("SELECT count(*) FROM trial_metrics WHERE trial_id = ?", [trial_id]).fetchall() == [(0,)]:
        forget(con)
