-- Title: Whose slow answers are much slower than its usual ones?
-- Why: Two targets with one median can differ tenfold in what one user in twenty waits.
SELECT
    workload_id,
    target_id,
    ttft_p50_s,
    ttft_p95_s,
    ttft_p95_s / ttft_p50_s AS tail_over_median,
    ttft_max_s,
    n_ttft
FROM leaderboard
WHERE ttft_p50_s IS NOT NULL
ORDER BY tail_over_median DESC NULLS LAST, ttft_max_s / ttft_p50_s DESC
