-- Purpose: What a kWh costs a target of ours in an hour: a run lands the week ahead, and of several runs that knew the hour the latest holds.
-- Grain: target, hour.
CREATE OR REPLACE VIEW tariff_hours_latest AS
WITH payers AS (
    SELECT DISTINCT run_id, target_id
    FROM trials
    WHERE kind = 'local'
)

SELECT
    p.target_id,
    h.hour_at,
    arg_max(h.usd_per_kwh, (r.started_at, run_id)) AS usd_per_kwh,
    arg_max(h.tariff_name, (r.started_at, run_id)) AS tariff_name,
    arg_max(run_id, (r.started_at, run_id)) AS run_id,
    count(*) AS runs
FROM tariff_hours AS h
INNER JOIN runs AS r USING (run_id)
INNER JOIN payers AS p USING (run_id)
GROUP BY p.target_id, h.hour_at;

COMMENT ON VIEW tariff_hours_latest IS 'What a kWh costs a target of ours in an hour, as the latest run that knew the hour says: the tariff file of its site, a week ahead. No rows where the tariff is one figure. Grain: target, hour.';
COMMENT ON COLUMN tariff_hours_latest.target_id IS 'The target, served by a machine of ours.';
COMMENT ON COLUMN tariff_hours_latest.hour_at IS 'Start of the hour, UTC instant.';
COMMENT ON COLUMN tariff_hours_latest.usd_per_kwh IS 'Tariff of that hour, US dollars per kWh.';
COMMENT ON COLUMN tariff_hours_latest.tariff_name IS 'Name of the tariff file.';
COMMENT ON COLUMN tariff_hours_latest.run_id IS 'The run that says so.';
COMMENT ON COLUMN tariff_hours_latest.runs IS 'Runs that knew the hour, a count.';
