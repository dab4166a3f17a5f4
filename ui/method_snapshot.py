"""What the page `method` reads from a snapshot."""

import streamlit as st

from ui.snapshot import Row, rows_of


@st.cache_data(max_entries=4, show_spinner=False)
def definitions(path: str) -> dict[str, str]:
    """What each column of the leaderboard is, as the view itself says."""
    found = rows_of(
        path,
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'leaderboard' AND comment IS NOT NULL",
    )
    return {row["column_name"]: row["comment"] for row in found}


@st.cache_data(max_entries=4, show_spinner=False)
def methods(path: str) -> list[Row]:
    """Formulas that the latest accounts were made with, their versions, and for how many trials and jobs."""
    return rows_of(
        path,
        """
        WITH accounts AS (
            SELECT 1 AS place, 'energy' AS account, trial_id, component, method, method_version, missing, recorded_at
            FROM energy_accounts
            UNION ALL
            SELECT 2, 'emissions', trial_id, component, method, method_version, missing, recorded_at
            FROM emission_accounts
            UNION ALL
            SELECT 3, impact, trial_id, component, method, method_version, missing, recorded_at FROM impact_accounts
            UNION ALL
            SELECT 4, 'cost', trial_id, component, method, method_version, missing, recorded_at FROM cost_accounts
            UNION ALL
            SELECT 5, 'attempts', trial_id, 'energy of a request', method, method_version, missing, recorded_at
            FROM attribution_accounts
        ),

        latest AS (
            SELECT *
            FROM accounts
            QUALIFY rank() OVER (PARTITION BY account, trial_id ORDER BY recorded_at DESC) = 1
        )

        SELECT
            account, component, method, method_version,
            count(DISTINCT trial_id) AS trials,
            max(recorded_at) AS recorded_at
        FROM latest
        WHERE missing IS NULL
        GROUP BY place, account, component, method, method_version
        ORDER BY place, account, component DESC, trials DESC, method
        """,
    )


@st.cache_data(max_entries=4, show_spinner=False)
def meters(path: str) -> list[Row]:
    """The kinds of meters that watched the trials and jobs of this snapshot."""
    return rows_of(
        path,
        """
        SELECT
            component, method, basis::VARCHAR AS basis,
            count(DISTINCT trial_id) AS trials,
            count(*) FILTER (NOT valid) AS invalid,
            any_value(invalid_reason) AS invalid_reason,
            string_agg(DISTINCT device, ', ' ORDER BY device) AS devices
        FROM meters
        GROUP BY ALL
        ORDER BY component, trials DESC, method
        """,
    )


@st.cache_data(max_entries=4, show_spinner=False)
def ledgers(path: str) -> list[str]:
    """Names of the ledgers that hold factors."""
    return [row["ledger"] for row in rows_of(path, "SELECT DISTINCT ledger FROM factors_now ORDER BY ledger")]


@st.cache_data(max_entries=32, show_spinner=False)
def factors(path: str, ledger: str) -> list[Row]:
    """The factors of a ledger that are in force."""
    return rows_of(path, "SELECT * FROM factors_now WHERE ledger = ? ORDER BY key, quantity", [ledger])


@st.cache_data(max_entries=4, show_spinner=False)
def coverage(path: str) -> list[Row]:
    """Which hours of which grid are known."""
    return rows_of(path, "SELECT * FROM grid_coverage ORDER BY zone, signal, source")
