-- Purpose: Each point of a sweep or service level search: the rate that was asked for, what was reached, whether it met the service level, and whether the target fell behind.
-- Grain: trial of a search.
CREATE OR REPLACE VIEW search_points AS
WITH slopes AS (
    SELECT
        trial_id,
        regr_slope(e2e_s, start_s) AS e2e_growth_share,
        regr_r2(e2e_s, start_s) AS e2e_explained_share,
        regr_slope(ttft_s, start_s) AS ttft_growth_share,
        regr_r2(ttft_s, start_s) AS ttft_explained_share,
        count(*) AS points
    FROM attempt_metrics
    WHERE ok
    GROUP BY trial_id
),

waits AS (
    -- In a queue that is fed faster than it is emptied each arrival waits longer than the one before: by load - 1 seconds
    -- a second, in the fluid limit. A slope within three standard errors of 0 is none: short trials have slopes by chance.
    SELECT
        trial_id,
        CASE
            WHEN e2e_explained_share * (points - 2) > 9 * (1 - e2e_explained_share) THEN e2e_growth_share
            WHEN e2e_growth_share IS NOT NULL THEN 0
        END AS e2e_growth_share,
        CASE
            WHEN ttft_explained_share * (points - 2) > 9 * (1 - ttft_explained_share) THEN ttft_growth_share
            WHEN ttft_growth_share IS NOT NULL THEN 0
        END AS ttft_growth_share
    FROM slopes
)

SELECT
    t.search_id,
    s.kind,
    t.search_point,
    t.repeat_number,
    trial_id,
    t.run_id,
    t.target_id,
    t.workload_id,
    t.status,
    t.concurrency,
    t.rate_rps,
    m.rate_planned_rps,
    m.rate_achieved_rps,
    m.rate_share,
    m.rate_missed,
    m.attempts,
    m.failed_share,
    m.requests_per_s,
    m.goodput_share,
    m.goodput_rps,
    m.output_tokens_per_s,
    m.ttft_p95_s,
    m.tpot_p95_s,
    m.ttft_met_share,
    m.tpot_met_share,
    100 * m.ttft_met_share >= s.slo_percentile AND 100 * m.tpot_met_share >= s.slo_percentile AS met,
    w.e2e_growth_share,
    (1 - m.failed_share) / nullif(1 + greatest(w.e2e_growth_share, w.ttft_growth_share, 0), 0) AS kept_share,
    (1 - m.failed_share) / nullif(1 + greatest(w.e2e_growth_share, w.ttft_growth_share, 0), 0) < 0.98 AS saturated
FROM trials AS t
INNER JOIN trial_metrics AS m USING (trial_id)
LEFT JOIN searches AS s ON s.search_id = t.search_id
LEFT JOIN waits AS w USING (trial_id)
WHERE t.search_id IS NOT NULL;

COMMENT ON VIEW search_points IS 'Each point of a sweep or service level search: the rate that was asked for, what was reached, whether it met the service level, and whether the target fell behind. Grain: trial of a search.';
COMMENT ON COLUMN search_points.search_id IS 'The search.';
COMMENT ON COLUMN search_points.kind IS 'slo or sweep; NULL while the search has not ended.';
COMMENT ON COLUMN search_points.search_point IS 'Order of the point in its search, from 0.';
COMMENT ON COLUMN search_points.repeat_number IS 'Which measurement of the point it is; the first is 1.';
COMMENT ON COLUMN search_points.trial_id IS 'The trial.';
COMMENT ON COLUMN search_points.run_id IS 'The run.';
COMMENT ON COLUMN search_points.target_id IS 'The target.';
COMMENT ON COLUMN search_points.workload_id IS 'The workload.';
COMMENT ON COLUMN search_points.status IS 'completed, timed_out, aborted, crashed or setup_failed.';
COMMENT ON COLUMN search_points.concurrency IS 'Closed loop: requests kept in flight, a count.';
COMMENT ON COLUMN search_points.rate_rps IS 'Open loop: rate that was asked for, requests per second.';
COMMENT ON COLUMN search_points.rate_planned_rps IS 'Rate of the sends as they were drawn, requests per second.';
COMMENT ON COLUMN search_points.rate_achieved_rps IS 'Rate of the sends that were made, requests per second.';
COMMENT ON COLUMN search_points.rate_share IS 'rate_achieved_rps / rate_planned_rps.';
COMMENT ON COLUMN search_points.rate_missed IS 'Whether that is below 0.98: the point says nothing about the target.';
COMMENT ON COLUMN search_points.attempts IS 'Measured attempts, a count.';
COMMENT ON COLUMN search_points.failed_share IS 'Failed attempts / attempts, 0 to 1.';
COMMENT ON COLUMN search_points.requests_per_s IS 'Successful attempts / window, requests per second.';
COMMENT ON COLUMN search_points.goodput_share IS 'Attempts that met the service level / offered attempts, 0 to 1.';
COMMENT ON COLUMN search_points.goodput_rps IS 'Attempts that met the service level / window, requests per second.';
COMMENT ON COLUMN search_points.output_tokens_per_s IS 'Output tokens / window, tokens per second.';
COMMENT ON COLUMN search_points.ttft_p95_s IS 'Time to first token of successful attempts, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN search_points.tpot_p95_s IS 'Time per output token after the first, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN search_points.ttft_met_share IS 'Attempts within the limit of the time to first token / offered attempts, 0 to 1.';
COMMENT ON COLUMN search_points.tpot_met_share IS 'The same of the time per output token.';
COMMENT ON COLUMN search_points.met IS 'Whether slo_percentile of the search met both limits, failures counted as infinitely slow: the share within each limit reaches the percentile; NULL while the search has not ended.';
COMMENT ON COLUMN search_points.e2e_growth_share IS 'Seconds by which e2e grew in each second of sending, by least squares: load - 1 of a target that falls behind; 0 within three standard errors of 0.';
COMMENT ON COLUMN search_points.kept_share IS 'Share of the offered rate that the target keeps up with: successes / attempts / (1 + the growth of e2e or ttft, whichever is more).';
COMMENT ON COLUMN search_points.saturated IS 'Whether that is below 0.98: the target falls behind, or turns requests away.';
