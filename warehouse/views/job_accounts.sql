-- Purpose: What each metered job took: energy, emissions and money with their ranges, whose energy it was, and all of it per thing that the job made; the latest accounting.
-- Grain: job.
CREATE OR REPLACE VIEW job_accounts AS
WITH latest_energy AS (
    SELECT *
    FROM energy_accounts
    SEMI JOIN jobs ON trial_id = job_id
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
),

energies AS (
    SELECT
        trial_id AS job_id,
        count(*) = count(energy_j) AS known,
        sum(energy_j_low) AS energy_j_low,
        sum(energy_j) AS energy_j,
        sum(energy_j_high) AS energy_j_high,
        CASE WHEN count(*) = count(error_bound_j) THEN sum(error_bound_j) END AS error_bound_j,
        CASE WHEN count(*) = count(idle_j) THEN sum(idle_j) END AS idle_j,
        CASE WHEN count(*) = count(active_j) THEN sum(active_j) END AS active_j,
        sum(others_active_j) AS others_active_j,
        max(basis) AS basis,
        string_agg(DISTINCT component || ': ' || method, ', ' ORDER BY component || ': ' || method) AS method,
        string_agg(component || ' energy: ' || missing, '; ' ORDER BY component) AS missing,
        string_agg(DISTINCT note, '; ') AS note,
        any_value(method_version) AS method_version,
        max(recorded_at) AS recorded_at
    FROM latest_energy
    WHERE in_total
    GROUP BY trial_id
),

latest_cost AS (
    SELECT *
    FROM cost_accounts
    SEMI JOIN jobs ON trial_id = job_id
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
),

costs AS (
    SELECT
        trial_id AS job_id,
        count(*) = count(cost_usd) AS known,
        sum(cost_usd_low) AS usd_low,
        sum(cost_usd) AS usd,
        sum(cost_usd_high) AS usd_high,
        sum(cost_usd) FILTER (component = 'electricity') AS electricity_usd,
        sum(cost_usd) FILTER (component = 'hardware') AS hardware_usd,
        max(basis) AS basis,
        string_agg(component || ' cost: ' || missing, '; ' ORDER BY component) AS missing
    FROM latest_cost
    GROUP BY trial_id
),

latest_emissions AS (
    SELECT *
    FROM emission_accounts
    SEMI JOIN jobs ON trial_id = job_id
    QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
),

sides AS (
    SELECT
        trial_id AS job_id,
        max(emissions_gco2e_low) FILTER (component = 'operational') AS operational_gco2e_low,
        max(emissions_gco2e) FILTER (component = 'operational') AS operational_gco2e,
        max(emissions_gco2e_high) FILTER (component = 'operational') AS operational_gco2e_high,
        max(emissions_gco2e) FILTER (component = 'operational_market') AS operational_market_gco2e,
        max(emissions_gco2e_low) FILTER (component = 'embodied') AS embodied_gco2e_low,
        max(emissions_gco2e) FILTER (component = 'embodied') AS embodied_gco2e,
        max(emissions_gco2e_high) FILTER (component = 'embodied') AS embodied_gco2e_high,
        max(method) FILTER (component = 'operational') AS operational_method,
        max(basis) FILTER (component IN ('operational', 'embodied')) AS basis,
        -- what nobody bought is no gap in the account: the market-based figure stands beside it
        string_agg(component || ' emissions: ' || missing, '; ' ORDER BY component DESC)
            FILTER (component IN ('operational', 'embodied')) AS missing
    FROM latest_emissions
    GROUP BY trial_id
)

