-- Purpose: Software Carbon Intensity (ISO/IEC 21031:2024) of each trial and job, (O + M) per R, for each functional unit R that it served.
-- O is energy x PUE x intensity of the grid: location-based, since the standard leaves market-based measures out. The energy is all that the
-- meters of the machine saw in the window, idle power included (view energy names them: without one of the whole machine its boards, disks,
-- fans and power supplies are left out), and M is charged for the time for which the machine was reserved, idle life through the
-- utilisation: reserved, not only used. A trial reserves its part of the machine for its window; starting the engine, warming up and the
-- idle baseline are the cost of measuring and are not in it.
-- Grain: trial or job, functional unit.
CREATE OR REPLACE VIEW sci AS
WITH latest AS (
    SELECT *
    FROM emission_accounts
    WHERE component <> 'operational_market'
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
),

emitted AS (
    SELECT
        trial_id,
        count(*) FILTER (emissions_gco2e IS NOT NULL) = 2 AS known,
        sum(emissions_gco2e_low) AS gco2e_low,
        sum(emissions_gco2e) AS gco2e,
        sum(emissions_gco2e_high) AS gco2e_high,
        max(emissions_gco2e) FILTER (component = 'operational') AS operational_gco2e,
        max(emissions_gco2e) FILTER (component = 'embodied') AS embodied_gco2e,
        max(basis)::VARCHAR AS basis,
        string_agg(component || ': ' || missing, '; ' ORDER BY component DESC) AS reason,
        any_value(method_version) AS method_version,
        max(recorded_at) AS recorded_at
    FROM latest
    GROUP BY trial_id
),

units AS (
    SELECT trial_id, 'request' AS functional_unit, ok::DOUBLE AS functional_units FROM trial_outcomes
    UNION ALL
    SELECT trial_id, '1k output tokens', output_tokens / 1e3 FROM trial_outcomes
    UNION ALL
    SELECT trial_id, '1M output tokens', output_tokens / 1e6 FROM trial_outcomes
    UNION ALL
    SELECT job_id, coalesce(functional_unit, 'job'), CASE WHEN functional_unit IS NULL THEN 1 ELSE functional_units END FROM jobs
)

SELECT
    e.trial_id,
    u.functional_unit,
    u.functional_units,
    CASE WHEN e.known THEN e.gco2e_low / nullif(u.functional_units, 0) END AS sci_gco2e_low,
    CASE WHEN e.known THEN e.gco2e / nullif(u.functional_units, 0) END AS sci_gco2e,
    CASE WHEN e.known THEN e.gco2e_high / nullif(u.functional_units, 0) END AS sci_gco2e_high,
    e.operational_gco2e / nullif(u.functional_units, 0) AS operational_sci_gco2e,
    e.embodied_gco2e / nullif(u.functional_units, 0) AS embodied_sci_gco2e,
    CASE WHEN e.known THEN e.basis END AS basis,
    CASE
        WHEN NOT e.known THEN e.reason
        WHEN u.functional_units IS NULL THEN 'how many units were served is not known'
        WHEN u.functional_units = 0 THEN 'no unit was served'
    END AS reason,
    e.method_version,
    e.recorded_at
FROM emitted AS e
INNER JOIN units AS u USING (trial_id);

COMMENT ON VIEW sci IS 'Software Carbon Intensity (ISO/IEC 21031:2024) of each trial and job: operational (location-based, PUE and idle power included) and embodied (time reserved) emissions per functional unit. Grain: trial or job, functional unit.';
COMMENT ON COLUMN sci.trial_id IS 'The trial or job.';
COMMENT ON COLUMN sci.functional_unit IS 'R: request (answered), 1k output tokens, 1M output tokens; of a job what it counted, such as training_token, or the job.';
COMMENT ON COLUMN sci.functional_units IS 'How many were served in the window, a count.';
COMMENT ON COLUMN sci.sci_gco2e_low IS 'Lower bound, grams of CO2 equivalent per functional unit.';
COMMENT ON COLUMN sci.sci_gco2e IS '(O + M) / R, grams of CO2 equivalent per functional unit; NULL is unknown and reason says why.';
COMMENT ON COLUMN sci.sci_gco2e_high IS 'Upper bound, grams of CO2 equivalent per functional unit.';
COMMENT ON COLUMN sci.operational_sci_gco2e IS 'O / R, grams of CO2 equivalent per functional unit.';
COMMENT ON COLUMN sci.embodied_sci_gco2e IS 'M / R, grams of CO2 equivalent per functional unit.';
COMMENT ON COLUMN sci.basis IS 'Worst label among the inputs: measured, declared, modelled, estimated (best to worst).';
COMMENT ON COLUMN sci.reason IS 'Why a value is NULL.';
COMMENT ON COLUMN sci.method_version IS 'Version of the accounting.';
COMMENT ON COLUMN sci.recorded_at IS 'UTC instant of the accounting.';
