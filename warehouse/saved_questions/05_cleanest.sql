-- Title: Which target emits least, running and making together?
-- Why: Location-based grams with both ends of the range: an auditor asks for the ends.
SELECT
    workload_id,
    target_id,
    operational_gco2e_per_output_mtok + embodied_gco2e_per_output_mtok AS total_gco2e_per_output_mtok,
    operational_gco2e_per_output_mtok_low,
    operational_gco2e_per_output_mtok,
    operational_gco2e_per_output_mtok_high,
    embodied_gco2e_per_output_mtok,
    emissions_basis
FROM leaderboard
ORDER BY workload_id, total_gco2e_per_output_mtok NULLS LAST
