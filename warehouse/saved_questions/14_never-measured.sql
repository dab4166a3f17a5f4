-- Title: What was planned but never measured, and why?
-- Why: A target that is missing from every ranking is easy to forget.
SELECT
    target_id,
    workload_id,
    count(*) AS nights,
    count(*) FILTER (outcome = 'done') AS done,
    arg_max(outcome, r.started_at) AS last_outcome,
    arg_max(reason, r.started_at) AS last_reason
FROM trial_status AS s
INNER JOIN runs AS r USING (run_id)
GROUP BY ALL
HAVING done < nights
ORDER BY done / nights, target_id
