"""What the page Runs reads of a snapshot: runs, their cells and trials, and everything about one trial."""

import streamlit as st

from ui.snapshot import Row, rows_of

_DRAWN_ATTEMPTS = 2000  # beyond it a chart says how many of how many it draws
_LISTED_RUNS = 400  # more than a year of nights


@st.cache_data(max_entries=8, show_spinner=False)
def runs(path: str) -> list[Row]:
    """How each run went, the newest first; of each kind as many as are listed, so that no pulse displaces a night."""
    return rows_of(
        path,
        """
        SELECT *
        FROM runs_overview
        QUALIFY row_number() OVER (PARTITION BY run_kind ORDER BY started_at DESC, run_id DESC) <= ?
        ORDER BY started_at DESC, run_id DESC
        """,
        [_LISTED_RUNS],
    )


@st.cache_data(max_entries=32, show_spinner=False)
def cells(path: str, run_id: str) -> list[Row]:
    """What became of each cell of a run's plan."""
    return rows_of(path, "SELECT * FROM trial_status WHERE run_id = ? ORDER BY target_id, workload_id", [run_id])


@st.cache_data(max_entries=32, show_spinner=False)
def trials(path: str, run_id: str) -> list[Row]:
    """Every trial of a run, retries included, with its power and what it costs to know about its client."""
    return rows_of(
        path,
        """
        SELECT
            m.trial_id, m.target_id, m.workload_id, m.try_number, m.status, m.status_reason, m.attempts, m.ok,
            m.window_s, m.cpu_share_others, e.energy_j_low, e.energy_j, e.energy_j_high, e.power_w_mean,
            e.basis AS energy_basis, e.reason AS energy_reason, c.usd, c.basis AS usd_basis, c.reason AS usd_reason,
            t.stamp_source, t.weights_note, t.slo_ttft_s, f.grade AS client_grade, f.reasons AS client_reasons
        FROM trial_metrics AS m
        INNER JOIN trials AS t USING (trial_id)
        LEFT JOIN energy AS e USING (trial_id)
        LEFT JOIN cost AS c USING (trial_id)
        LEFT JOIN grades AS f USING (trial_id)
        WHERE m.run_id = ?
        ORDER BY m.started_at, m.trial_id
        """,
        [run_id],
    )


@st.cache_data(max_entries=32, show_spinner=False)
def failures(path: str, run_id: str) -> list[Row]:
    """Measured attempts of a run that failed, by class, with one message as an example and one that can be replayed.

    Counts come from what was counted of each trial; only trials with a failure are looked through for an example.
    """
    return rows_of(
        path,
        """
        WITH counted AS (
            SELECT
                o.trial_id,
                o.target_id,
                e.key AS error_class,
                e.value AS failed_attempts
            FROM trial_outcomes AS o, unnest(map_entries(o.errors)) AS u(e)
            WHERE o.run_id = $run_id
        ),

        examples AS (
            SELECT
                error_class,
                any_value(error_message) AS example
            FROM attempts
            SEMI JOIN counted USING (trial_id, error_class)
            WHERE phase = 'measured'
            GROUP BY error_class
        ),

        kept AS (
            SELECT
                error_class,
                min(attempt_id) AS kept_id
            FROM exchanges
            SEMI JOIN counted USING (trial_id, error_class)
            GROUP BY error_class
        )

        SELECT
            error_class,
            sum(failed_attempts)::BIGINT AS failed_attempts,
            string_agg(DISTINCT target_id, ', ' ORDER BY target_id) AS targets,
            any_value(example) AS example,
            any_value(kept_id) AS kept_id
        FROM counted
        LEFT JOIN examples USING (error_class)
        LEFT JOIN kept USING (error_class)
        GROUP BY error_class
        ORDER BY failed_attempts DESC, error_class
        """,
        {"run_id": run_id},
    )


@st.cache_data(max_entries=32, show_spinner=False)
def attempts(path: str, trial_id: str) -> list[Row]:
    """The measured attempts of a trial in the order in which they were sent; evenly thinned to what can be drawn.

    Each row holds `all_attempts`, how many there are.
    """
    return rows_of(
        path,
        """
        WITH numbered AS (
            SELECT
                seq, started_at, ok, error_class, ttft_s, e2e_s, output_tokens, slo_met,
                row_number() OVER (ORDER BY started_at, seq) AS position,
                count(*) OVER () AS all_attempts
            FROM attempt_metrics
            WHERE trial_id = $trial_id
        )
        SELECT * EXCLUDE (position)
        FROM numbered
        WHERE position % ceil(all_attempts / $drawn)::BIGINT = 0
        ORDER BY position
        """,
        {"trial_id": trial_id, "drawn": _DRAWN_ATTEMPTS},
    )


@st.cache_data(max_entries=32, show_spinner=False)
def facts(path: str, trial_id: str) -> list[Row]:
    """The dated facts that the accounts of a trial rest on."""
    return rows_of(path, "SELECT * FROM trial_facts WHERE trial_id = ? ORDER BY quantity", [trial_id])


@st.cache_data(max_entries=32, show_spinner=False)
def meters(path: str, trial_id: str) -> list[Row]:
    """The meters that watched a trial."""
    return rows_of(path, "SELECT * FROM meters WHERE trial_id = ? ORDER BY meter", [trial_id])


@st.cache_data(max_entries=32, show_spinner=False)
def certificate(path: str, trial_id: str) -> Row:
    """What the load client of a trial said of itself, and how it is graded."""
    return rows_of(path, "SELECT * FROM certificate WHERE trial_id = ?", [trial_id])[0]
