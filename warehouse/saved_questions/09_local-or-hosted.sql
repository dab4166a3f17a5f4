-- Title: Do our own machines or the providers do better?
-- Why: The best of each kind under each workload, side by side.
SELECT
    workload_id,
    kind,
    count(*) AS targets,
    min(ttft_p50_s) AS best_ttft_p50_s,
    max(output_tokens_per_s) AS best_output_tokens_per_s,
    min(usd_per_output_mtok) AS best_usd_per_output_mtok,
    min(j_per_output_token) AS best_j_per_output_token,
    min(operational_gco2e_per_output_mtok) AS best_operational_gco2e_per_output_mtok
FROM leaderboard
GROUP BY ALL
ORDER BY workload_id, kind
