"""Accounts of metered jobs, for who ran one: its row of `job_accounts` and the energy of its parts.

Jobs are accounted with the trials, by the same rules (see `accounts`): a job reserves the machine that its facts say.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import WarehouseError
from warehouse.query import dicts, open_published
from warehouse.rows import LandingRow

if TYPE_CHECKING:
    import duckdb

_PARTS = """
    SELECT
        component, in_total, energy_j_low, energy_j, energy_j_high, idle_j, active_j, basis::VARCHAR AS basis, method,
        missing, note
    FROM energy_accounts
    WHERE trial_id = ?
    QUALIFY rank() OVER (ORDER BY recorded_at DESC) = 1
    ORDER BY component
"""


def published_job(data_dir: Path, job_id: str) -> dict[str, Any]:
    """The row of `job_accounts` of one published job, with its `components`: a dict for each part of its energy.

    Raises:
        WarehouseError: nothing is published, or the job is not among it.
    """
    with open_published(data_dir) as con:
        return job_account(con, job_id)


def account_of_rows(rows: Sequence[LandingRow], job_id: str) -> dict[str, Any]:
    """The same for a job that need not land, by the very tables, views and formulas of a warehouse.

    Args:
        rows: the rows of one job, as they would be landed.
        job_id: the job.

    Raises:
        WarehouseError: a value does not fit its column, or the job is not among the rows.
    """
    import duckdb

    from warehouse import schema
    from warehouse.accounts import account_trials
    from warehouse.tables import by_table, insert_rows

    con = duckdb.connect()
    try:
        schema.create_for_one_use(con)
        for table, members in by_table(rows).items():
            insert_rows(con, table, members)
        account_trials(con)
        return job_account(con, job_id)
    finally:
        con.close()


def job_account(con: "duckdb.DuckDBPyConnection", job_id: str) -> dict[str, Any]:
    """The same on an open connection."""
    found = dicts(con.execute("SELECT * FROM job_accounts WHERE job_id = ?", [job_id]))
    if not found:
        raise WarehouseError(f"there is no job {job_id}; SELECT job_id, label FROM job_accounts lists them")
    return found[0] | {"components": dicts(con.execute(_PARTS, [job_id]))}
