-- Purpose: How often attempts of each target failed, by error class, over all nights and pulses.
-- Grain: target, workload, error class.
CREATE OR REPLACE VIEW reliability_errors AS
WITH failed AS (
    SELECT
        target_id,
        workload_id,
        started_at,
        unnest(map_keys(errors)) AS error_class,
        unnest(map_values(errors)) AS failures
    FROM reliability_trials
)

SELECT
    target_id,
    workload_id,
    error_class,
    coalesce(any_value(c.counts_as), 'down') AS counts_as,
    sum(failures)::BIGINT AS failed_attempts,
    count(*) AS trials,
    max(started_at) AS last_at
FROM failed
LEFT JOIN reliability_classes AS c USING (error_class)
GROUP BY target_id, workload_id, error_class;

COMMENT ON VIEW reliability_errors IS 'How often attempts of each target failed, by error class, over all nights and pulses. Grain: target, workload, error class.';
COMMENT ON COLUMN reliability_errors.target_id IS 'The target.';
COMMENT ON COLUMN reliability_errors.workload_id IS 'The workload.';
COMMENT ON COLUMN reliability_errors.error_class IS 'Class of the error taxonomy.';
COMMENT ON COLUMN reliability_errors.counts_as IS 'down, limited or own, see reliability_classes.';
COMMENT ON COLUMN reliability_errors.failed_attempts IS 'Attempts that failed so, a count.';
COMMENT ON COLUMN reliability_errors.trials IS 'Trials in which any did, a count.';
COMMENT ON COLUMN reliability_errors.last_at IS 'UTC instant at which the last of them began.';
