-- Purpose: what each target's model was known to cost, since when, and when this warehouse learnt of it. Rows are added, never changed,
-- but for the instant at which a price was no longer stated.

CREATE TABLE prices (
    target_id VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    listed_as VARCHAR NOT NULL,
    service_tier VARCHAR NOT NULL,
    above_prompt_tokens BIGINT NOT NULL,
    hours_utc VARCHAR,
    usd_per_input_mtok DOUBLE,
    usd_per_cached_input_mtok DOUBLE,
    usd_per_cache_write_mtok DOUBLE,
    usd_per_output_mtok DOUBLE,
    usd_per_1k_requests DOUBLE,
    currency VARCHAR NOT NULL,
    note VARCHAR,
    valid_from VARCHAR,
    checked_on VARCHAR,
    source VARCHAR NOT NULL,
    price_version VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    withdrawn_at TIMESTAMPTZ
);
COMMENT ON TABLE prices IS 'Every price that this warehouse has known of what its targets serve (grain: target, provider, model, origin, service tier, length of prompt, hours, valid_from, version).';
COMMENT ON COLUMN prices.target_id IS 'The target.';
COMMENT ON COLUMN prices.provider IS 'Who serves it, as the config names it.';
COMMENT ON COLUMN prices.model IS 'Model name as asked for.';
COMMENT ON COLUMN prices.origin IS 'contract (the config), file (the price file of the project) or list (genai-prices); the first that states a price rules.';
COMMENT ON COLUMN prices.listed_as IS 'PROVIDER/MODEL in the source: an alias may be listed under another name.';
COMMENT ON COLUMN prices.service_tier IS 'standard, or batch, flex, priority or another that the source names.';
COMMENT ON COLUMN prices.above_prompt_tokens IS 'A longer prompt pays this price for all of its tokens, a count of tokens; 0: any prompt.';
COMMENT ON COLUMN prices.hours_utc IS 'HH:MM-HH:MM in which alone it holds, UTC, the end excluded; NULL: all day.';
COMMENT ON COLUMN prices.usd_per_input_mtok IS 'US dollars per million uncached prompt tokens; NULL if not stated.';
COMMENT ON COLUMN prices.usd_per_cached_input_mtok IS 'US dollars per million prompt tokens read from a cache; NULL if not stated.';
COMMENT ON COLUMN prices.usd_per_cache_write_mtok IS 'US dollars per million prompt tokens written to a cache; NULL if not stated.';
COMMENT ON COLUMN prices.usd_per_output_mtok IS 'US dollars per million output tokens; NULL if not stated.';
COMMENT ON COLUMN prices.usd_per_1k_requests IS 'Fee, US dollars per thousand requests; NULL if none is stated.';
COMMENT ON COLUMN prices.currency IS 'Currency in which it was stated; amounts are in US dollars.';
COMMENT ON COLUMN prices.note IS 'Tax, and the rate at which it was converted; NULL if nothing is said.';
COMMENT ON COLUMN prices.valid_from IS 'ISO date from which it holds; NULL if the source does not say.';
COMMENT ON COLUMN prices.checked_on IS 'ISO date on which somebody read it in its source; NULL if not said.';
COMMENT ON COLUMN prices.source IS 'Where it was taken from.';
COMMENT ON COLUMN prices.price_version IS 'First 12 hexadecimal digits of the SHA-256 of what the row says.';
COMMENT ON COLUMN prices.recorded_at IS 'UTC instant at which this warehouse first saw it.';
COMMENT ON COLUMN prices.withdrawn_at IS 'UTC instant at which its source no longer stated it; NULL while it does.';
