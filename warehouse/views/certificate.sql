-- Purpose: How far the client of each trial can be trusted: its grade, the reasons, and the evidence they rest on.
-- Grain: trial.
CREATE OR REPLACE VIEW certificate AS
WITH measured AS (
    SELECT
        a.*,
        max(t_start_ns) OVER (PARTITION BY trial_id) AS last_start_ns,
        row_number() OVER (PARTITION BY trial_id ORDER BY t_start_ns) = t.concurrency AS fills
    FROM attempts AS a
    INNER JOIN trials AS t USING (trial_id)
    WHERE phase = 'measured'
),

filled AS (
    SELECT
        *,
        max(t_start_ns) FILTER (fills) OVER (PARTITION BY trial_id) AS full_ns
    FROM measured
),

sent AS (
    SELECT
        trial_id,
        count(*) AS attempts,
        max(last_start_ns) - max(full_ns) AS held_ns,
        -- from when all slots could be filled to the last send: before it the load ramps up, after it it drains
        sum(
            greatest(least(coalesce(t_end_ns, last_start_ns), last_start_ns) - greatest(t_start_ns, full_ns), 0)
        ) AS in_flight_ns,
        count(t_sched_ns) AS due,
        count(*) FILTER (coalesce(t_start_ns - t_sched_ns > 50000000, t_sched_ns IS NOT NULL)) AS late,
        count(DISTINCT pair_id) AS rounds,
        sum(cached_tokens) FILTER (prompt_tokens > 0) AS cached_tokens,
        sum(prompt_tokens) FILTER (cached_tokens IS NOT NULL) AS prompt_tokens
    FROM filled
    GROUP BY trial_id
),

rounds AS (
    SELECT
        group_id,
        count(DISTINCT pair_id) AS rounds
    FROM attempts
    INNER JOIN trials USING (trial_id)
    WHERE group_id IS NOT NULL AND phase = 'measured'
    GROUP BY group_id
)
SELECT
    t.trial_id,
    t.run_id,
    t.target_id,
    t.workload_id,
    l.grade,
    l.reasons,
    l.method_version,
    l.recorded_at,
    t.status,
    t.status_reason,
    t.kind,
    t.arrivals,
    t.group_id IS NOT NULL AS in_group,
    coalesce(s.attempts, 0) AS attempts,
    coalesce(t.concurrency, m.concurrency_mean) AS streams,
    m.lag_p99_s AS send_lag_p99_s,
    m.rate_share,
    coalesce(t.sends_missed / nullif(t.sends_planned, 0), s.late / nullif(s.due, 0)) AS missed_share,
    CASE
        -- with fewer than two requests a slot there is hardly a time in which all slots could be busy
        -- and people who think between two turns are not in flight, nor is what a limit of the target holds back
        WHEN
            t.arrivals = 'closed'
            AND t.group_id IS NULL
            AND t.conversation_turns IS NULL
            AND coalesce(t.held_back_ns, 0) = 0
            AND s.attempts >= 2 * t.concurrency
            THEN s.in_flight_ns / nullif(s.held_ns, 0) / nullif(t.concurrency, 0)
    END AS concurrency_share,
    CASE WHEN t.group_id IS NOT NULL THEN s.rounds / nullif(r.rounds, 0) END AS rounds_share,
    t.stamp_source,
    t.receive_lag_p99_ns / 1e9 AS receive_lag_p99_s,
    t.receive_lag_max_ns / 1e9 AS receive_lag_max_s,
    m.coalesced_share,
    s.cached_tokens / nullif(s.prompt_tokens, 0) AS cached_token_share,
    t.cpu_share_others,
    t.load_average_1m,
    t.cpu_threads,
    t.loop_busy_share,
    t.suspended_ns / 1e9 AS suspended_s,
    coalesce(t.clock_step_ns, t.clock_offset_end_ns - t.clock_offset_start_ns) / 1e9 AS clock_step_s,
    t.client_processes,
    t.client_cpu_s,
    t.client_rss_bytes,
    t.selftest_at,
    t.selftest_streams,
    t.selftest_ttft_error_p99_ns / 1e9 AS selftest_ttft_error_p99_s,
    t.selftest_tpot_error_p99_ns / 1e9 AS selftest_tpot_error_p99_s,
    t.selftest_concurrency_share,
    m.ttft_p50_s,
    m.tpot_p50_s
FROM trials AS t
INNER JOIN trial_metrics AS m USING (trial_id)
LEFT JOIN sent AS s USING (trial_id)
LEFT JOIN rounds AS r USING (group_id)
LEFT JOIN grades AS l USING (trial_id);

