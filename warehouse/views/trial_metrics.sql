-- Purpose: Latency, throughput, failures and client evidence of each trial; percentiles are nearest rank over successful attempts.
-- Grain: trial.
CREATE OR REPLACE VIEW trial_metrics AS
WITH measured AS (
    SELECT
        trial_id,
        count(*) AS attempts,
        count(*) FILTER (ok) AS ok,
        coalesce(histogram(error_class) FILTER (error_class IS NOT NULL), MAP {}) AS errors,
        sum(in_flight_s) AS in_flight_s,
        count(ttft_s) FILTER (ok) AS n_ttft,
        quantile_disc(ttft_s, 0.50) FILTER (ok) AS ttft_p50_s,
        quantile_disc(ttft_s, 0.95) FILTER (ok) AS ttft_p95_s,
        quantile_disc(ttft_s, 0.99) FILTER (ok) AS ttft_p99_s,
        count(tpot_s) FILTER (ok) AS n_tpot,
        quantile_disc(tpot_s, 0.50) FILTER (ok) AS tpot_p50_s,
        quantile_disc(tpot_s, 0.95) FILTER (ok) AS tpot_p95_s,
        quantile_disc(tpot_s, 0.99) FILTER (ok) AS tpot_p99_s,
        count(e2e_s) FILTER (ok) AS n_e2e,
        quantile_disc(e2e_s, 0.50) FILTER (ok) AS e2e_p50_s,
        quantile_disc(e2e_s, 0.95) FILTER (ok) AS e2e_p95_s,
        quantile_disc(e2e_s, 0.99) FILTER (ok) AS e2e_p99_s,
        quantile_disc(lag_s, 0.99) AS lag_p99_s,
        -- one successful attempt with an unknown count makes the sum unknown, not smaller
        CASE
            WHEN count(*) FILTER (ok AND prompt_tokens IS NULL) = 0
                THEN coalesce(sum(prompt_tokens) FILTER (ok), 0)::BIGINT
        END AS prompt_tokens,
        CASE
            WHEN count(*) FILTER (ok AND output_tokens IS NULL) = 0
                THEN coalesce(sum(output_tokens) FILTER (ok), 0)::BIGINT
        END AS output_tokens,
        count(*) FILTER (slo_met) AS good,
        sum(coalesced_share * chunks) / nullif(sum(chunks), 0) AS coalesced_share
    FROM attempt_metrics
    GROUP BY trial_id
)

SELECT
    t.trial_id,
    t.run_id,
    t.target_id,
    t.workload_id,
    t.try_number,
    t.status,
    t.status_reason,
    t.started_at,
    t.ended_at,
    coalesce(m.attempts, 0) AS attempts,
    coalesce(m.ok, 0) AS ok,
    (m.attempts - m.ok) / nullif(m.attempts, 0) AS failed_share,
    coalesce(m.errors, MAP {}) AS errors,
    (t.window_end_ns - t.window_start_ns) / 1e9 AS window_s,
    m.in_flight_s / nullif((t.window_end_ns - t.window_start_ns) / 1e9, 0) AS concurrency_mean,
    coalesce(m.n_ttft, 0) AS n_ttft,
    m.ttft_p50_s,
    m.ttft_p95_s,
    m.ttft_p99_s,
    coalesce(m.n_tpot, 0) AS n_tpot,
    m.tpot_p50_s,
    m.tpot_p95_s,
    m.tpot_p99_s,
    coalesce(m.n_e2e, 0) AS n_e2e,
    m.e2e_p50_s,
    m.e2e_p95_s,
    m.e2e_p99_s,
    m.lag_p99_s,
    m.prompt_tokens,
    m.output_tokens,
    m.output_tokens / nullif((t.window_end_ns - t.window_start_ns) / 1e9, 0) AS output_tokens_per_s,
    m.ok / nullif((t.window_end_ns - t.window_start_ns) / 1e9, 0) AS requests_per_s,
    m.good / nullif(m.attempts, 0) AS goodput_share,
    m.coalesced_share,
    t.client_cpu_s,
    t.engine_cpu_s,
    t.cpu_share_others
FROM trials AS t
LEFT JOIN measured AS m USING (trial_id);

