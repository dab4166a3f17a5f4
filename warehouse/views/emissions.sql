-- Purpose: Emissions of each trial with their ranges: running, by its grid (location) and by what was bought (market), and making; the latest accounting.
-- Sums, the basis and the leaderboard are location-based; the market-based figure stands beside and is never filled with the other.
-- Grain: trial.
CREATE OR REPLACE VIEW emissions AS
WITH latest AS (
    SELECT *
    FROM emission_accounts
    INNER JOIN (
        -- a window says the same and takes four times as long over a year
        SELECT trial_id, max(recorded_at) AS recorded_at
        FROM emission_accounts
        GROUP BY trial_id
    ) USING (trial_id, recorded_at)
),

grid AS (
    SELECT
        trial_id,
        factor.central AS grid_gco2e_per_kwh,
        factor.source AS grid_source,
        regexp_extract(method, '(hourly|yearly|declared)$') AS grid_kind
    FROM (SELECT trial_id, method, unnest(factors) AS factor FROM latest WHERE component = 'operational')
    WHERE factor.quantity = 'grid_gco2e_per_kwh'
),

sides AS (
    SELECT
        trial_id,
        max(emissions_gco2e_low) FILTER (component = 'operational') AS operational_gco2e_low,
        max(emissions_gco2e) FILTER (component = 'operational') AS operational_gco2e,
        max(emissions_gco2e_high) FILTER (component = 'operational') AS operational_gco2e_high,
        max(emissions_gco2e_low) FILTER (component = 'operational_market') AS operational_market_gco2e_low,
        max(emissions_gco2e) FILTER (component = 'operational_market') AS operational_market_gco2e,
        max(emissions_gco2e_high) FILTER (component = 'operational_market') AS operational_market_gco2e_high,
        max(emissions_gco2e_low) FILTER (component = 'embodied') AS embodied_gco2e_low,
        max(emissions_gco2e) FILTER (component = 'embodied') AS embodied_gco2e,
        max(emissions_gco2e_high) FILTER (component = 'embodied') AS embodied_gco2e_high,
        max(basis) FILTER (component = 'operational')::VARCHAR AS operational_basis,
        max(basis) FILTER (component = 'operational_market')::VARCHAR AS operational_market_basis,
        max(basis) FILTER (component = 'embodied')::VARCHAR AS embodied_basis,
        max(basis) FILTER (component <> 'operational_market')::VARCHAR AS basis,
        string_agg(component || ': ' || missing, '; ' ORDER BY component DESC)
            FILTER (component <> 'operational_market') AS reason,
        any_value(missing) FILTER (component = 'operational_market') AS market_reason,
        string_agg(DISTINCT note, '; ') AS note,
        any_value(method_version) AS method_version,
        max(recorded_at) AS recorded_at
    FROM latest
    GROUP BY trial_id
)

SELECT
    m.trial_id,
    m.run_id,
    m.target_id,
    m.workload_id,
    s.operational_gco2e_low,
    s.operational_gco2e,
    s.operational_gco2e_high,
    s.operational_market_gco2e_low,
    s.operational_market_gco2e,
    s.operational_market_gco2e_high,
    s.embodied_gco2e_low,
    s.embodied_gco2e,
    s.embodied_gco2e_high,
    s.operational_gco2e_low / nullif(m.output_tokens / 1e6, 0) AS operational_gco2e_per_output_mtok_low,
    s.operational_gco2e / nullif(m.output_tokens / 1e6, 0) AS operational_gco2e_per_output_mtok,
    s.operational_gco2e_high / nullif(m.output_tokens / 1e6, 0) AS operational_gco2e_per_output_mtok_high,
    s.operational_market_gco2e_low / nullif(m.output_tokens / 1e6, 0) AS operational_market_gco2e_per_output_mtok_low,
    s.operational_market_gco2e / nullif(m.output_tokens / 1e6, 0) AS operational_market_gco2e_per_output_mtok,
    s.operational_market_gco2e_high / nullif(m.output_tokens / 1e6, 0) AS operational_market_gco2e_per_output_mtok_high,
    s.embodied_gco2e_low / nullif(m.output_tokens / 1e6, 0) AS embodied_gco2e_per_output_mtok_low,
    s.embodied_gco2e / nullif(m.output_tokens / 1e6, 0) AS embodied_gco2e_per_output_mtok,
    s.embodied_gco2e_high / nullif(m.output_tokens / 1e6, 0) AS embodied_gco2e_per_output_mtok_high,
    (s.operational_gco2e_low + s.embodied_gco2e_low) / nullif(m.output_tokens / 1e6, 0) AS gco2e_per_output_mtok_low,
    (s.operational_gco2e + s.embodied_gco2e) / nullif(m.output_tokens / 1e6, 0) AS gco2e_per_output_mtok,
    (s.operational_gco2e_high + s.embodied_gco2e_high) / nullif(m.output_tokens / 1e6, 0) AS gco2e_per_output_mtok_high,
    s.operational_basis,
    s.operational_market_basis,
    s.embodied_basis,
    s.basis,
    g.grid_gco2e_per_kwh,
    g.grid_source,
    g.grid_kind,
    CASE
        WHEN s.trial_id IS NULL THEN 'not accounted yet'
        WHEN s.reason IS NOT NULL THEN s.reason
        WHEN m.output_tokens IS NULL THEN 'output tokens are not known'
        WHEN m.output_tokens = 0 THEN 'no output tokens'
    END AS reason,
    s.market_reason,
    s.note,
    s.method_version,
    s.recorded_at
