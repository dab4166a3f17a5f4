-- Purpose: Which hours of which grid are known, from whom, how many are missing in between, and how old that is.
-- Grain: zone, signal, source.
CREATE OR REPLACE VIEW grid_coverage AS
SELECT
    zone,
    signal,
    source,
    min(hour_at) AS first_hour_at,
    max(hour_at) AS last_hour_at,
    count(DISTINCT hour_at) AS hours,
    date_diff('hour', min(hour_at), max(hour_at)) + 1 - count(DISTINCT hour_at) AS missing_hours,
    count(*) - count(DISTINCT hour_at) AS revisions,
    min(gco2e_per_kwh) AS lowest_gco2e_per_kwh,
    max(gco2e_per_kwh) AS highest_gco2e_per_kwh,
    max(retrieved_at) AS retrieved_at
FROM grid_hours
GROUP BY zone, signal, source;

COMMENT ON VIEW grid_coverage IS 'Which hours of which grid are known, and from whom. Grain: zone, signal, source.';
COMMENT ON COLUMN grid_coverage.zone IS 'Zone of the grid, as a site names it.';
COMMENT ON COLUMN grid_coverage.signal IS 'average or marginal.';
COMMENT ON COLUMN grid_coverage.source IS 'Provider or file.';
COMMENT ON COLUMN grid_coverage.first_hour_at IS 'Start of the first hour, UTC instant.';
COMMENT ON COLUMN grid_coverage.last_hour_at IS 'Start of the last hour, UTC instant.';
COMMENT ON COLUMN grid_coverage.hours IS 'Hours that are known, a count.';
COMMENT ON COLUMN grid_coverage.missing_hours IS 'Hours between the first and the last that are not known, a count.';
COMMENT ON COLUMN grid_coverage.revisions IS 'Rows that a later retrieval has replaced, a count.';
COMMENT ON COLUMN grid_coverage.lowest_gco2e_per_kwh IS 'Lowest intensity of an hour, grams of CO2 equivalent per kWh.';
COMMENT ON COLUMN grid_coverage.highest_gco2e_per_kwh IS 'Highest intensity of an hour, grams of CO2 equivalent per kWh.';
COMMENT ON COLUMN grid_coverage.retrieved_at IS 'UTC instant of the last retrieval.';
