-- Title: Which list prices have moved, and by how much?
-- Why: The first and the newest price that are known of each model: a bill changes without a single request more.
SELECT
    target_id,
    model,
    origin,
    count(DISTINCT valid_from) AS prices,
    min(valid_from) AS first_on,
    max(valid_from) AS newest_on,
    min_by(usd_per_output_mtok, valid_from) AS first_usd_per_output_mtok,
    max_by(usd_per_output_mtok, valid_from) AS newest_usd_per_output_mtok,
    100 * (newest_usd_per_output_mtok / nullif(first_usd_per_output_mtok, 0) - 1) AS change_percent
FROM price_history
WHERE above_prompt_tokens = 0 AND usd_per_output_mtok IS NOT NULL
GROUP BY ALL
ORDER BY abs(change_percent) DESC NULLS LAST, target_id
