-- Purpose: What became of each cell of a plan (a target under a workload of a run); an unplanned trial, of an ad hoc bench, is a cell too.
-- Grain: run, target, workload.
CREATE OR REPLACE VIEW trial_status AS
WITH last_tries AS (
    SELECT *
    FROM trial_outcomes
    QUALIFY row_number() OVER (PARTITION BY run_id, target_id, workload_id ORDER BY try_number DESC) = 1
),

cells AS (
    SELECT
        run_id,
        target_id,
        workload_id,
        p.planned_requests,
        p.quote_usd_worst,
        p.skip_reason,
        l.trial_id,
        l.try_number,
        l.status AS trial_state,
        l.status_reason,
        l.started_at,
        l.ended_at,
        l.attempts,
        l.ok,
        l.failed_share,
        l.errors
    FROM planned_trials AS p
    FULL JOIN last_tries AS l USING (run_id, target_id, workload_id)
)

SELECT
    run_id,
    target_id,
    workload_id,
    CASE
        WHEN trial_id IS NULL AND skip_reason IS NOT NULL THEN 'skipped'
        WHEN trial_id IS NULL THEN 'waiting'
        WHEN trial_state = 'completed' AND ok > 0 THEN 'done'
        ELSE 'failed'
    END AS outcome,
    CASE
        WHEN trial_id IS NULL AND skip_reason IS NOT NULL THEN 'skipped'
        WHEN trial_id IS NULL THEN 'waiting'
        ELSE trial_state
    END AS status,
    CASE
        WHEN trial_id IS NULL THEN skip_reason
        WHEN trial_state = 'completed' AND ok = 0 THEN coalesce(status_reason, 'no attempt succeeded')
        ELSE status_reason
    END AS reason,
    trial_id,
    try_number,
    planned_requests,
    quote_usd_worst,
    attempts,
    ok,
    failed_share,
    errors,
    started_at,
    ended_at
FROM cells;

COMMENT ON VIEW trial_status IS 'What became of each cell of a plan (a target under a workload of a run); an unplanned trial, of an ad hoc bench, is a cell too. Grain: run, target, workload.';
COMMENT ON COLUMN trial_status.run_id IS 'The run.';
COMMENT ON COLUMN trial_status.target_id IS 'The target.';
COMMENT ON COLUMN trial_status.workload_id IS 'The workload.';
COMMENT ON COLUMN trial_status.outcome IS 'done, failed (its last try did not complete, or nothing succeeded), skipped or waiting.';
COMMENT ON COLUMN trial_status.status IS 'Status of its last try, or skipped, or waiting.';
COMMENT ON COLUMN trial_status.reason IS 'One sentence on why it failed or was skipped; NULL if done.';
COMMENT ON COLUMN trial_status.trial_id IS 'Its last try; NULL if none landed.';
COMMENT ON COLUMN trial_status.try_number IS 'Number of that try.';
COMMENT ON COLUMN trial_status.planned_requests IS 'Measured requests planned, a count.';
COMMENT ON COLUMN trial_status.quote_usd_worst IS 'Worst-case price of the cell, US dollars; NULL if a price is unknown.';
COMMENT ON COLUMN trial_status.attempts IS 'Measured attempts, a count.';
COMMENT ON COLUMN trial_status.ok IS 'Attempts that succeeded, a count.';
COMMENT ON COLUMN trial_status.failed_share IS 'Failed attempts / attempts, 0 to 1.';
COMMENT ON COLUMN trial_status.errors IS 'How many attempts failed with each error class.';
COMMENT ON COLUMN trial_status.started_at IS 'UTC instant at which its last try began.';
COMMENT ON COLUMN trial_status.ended_at IS 'UTC instant at which that ended.';
