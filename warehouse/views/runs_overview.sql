-- Purpose: How each run went: cells planned, done, failed and skipped, money quoted and spent, and its state.
-- Grain: run.
CREATE OR REPLACE VIEW runs_overview AS
WITH cells AS (
    SELECT
        run_id,
        count(*) AS trials_planned,
        count(*) FILTER (outcome = 'done') AS trials_done,
        count(*) FILTER (outcome = 'failed') AS trials_failed,
        count(*) FILTER (outcome = 'skipped') AS trials_skipped,
        count(*) FILTER (outcome = 'waiting') AS trials_waiting
    FROM trial_status
    GROUP BY run_id
),

spent AS (
    SELECT
        run_id,
        sum(usd) AS spent_usd,
        count(*) FILTER (usd IS NULL) AS unpriced_trials
    FROM cost
    GROUP BY run_id
),

last_ends AS (
    SELECT *
    FROM run_ends
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC) = 1
)

SELECT
    r.run_id,
    r.started_at,
    e.ended_at,
    coalesce(e.state, 'unfinished') AS state,
    e.reason AS state_reason,
    coalesce(c.trials_planned, 0) AS trials_planned,
    coalesce(c.trials_done, 0) AS trials_done,
    coalesce(c.trials_failed, 0) AS trials_failed,
    coalesce(c.trials_skipped, 0) AS trials_skipped,
    coalesce(c.trials_waiting, 0) AS trials_waiting,
    r.quote_usd_worst,
    r.max_usd,
    s.spent_usd,
    coalesce(s.unpriced_trials, 0) AS unpriced_trials,
    a.run_id IS NOT NULL AS ad_hoc,
    coalesce(a.run_kind, 'night') AS run_kind,
    r.config_name,
    r.config_sha256,
    r.host_id,
    r.megatoken_version,
    r.flow_run_id,
    r.flow_run_url,
    r.next_run_at
FROM runs AS r
LEFT JOIN cells AS c USING (run_id)
LEFT JOIN spent AS s USING (run_id)
LEFT JOIN last_ends AS e USING (run_id)
LEFT JOIN ad_hoc_runs AS a USING (run_id);

COMMENT ON VIEW runs_overview IS 'How each run went: cells planned, done, failed and skipped, money quoted and spent, and its state. Grain: run.';
COMMENT ON COLUMN runs_overview.run_id IS 'The run.';
COMMENT ON COLUMN runs_overview.started_at IS 'UTC instant at which it began.';
COMMENT ON COLUMN runs_overview.ended_at IS 'UTC instant at which it last ended; NULL if it has not.';
COMMENT ON COLUMN runs_overview.state IS 'completed, failed_targets, stopped_at_budget, aborted or skipped (a pulse that found the machine taken); unfinished if it runs still, or was killed.';
COMMENT ON COLUMN runs_overview.state_reason IS 'One sentence; NULL if there is nothing to say.';
COMMENT ON COLUMN runs_overview.trials_planned IS 'Cells (target x workload) of its plan, a count.';
COMMENT ON COLUMN runs_overview.trials_done IS 'Cells that completed with a success, a count.';
COMMENT ON COLUMN runs_overview.trials_failed IS 'Cells whose last try failed, a count.';
COMMENT ON COLUMN runs_overview.trials_skipped IS 'Cells that were not to be measured, a count.';
COMMENT ON COLUMN runs_overview.trials_waiting IS 'Cells of which nothing has landed yet, a count.';
COMMENT ON COLUMN runs_overview.quote_usd_worst IS 'Worst-case price quoted before the run, US dollars; NULL if a price is unknown.';
COMMENT ON COLUMN runs_overview.max_usd IS 'Budget at which it stops, US dollars; NULL if none was set.';
COMMENT ON COLUMN runs_overview.spent_usd IS 'What its trials cost, US dollars, as far as their cost is known; NULL if none is.';
COMMENT ON COLUMN runs_overview.unpriced_trials IS 'Trials whose cost is not known and not in spent_usd, a count.';
COMMENT ON COLUMN runs_overview.ad_hoc IS 'Whether it is an ad hoc bench or a pulse, kept out of the leaderboard.';
COMMENT ON COLUMN runs_overview.run_kind IS 'night, bench or pulse.';
COMMENT ON COLUMN runs_overview.config_name IS 'Name of the config file, or what stands for it.';
COMMENT ON COLUMN runs_overview.config_sha256 IS 'SHA-256 of the config as read, hexadecimal.';
COMMENT ON COLUMN runs_overview.host_id IS 'The machine that ran it.';
COMMENT ON COLUMN runs_overview.megatoken_version IS 'Version of Megatoken that ran it.';
COMMENT ON COLUMN runs_overview.flow_run_id IS 'The flow run of Prefect that measured it; NULL if none did.';
COMMENT ON COLUMN runs_overview.flow_run_url IS 'Where the page of that flow run is; NULL if its server ended with the run.';
COMMENT ON COLUMN runs_overview.next_run_at IS 'UTC instant at which the next run of the same deployment was scheduled when this one began; NULL if none was.';
