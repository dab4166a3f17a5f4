-- Purpose: What each target says of its own rate limit, and how often it refused us for it: the rate that can be used there.
-- Grain: target.
CREATE OR REPLACE VIEW rate_limits AS
WITH said AS (
    SELECT
        t.target_id,
        t.held_back_ns,
        a.trial_id,
        a.t_end_ns,
        a.started_at,
        a.error_class,
        a.retry_after_s,
        a.limit_requests,
        a.remaining_requests,
        a.requests_reset_s,
        a.limit_tokens,
        a.remaining_tokens,
        a.tokens_reset_s
    FROM attempts AS a
    INNER JOIN trials AS t USING (trial_id)
    WHERE a.phase <> 'lost'
),

held AS (
    SELECT target_id, sum(held_back_ns) / 1e9 AS held_back_s
    FROM trials
    GROUP BY target_id
)

SELECT
    target_id,
    count(*) AS attempts,
    count(*) FILTER (error_class = 'rate_limited') AS rate_limited_count,
    count(*) FILTER (error_class = 'quota_or_spend') AS quota_or_spend_count,
    count(*) FILTER (limit_requests IS NOT NULL OR limit_tokens IS NOT NULL) AS told_attempts,
    arg_max(limit_requests, started_at) FILTER (limit_requests IS NOT NULL) AS limit_requests,
    min(remaining_requests) AS remaining_requests_low,
    median((limit_requests - remaining_requests) / nullif(requests_reset_s, 0)) AS usable_rps,
    arg_max(limit_tokens, started_at) FILTER (limit_tokens IS NOT NULL) AS limit_tokens,
    min(remaining_tokens) AS remaining_tokens_low,
    median((limit_tokens - remaining_tokens) / nullif(tokens_reset_s, 0)) AS usable_tokens_per_s,
    median(retry_after_s) FILTER (error_class = 'rate_limited') AS retry_after_s,
    any_value(h.held_back_s) AS held_back_s,
    max(started_at) FILTER (error_class = 'rate_limited') AS last_limited_at
FROM said
LEFT JOIN held AS h USING (target_id)
GROUP BY target_id
HAVING told_attempts > 0 OR rate_limited_count > 0 OR quota_or_spend_count > 0;

COMMENT ON VIEW rate_limits IS 'What each target says of its own rate limit, and how often it refused us for it: the rate that can be used there; targets that never said or refused anything are not in it. Grain: target.';
COMMENT ON COLUMN rate_limits.target_id IS 'The target.';
COMMENT ON COLUMN rate_limits.attempts IS 'Attempts, warm-ups among them, a count.';
COMMENT ON COLUMN rate_limits.rate_limited_count IS 'Of them, refused for their rate, a count.';
COMMENT ON COLUMN rate_limits.quota_or_spend_count IS 'Of them, refused for a spent quota or spend cap, a count.';
COMMENT ON COLUMN rate_limits.told_attempts IS 'Of them, answered with headers that tell a limit, a count.';
COMMENT ON COLUMN rate_limits.limit_requests IS 'Requests that the limit allows in its period, as last told, a count; NULL if never.';
COMMENT ON COLUMN rate_limits.remaining_requests_low IS 'The fewest requests that were ever left of it, a count.';
COMMENT ON COLUMN rate_limits.usable_rps IS 'Spent requests / time until they are whole again, median, requests per second: the rate that lasts, if the limit refills evenly; NULL if headers do not tell.';
COMMENT ON COLUMN rate_limits.limit_tokens IS 'Tokens that the limit allows in its period, as last told, a count; NULL if never.';
COMMENT ON COLUMN rate_limits.remaining_tokens_low IS 'The fewest tokens that were ever left of it, a count.';
COMMENT ON COLUMN rate_limits.usable_tokens_per_s IS 'Spent tokens / time until they are whole again, median, tokens per second; NULL if headers do not tell.';
COMMENT ON COLUMN rate_limits.retry_after_s IS 'How long refusals asked to wait, median, seconds; NULL if none did.';
COMMENT ON COLUMN rate_limits.held_back_s IS 'For how long closed loops stood under its limit and sent nothing, seconds; NULL if no trial of it was paced.';
COMMENT ON COLUMN rate_limits.last_limited_at IS 'UTC instant of the last refusal for the rate; NULL if there was none.';