FROM trial_outcomes AS m
LEFT JOIN sides AS s USING (trial_id)
LEFT JOIN grid AS g USING (trial_id);

COMMENT ON VIEW emissions IS 'Emissions of each trial with their ranges: running, by its grid (location) and by what was bought (market), and making; sums are location-based; the latest accounting. Grain: trial.';
COMMENT ON COLUMN emissions.trial_id IS 'The trial.';
COMMENT ON COLUMN emissions.run_id IS 'The run.';
COMMENT ON COLUMN emissions.target_id IS 'The target.';
COMMENT ON COLUMN emissions.workload_id IS 'The workload.';
COMMENT ON COLUMN emissions.operational_gco2e_low IS 'Lower bound, grams of CO2 equivalent.';
COMMENT ON COLUMN emissions.operational_gco2e IS 'Energy x PUE x grid intensity of the trial, grams of CO2 equivalent; NULL is unknown and reason says why.';
COMMENT ON COLUMN emissions.operational_gco2e_high IS 'Upper bound, grams of CO2 equivalent.';
COMMENT ON COLUMN emissions.operational_market_gco2e_low IS 'Lower bound, grams of CO2 equivalent.';
COMMENT ON COLUMN emissions.operational_market_gco2e IS 'Energy x PUE x intensity of what was bought (contracts for the covered part, the residual mix for the rest), grams of CO2 equivalent; NULL is unknown and market_reason says why.';
COMMENT ON COLUMN emissions.operational_market_gco2e_high IS 'Upper bound, grams of CO2 equivalent.';
COMMENT ON COLUMN emissions.embodied_gco2e_low IS 'Lower bound, grams of CO2 equivalent.';
COMMENT ON COLUMN emissions.embodied_gco2e IS 'Making the hardware, its share by time, part and utilisation, grams of CO2 equivalent; NULL is unknown and reason says why.';
COMMENT ON COLUMN emissions.embodied_gco2e_high IS 'Upper bound, grams of CO2 equivalent.';
COMMENT ON COLUMN emissions.operational_gco2e_per_output_mtok_low IS 'Lower bound, grams per million output tokens.';
COMMENT ON COLUMN emissions.operational_gco2e_per_output_mtok IS 'operational_gco2e / output tokens of successful attempts, grams per million.';
COMMENT ON COLUMN emissions.operational_gco2e_per_output_mtok_high IS 'Upper bound, grams per million output tokens.';
COMMENT ON COLUMN emissions.operational_market_gco2e_per_output_mtok_low IS 'Lower bound, grams per million output tokens.';
COMMENT ON COLUMN emissions.operational_market_gco2e_per_output_mtok IS 'operational_market_gco2e / output tokens of successful attempts, grams per million; in no sum.';
COMMENT ON COLUMN emissions.operational_market_gco2e_per_output_mtok_high IS 'Upper bound, grams per million output tokens.';
COMMENT ON COLUMN emissions.embodied_gco2e_per_output_mtok_low IS 'Lower bound, grams per million output tokens.';
COMMENT ON COLUMN emissions.embodied_gco2e_per_output_mtok IS 'embodied_gco2e / output tokens of successful attempts, grams per million.';
COMMENT ON COLUMN emissions.embodied_gco2e_per_output_mtok_high IS 'Upper bound, grams per million output tokens.';
COMMENT ON COLUMN emissions.gco2e_per_output_mtok_low IS 'Lower bound of both together, grams per million output tokens.';
COMMENT ON COLUMN emissions.gco2e_per_output_mtok IS 'Operational and embodied together, grams per million output tokens; NULL if either is unknown.';
COMMENT ON COLUMN emissions.gco2e_per_output_mtok_high IS 'Upper bound of both together, grams per million output tokens.';
COMMENT ON COLUMN emissions.operational_basis IS 'Worst label among the inputs of the operational side.';
COMMENT ON COLUMN emissions.operational_market_basis IS 'Worst label among the inputs of the market-based figure.';
COMMENT ON COLUMN emissions.embodied_basis IS 'Worst label among the inputs of the embodied side.';
COMMENT ON COLUMN emissions.basis IS 'The worse of the operational (location) and the embodied side, as far as they are known: measured, declared, modelled, estimated (best to worst).';
COMMENT ON COLUMN emissions.grid_gco2e_per_kwh IS 'Grid intensity used, grams of CO2 equivalent per kWh.';
COMMENT ON COLUMN emissions.grid_source IS 'Where that intensity was taken from.';
COMMENT ON COLUMN emissions.grid_kind IS 'hourly (the hours of the window, by the energy of each), yearly (the mean of a year) or declared.';
COMMENT ON COLUMN emissions.reason IS 'Why a value is NULL.';
COMMENT ON COLUMN emissions.market_reason IS 'Why the market-based figure is NULL.';
COMMENT ON COLUMN emissions.note IS 'What a reader should know.';
COMMENT ON COLUMN emissions.method_version IS 'Version of the accounting.';
COMMENT ON COLUMN emissions.recorded_at IS 'UTC instant of the accounting.';
