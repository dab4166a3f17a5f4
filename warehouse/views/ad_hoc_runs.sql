-- Purpose: Runs that are ad hoc benches (run_id begins with bench-): kept in every other view, kept out of the leaderboard.
-- Grain: run.
CREATE OR REPLACE VIEW ad_hoc_runs AS
SELECT run_id
FROM (
    SELECT run_id FROM runs
    UNION
    SELECT run_id FROM trials
)
WHERE starts_with(run_id, 'bench-');

COMMENT ON VIEW ad_hoc_runs IS 'Runs that are ad hoc benches (run_id begins with bench-): kept in every other view, kept out of the leaderboard. Grain: run.';
COMMENT ON COLUMN ad_hoc_runs.run_id IS 'The run.';
