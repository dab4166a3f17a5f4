-- Title: What is the cheapest target that keeps the service level?
-- Why: A price says nothing of a target that answers too late; here a target must have kept its limits in 99 of 100 requests.
SELECT
    workload_id,
    target_id,
    goodput_share,
    usd_per_output_mtok_low,
    usd_per_output_mtok,
    usd_per_output_mtok_high,
    usd_basis,
    n
FROM leaderboard
WHERE goodput_share >= 0.99 AND usd_per_output_mtok IS NOT NULL
ORDER BY workload_id, usd_per_output_mtok
