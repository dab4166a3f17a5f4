-- Title: What does each target cost by the list, and who says so?
-- Why: A price without a source and a day cannot be defended.
SELECT
    target_id,
    provider,
    model,
    origin,
    usd_per_input_mtok,
    usd_per_cached_input_mtok,
    usd_per_output_mtok,
    valid_from,
    age_days,
    source
FROM prices_now
ORDER BY usd_per_output_mtok NULLS LAST