COMMENT ON VIEW trial_metrics IS 'Latency, throughput, failures and client evidence of each trial; percentiles are nearest rank over successful attempts. Grain: trial.';
COMMENT ON COLUMN trial_metrics.trial_id IS 'The trial.';
COMMENT ON COLUMN trial_metrics.run_id IS 'The run.';
COMMENT ON COLUMN trial_metrics.target_id IS 'The target.';
COMMENT ON COLUMN trial_metrics.workload_id IS 'The workload.';
COMMENT ON COLUMN trial_metrics.try_number IS 'First try is 1.';
COMMENT ON COLUMN trial_metrics.status IS 'completed, timed_out, aborted, crashed or setup_failed.';
COMMENT ON COLUMN trial_metrics.status_reason IS 'One sentence; NULL if it completed.';
COMMENT ON COLUMN trial_metrics.started_at IS 'UTC instant at which the trial began.';
COMMENT ON COLUMN trial_metrics.ended_at IS 'UTC instant at which it ended.';
COMMENT ON COLUMN trial_metrics.attempts IS 'Measured attempts, a count; warm-up is not in it.';
COMMENT ON COLUMN trial_metrics.ok IS 'Attempts that succeeded, a count.';
COMMENT ON COLUMN trial_metrics.failed_share IS 'Failed attempts / attempts, 0 to 1.';
COMMENT ON COLUMN trial_metrics.errors IS 'How many attempts failed with each error class.';
COMMENT ON COLUMN trial_metrics.window_s IS 'From the first measured send to the last byte of the last measured attempt, seconds.';
COMMENT ON COLUMN trial_metrics.concurrency_mean IS 'Attempts in flight, time-weighted mean over the window.';
COMMENT ON COLUMN trial_metrics.n_ttft IS 'Attempts behind the ttft percentiles, a count.';
COMMENT ON COLUMN trial_metrics.ttft_p50_s IS 'Time to first token, median of successful attempts, seconds.';
COMMENT ON COLUMN trial_metrics.ttft_p95_s IS 'Time to first token, 95th percentile, seconds; with n_ttft below 20 it is the maximum.';
COMMENT ON COLUMN trial_metrics.ttft_p99_s IS 'Time to first token, 99th percentile, seconds; with n_ttft below 100 it is the maximum.';
COMMENT ON COLUMN trial_metrics.n_tpot IS 'Attempts behind the tpot percentiles, a count; answers of one token have no tpot.';
COMMENT ON COLUMN trial_metrics.tpot_p50_s IS 'Time per output token after the first, median, seconds.';
COMMENT ON COLUMN trial_metrics.tpot_p95_s IS 'Time per output token after the first, 95th percentile, seconds.';
COMMENT ON COLUMN trial_metrics.tpot_p99_s IS 'Time per output token after the first, 99th percentile, seconds.';
COMMENT ON COLUMN trial_metrics.n_e2e IS 'Attempts behind the e2e percentiles, a count.';
COMMENT ON COLUMN trial_metrics.e2e_p50_s IS 'Send to last payload, median, seconds.';
COMMENT ON COLUMN trial_metrics.e2e_p95_s IS 'Send to last payload, 95th percentile, seconds.';
COMMENT ON COLUMN trial_metrics.e2e_p99_s IS 'Send to last payload, 99th percentile, seconds.';
COMMENT ON COLUMN trial_metrics.lag_p99_s IS 'How late the client sent (open loop), 99th percentile over all attempts, seconds.';
COMMENT ON COLUMN trial_metrics.prompt_tokens IS 'Prompt tokens of successful attempts; NULL if one of them is not known.';
COMMENT ON COLUMN trial_metrics.output_tokens IS 'Output tokens of successful attempts; NULL if one of them is not known.';
COMMENT ON COLUMN trial_metrics.output_tokens_per_s IS 'output_tokens / window_s, tokens per second over all requests together.';
COMMENT ON COLUMN trial_metrics.requests_per_s IS 'Successful attempts / window_s, requests per second.';
COMMENT ON COLUMN trial_metrics.goodput_share IS 'Attempts that met the service level / all measured attempts, 0 to 1.';
COMMENT ON COLUMN trial_metrics.coalesced_share IS 'Share (0 to 1) of payload events whose time is that of a shared read.';
COMMENT ON COLUMN trial_metrics.client_cpu_s IS 'CPU time of the load client, seconds.';
COMMENT ON COLUMN trial_metrics.engine_cpu_s IS 'CPU time of a local engine, seconds.';
COMMENT ON COLUMN trial_metrics.cpu_share_others IS 'Share (0 to 1) of the CPU of the machine taken by processes that are not ours.';
