-- Purpose: What is known of a grid in an hour: of several retrievals, and of several sources, the latest retrieval holds.
-- Grain: zone, hour, signal.
CREATE OR REPLACE VIEW grid_hours_latest AS
SELECT
    zone,
    hour_at,
    signal,
    gco2e_per_kwh,
    source,
    retrieved_at
FROM grid_hours
QUALIFY row_number() OVER (PARTITION BY zone, hour_at, signal ORDER BY retrieved_at DESC, source) = 1;

COMMENT ON VIEW grid_hours_latest IS 'Intensity of a grid in an hour, as it was retrieved last. Grain: zone, hour, signal.';
COMMENT ON COLUMN grid_hours_latest.zone IS 'Zone of the grid, as a site names it.';
COMMENT ON COLUMN grid_hours_latest.hour_at IS 'Start of the hour, UTC instant.';
COMMENT ON COLUMN grid_hours_latest.signal IS 'average or marginal.';
COMMENT ON COLUMN grid_hours_latest.gco2e_per_kwh IS 'Intensity, grams of CO2 equivalent per kWh.';
COMMENT ON COLUMN grid_hours_latest.source IS 'Provider or file.';
COMMENT ON COLUMN grid_hours_latest.retrieved_at IS 'UTC instant of the retrieval.';
