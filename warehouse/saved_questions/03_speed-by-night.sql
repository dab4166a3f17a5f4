-- Title: How has each target's speed moved from night to night?
-- Why: The newest figure against the median of the nights before it: a slow drift does not show in one ranking.
WITH nightly AS (
    SELECT
        t.workload_id,
        t.target_id,
        t.started_at,
        f.output_tokens_per_s
    FROM trial_figures AS f
    INNER JOIN trials AS t USING (trial_id)
    ANTI JOIN ad_hoc_runs AS a ON a.run_id = t.run_id
    WHERE f.output_tokens_per_s IS NOT NULL
)

SELECT
    workload_id,
    target_id,
    count(*) AS nights,
    min(output_tokens_per_s) AS slowest_tokens_per_s,
    median(output_tokens_per_s) AS median_tokens_per_s,
    max(output_tokens_per_s) AS fastest_tokens_per_s,
    arg_max(output_tokens_per_s, started_at) AS newest_tokens_per_s,
    100 * (newest_tokens_per_s / median_tokens_per_s - 1) AS newest_against_median_percent
FROM nightly
GROUP BY ALL
ORDER BY newest_against_median_percent