SELECT
    j.job_id,
    j.label,
    j.program,
    j.exit_code,
    j.started_at,
    j.ended_at,
    j.host_id,
    (j.window_end_ns - j.window_start_ns) / 1e9 AS window_s,
    j.cpu_s,
    CASE WHEN j.cpu_s > j.cpu_busy_s THEN 1 ELSE j.cpu_s / nullif(j.cpu_busy_s, 0) END AS own_cpu_share,
    CASE WHEN e.known THEN e.energy_j_low END AS energy_j_low,
    CASE WHEN e.known THEN e.energy_j END AS energy_j,
    CASE WHEN e.known THEN e.energy_j_high END AS energy_j_high,
    CASE WHEN e.known THEN e.error_bound_j END AS error_bound_j,
    CASE WHEN e.known THEN e.energy_j / nullif((j.window_end_ns - j.window_start_ns) / 1e9, 0) END AS power_w_mean,
    CASE WHEN e.known THEN e.idle_j END AS idle_j,
    CASE WHEN e.known THEN e.active_j END AS active_j,
    CASE WHEN e.known THEN e.others_active_j END AS others_active_j,
    CASE WHEN e.known THEN e.active_j - e.others_active_j END AS own_active_j,
    s.operational_gco2e_low,
    s.operational_gco2e,
    s.operational_gco2e_high,
    s.operational_market_gco2e,
    s.embodied_gco2e_low,
    s.embodied_gco2e,
    s.embodied_gco2e_high,
    s.operational_gco2e_low + s.embodied_gco2e_low AS total_gco2e_low,
    s.operational_gco2e + s.embodied_gco2e AS total_gco2e,
    s.operational_gco2e_high + s.embodied_gco2e_high AS total_gco2e_high,
    CASE WHEN c.known THEN c.usd_low END AS usd_low,
    CASE WHEN c.known THEN c.usd END AS usd,
    CASE WHEN c.known THEN c.usd_high END AS usd_high,
    c.electricity_usd,
    c.hardware_usd,
    j.functional_unit,
    j.functional_units,
    CASE WHEN e.known THEN e.energy_j / nullif(j.functional_units, 0) END AS unit_energy_j,
    (s.operational_gco2e_low + s.embodied_gco2e_low) / nullif(j.functional_units, 0) AS sci_gco2e_low,
    (s.operational_gco2e + s.embodied_gco2e) / nullif(j.functional_units, 0) AS sci_gco2e,
    (s.operational_gco2e_high + s.embodied_gco2e_high) / nullif(j.functional_units, 0) AS sci_gco2e_high,
    CASE WHEN c.known THEN c.usd / nullif(j.functional_units, 0) END AS unit_usd,
    CASE WHEN e.known THEN e.basis::VARCHAR END AS energy_basis,
    s.basis::VARCHAR AS emissions_basis,
    CASE WHEN c.known THEN c.basis::VARCHAR END AS usd_basis,
    e.method AS energy_method,
    s.operational_method,
    CASE
        WHEN e.job_id IS NULL THEN 'not accounted yet'
        ELSE nullif(concat_ws('; ', e.missing, s.missing, c.missing), '')
    END AS reason,
    e.note,
    e.method_version,
    e.recorded_at
FROM jobs AS j
LEFT JOIN energies AS e USING (job_id)
LEFT JOIN costs AS c USING (job_id)
LEFT JOIN sides AS s USING (job_id);

