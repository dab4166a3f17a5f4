-- Purpose: What each target took in each hour of the week (UTC), over nights and pulses: medians over trials of their medians, failures, and cost.
-- Grain: target, workload, its load, weekday, hour.
CREATE OR REPLACE VIEW hour_of_week AS
SELECT
    r.target_id,
    r.workload_id,
    t.arrivals,
    t.concurrency,
    t.rate_rps,
    t.prompt_tokens_asked,
    t.output_tokens_asked,
    isodow(r.started_at AT TIME ZONE 'UTC') AS weekday_number,
    hour(r.started_at AT TIME ZONE 'UTC') AS hour_number,
    count(*) AS trials,
    sum(r.attempts)::BIGINT AS attempts,
    median(f.ttft_p50_s) AS ttft_p50_s,
    -- of a speed, take the percentile of seconds per token, then invert
    1 / nullif(median(f.tpot_p50_s), 0) AS stream_tokens_per_s,
    sum(r.down_count + r.limited_count) / nullif(sum(r.attempts - r.own_count), 0) AS failed_share,
    sum(p.usd) FILTER (c.output_tokens > 0)
    / nullif(sum(c.output_tokens) FILTER (p.usd IS NOT NULL) / 1e6, 0) AS usd_per_output_mtok,
    max(r.started_at) AS last_at
FROM reliability_trials AS r
INNER JOIN trials AS t USING (trial_id)
INNER JOIN trial_outcomes AS c USING (trial_id)
LEFT JOIN trial_figures AS f USING (trial_id)
LEFT JOIN cost AS p USING (trial_id)
WHERE r.attempts > 0
GROUP BY ALL;

COMMENT ON VIEW hour_of_week IS 'What each target took in each hour of the week (UTC), over nights and pulses: medians over trials of their medians, failures, and cost. Grain: target, workload, its load, weekday, hour.';
COMMENT ON COLUMN hour_of_week.target_id IS 'The target.';
COMMENT ON COLUMN hour_of_week.workload_id IS 'The workload.';
COMMENT ON COLUMN hour_of_week.arrivals IS 'How requests arrived.';
COMMENT ON COLUMN hour_of_week.concurrency IS 'Closed loop: requests kept in flight, a count; a loaded hour and an idle one do not compare.';
COMMENT ON COLUMN hour_of_week.rate_rps IS 'Open loop: planned rate, requests per second.';
COMMENT ON COLUMN hour_of_week.prompt_tokens_asked IS 'Prompt length aimed at, tokens.';
COMMENT ON COLUMN hour_of_week.output_tokens_asked IS 'Output length asked for, tokens.';
COMMENT ON COLUMN hour_of_week.weekday_number IS '1 is Monday, 7 is Sunday, UTC.';
COMMENT ON COLUMN hour_of_week.hour_number IS 'Hour of the day at which the trial began, 0 to 23, UTC.';
COMMENT ON COLUMN hour_of_week.trials IS 'Trials that began in it, a count.';
COMMENT ON COLUMN hour_of_week.attempts IS 'Their measured attempts, a count.';
COMMENT ON COLUMN hour_of_week.ttft_p50_s IS 'Time to first token: median over trials of their medians, seconds.';
COMMENT ON COLUMN hour_of_week.stream_tokens_per_s IS 'Tokens per second of one stream: 1 / median over trials of their median seconds per token.';
COMMENT ON COLUMN hour_of_week.failed_share IS 'Attempts that failed by the provider or were refused for their rate / attempts that did not fail by this client, 0 to 1.';
COMMENT ON COLUMN hour_of_week.usd_per_output_mtok IS 'What the trials cost / their output tokens, US dollars per million; NULL if no cost is known.';
COMMENT ON COLUMN hour_of_week.last_at IS 'UTC instant at which the last of them began.';
