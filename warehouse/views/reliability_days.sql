-- Purpose: How much of each day each target could be used, over nights and pulses: uptime leaves out refusals for rate and faults of this client, served leaves out nothing but the latter.
-- Grain: target, workload, UTC day.
CREATE OR REPLACE VIEW reliability_days AS
WITH counted AS (
    SELECT
        target_id,
        workload_id,
        (started_at AT TIME ZONE 'UTC')::DATE AS day_on,
        count(*) AS trials,
        count(*) FILTER (run_kind = 'pulse') AS pulses,
        sum(attempts)::BIGINT AS attempts,
        sum(ok)::BIGINT AS ok,
        sum(down_count)::BIGINT AS down_count,
        sum(limited_count)::BIGINT AS limited_count,
        sum(own_count)::BIGINT AS own_count,
        sum(offered_attempts)::BIGINT AS offered_attempts,
        sum(good_count)::BIGINT AS good_count
    FROM reliability_trials
    GROUP BY ALL
)

SELECT
    *,
    ok / nullif(ok + down_count, 0) AS uptime_share,
    ok / nullif(ok + down_count + limited_count, 0) AS served_share,
    good_count / nullif(offered_attempts, 0) AS good_share
FROM counted;

COMMENT ON VIEW reliability_days IS 'How much of each day each target could be used, over nights and pulses: uptime leaves out refusals for rate and faults of this client, served leaves out nothing but the latter. Grain: target, workload, UTC day.';
COMMENT ON COLUMN reliability_days.target_id IS 'The target.';
COMMENT ON COLUMN reliability_days.workload_id IS 'The workload.';
COMMENT ON COLUMN reliability_days.day_on IS 'The day, UTC.';
COMMENT ON COLUMN reliability_days.trials IS 'Trials of that day, a count.';
COMMENT ON COLUMN reliability_days.pulses IS 'Of them, those of pulses, a count.';
COMMENT ON COLUMN reliability_days.attempts IS 'Measured attempts, a count.';
COMMENT ON COLUMN reliability_days.ok IS 'Attempts that succeeded, a count.';
COMMENT ON COLUMN reliability_days.down_count IS 'Attempts that failed by the provider, a count.';
COMMENT ON COLUMN reliability_days.limited_count IS 'Attempts that were refused for their rate, a count.';
COMMENT ON COLUMN reliability_days.own_count IS 'Attempts that failed by this client, a count.';
COMMENT ON COLUMN reliability_days.offered_attempts IS 'Attempts, or the sends that were due where that is more, a count.';
COMMENT ON COLUMN reliability_days.good_count IS 'Attempts that met the service level, a count.';
COMMENT ON COLUMN reliability_days.uptime_share IS 'ok / (ok + down_count), 0 to 1; NULL if neither.';
COMMENT ON COLUMN reliability_days.served_share IS 'ok / (ok + down_count + limited_count), 0 to 1: who is refused for the rate is not served.';
COMMENT ON COLUMN reliability_days.good_share IS 'good_count / offered_attempts, 0 to 1.';
