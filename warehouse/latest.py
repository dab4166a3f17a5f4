"""What `latest` means: the newest trial or job that has something to show, and which newer ones have nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warehouse.query import dicts

if TYPE_CHECKING:
    import duckdb

_TRIALS = """
    SELECT trial_id AS id, started_at, ok, attempts, errors, status_reason, ok > 0 AS shows
    FROM trial_outcomes
"""
# An account without a figure still says of what was served which facts it lacks; of what was not it says nothing.
_ACCOUNTED = """
    SELECT trial_id AS id, started_at, ok, attempts, errors, status_reason, ok > 0 OR EXISTS (
        FROM (
            SELECT trial_id, energy_j AS figure FROM energy_accounts
            UNION ALL SELECT trial_id, cost_usd FROM cost_accounts
            UNION ALL SELECT trial_id, emissions_gco2e FROM emission_accounts
        ) AS a
        WHERE a.trial_id = t.trial_id AND a.figure IS NOT NULL
    ) AS shows
    FROM trial_outcomes AS t
    UNION ALL BY NAME
    SELECT job_id AS id, started_at, true AS shows
    FROM jobs
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a name stands for."""

    ids: tuple[str, ...]  # of trials and jobs, one or more
    passed_over: str | None = None  # of `latest`: which newer one has nothing to show and why, a sentence


def latest_trial(con: "duckdb.DuckDBPyConnection") -> Found | None:
    """The newest trial with an answer, else the newest; None if there is no trial at all."""
    return _latest(con, _TRIALS)


def latest_accounted(con: "duckdb.DuckDBPyConnection") -> Found | None:
    """The newest trial with an answer or a known figure, or job, else the newest; None if there is neither."""
    return _latest(con, _ACCOUNTED)


def _latest(con: "duckdb.DuckDBPyConnection", subjects: str) -> Found | None:
    in_order = f"FROM ({subjects}) {{}} ORDER BY started_at DESC, id DESC LIMIT 1"
    newest = dicts(con.execute(in_order.format("")))
    if not newest:
        return None
    found = dicts(con.execute(in_order.format("WHERE shows")))
    if not found:
        return Found(
            ids=(newest[0]["id"],), passed_over=f"No trial has an answer yet, nor has this: {_why(newest[0])}."
        )
    newer = con.execute(
        f"SELECT count(*) FROM ({subjects}) WHERE (started_at, id) > (?, ?)", [found[0]["started_at"], found[0]["id"]]
    ).fetchall()[0][0]
    said = None
    if newer == 1:
        said = f"Not the newest trial, {newest[0]['id']}, which has no answer: {_why(newest[0])}."
    elif newer:
        said = f"{newer} newer trials have no answer; of {newest[0]['id']}, the newest, this is why: {_why(newest[0])}."
    return Found(ids=(found[0]["id"],), passed_over=said)


def _why(trial: dict[str, Any]) -> str:
    """Why a trial has no answer, without a full stop."""
    if trial["status_reason"]:
        return str(trial["status_reason"]).rstrip(".")
    failed = ", ".join(f"{n} {name}" for name, n in (trial["errors"] or {}).items())
    return failed or "nothing was sent"
