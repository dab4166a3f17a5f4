-- Title: What changed my bill, of the last 7 days beside the 7 before?
-- Why: Requests, tokens of an answer, share from a cache and dollars of each target side by side; the page Prices splits the difference among them.
WITH newest AS (SELECT max(run_on) AS on FROM bill_lines),

spans AS (
    SELECT
        CASE WHEN b.run_on > n.on - 7 THEN 'the last 7 days' ELSE 'the 7 before' END AS span,
        b.*
    FROM bill_lines AS b
    CROSS JOIN newest AS n
    WHERE b.run_on > n.on - 14
)

SELECT
    target_id,
    span,
    count(DISTINCT run_id) AS runs,
    sum(requests) FILTER (line = 'answered') AS answered,
    round(sum(prompt_tokens) FILTER (line = 'answered') / nullif(answered, 0), 1) AS input_per_answer,
    round(sum(output_tokens) FILTER (line = 'answered') / nullif(answered, 0), 1) AS output_per_answer,
    round(sum(cached_tokens) / nullif(sum(prompt_tokens), 0), 3) AS cached_share,
    round(sum(usd) FILTER (line IN ('failed', 'warm-up')), 6) AS failed_and_warm_ups_usd,
    CASE WHEN count(*) = count(usd) THEN round(sum(usd), 6) END AS usd,
    count(*) FILTER (usd IS NULL) AS unpriced_lines
FROM spans
GROUP BY target_id, span
ORDER BY target_id, span DESC
