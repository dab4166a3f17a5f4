-- Purpose: What the emissions of a trial or job are made of: each metered component idle and active, what the site adds (PUE), and making the hardware.
-- The parts add up to operational (location-based) + embodied.
-- Grain: trial or job, part.
CREATE OR REPLACE VIEW carbon_breakdown AS
WITH energy_latest AS (
    SELECT *
    FROM energy_accounts
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
),

emission_latest AS (
    SELECT *
    FROM emission_accounts
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
),

running AS (
    SELECT
        trial_id,
        emissions_gco2e AS gco2e,
        basis,
        list_filter(factors, lambda factor: factor.quantity = 'pue')[1].central AS pue
    FROM emission_latest
    WHERE component = 'operational' AND emissions_gco2e IS NOT NULL
),

drawn AS (
    SELECT
        trial_id,
        component,
        energy_j,
        -- load can add less than idle power varies: what was drawn is then all idle; least and greatest pass over NULL
        CASE WHEN idle_j IS NOT NULL THEN least(greatest(idle_j, 0), energy_j) END AS idle_j,
        sum(energy_j) OVER (PARTITION BY trial_id) AS total_j
    FROM energy_latest
    WHERE in_total
),

parts AS (
    SELECT trial_id, component || ' idle' AS part, 'operational' AS side, idle_j AS part_j, total_j
    FROM drawn
    WHERE idle_j IS NOT NULL
    UNION ALL
    SELECT
        trial_id,
        component || CASE WHEN idle_j IS NULL THEN '' ELSE ' active' END,
        'operational',
        energy_j - coalesce(idle_j, 0),
        total_j
    FROM drawn
),

together AS (
    SELECT
        p.trial_id,
        p.part,
        p.side,
        p.part_j AS energy_j,
        r.gco2e / nullif(r.pue, 0) * p.part_j / nullif(p.total_j, 0) AS gco2e,
        r.basis
    FROM parts AS p
    INNER JOIN running AS r USING (trial_id)
    UNION ALL
    SELECT trial_id, 'site (PUE)', 'operational', NULL, gco2e - gco2e / nullif(pue, 0), basis FROM running
    UNION ALL
    SELECT trial_id, 'embodied', 'embodied', NULL, emissions_gco2e, basis
    FROM emission_latest
    WHERE component = 'embodied' AND emissions_gco2e IS NOT NULL
)

SELECT
    trial_id,
    part,
    side,
    energy_j,
    gco2e,
    gco2e / nullif(sum(gco2e) OVER (PARTITION BY trial_id), 0) AS gco2e_share,
    basis::VARCHAR AS basis
FROM together;

COMMENT ON VIEW carbon_breakdown IS 'What the emissions of a trial or job are made of; the parts that are known add up to operational (location-based) and embodied emissions. Grain: trial or job, part.';
COMMENT ON COLUMN carbon_breakdown.trial_id IS 'The trial or job.';
COMMENT ON COLUMN carbon_breakdown.part IS 'cpu idle, cpu active and the like (without a baseline: cpu), site (PUE) for what the building adds, or embodied.';
COMMENT ON COLUMN carbon_breakdown.side IS 'operational or embodied.';
COMMENT ON COLUMN carbon_breakdown.energy_j IS 'IT energy of the part, joules; NULL for the site and for embodied emissions.';
COMMENT ON COLUMN carbon_breakdown.gco2e IS 'Its emissions, central value, grams of CO2 equivalent.';
COMMENT ON COLUMN carbon_breakdown.gco2e_share IS 'Its share (0 to 1) of the parts that are known.';
COMMENT ON COLUMN carbon_breakdown.basis IS 'Worst label among the inputs: measured, declared, modelled, estimated (best to worst).';
