-- Purpose: Runs that say nothing of a night: ad hoc benches (also by a run_id that begins with bench-) and pulses; kept in every other view, kept out of the leaderboard, its bands and its watch.
-- Grain: run.
CREATE OR REPLACE VIEW ad_hoc_runs AS
WITH named AS (
    SELECT run_id, run_kind FROM runs
    UNION ALL
    SELECT DISTINCT run_id, NULL AS run_kind FROM trials ANTI JOIN runs USING (run_id)
)

SELECT
    run_id,
    coalesce(run_kind, 'bench') AS run_kind
FROM named
WHERE run_kind IN ('bench', 'pulse') OR (run_kind IS NULL AND starts_with(run_id, 'bench-'));

COMMENT ON VIEW ad_hoc_runs IS 'Runs that say nothing of a night: ad hoc benches (also by a run_id that begins with bench-) and pulses; kept in every other view, kept out of the leaderboard, its bands and its watch. Grain: run.';
COMMENT ON COLUMN ad_hoc_runs.run_id IS 'The run.';
COMMENT ON COLUMN ad_hoc_runs.run_kind IS 'bench or pulse.';
