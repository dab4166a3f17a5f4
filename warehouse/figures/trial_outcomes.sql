-- Purpose: How each trial went: attempts, failures, window and tokens.
-- Grain: trial.
-- Of the trials that have no row in kept_trials; its rows are kept in the table trial_outcomes_kept, see warehouse/kept.py.
WITH pending AS (
    SELECT trial_id FROM trials ANTI JOIN kept_trials USING (trial_id)
),

counted AS (
    SELECT
        trial_id,
        count(*) AS attempts,
        count(*) FILTER (ok) AS ok,
        histogram(error_class) FILTER (error_class IS NOT NULL) AS errors,
        count(*) FILTER (error_class = 'rate_limited') AS rate_limited_count,
        count(*) FILTER (error_class = 'quota_or_spend') AS quota_or_spend_count,
        -- one successful attempt with an unknown count makes the sum unknown, not smaller
        CASE
            WHEN count(*) FILTER (ok AND prompt_tokens IS NULL) = 0
                THEN coalesce(sum(prompt_tokens) FILTER (ok), 0)::BIGINT
        END AS prompt_tokens,
        CASE
            WHEN count(*) FILTER (ok AND output_tokens IS NULL) = 0
                THEN coalesce(sum(output_tokens) FILTER (ok), 0)::BIGINT
        END AS output_tokens
    FROM attempt_metrics
    SEMI JOIN pending USING (trial_id)
    GROUP BY trial_id
),

lost AS (
    SELECT trial_id, count(*) AS lost_count
    FROM attempts
    SEMI JOIN pending USING (trial_id)
    WHERE phase = 'lost'
    GROUP BY trial_id
)

SELECT
    trial_id,
    t.run_id,
    t.target_id,
    t.workload_id,
    t.try_number,
    t.status,
    t.status_reason,
    t.started_at,
    t.ended_at,
    coalesce(c.attempts, 0) AS attempts,
    coalesce(c.ok, 0) AS ok,
    (c.attempts - c.ok) / nullif(c.attempts, 0) AS failed_share,
    coalesce(c.errors, MAP {}) AS errors,
    (t.window_end_ns - t.window_start_ns) / 1e9 AS window_s,
    c.prompt_tokens,
    c.output_tokens,
    coalesce(c.rate_limited_count, 0) AS rate_limited_count,
    coalesce(c.quota_or_spend_count, 0) AS quota_or_spend_count,
    coalesce(l.lost_count, 0) AS lost_count
FROM trials AS t
SEMI JOIN pending USING (trial_id)
LEFT JOIN counted AS c USING (trial_id)
LEFT JOIN lost AS l USING (trial_id)
