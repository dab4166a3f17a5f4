"""Certificates: the grade of every trial's client that has none yet, out of what landed, and whom it keeps out."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from warehouse.formulas.certificate import METHOD_VERSION, Evidence, certify
from warehouse.formulas.client_limits import RANKED

if TYPE_CHECKING:
    import duckdb

_NAMES = tuple(field.name for field in fields(Evidence))  # columns of the view go by the same names
# The condition on one trial reaches the attempts below the view's windows, one on several does not: after a bench, a
# warehouse of a million attempts is then not read as a whole.
_ONE_BY_ONE = 16
_SELECT = f"SELECT trial_id, {', '.join(_NAMES)} FROM certificate"


def pending_trials(con: "duckdb.DuckDBPyConnection", *, recompute: bool = False) -> list[str]:
    """Trials that `certify_trials` certifies."""
    return [
        trial_id
        for (trial_id,) in con.execute(
            "SELECT trial_id FROM trials WHERE ?"
            " OR trial_id NOT IN (SELECT trial_id FROM certificates WHERE method_version = ?)",
            [recompute, METHOD_VERSION],
        ).fetchall()
    ]


def certify_trials(con: "duckdb.DuckDBPyConnection", *, recompute: bool = False) -> int:
    """Certify every loaded trial that has no certificate under the current method version, or all of them anew.

    A trial of a group is judged by the rounds of its group, so the group has to be loaded as a whole.

    Args:
        con: a connection to a warehouse with all tables and views, inside the caller's transaction.
        recompute: certify every trial; the earlier certificates stay beside.

    Returns:
        How many were certified.
    """
    pending = pending_trials(con, recompute=recompute)
    if len(pending) <= _ONE_BY_ONE:
        rows = [row for each in pending for row in con.execute(f"{_SELECT} WHERE trial_id = ?", [each]).fetchall()]
    else:
        rows = con.execute(f"{_SELECT} WHERE trial_id IN (SELECT unnest(?))", [pending]).fetchall()
    found = [(trial_id, certify(Evidence(**dict(zip(_NAMES, rest, strict=True))))) for trial_id, *rest in rows]
    # lists and unnest: one statement however many trials
    con.execute(
        "INSERT INTO certificates SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[][]), ?, ?",
        [
            [trial_id for trial_id, _ in found],
            [certificate.grade for _, certificate in found],
            [list(certificate.reasons) for _, certificate in found],
            METHOD_VERSION,
            datetime.now(UTC),
        ],
    ).fetchall()
    return len(found)


def is_fit(row: Mapping[str, Any]) -> bool:
    """Whether a row of the leaderboard was measured by a client that is graded well enough to be ranked."""
    return row["client_grade"] in RANKED


def why_unfit(row: Mapping[str, Any]) -> str:
    """What speaks against the client of a row of the leaderboard: the worst reason, in words."""
    if row["client_grade"] is None:
        return "its load client has no certificate"
    return f"its load client is graded {row['client_grade']}: {row['client_reasons'][0]}"
