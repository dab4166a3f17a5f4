-- Purpose: what a kWh costs in each hour at the site of a run, as its config's tariff file says. Added in schema 6.

CREATE TABLE tariff_hours (
    run_id VARCHAR NOT NULL,
    hour_at TIMESTAMPTZ NOT NULL,
    usd_per_kwh DOUBLE NOT NULL,
    tariff_name VARCHAR NOT NULL
);
COMMENT ON TABLE tariff_hours IS 'What a kWh costs in each hour of the week that begins with a run, where its site has a tariff by the hour (grain: run, hour).';
COMMENT ON COLUMN tariff_hours.run_id IS 'The run whose local targets pay it.';
COMMENT ON COLUMN tariff_hours.hour_at IS 'Start of the hour, UTC instant.';
COMMENT ON COLUMN tariff_hours.usd_per_kwh IS 'Tariff of that hour, US dollars per kWh.';
COMMENT ON COLUMN tariff_hours.tariff_name IS 'Name of the file.';
