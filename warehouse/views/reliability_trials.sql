-- Purpose: How the attempts of each trial of a night or a pulse ended, by whose fault they failed; benches and searches are not in it.
-- Grain: trial.
CREATE OR REPLACE VIEW reliability_trials AS
WITH failed AS (
    SELECT
        trial_id,
        unnest(map_keys(errors)) AS error_class,
        unnest(map_values(errors)) AS failures
    FROM trial_outcomes
),

blamed AS (
    SELECT
        trial_id,
        coalesce(sum(failures) FILTER (coalesce(counts_as, 'down') = 'down'), 0)::BIGINT AS down_count,
        coalesce(sum(failures) FILTER (counts_as = 'limited'), 0)::BIGINT AS limited_count,
        coalesce(sum(failures) FILTER (counts_as = 'own'), 0)::BIGINT AS own_count
    FROM failed
    LEFT JOIN reliability_classes USING (error_class)
    GROUP BY trial_id
)

SELECT
    trial_id,
    t.run_id,
    coalesce(a.run_kind, 'night') AS run_kind,
    t.target_id,
    t.workload_id,
    t.kind,
    t.provider,
    t.model,
    t.region,
    t.started_at,
    t.status,
    t.status_reason,
    c.attempts,
    c.ok,
    coalesce(b.down_count, 0) AS down_count,
    coalesce(b.limited_count, 0) AS limited_count,
    coalesce(b.own_count, 0) AS own_count,
    c.offered_attempts,
    c.good_count,
    c.errors,
    c.chunked_tokens,
    c.chunks
FROM trials AS t
INNER JOIN trial_metrics AS c USING (trial_id)
LEFT JOIN blamed AS b USING (trial_id)
LEFT JOIN ad_hoc_runs AS a ON t.run_id = a.run_id
WHERE t.search_id IS NULL AND coalesce(a.run_kind, 'night') <> 'bench';

COMMENT ON VIEW reliability_trials IS 'How the attempts of each trial of a night or a pulse ended, by whose fault they failed; benches and searches are not in it. Grain: trial.';
COMMENT ON COLUMN reliability_trials.trial_id IS 'The trial.';
COMMENT ON COLUMN reliability_trials.run_id IS 'The run.';
COMMENT ON COLUMN reliability_trials.run_kind IS 'night or pulse.';
COMMENT ON COLUMN reliability_trials.target_id IS 'The target.';
COMMENT ON COLUMN reliability_trials.workload_id IS 'The workload.';
COMMENT ON COLUMN reliability_trials.kind IS 'endpoint or local.';
COMMENT ON COLUMN reliability_trials.provider IS 'Who serves it, or the engine of a local target.';
COMMENT ON COLUMN reliability_trials.model IS 'Model name as asked for.';
COMMENT ON COLUMN reliability_trials.region IS 'Where it says it runs.';
COMMENT ON COLUMN reliability_trials.started_at IS 'UTC instant at which the trial began.';
COMMENT ON COLUMN reliability_trials.status IS 'completed, timed_out, aborted, crashed or setup_failed.';
COMMENT ON COLUMN reliability_trials.status_reason IS 'One sentence; NULL if it completed.';
COMMENT ON COLUMN reliability_trials.attempts IS 'Measured attempts, a count.';
COMMENT ON COLUMN reliability_trials.ok IS 'Attempts that succeeded, a count.';
COMMENT ON COLUMN reliability_trials.down_count IS 'Attempts that failed by the provider, a count.';
COMMENT ON COLUMN reliability_trials.limited_count IS 'Attempts that were refused for their rate (HTTP 429), a count.';
COMMENT ON COLUMN reliability_trials.own_count IS 'Attempts that failed by this client: its key, purse, request, or being stopped; a count.';
COMMENT ON COLUMN reliability_trials.offered_attempts IS 'Attempts, or the sends that were due where that is more, a count.';
COMMENT ON COLUMN reliability_trials.good_count IS 'Attempts sent in time that met the service level of the workload, a count.';
COMMENT ON COLUMN reliability_trials.errors IS 'How many attempts failed with each error class.';
COMMENT ON COLUMN reliability_trials.chunked_tokens IS 'Streamed tokens of successful attempts whose payload events were counted.';
COMMENT ON COLUMN reliability_trials.chunks IS 'Payload events of the same attempts, a count.';
