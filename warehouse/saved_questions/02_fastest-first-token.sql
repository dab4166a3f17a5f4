-- Title: Who answers first, and how sure is that?
-- Why: Intervals that overlap are no proof of a tie, but a warning: ask for more nights before paying for the difference.
SELECT
    workload_id,
    target_id,
    provider,
    ttft_p50_s_low,
    ttft_p50_s,
    ttft_p50_s_high,
    ttft_p95_s,
    n_ttft
FROM leaderboard
WHERE ttft_p50_s IS NOT NULL
ORDER BY workload_id, ttft_p50_s
