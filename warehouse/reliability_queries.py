"""The queries behind `warehouse.reliability`, over one temporary table of the trials of a workload in a window."""

SEEN = """
    CREATE OR REPLACE TEMP TABLE reliability_seen AS
    SELECT *
    FROM reliability_trials
    WHERE
        workload_id = $workload_id
        AND started_at > (SELECT max(started_at) FROM reliability_trials WHERE workload_id = $workload_id) - $window
"""
TARGETS = """
    SELECT
        target_id,
        arg_max(provider, started_at) AS provider,
        arg_max(model, started_at) AS model,
        arg_max(region, started_at) AS region,
        count(*) AS trials,
        count(*) FILTER (run_kind = 'pulse') AS pulses,
        sum(attempts)::BIGINT AS attempts,
        sum(ok)::BIGINT AS ok,
        sum(down_count)::BIGINT AS down_count,
        sum(limited_count)::BIGINT AS limited_count,
        sum(own_count)::BIGINT AS own_count,
        sum(offered_attempts)::BIGINT AS offered_attempts,
        sum(ok - good_count)::BIGINT AS slow_count,
        sum(chunked_tokens) / nullif(sum(chunks), 0) AS tokens_per_chunk_ratio,
        min(started_at) AS oldest_at,
        max(started_at) AS newest_at,
        max(started_at) FILTER (down_count + limited_count > 0) AS last_failure_at
    FROM reliability_seen
    WHERE attempts > 0
    GROUP BY target_id
    ORDER BY target_id
"""
BLOCKS = """
    SELECT
        target_id,
        CASE WHEN $by_run THEN run_id ELSE (started_at AT TIME ZONE 'UTC')::DATE::VARCHAR END AS block,
        sum(ok) AS ok,
        sum(down_count) AS down_count,
        sum(limited_count) AS limited_count,
        sum(offered_attempts) AS offered_attempts,
        sum(good_count) AS good_count
    FROM reliability_seen
    WHERE attempts > 0
    GROUP BY ALL
    ORDER BY target_id, block
"""
ERRORS = """
    SELECT target_id, error_class, sum(failures)::BIGINT AS failures
    FROM (
        SELECT
            target_id,
            unnest(map_keys(errors)) AS error_class,
            unnest(map_values(errors)) AS failures
        FROM reliability_seen
    )
    GROUP BY ALL
    ORDER BY target_id, failures DESC, error_class
"""
# Of the probes of a target only those at which its state changes, and those beside: nothing else moves an outage.
STATES = """
    WITH probes AS (
        SELECT target_id, started_at, ok >= $down_below * (ok + down_count) AS up
        FROM reliability_seen
        WHERE ok + down_count > 0
    ),

    beside AS (
        SELECT
            *,
            lag(up) OVER (PARTITION BY target_id ORDER BY started_at) AS before,
            lead(up) OVER (PARTITION BY target_id ORDER BY started_at) AS after
        FROM probes
    )

    SELECT target_id, started_at, up
    FROM beside
    WHERE up IS DISTINCT FROM before OR up IS DISTINCT FROM after
    ORDER BY target_id, started_at
"""
DAYS = """
    SELECT
        target_id,
        CASE
            WHEN $by_week THEN date_trunc('week', started_at AT TIME ZONE 'UTC')::DATE
            ELSE (started_at AT TIME ZONE 'UTC')::DATE
        END AS day_on,
        count(*) AS trials,
        sum(attempts)::BIGINT AS attempts,
        sum(ok)::BIGINT AS ok,
        sum(down_count)::BIGINT AS down_count,
        sum(limited_count)::BIGINT AS limited_count,
        sum(own_count)::BIGINT AS own_count
    FROM reliability_seen
    WHERE attempts > 0
    GROUP BY ALL
    ORDER BY target_id, day_on
"""
# The newest first: a config may have changed them within the window.
LIMITS = """
    SELECT slo_ttft_s, slo_tpot_s
    FROM trials
    INNER JOIN (SELECT trial_id FROM reliability_seen WHERE attempts > 0) USING (trial_id)
    GROUP BY ALL
    ORDER BY max(started_at) DESC
"""
# What was planned in the window and never sent an attempt in it, with the newest reason that is known.
ABSENT = """
    WITH planned AS (
        SELECT p.target_id, p.skip_reason, r.started_at, 'skipped' AS outcome
        FROM planned_trials AS p
        INNER JOIN runs AS r USING (run_id)
        WHERE p.workload_id = $workload_id AND p.skip_reason IS NOT NULL
        UNION ALL
        SELECT target_id, coalesce(status_reason, status), started_at, 'failed'
        FROM reliability_seen
        WHERE attempts = 0
    )

    SELECT
        target_id,
        arg_max(skip_reason, started_at) AS reason,
        arg_max(outcome, started_at) AS outcome,
        max(started_at) AS newest_at
    FROM planned
    ANTI JOIN (SELECT target_id FROM reliability_seen WHERE attempts > 0) USING (target_id)
    GROUP BY target_id
    ORDER BY target_id
"""
PULSES = """
    SELECT count(*) AS pulses, count(*) FILTER (e.state = 'skipped') AS skipped, min(e.reason) AS reason
    FROM runs AS r
    LEFT JOIN (
        SELECT *
        FROM run_ends
        QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC) = 1
    ) AS e USING (run_id)
    WHERE r.run_kind = 'pulse' AND r.started_at >= (SELECT min(started_at) FROM reliability_seen)
"""
