-- Title: How was the energy of each target found?
-- Why: A counter, a load model and an estimate of a hosted machine are not the same kind of number.
SELECT
    e.target_id,
    e.workload_id,
    e.j_per_output_token_low,
    e.j_per_output_token,
    e.j_per_output_token_high,
    e.basis,
    e.method,
    e.reason
FROM energy AS e
INNER JOIN leaderboard AS l USING (trial_id)
ORDER BY e.workload_id, e.j_per_output_token NULLS LAST
