"""How the attempts of each trial ended, counted once when it is loaded and kept: no page need read attempts for it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_COUNT = """
    INSERT INTO trial_counts BY NAME
    WITH pending AS (
        SELECT trial_id, sends_planned
        FROM trials
        ANTI JOIN trial_counts USING (trial_id)
    ),

    counted AS (
        SELECT
            trial_id,
            count(*) AS attempts,
            count(*) FILTER (ok) AS ok,
            count(*) FILTER (slo_met AND NOT sent_late) AS good_count,
            histogram(error_class) FILTER (error_class IS NOT NULL) AS errors,
            count(*) FILTER (ok AND output_tokens IS NULL) AS uncounted,
            coalesce(sum(output_tokens) FILTER (ok), 0) AS output_tokens,
            coalesce(sum(streamed_tokens) FILTER (ok AND chunks > 0), 0) AS chunked_tokens,
            coalesce(sum(chunks) FILTER (ok AND streamed_tokens IS NOT NULL), 0) AS chunks
        FROM attempt_metrics
        SEMI JOIN pending USING (trial_id)
        GROUP BY trial_id
    )

    SELECT
        trial_id,
        coalesce(c.attempts, 0) AS attempts,
        coalesce(c.ok, 0) AS ok,
        greatest(coalesce(c.attempts, 0), coalesce(p.sends_planned, 0)) AS offered_attempts,
        coalesce(c.good_count, 0) AS good_count,
        coalesce(c.errors, MAP {}) AS errors,
        CASE WHEN c.uncounted = 0 THEN c.output_tokens END AS output_tokens,
        coalesce(c.chunked_tokens, 0) AS chunked_tokens,
        coalesce(c.chunks, 0) AS chunks,
        now() AS recorded_at
    FROM pending AS p
    LEFT JOIN counted AS c USING (trial_id)
"""


def count_trials(con: "duckdb.DuckDBPyConnection") -> int:
    """Count the attempts of every trial that has not been counted; call it inside a transaction.

    A warehouse of an earlier version is thereby counted as a whole at its next load: 2 million attempts take seconds.

    Returns:
        How many trials were counted.
    """
    ((counted,),) = con.execute(_COUNT).fetchall()
    return int(counted)
