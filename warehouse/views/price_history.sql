-- Purpose: Every price that is still stated, with the days between which it holds: as of any day D, valid_from <= D < valid_until.
-- Grain: target, provider, model, origin, service tier, hours, valid_from, length of prompt.
CREATE OR REPLACE VIEW price_history AS
WITH stated AS (
    SELECT * EXCLUDE (withdrawn_at)
    FROM prices
    WHERE withdrawn_at IS NULL
),

days AS (
    SELECT
        *,
        lead(valid_from) OVER (
            PARTITION BY target_id, provider, model, origin, service_tier, hours_utc ORDER BY valid_from NULLS FIRST
        ) AS valid_until
    FROM (SELECT DISTINCT target_id, provider, model, origin, service_tier, hours_utc, valid_from FROM stated)
)

SELECT
    s.target_id,
    s.provider,
    s.model,
    s.origin,
    s.service_tier,
    s.hours_utc,
    s.above_prompt_tokens,
    s.valid_from,
    d.valid_until,
    s.usd_per_input_mtok,
    s.usd_per_cached_input_mtok,
    s.usd_per_cache_write_mtok,
    s.usd_per_output_mtok,
    s.usd_per_1k_requests,
    s.currency,
    s.note,
    s.listed_as,
    s.checked_on,
    s.source,
    s.price_version,
    s.recorded_at
FROM stated AS s
INNER JOIN days AS d
    ON d.target_id = s.target_id
    AND d.provider = s.provider
    AND d.model = s.model
    AND d.origin = s.origin
    AND d.service_tier = s.service_tier
    AND d.hours_utc IS NOT DISTINCT FROM s.hours_utc
    AND d.valid_from IS NOT DISTINCT FROM s.valid_from;

COMMENT ON VIEW price_history IS 'Every price that is still stated, with the days between which it holds: as of a day D, valid_from <= D < valid_until, NULL being open. Grain: target, provider, model, origin, service tier, hours, valid_from, length of prompt.';
COMMENT ON COLUMN price_history.target_id IS 'The target.';
COMMENT ON COLUMN price_history.provider IS 'Who serves it.';
COMMENT ON COLUMN price_history.model IS 'Model name as asked for.';
COMMENT ON COLUMN price_history.origin IS 'contract, file or list; the first that states a price rules.';
COMMENT ON COLUMN price_history.service_tier IS 'standard, batch, flex, priority or another.';
COMMENT ON COLUMN price_history.hours_utc IS 'HH:MM-HH:MM in which alone it holds, UTC; NULL: all day.';
COMMENT ON COLUMN price_history.above_prompt_tokens IS 'A longer prompt pays this price for all of its tokens, a count; 0: any prompt.';
COMMENT ON COLUMN price_history.valid_from IS 'ISO date from which it holds; NULL if not said.';
COMMENT ON COLUMN price_history.valid_until IS 'ISO date on which the next price of the same source begins; NULL while there is none.';
COMMENT ON COLUMN price_history.usd_per_input_mtok IS 'US dollars per million uncached prompt tokens; NULL if not stated.';
COMMENT ON COLUMN price_history.usd_per_cached_input_mtok IS 'US dollars per million prompt tokens read from a cache; NULL if not stated.';
COMMENT ON COLUMN price_history.usd_per_cache_write_mtok IS 'US dollars per million prompt tokens written to a cache; NULL if not stated.';
COMMENT ON COLUMN price_history.usd_per_output_mtok IS 'US dollars per million output tokens; NULL if not stated.';
COMMENT ON COLUMN price_history.usd_per_1k_requests IS 'Fee, US dollars per thousand requests; NULL if none is stated.';
COMMENT ON COLUMN price_history.currency IS 'Currency in which it was stated; amounts are in US dollars.';
COMMENT ON COLUMN price_history.note IS 'Tax, and the rate at which it was converted.';
COMMENT ON COLUMN price_history.listed_as IS 'PROVIDER/MODEL in the source.';
COMMENT ON COLUMN price_history.checked_on IS 'ISO date on which somebody read it in its source; NULL if not said.';
COMMENT ON COLUMN price_history.source IS 'Where it was taken from.';
COMMENT ON COLUMN price_history.price_version IS 'Version of the row.';
COMMENT ON COLUMN price_history.recorded_at IS 'UTC instant at which this warehouse first saw it.';
