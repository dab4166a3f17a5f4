-- Purpose: The prices that rule today: of each target's model and service tier the contract's, else the price file's, else the list's.
-- Grain: target, provider, model, service tier, hours, length of prompt.
CREATE OR REPLACE VIEW prices_now AS
SELECT
    target_id,
    provider,
    model,
    origin,
    service_tier,
    hours_utc,
    above_prompt_tokens,
    usd_per_input_mtok,
    usd_per_cached_input_mtok,
    usd_per_cache_write_mtok,
    usd_per_output_mtok,
    usd_per_1k_requests,
    currency,
    note,
    valid_from,
    valid_until,
    date_diff('day', try_cast(valid_from AS DATE), current_date) AS age_days,
    listed_as,
    source,
    price_version,
    recorded_at
FROM price_history
WHERE (valid_from IS NULL OR valid_from <= strftime(current_date, '%Y-%m-%d'))
    AND (valid_until IS NULL OR valid_until > strftime(current_date, '%Y-%m-%d'))
-- contract, file, list: in the order of the alphabet
QUALIFY dense_rank() OVER (PARTITION BY target_id, provider, model, service_tier ORDER BY origin) = 1;

COMMENT ON VIEW prices_now IS 'The prices that rule today: the contract''s, else the price file''s, else the list''s. Grain: target, provider, model, service tier, hours, length of prompt.';
COMMENT ON COLUMN prices_now.target_id IS 'The target.';
COMMENT ON COLUMN prices_now.provider IS 'Who serves it.';
COMMENT ON COLUMN prices_now.model IS 'Model name as asked for.';
COMMENT ON COLUMN prices_now.origin IS 'contract, file or list.';
COMMENT ON COLUMN prices_now.service_tier IS 'standard, batch, flex, priority or another.';
COMMENT ON COLUMN prices_now.hours_utc IS 'HH:MM-HH:MM in which it rules instead of the price of all day, UTC; NULL: all day.';
COMMENT ON COLUMN prices_now.above_prompt_tokens IS 'A longer prompt pays this price for all of its tokens, a count; 0: any prompt.';
COMMENT ON COLUMN prices_now.usd_per_input_mtok IS 'US dollars per million uncached prompt tokens; NULL if not stated.';
COMMENT ON COLUMN prices_now.usd_per_cached_input_mtok IS 'US dollars per million prompt tokens read from a cache; NULL if not stated.';
COMMENT ON COLUMN prices_now.usd_per_cache_write_mtok IS 'US dollars per million prompt tokens written to a cache; NULL if not stated.';
COMMENT ON COLUMN prices_now.usd_per_output_mtok IS 'US dollars per million output tokens; NULL if not stated.';
COMMENT ON COLUMN prices_now.usd_per_1k_requests IS 'Fee, US dollars per thousand requests; NULL if none is stated.';
COMMENT ON COLUMN prices_now.currency IS 'Currency in which it was stated; amounts are in US dollars.';
COMMENT ON COLUMN prices_now.note IS 'Tax, and the rate at which it was converted.';
COMMENT ON COLUMN prices_now.valid_from IS 'ISO date from which it holds; NULL if not said.';
COMMENT ON COLUMN prices_now.valid_until IS 'ISO date on which the next price of its source begins; NULL while none is known.';
COMMENT ON COLUMN prices_now.age_days IS 'How long it has held, days; NULL if not said.';
COMMENT ON COLUMN prices_now.listed_as IS 'PROVIDER/MODEL in the source.';
COMMENT ON COLUMN prices_now.source IS 'Where it was taken from.';
COMMENT ON COLUMN prices_now.price_version IS 'Version of the row.';
COMMENT ON COLUMN prices_now.recorded_at IS 'UTC instant at which this warehouse first saw it.';
