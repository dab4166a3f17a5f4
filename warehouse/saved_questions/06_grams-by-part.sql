-- Title: What are the grams made of?
-- Why: Shares of the newest measurement of each target: what to change first.
SELECT
    l.target_id,
    l.workload_id,
    b.part,
    b.side,
    b.gco2e,
    100 * b.gco2e_share AS percent,
    b.basis
FROM carbon_breakdown AS b
INNER JOIN leaderboard AS l USING (trial_id)
ORDER BY l.target_id, l.workload_id, b.gco2e DESC NULLS LAST
