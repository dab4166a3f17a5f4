-- Title: Why is a range so wide?
-- Why: The input that brings most of a figure's variance is the one worth measuring, asking for or declaring.
SELECT
    l.target_id,
    l.workload_id,
    u.figure,
    u.figure_p05,
    u.figure_p50,
    u.figure_p95,
    u.main_input,
    100 * u.main_input_share AS main_input_percent
FROM uncertainty AS u
INNER JOIN leaderboard AS l USING (trial_id)
WHERE u.figure_p50 IS NOT NULL
ORDER BY u.figure_p95 / nullif(u.figure_p05, 0) DESC NULLS LAST
