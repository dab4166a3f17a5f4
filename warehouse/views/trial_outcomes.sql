-- Purpose: How each trial went: attempts, failures, window and tokens.
-- Grain: trial.
CREATE OR REPLACE VIEW trial_outcomes AS
WITH pending AS (
    SELECT trial_id FROM trials ANTI JOIN kept_trials USING (trial_id)
),

counted AS (
    SELECT
        trial_id,
        count(*) AS attempts,
        count(*) FILTER (ok) AS ok,
        histogram(error_class) FILTER (error_class IS NOT NULL) AS errors,
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
)

SELECT * FROM trial_outcomes_kept
UNION ALL BY NAME
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
    c.output_tokens
FROM trials AS t
SEMI JOIN pending USING (trial_id)
LEFT JOIN counted AS c USING (trial_id);

COMMENT ON VIEW trial_outcomes IS 'How each trial went: attempts, failures, window and tokens. Grain: trial.';
COMMENT ON COLUMN trial_outcomes.trial_id IS 'The trial.';
COMMENT ON COLUMN trial_outcomes.run_id IS 'The run.';
COMMENT ON COLUMN trial_outcomes.target_id IS 'The target.';
COMMENT ON COLUMN trial_outcomes.workload_id IS 'The workload.';
COMMENT ON COLUMN trial_outcomes.try_number IS 'First try is 1.';
COMMENT ON COLUMN trial_outcomes.status IS 'completed, timed_out, aborted, crashed or setup_failed.';
COMMENT ON COLUMN trial_outcomes.status_reason IS 'One sentence; NULL if it completed.';
COMMENT ON COLUMN trial_outcomes.started_at IS 'UTC instant at which the trial began.';
COMMENT ON COLUMN trial_outcomes.ended_at IS 'UTC instant at which it ended.';
COMMENT ON COLUMN trial_outcomes.attempts IS 'Measured attempts, a count; warm-up is not in it.';
COMMENT ON COLUMN trial_outcomes.ok IS 'Attempts that succeeded, a count.';
COMMENT ON COLUMN trial_outcomes.failed_share IS 'Failed attempts / attempts, 0 to 1.';
COMMENT ON COLUMN trial_outcomes.errors IS 'How many attempts failed with each error class.';
COMMENT ON COLUMN trial_outcomes.window_s IS 'From the first measured send to the last byte of the last measured attempt, seconds.';
COMMENT ON COLUMN trial_outcomes.prompt_tokens IS 'Prompt tokens of successful attempts; NULL if one of them is not known.';
COMMENT ON COLUMN trial_outcomes.output_tokens IS 'Output tokens of successful attempts; NULL if one of them is not known.';
