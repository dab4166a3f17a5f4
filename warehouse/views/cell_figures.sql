-- Purpose: Figures of a target under a workload in a run that were measured by three trials or more: means over the trials, with 95 % intervals over trials.
-- Grain: run, target, workload.
CREATE OR REPLACE VIEW cell_figures AS
WITH latest AS (
    SELECT *
    FROM cell_intervals
    QUALIFY rank() OVER (PARTITION BY run_id, target_id, workload_id ORDER BY recorded_at DESC) = 1
)

SELECT
    run_id,
    target_id,
    workload_id,
    max(trials) AS trials,
    max(low) FILTER (metric_id = 'ttft_p50_s') AS ttft_p50_s_low,
    max(central) FILTER (metric_id = 'ttft_p50_s') AS ttft_p50_s,
    max(high) FILTER (metric_id = 'ttft_p50_s') AS ttft_p50_s_high,
    max(low) FILTER (metric_id = 'ttft_p95_s') AS ttft_p95_s_low,
    max(central) FILTER (metric_id = 'ttft_p95_s') AS ttft_p95_s,
    max(high) FILTER (metric_id = 'ttft_p95_s') AS ttft_p95_s_high,
    max(low) FILTER (metric_id = 'tpot_p50_s') AS tpot_p50_s_low,
    max(central) FILTER (metric_id = 'tpot_p50_s') AS tpot_p50_s,
    max(high) FILTER (metric_id = 'tpot_p50_s') AS tpot_p50_s_high,
    max(low) FILTER (metric_id = 'tpot_p95_s') AS tpot_p95_s_low,
    max(central) FILTER (metric_id = 'tpot_p95_s') AS tpot_p95_s,
    max(high) FILTER (metric_id = 'tpot_p95_s') AS tpot_p95_s_high,
    max(low) FILTER (metric_id = 'e2e_p50_s') AS e2e_p50_s_low,
    max(central) FILTER (metric_id = 'e2e_p50_s') AS e2e_p50_s,
    max(high) FILTER (metric_id = 'e2e_p50_s') AS e2e_p50_s_high,
    max(low) FILTER (metric_id = 'e2e_p95_s') AS e2e_p95_s_low,
    max(central) FILTER (metric_id = 'e2e_p95_s') AS e2e_p95_s,
    max(high) FILTER (metric_id = 'e2e_p95_s') AS e2e_p95_s_high,
    max(low) FILTER (metric_id = 'output_tokens_per_s') AS output_tokens_per_s_low,
    max(central) FILTER (metric_id = 'output_tokens_per_s') AS output_tokens_per_s,
    max(high) FILTER (metric_id = 'output_tokens_per_s') AS output_tokens_per_s_high,
    max(low) FILTER (metric_id = 'goodput_share') AS goodput_share_low,
    max(central) FILTER (metric_id = 'goodput_share') AS goodput_share,
    max(high) FILTER (metric_id = 'goodput_share') AS goodput_share_high
FROM latest
GROUP BY run_id, target_id, workload_id;

COMMENT ON VIEW cell_figures IS 'Figures of a target under a workload in a run that were measured by three trials or more: means over the trials, with 95 % intervals over trials. Grain: run, target, workload.';
COMMENT ON COLUMN cell_figures.run_id IS 'The run.';
COMMENT ON COLUMN cell_figures.target_id IS 'The target.';
COMMENT ON COLUMN cell_figures.workload_id IS 'The workload.';
COMMENT ON COLUMN cell_figures.trials IS 'Trials behind the figures, a count.';
COMMENT ON COLUMN cell_figures.ttft_p50_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.ttft_p50_s IS 'Mean over trials: time to first token, median, seconds.';
COMMENT ON COLUMN cell_figures.ttft_p50_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.ttft_p95_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.ttft_p95_s IS 'Mean over trials: time to first token, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN cell_figures.ttft_p95_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.tpot_p50_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.tpot_p50_s IS 'Mean over trials: time per output token after the first, median, seconds.';
COMMENT ON COLUMN cell_figures.tpot_p50_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.tpot_p95_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.tpot_p95_s IS 'Mean over trials: time per output token after the first, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN cell_figures.tpot_p95_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.e2e_p50_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.e2e_p50_s IS 'Mean over trials: send to last payload, median, seconds.';
COMMENT ON COLUMN cell_figures.e2e_p50_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.e2e_p95_s_low IS 'Low end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.e2e_p95_s IS 'Mean over trials: send to last payload, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN cell_figures.e2e_p95_s_high IS 'High end of its 95 % interval, seconds; NULL without one.';
COMMENT ON COLUMN cell_figures.output_tokens_per_s_low IS 'Low end of its 95 % interval, tokens per second; NULL without one.';
COMMENT ON COLUMN cell_figures.output_tokens_per_s IS 'Mean over trials: output tokens of all requests together, tokens per second.';
COMMENT ON COLUMN cell_figures.output_tokens_per_s_high IS 'High end of its 95 % interval, tokens per second; NULL without one.';
COMMENT ON COLUMN cell_figures.goodput_share_low IS 'Low end of its 95 % interval, 0 to 1; NULL without one.';
COMMENT ON COLUMN cell_figures.goodput_share IS 'Attempts that met the service level / offered attempts, 0 to 1.';
COMMENT ON COLUMN cell_figures.goodput_share_high IS 'High end of its 95 % interval, 0 to 1; NULL without one.';
