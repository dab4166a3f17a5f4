-- Purpose: The figures that stand for a trial: over its steady window where that holds most of it, else over all of it, with 95 % intervals.
-- Grain: trial.
CREATE OR REPLACE VIEW trial_figures AS
WITH latest AS (
    SELECT *
    FROM trial_intervals
    INNER JOIN (
        -- a window says the same and takes four times as long over a year
        SELECT trial_id, max(recorded_at) AS recorded_at
        FROM trial_intervals
        GROUP BY trial_id
    ) USING (trial_id, recorded_at)
),

intervals AS (
    SELECT
        trial_id,
        max(low) FILTER (metric_id = 'ttft_p50_s') AS ttft_p50_s_low,
        max(high) FILTER (metric_id = 'ttft_p50_s') AS ttft_p50_s_high,
        max(low) FILTER (metric_id = 'ttft_p95_s') AS ttft_p95_s_low,
        max(high) FILTER (metric_id = 'ttft_p95_s') AS ttft_p95_s_high,
        max(low) FILTER (metric_id = 'tpot_p50_s') AS tpot_p50_s_low,
        max(high) FILTER (metric_id = 'tpot_p50_s') AS tpot_p50_s_high,
        max(low) FILTER (metric_id = 'tpot_p95_s') AS tpot_p95_s_low,
        max(high) FILTER (metric_id = 'tpot_p95_s') AS tpot_p95_s_high,
        max(low) FILTER (metric_id = 'e2e_p50_s') AS e2e_p50_s_low,
        max(high) FILTER (metric_id = 'e2e_p50_s') AS e2e_p50_s_high,
        max(low) FILTER (metric_id = 'e2e_p95_s') AS e2e_p95_s_low,
        max(high) FILTER (metric_id = 'e2e_p95_s') AS e2e_p95_s_high,
        max(low) FILTER (metric_id = 'output_tokens_per_s') AS output_tokens_per_s_low,
        max(high) FILTER (metric_id = 'output_tokens_per_s') AS output_tokens_per_s_high,
        max(low) FILTER (metric_id = 'goodput_share') AS goodput_share_low,
        max(high) FILTER (metric_id = 'goodput_share') AS goodput_share_high
    FROM latest
    GROUP BY trial_id
)

SELECT
    trial_id,
    m.run_id,
    m.target_id,
    m.workload_id,
    m.attempts,
    m.failed_share,
    CASE WHEN m.steady THEN 'steady' ELSE 'whole' END AS measured_over,
    CASE WHEN m.steady THEN m.n_ttft_steady ELSE m.n_ttft END AS n_ttft,
    CASE WHEN m.steady THEN m.n_tpot_steady ELSE m.n_tpot END AS n_tpot,
    CASE WHEN m.steady THEN m.n_e2e_steady ELSE m.n_e2e END AS n_e2e,
    i.ttft_p50_s_low,
    CASE WHEN m.steady THEN m.ttft_steady_p50_s ELSE m.ttft_p50_s END AS ttft_p50_s,
    i.ttft_p50_s_high,
    i.ttft_p95_s_low,
    CASE WHEN m.steady THEN m.ttft_steady_p95_s ELSE m.ttft_p95_s END AS ttft_p95_s,
    i.ttft_p95_s_high,
    i.tpot_p50_s_low,
    CASE WHEN m.steady THEN m.tpot_steady_p50_s ELSE m.tpot_p50_s END AS tpot_p50_s,
    i.tpot_p50_s_high,
    i.tpot_p95_s_low,
    CASE WHEN m.steady THEN m.tpot_steady_p95_s ELSE m.tpot_p95_s END AS tpot_p95_s,
    i.tpot_p95_s_high,
    i.e2e_p50_s_low,
    CASE WHEN m.steady THEN m.e2e_steady_p50_s ELSE m.e2e_p50_s END AS e2e_p50_s,
    i.e2e_p50_s_high,
    i.e2e_p95_s_low,
    CASE WHEN m.steady THEN m.e2e_steady_p95_s ELSE m.e2e_p95_s END AS e2e_p95_s,
    i.e2e_p95_s_high,
    i.output_tokens_per_s_low,
    CASE WHEN m.steady THEN m.steady_output_tokens_per_s ELSE m.output_tokens_per_s END AS output_tokens_per_s,
    i.output_tokens_per_s_high,
    i.goodput_share_low,
    m.goodput_share,
    i.goodput_share_high,
    m.qoe_mean_share,
    m.n_qoe,
    m.ttft_max_s,
    m.e2e_max_s,
    m.output_tokens_per_s AS whole_output_tokens_per_s,
    m.rate_share,
    m.rate_missed,
    m.offered_attempts,
    m.items_per_s,
    m.input_tokens_per_s,
    m.n_audio,
    m.audio_p50_s_per_s,
    m.images_per_s
