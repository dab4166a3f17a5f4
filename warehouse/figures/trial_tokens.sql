-- Purpose: What the measured attempts of each trial are billed by: their tokens and fees, and how long the shortest and the longest prompt were.
-- Grain: trial.
-- Of the trials that have no row in kept_trials; its rows are kept in the table trial_tokens_kept, see warehouse/kept.py.
WITH pending AS (
    SELECT trial_id FROM trials ANTI JOIN kept_trials USING (trial_id)
)

SELECT
    trial_id,
    count(attempt_id) AS attempts,
    count(*) FILTER (prompt_tokens IS NOT NULL AND output_tokens IS NOT NULL) AS counted_attempts,
    count(*) FILTER (ok AND (prompt_tokens IS NULL OR output_tokens IS NULL)) AS uncounted_answers,
    count(*) FILTER (
        ok AND (prompt_tokens IS NULL OR output_tokens IS NULL) AND search_units IS NOT NULL
    ) AS uncounted_searches,
    coalesce(
        sum(coalesce(search_units, 1)) FILTER (
            search_units IS NOT NULL OR (prompt_tokens IS NOT NULL AND output_tokens IS NOT NULL)
        ), 0
    )::BIGINT AS fees,
    count(attempt_id) FILTER (prompt_tokens IS NULL) AS unknown_prompts,
    min(prompt_tokens)::BIGINT AS shortest_prompt_tokens,
    max(prompt_tokens)::BIGINT AS longest_prompt_tokens,
    coalesce(sum(prompt_tokens) FILTER (output_tokens IS NOT NULL), 0)::BIGINT AS prompt_tokens,
    coalesce(
        sum(cached_tokens) FILTER (prompt_tokens IS NOT NULL AND output_tokens IS NOT NULL), 0
    )::BIGINT AS cached_tokens,
    coalesce(
        sum(cache_write_tokens) FILTER (prompt_tokens IS NOT NULL AND output_tokens IS NOT NULL), 0
    )::BIGINT AS cache_write_tokens,
    coalesce(sum(output_tokens) FILTER (prompt_tokens IS NOT NULL), 0)::BIGINT AS output_tokens
FROM pending
LEFT JOIN attempt_metrics USING (trial_id)
GROUP BY trial_id
