-- Purpose: Trials that count as repeats of one cell: of each repeat the last try that measured, searches left out.
-- Grain: trial.
CREATE OR REPLACE VIEW cell_trials AS
SELECT
    trial_id,
    run_id,
    target_id,
    workload_id,
    coalesce(repeat_number, 1) AS repeat_number,
    started_at
FROM trials
WHERE status IN ('completed', 'timed_out') AND search_id IS NULL
QUALIFY row_number() OVER (
    PARTITION BY run_id, target_id, workload_id, coalesce(repeat_number, 1)
    ORDER BY try_number DESC, started_at DESC, trial_id DESC
) = 1;

COMMENT ON VIEW cell_trials IS 'Trials that count as repeats of one cell: of each repeat the last try that measured, searches left out. Grain: trial.';
COMMENT ON COLUMN cell_trials.trial_id IS 'The trial.';
COMMENT ON COLUMN cell_trials.run_id IS 'The run.';
COMMENT ON COLUMN cell_trials.target_id IS 'The target.';
COMMENT ON COLUMN cell_trials.workload_id IS 'The workload.';
COMMENT ON COLUMN cell_trials.repeat_number IS 'Which measurement of the cell in its run it is; the first is 1.';
COMMENT ON COLUMN cell_trials.started_at IS 'UTC instant at which the trial began.';