FROM trial_metrics AS m
LEFT JOIN intervals AS i USING (trial_id);

COMMENT ON VIEW trial_figures IS 'The figures that stand for a trial: over its steady window where that holds most of it, else over all of it, with 95 % intervals. Grain: trial.';
COMMENT ON COLUMN trial_figures.trial_id IS 'The trial.';
COMMENT ON COLUMN trial_figures.run_id IS 'The run.';
COMMENT ON COLUMN trial_figures.target_id IS 'The target.';
COMMENT ON COLUMN trial_figures.workload_id IS 'The workload.';
COMMENT ON COLUMN trial_figures.attempts IS 'Measured attempts, a count; warm-up is not in it.';
COMMENT ON COLUMN trial_figures.failed_share IS 'Failed attempts / attempts, 0 to 1.';
COMMENT ON COLUMN trial_figures.measured_over IS 'steady (attempts sent in the steady window, tokens that arrived in it) or whole (the measured window); goodput is always of the whole.';
COMMENT ON COLUMN trial_figures.n_ttft IS 'Attempts behind the ttft figures, a count.';
COMMENT ON COLUMN trial_figures.n_tpot IS 'Attempts behind the tpot figures, a count.';
COMMENT ON COLUMN trial_figures.n_e2e IS 'Attempts behind the e2e figures, a count.';
COMMENT ON COLUMN trial_figures.ttft_p50_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.ttft_p50_s IS 'Time to first token, median, seconds.';
COMMENT ON COLUMN trial_figures.ttft_p50_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.ttft_p95_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.ttft_p95_s IS 'Time to first token, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN trial_figures.ttft_p95_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.tpot_p50_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.tpot_p50_s IS 'Time per output token after the first, median, seconds.';
COMMENT ON COLUMN trial_figures.tpot_p50_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.tpot_p95_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.tpot_p95_s IS 'Time per output token after the first, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN trial_figures.tpot_p95_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.e2e_p50_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.e2e_p50_s IS 'Send to last payload, median, seconds.';
COMMENT ON COLUMN trial_figures.e2e_p50_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.e2e_p95_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.e2e_p95_s IS 'Send to last payload, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN trial_figures.e2e_p95_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN trial_figures.output_tokens_per_s_low IS 'Low end of its 95 % interval, tokens per second; NULL without one.';
COMMENT ON COLUMN trial_figures.output_tokens_per_s IS 'Output tokens of all requests together, tokens per second.';
COMMENT ON COLUMN trial_figures.output_tokens_per_s_high IS 'High end of its 95 % interval, tokens per second; NULL without one.';
COMMENT ON COLUMN trial_figures.goodput_share_low IS 'Low end of its 95 % interval, 0 to 1; NULL without one.';
COMMENT ON COLUMN trial_figures.goodput_share IS 'Attempts that met the service level / offered attempts, 0 to 1.';
COMMENT ON COLUMN trial_figures.goodput_share_high IS 'High end of its 95 % interval, 0 to 1; NULL without one.';
COMMENT ON COLUMN trial_figures.qoe_mean_share IS 'Tokens delivered against the timeline that the service level promises, mean over all attempts, 0 to 1; a failure is 0.';
COMMENT ON COLUMN trial_figures.n_qoe IS 'Attempts behind the qoe figures, failed ones included, a count; 0 if the score is not known.';
COMMENT ON COLUMN trial_figures.ttft_max_s IS 'Time to first token, longest of the successful attempts, seconds.';
COMMENT ON COLUMN trial_figures.e2e_max_s IS 'Send to last payload, longest, seconds.';
COMMENT ON COLUMN trial_figures.whole_output_tokens_per_s IS 'output_tokens / window_s, tokens per second over all requests together, ramp and drain included.';
COMMENT ON COLUMN trial_figures.rate_share IS 'rate_achieved_rps / rate_planned_rps.';
COMMENT ON COLUMN trial_figures.rate_missed IS 'Whether that is below 0.98: the target did not see the load that was planned.';
COMMENT ON COLUMN trial_figures.offered_attempts IS 'Attempts, or the sends that were due where that is more, a count.';
COMMENT ON COLUMN trial_figures.items_per_s IS 'Texts embedded or documents ranked, per second over all requests together; NULL for other tasks.';
COMMENT ON COLUMN trial_figures.input_tokens_per_s IS 'Prompt tokens per second over all requests together.';
COMMENT ON COLUMN trial_figures.n_audio IS 'Attempts behind audio_p50_s_per_s, a count.';
COMMENT ON COLUMN trial_figures.audio_p50_s_per_s IS 'Seconds of sound made or transcribed in a second, median: how many times faster than it plays (RTFx); NULL for other tasks.';
COMMENT ON COLUMN trial_figures.images_per_s IS 'Pictures made per second over all requests together; NULL for other tasks.';
