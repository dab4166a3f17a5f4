-- Title: How do requests fail, and where?
-- Why: A rate limit, a stall and a wrong key need three different people.
SELECT
    o.target_id,
    e.key AS error_class,
    sum(e.value) AS failed_attempts,
    count(DISTINCT o.run_id) AS runs,
    max(o.started_at) AS last_at
FROM trial_outcomes AS o, unnest(map_entries(o.errors)) AS u(e)
GROUP BY ALL
ORDER BY failed_attempts DESC
