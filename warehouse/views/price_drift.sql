-- Purpose: Where two sources that state a price today disagree about it: the one that rules beside the other.
-- Grain: target, provider, model, service tier, length of prompt, amount, other origin.
CREATE OR REPLACE VIEW price_drift AS
WITH today AS (
    SELECT *
    FROM price_history
    WHERE hours_utc IS NULL
        AND (valid_from IS NULL OR valid_from <= strftime(current_date, '%Y-%m-%d'))
        AND (valid_until IS NULL OR valid_until > strftime(current_date, '%Y-%m-%d'))
),

amounts AS (
    UNPIVOT today
    ON usd_per_input_mtok, usd_per_cached_input_mtok, usd_per_cache_write_mtok, usd_per_output_mtok, usd_per_1k_requests
    INTO NAME amount VALUE price
)

SELECT
    r.target_id,
    r.provider,
    r.model,
    r.service_tier,
    r.above_prompt_tokens,
    r.amount,
    r.origin AS ruling_origin,
    o.origin AS other_origin,
    r.price AS ruling_usd,
    o.price AS other_usd,
    (r.price - o.price) / nullif(o.price, 0) AS difference_share,
    date_diff('day', try_cast(r.valid_from AS DATE), current_date) AS ruling_age_days,
    date_diff('day', try_cast(o.valid_from AS DATE), current_date) AS other_age_days,
    r.source AS ruling_source,
    o.source AS other_source
FROM amounts AS r
INNER JOIN amounts AS o USING (target_id, provider, model, service_tier, above_prompt_tokens, amount)
WHERE r.origin < o.origin AND r.price <> o.price;

COMMENT ON VIEW price_drift IS 'Where two sources that state a price today disagree about it. Grain: target, provider, model, service tier, length of prompt, amount, pair of origins.';
COMMENT ON COLUMN price_drift.target_id IS 'The target.';
COMMENT ON COLUMN price_drift.provider IS 'Who serves it.';
COMMENT ON COLUMN price_drift.model IS 'Model name as asked for.';
COMMENT ON COLUMN price_drift.service_tier IS 'standard, batch, flex, priority or another.';
COMMENT ON COLUMN price_drift.above_prompt_tokens IS 'For prompts longer than so many tokens, a count; 0: any prompt.';
COMMENT ON COLUMN price_drift.amount IS 'Which price, named with its unit.';
COMMENT ON COLUMN price_drift.ruling_origin IS 'Whose price rules of the two: contract or file.';
COMMENT ON COLUMN price_drift.other_origin IS 'Whose does not: file or list.';
COMMENT ON COLUMN price_drift.ruling_usd IS 'The price that rules, US dollars in the unit that amount names.';
COMMENT ON COLUMN price_drift.other_usd IS 'The other price, US dollars in the unit that amount names.';
COMMENT ON COLUMN price_drift.difference_share IS '(the ruling price - the other) / the other; NULL where the other is 0.';
COMMENT ON COLUMN price_drift.ruling_age_days IS 'How long the ruling price has held, days; NULL if not said.';
COMMENT ON COLUMN price_drift.other_age_days IS 'How long the other price has held, days; NULL if not said.';
COMMENT ON COLUMN price_drift.ruling_source IS 'Where the ruling price was taken from.';
COMMENT ON COLUMN price_drift.other_source IS 'Where the other price was taken from.';
