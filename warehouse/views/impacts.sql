-- Purpose: Water, materials and primary energy of each trial and job, running and making apart, with their ranges; the latest accounting.
-- Grain: trial or job, impact, component.
CREATE OR REPLACE VIEW impacts AS
WITH latest AS (
    SELECT *
    FROM impact_accounts
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
)

SELECT
    a.trial_id,
    a.impact,
    a.component,
    a.impact_value_low,
    a.impact_value,
    a.impact_value_high,
    a.impact_value_low / nullif(m.output_tokens / 1e6, 0) AS impact_per_output_mtok_low,
    a.impact_value / nullif(m.output_tokens / 1e6, 0) AS impact_per_output_mtok,
    a.impact_value_high / nullif(m.output_tokens / 1e6, 0) AS impact_per_output_mtok_high,
    a.basis::VARCHAR AS basis,
    a.missing AS reason,
    a.method,
    a.method_version,
    a.recorded_at
FROM latest AS a
LEFT JOIN trial_outcomes AS m USING (trial_id);

COMMENT ON VIEW impacts IS 'Water, materials and primary energy of each trial and job, running and making apart, with their ranges; the latest accounting. Grain: trial or job, impact, component.';
COMMENT ON COLUMN impacts.trial_id IS 'The trial or job.';
COMMENT ON COLUMN impacts.impact IS 'What, named with its unit: water_l (litres), adpe_kgsbeq (materials, kilograms of antimony equivalent) or primary_energy_mj (megajoules).';
COMMENT ON COLUMN impacts.component IS 'operational (running) or embodied (making the hardware).';
COMMENT ON COLUMN impacts.impact_value_low IS 'Lower bound, in the unit that impact names.';
COMMENT ON COLUMN impacts.impact_value IS 'Central value, in the unit that impact names; NULL is unknown and reason says why.';
COMMENT ON COLUMN impacts.impact_value_high IS 'Upper bound, in the unit that impact names.';
COMMENT ON COLUMN impacts.impact_per_output_mtok_low IS 'Lower bound, in that unit per million output tokens.';
COMMENT ON COLUMN impacts.impact_per_output_mtok IS 'impact_value / output tokens of successful attempts, in that unit per million; NULL for a job.';
COMMENT ON COLUMN impacts.impact_per_output_mtok_high IS 'Upper bound, in that unit per million output tokens.';
COMMENT ON COLUMN impacts.basis IS 'Worst label among the inputs: measured, declared, modelled, estimated (best to worst).';
COMMENT ON COLUMN impacts.reason IS 'Why a value is NULL.';
COMMENT ON COLUMN impacts.method IS 'Name of the formula.';
COMMENT ON COLUMN impacts.method_version IS 'Version of the accounting.';
COMMENT ON COLUMN impacts.recorded_at IS 'UTC instant of the accounting.';