COMMENT ON VIEW job_accounts IS 'What each metered job took: energy, emissions and money with their ranges, and all of it per thing that the job made; the latest accounting. Grain: job.';
COMMENT ON COLUMN job_accounts.job_id IS 'The job.';
COMMENT ON COLUMN job_accounts.label IS 'What the user calls it.';
COMMENT ON COLUMN job_accounts.program IS 'File name of the program.';
COMMENT ON COLUMN job_accounts.exit_code IS 'How it ended; negative is the signal that ended it, NULL if it could not be known.';
COMMENT ON COLUMN job_accounts.started_at IS 'UTC instant at which it started.';
COMMENT ON COLUMN job_accounts.ended_at IS 'UTC instant at which it ended.';
COMMENT ON COLUMN job_accounts.host_id IS 'The machine it ran on.';
COMMENT ON COLUMN job_accounts.window_s IS 'The metered window, seconds.';
COMMENT ON COLUMN job_accounts.cpu_s IS 'CPU time of the command and its children, seconds.';
COMMENT ON COLUMN job_accounts.own_cpu_share IS 'cpu_s / CPU time of the whole machine in the window, 0 to 1.';
COMMENT ON COLUMN job_accounts.energy_j_low IS 'Lower bound of the energy in the window, joules.';
COMMENT ON COLUMN job_accounts.energy_j IS 'Energy in the window of all that was metered, whoever used it, joules: energy_method names the parts; without a meter of the whole machine boards, disks, fans and power supplies are not in it. NULL is unknown and reason says why.';
COMMENT ON COLUMN job_accounts.energy_j_high IS 'Upper bound, joules.';
COMMENT ON COLUMN job_accounts.error_bound_j IS 'The most by which reading the meters at instants can be wrong, joules.';
COMMENT ON COLUMN job_accounts.power_w_mean IS 'energy_j / window, watts.';
COMMENT ON COLUMN job_accounts.idle_j IS 'Idle power x window, joules; NULL without an idle baseline.';
COMMENT ON COLUMN job_accounts.active_j IS 'energy_j - idle_j, joules.';
COMMENT ON COLUMN job_accounts.others_active_j IS 'Part of active_j that other processes drew from the CPU, by CPU time, joules; NULL if not known.';
COMMENT ON COLUMN job_accounts.own_active_j IS 'active_j - others_active_j: what this job drew beyond the idle machine, joules; what others drew from memory or GPUs is not known and in it.';
COMMENT ON COLUMN job_accounts.operational_gco2e_low IS 'Lower bound, grams of CO2 equivalent.';
COMMENT ON COLUMN job_accounts.operational_gco2e IS 'Energy x PUE x grid intensity, location-based, grams of CO2 equivalent; NULL is unknown and reason says why.';
COMMENT ON COLUMN job_accounts.operational_gco2e_high IS 'Upper bound, grams of CO2 equivalent.';
COMMENT ON COLUMN job_accounts.operational_market_gco2e IS 'The same by the electricity that was bought, grams of CO2 equivalent; NULL where no contract was declared.';
COMMENT ON COLUMN job_accounts.embodied_gco2e_low IS 'Lower bound, grams of CO2 equivalent.';
COMMENT ON COLUMN job_accounts.embodied_gco2e IS 'Making the hardware, its share by time, part and utilisation, grams of CO2 equivalent; NULL is unknown and reason says why.';
COMMENT ON COLUMN job_accounts.embodied_gco2e_high IS 'Upper bound, grams of CO2 equivalent.';
COMMENT ON COLUMN job_accounts.total_gco2e_low IS 'Lower bound, grams of CO2 equivalent.';
COMMENT ON COLUMN job_accounts.total_gco2e IS 'operational_gco2e + embodied_gco2e, grams of CO2 equivalent; NULL if either is unknown.';
COMMENT ON COLUMN job_accounts.total_gco2e_high IS 'Upper bound, grams of CO2 equivalent.';
COMMENT ON COLUMN job_accounts.usd_low IS 'Lower bound, US dollars.';
COMMENT ON COLUMN job_accounts.usd IS 'Electricity and hardware, US dollars; NULL is unknown and reason says why.';
COMMENT ON COLUMN job_accounts.usd_high IS 'Upper bound, US dollars.';
COMMENT ON COLUMN job_accounts.electricity_usd IS 'Part of usd: energy x PUE x tariff, US dollars.';
COMMENT ON COLUMN job_accounts.hardware_usd IS 'Part of usd: hardware written off by time and utilisation, US dollars.';
COMMENT ON COLUMN job_accounts.functional_unit IS 'What is counted, for example training_token; NULL if nothing.';
COMMENT ON COLUMN job_accounts.functional_units IS 'How many of them the job made, a count.';
COMMENT ON COLUMN job_accounts.unit_energy_j IS 'energy_j / functional_units, joules.';
COMMENT ON COLUMN job_accounts.sci_gco2e_low IS 'Lower bound, grams of CO2 equivalent.';
COMMENT ON COLUMN job_accounts.sci_gco2e IS 'Software carbon intensity: total_gco2e / functional_units, grams of CO2 equivalent per functional unit (ISO/IEC 21031).';
COMMENT ON COLUMN job_accounts.sci_gco2e_high IS 'Upper bound, grams of CO2 equivalent.';
COMMENT ON COLUMN job_accounts.unit_usd IS 'usd / functional_units, US dollars.';
COMMENT ON COLUMN job_accounts.energy_basis IS 'Worst label among the inputs of the energy: measured, declared, modelled, estimated (best to worst).';
COMMENT ON COLUMN job_accounts.emissions_basis IS 'Worst label among the inputs of the emissions.';
COMMENT ON COLUMN job_accounts.usd_basis IS 'Worst label among the inputs of the cost.';
COMMENT ON COLUMN job_accounts.energy_method IS 'Component and method of each part of the energy.';
COMMENT ON COLUMN job_accounts.operational_method IS 'Method of the operational emissions: by the hour, by the year, or declared.';
COMMENT ON COLUMN job_accounts.reason IS 'Why a value is NULL.';
COMMENT ON COLUMN job_accounts.note IS 'What a reader should know.';
COMMENT ON COLUMN job_accounts.method_version IS 'Version of the accounting.';
COMMENT ON COLUMN job_accounts.recorded_at IS 'UTC instant of the accounting.';
