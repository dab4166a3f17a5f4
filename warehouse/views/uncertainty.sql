-- Purpose: How wide each figure of a trial or job is and which input makes it so, with the label of its worst input; the latest accounting.
-- Grain: trial or job, figure (energy_j, usd, gco2e, water_l).
CREATE OR REPLACE VIEW uncertainty AS
WITH latest AS (
    SELECT *
    FROM uncertainty_accounts
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
),

labels AS (
    SELECT trial_id, recorded_at, 'energy_j' AS figure, basis FROM energy_accounts WHERE in_total
    UNION ALL
    SELECT trial_id, recorded_at, 'usd', basis FROM cost_accounts
    UNION ALL
    SELECT trial_id, recorded_at, 'gco2e', basis FROM emission_accounts WHERE component <> 'operational_market'
    UNION ALL
    SELECT trial_id, recorded_at, 'water_l', basis FROM impact_accounts WHERE impact = 'water_l'
),

worst AS (
    SELECT
        trial_id,
        recorded_at,
        figure,
        max(basis)::VARCHAR AS basis
    FROM labels
    GROUP BY ALL
)

SELECT
    u.trial_id,
    u.figure,
    u.figure_p05,
    u.figure_p50,
    u.figure_p95,
    u.variance_shares[1].quantity AS main_input,
    u.variance_shares[1].share AS main_input_share,
    u.variance_shares,
    CASE WHEN u.missing IS NULL THEN w.basis END AS basis,
    u.missing AS reason,
    u.draws,
    u.seed,
    u.method_version,
    u.recorded_at
FROM latest AS u
LEFT JOIN worst AS w USING (trial_id, recorded_at, figure);

COMMENT ON VIEW uncertainty IS 'How wide each figure of a trial or job is and which input makes it so, by Monte Carlo over the ranges of its inputs; the latest accounting. Grain: trial or job, figure.';
COMMENT ON COLUMN uncertainty.trial_id IS 'The trial or job.';
COMMENT ON COLUMN uncertainty.figure IS 'The figure for the whole window, named with its unit: energy_j, usd, gco2e (operational by location, and embodied), water_l.';
COMMENT ON COLUMN uncertainty.figure_p05 IS '5th percentile, in the unit that figure names; NULL is unknown and reason says why.';
COMMENT ON COLUMN uncertainty.figure_p50 IS 'Median, in the unit that figure names.';
COMMENT ON COLUMN uncertainty.figure_p95 IS '95th percentile, in the unit that figure names.';
COMMENT ON COLUMN uncertainty.main_input IS 'The input that brings most of the variance; NULL if no input has a range.';
COMMENT ON COLUMN uncertainty.main_input_share IS 'Share (0 to 1) of the variance that it brings by itself.';
COMMENT ON COLUMN uncertainty.variance_shares IS 'The same of every input with a range, the largest first; what is left of 1 they bring together.';
COMMENT ON COLUMN uncertainty.basis IS 'Worst label among the inputs: measured, declared, modelled, estimated (best to worst).';
COMMENT ON COLUMN uncertainty.reason IS 'Why it is unknown; NULL if it is known.';
COMMENT ON COLUMN uncertainty.draws IS 'Draws, a count.';
COMMENT ON COLUMN uncertainty.seed IS 'Seed of the draws.';
COMMENT ON COLUMN uncertainty.method_version IS 'Version of the accounting.';
COMMENT ON COLUMN uncertainty.recorded_at IS 'UTC instant of the accounting.';
