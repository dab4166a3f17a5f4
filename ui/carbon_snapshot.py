"""What the page `carbon` reads from a snapshot."""

import streamlit as st

from ui.snapshot import Row, rows_of


@st.cache_data(max_entries=16, show_spinner=False)
def emitted(path: str, workload_id: str) -> list[Row]:
    """The latest measurement of each target under a workload: emissions by both conventions, and what they rest on.

    `requests` and `output_mtok` are how much the window served, as the view sci counts it.
    """
    return rows_of(
        path,
        """
        WITH served AS (
            SELECT
                trial_id,
                max(functional_units) FILTER (functional_unit = 'request') AS requests,
                max(functional_units) FILTER (functional_unit = '1M output tokens') AS output_mtok,
                max(sci_gco2e_low) FILTER (functional_unit = 'request') AS sci_gco2e_low,
                max(sci_gco2e) FILTER (functional_unit = 'request') AS sci_gco2e,
                max(sci_gco2e_high) FILTER (functional_unit = 'request') AS sci_gco2e_high
            FROM sci
            GROUP BY trial_id
        ),

        sites AS (
            SELECT trial_id, list_filter(factors, lambda factor: factor.quantity = 'pue')[1] AS pue
            FROM emission_accounts
            WHERE component = 'operational'
            QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
        )

        SELECT
            l.trial_id, l.run_id, l.target_id, l.workload_id, l.provider, l.model, l.quantisation, l.kind, l.device,
            l.region, l.n, l.measured_at, l.client_grade, l.client_reasons,
            g.* EXCLUDE (trial_id, run_id, target_id, workload_id),
            e.energy_j_low, e.energy_j, e.energy_j_high, e.j_per_output_token_low, e.j_per_output_token,
            e.j_per_output_token_high, e.basis AS energy_basis, e.reason AS energy_reason, e.note AS energy_note,
            p.pue.low AS pue_low, p.pue.central AS pue, p.pue.high AS pue_high,
            s.requests, s.output_mtok, s.sci_gco2e_low, s.sci_gco2e, s.sci_gco2e_high,
            w.impact_value_low AS water_l_low, w.impact_value AS water_l, w.impact_value_high AS water_l_high,
            w.basis AS water_basis, w.reason AS water_reason
        FROM leaderboard AS l
        INNER JOIN emissions AS g USING (trial_id)
        INNER JOIN energy AS e USING (trial_id)
        LEFT JOIN sites AS p USING (trial_id)
        LEFT JOIN served AS s USING (trial_id)
        LEFT JOIN impacts AS w ON w.trial_id = l.trial_id AND w.impact = 'water_l' AND w.component = 'operational'
        WHERE l.workload_id = ?
        ORDER BY l.target_id
        """,
        [workload_id],
    )


@st.cache_data(max_entries=32, show_spinner=False)
def parts(path: str, trial_id: str) -> list[Row]:
    """What the emissions of a trial are made of; the largest first within operational, and embodied at the end."""
    return rows_of(
        path,
        """
        SELECT *
        FROM carbon_breakdown
        WHERE trial_id = ?
        ORDER BY side DESC, energy_j IS NULL, gco2e DESC, part
        """,
        [trial_id],
    )


@st.cache_data(max_entries=32, show_spinner=False)
def spread(path: str, trial_id: str) -> Row | None:
    """How wide the emissions of a trial are, and which inputs make them so; None if it has no account."""
    found = rows_of(path, "SELECT * FROM uncertainty WHERE trial_id = ? AND figure = 'gco2e'", [trial_id])
    return found[0] if found else None


@st.cache_data(max_entries=32, show_spinner=False)
def impacts(path: str, trial_id: str) -> list[Row]:
    """Water, materials and primary energy of a trial."""
    return rows_of(
        path,
        "SELECT * FROM impacts WHERE trial_id = ? ORDER BY impact DESC, component DESC",
        [trial_id],
    )


@st.cache_data(max_entries=32, show_spinner=False)
def components(path: str, trial_id: str) -> list[Row]:
    """The metered energy of a trial by component, the latest accounting; what a larger meter covers comes last."""
    return rows_of(
        path,
        """
        SELECT * EXCLUDE (factors)
        FROM energy_accounts
        WHERE trial_id = ?
        QUALIFY rank() OVER (ORDER BY recorded_at DESC) = 1
        ORDER BY in_total DESC, energy_j DESC NULLS LAST, component
        """,
        [trial_id],
    )


@st.cache_data(max_entries=32, show_spinner=False)
def attribution(path: str, trial_id: str) -> Row | None:
    """How the energy of a trial was last divided among its attempts; None if it never was."""
    found = rows_of(
        path,
        "SELECT * FROM attribution_accounts WHERE trial_id = ? ORDER BY recorded_at DESC LIMIT 1",
        [trial_id],
    )
    return found[0] if found else None


@st.cache_data(max_entries=32, show_spinner=False)
def factors(path: str, trial_id: str) -> list[Row]:
    """The factors that the latest accounts of emissions, impacts and energy of a trial used, each once."""
    return rows_of(
        path,
        """
        WITH used AS (
            SELECT unnest(factors, recursive := true)
            FROM (
                SELECT trial_id, factors, recorded_at FROM emission_accounts
                UNION ALL
                SELECT trial_id, factors, recorded_at FROM impact_accounts
                UNION ALL
                SELECT trial_id, factors, recorded_at FROM energy_accounts
            )
            WHERE trial_id = $trial_id
            QUALIFY rank() OVER (ORDER BY recorded_at DESC) = 1
        )

        SELECT DISTINCT u.*, f.ledger, f.ledger_key
        FROM used AS u
        LEFT JOIN trial_facts AS f
            ON f.trial_id = $trial_id AND f.quantity = u.quantity AND f.factor_version = u.factor_version
        ORDER BY u.quantity, u.valid_from
        """,
        {"trial_id": trial_id},
    )


@st.cache_data(max_entries=4, show_spinner=False)
def jobs(path: str) -> list[Row]:
    """Metered jobs, the newest first."""
    return rows_of(path, "SELECT * FROM job_accounts ORDER BY started_at DESC, job_id LIMIT 200")