COMMENT ON VIEW certificate IS 'How far the client of each trial can be trusted: its grade, the reasons, and the evidence they rest on. Grain: trial.';
COMMENT ON COLUMN certificate.trial_id IS 'The trial.';
COMMENT ON COLUMN certificate.run_id IS 'Its run.';
COMMENT ON COLUMN certificate.target_id IS 'Its target.';
COMMENT ON COLUMN certificate.workload_id IS 'Its workload.';
COMMENT ON COLUMN certificate.grade IS 'A to D, that of the worst criterion; A and B are fit to be ranked; NULL if it has not been certified.';
COMMENT ON COLUMN certificate.reasons IS 'What keeps it from A, one sentence each, the worst first.';
COMMENT ON COLUMN certificate.method_version IS 'Version of the limits and criteria.';
COMMENT ON COLUMN certificate.recorded_at IS 'UTC instant of the certification.';
COMMENT ON COLUMN certificate.status IS 'completed, timed_out, aborted, crashed or setup_failed.';
COMMENT ON COLUMN certificate.status_reason IS 'One sentence; NULL if it completed.';
COMMENT ON COLUMN certificate.kind IS 'endpoint or local.';
COMMENT ON COLUMN certificate.arrivals IS 'closed, or the kind of open loop.';
COMMENT ON COLUMN certificate.in_group IS 'Whether it was measured in rounds with other targets.';
COMMENT ON COLUMN certificate.attempts IS 'Measured attempts, a count.';
COMMENT ON COLUMN certificate.streams IS 'Requests in flight: asked for in a closed loop, time-weighted mean in an open one.';
COMMENT ON COLUMN certificate.send_lag_p99_s IS 'Open loop: how late sends were, 99th percentile, seconds.';
COMMENT ON COLUMN certificate.rate_share IS 'Open loop: rate reached / rate planned.';
COMMENT ON COLUMN certificate.missed_share IS 'Open loop: sends that were not made, or over 50 ms late / planned sends, 0 to 1.';
COMMENT ON COLUMN certificate.concurrency_share IS 'Closed loop: mean in flight from when all slots could be filled to the last send / concurrency asked for; NULL below two requests a slot, in a group, of conversations, and where a limit of the target held sends back.';
COMMENT ON COLUMN certificate.rounds_share IS 'Group: rounds in which it took part / rounds of the group, 0 to 1.';
COMMENT ON COLUMN certificate.stamp_source IS 'kernel or read: by which clock answers were stamped.';
COMMENT ON COLUMN certificate.receive_lag_p99_s IS 'From the stamp of the kernel to our read, 99th percentile, seconds.';
COMMENT ON COLUMN certificate.receive_lag_max_s IS 'The same, largest, seconds.';
COMMENT ON COLUMN certificate.coalesced_share IS 'Share (0 to 1) of payload events whose time is that of a shared read.';
COMMENT ON COLUMN certificate.cached_token_share IS 'Prompt tokens from the cache of the server / prompt tokens, where it says so, 0 to 1.';
COMMENT ON COLUMN certificate.cpu_share_others IS 'Share (0 to 1) of the CPU of the machine taken by processes that are not ours, in the window.';
COMMENT ON COLUMN certificate.load_average_1m IS 'Load average of the last minute at the end of the trial.';
COMMENT ON COLUMN certificate.cpu_threads IS 'Hardware threads of the machine, a count.';
COMMENT ON COLUMN certificate.loop_busy_share IS 'Share (0 to 1) of the time of the load loop that it did not wait.';
COMMENT ON COLUMN certificate.suspended_s IS 'Longest time for which the client did not run although it wanted to, seconds.';
COMMENT ON COLUMN certificate.clock_step_s IS 'Jump of the wall clock against the monotonic clock in the trial, signed, seconds.';
COMMENT ON COLUMN certificate.client_processes IS 'Processes of the load client, a count.';
COMMENT ON COLUMN certificate.client_cpu_s IS 'CPU time of the load client, seconds.';
COMMENT ON COLUMN certificate.client_rss_bytes IS 'Peak resident memory of the load client, bytes.';
COMMENT ON COLUMN certificate.selftest_at IS 'UTC instant of the loopback self-test; NULL if there was none.';
COMMENT ON COLUMN certificate.selftest_streams IS 'Streams of the self-test, a count.';
COMMENT ON COLUMN certificate.selftest_ttft_error_p99_s IS 'Error of the time to first token in the self-test, 99th percentile of its size, seconds.';
COMMENT ON COLUMN certificate.selftest_tpot_error_p99_s IS 'Error of the time per output token in the self-test, 99th percentile of its size, seconds.';
COMMENT ON COLUMN certificate.selftest_concurrency_share IS 'Load that the self-test reached / load that it asked for.';
COMMENT ON COLUMN certificate.ttft_p50_s IS 'Median time to first token of the trial, seconds: what an error is held against.';
COMMENT ON COLUMN certificate.tpot_p50_s IS 'Median time per output token of the trial, seconds.';
