-- Purpose: the accounts of each trial, in joules, dollars and grams. Recomputable from what landed; rows are added, never changed:
-- a later accounting of the same trial stands beside the earlier one, and the views read the latest.
-- The order of the enum is the order of trust, so that max(basis) is the worst label among the inputs.

CREATE TYPE basis_label AS ENUM ('measured', 'declared', 'modelled', 'estimated');

CREATE TABLE energy_accounts (
    trial_id VARCHAR NOT NULL,
    component VARCHAR NOT NULL,
    in_total BOOLEAN NOT NULL,
    energy_j_low DOUBLE,
    energy_j DOUBLE,
    energy_j_high DOUBLE,
    idle_j DOUBLE,
    active_j DOUBLE,
    window_s DOUBLE,
    basis basis_label,
    method VARCHAR NOT NULL,
    method_version VARCHAR NOT NULL,
    missing VARCHAR,
    note VARCHAR,
    factors STRUCT(quantity VARCHAR, low DOUBLE, central DOUBLE, high DOUBLE, basis VARCHAR, valid_from VARCHAR, source VARCHAR)[] NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE energy_accounts IS 'Energy of a trial by component (grain: trial, component, accounting).';
COMMENT ON COLUMN energy_accounts.trial_id IS 'The trial.';
COMMENT ON COLUMN energy_accounts.component IS 'cpu, ram, gpu, machine (all of these), or endpoint (IT energy at a provider).';
COMMENT ON COLUMN energy_accounts.in_total IS 'Whether it counts in the energy of the trial; a meter of the machine replaces those of its parts.';
COMMENT ON COLUMN energy_accounts.energy_j_low IS 'Lower bound, joules in the measured window.';
COMMENT ON COLUMN energy_accounts.energy_j IS 'Central value, joules in the measured window; NULL is unknown and missing says why.';
COMMENT ON COLUMN energy_accounts.energy_j_high IS 'Upper bound, joules in the measured window.';
COMMENT ON COLUMN energy_accounts.idle_j IS 'Idle power times window, joules; NULL without an idle baseline.';
COMMENT ON COLUMN energy_accounts.active_j IS 'Energy minus idle, joules; NULL without an idle baseline.';
COMMENT ON COLUMN energy_accounts.window_s IS 'The metered window, seconds; NULL where energy was not metered.';
COMMENT ON COLUMN energy_accounts.basis IS 'The worst label among the inputs: measured, declared, modelled, estimated.';
COMMENT ON COLUMN energy_accounts.method IS 'Name of the formula.';
COMMENT ON COLUMN energy_accounts.method_version IS 'Version of the accounting; a change of any formula changes it.';
COMMENT ON COLUMN energy_accounts.missing IS 'What is missing for a value, one sentence; NULL if nothing is.';
COMMENT ON COLUMN energy_accounts.note IS 'What a reader of the value should know; NULL if nothing.';
COMMENT ON COLUMN energy_accounts.factors IS 'The facts used, with range, basis, date and source, as they stood.';
COMMENT ON COLUMN energy_accounts.recorded_at IS 'UTC instant of the accounting; rows of one accounting of a trial share it.';

CREATE TABLE cost_accounts (
    trial_id VARCHAR NOT NULL,
    component VARCHAR NOT NULL,
    cost_usd_low DOUBLE,
    cost_usd DOUBLE,
    cost_usd_high DOUBLE,
    basis basis_label,
    method VARCHAR NOT NULL,
    method_version VARCHAR NOT NULL,
    missing VARCHAR,
    note VARCHAR,
    factors STRUCT(quantity VARCHAR, low DOUBLE, central DOUBLE, high DOUBLE, basis VARCHAR, valid_from VARCHAR, source VARCHAR)[] NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE cost_accounts IS 'Money a trial cost by component (grain: trial, component, accounting).';
COMMENT ON COLUMN cost_accounts.trial_id IS 'The trial.';
COMMENT ON COLUMN cost_accounts.component IS 'tokens (a price list), electricity or hardware.';
COMMENT ON COLUMN cost_accounts.cost_usd_low IS 'Lower bound, US dollars for the measured window.';
COMMENT ON COLUMN cost_accounts.cost_usd IS 'Central value, US dollars for the measured window; NULL is unknown and missing says why.';
COMMENT ON COLUMN cost_accounts.cost_usd_high IS 'Upper bound, US dollars for the measured window.';
COMMENT ON COLUMN cost_accounts.basis IS 'The worst label among the inputs: measured, declared, modelled, estimated.';
COMMENT ON COLUMN cost_accounts.method IS 'Name of the formula.';
COMMENT ON COLUMN cost_accounts.method_version IS 'Version of the accounting; a change of any formula changes it.';
COMMENT ON COLUMN cost_accounts.missing IS 'What is missing for a value, one sentence; NULL if nothing is.';
COMMENT ON COLUMN cost_accounts.note IS 'What a reader of the value should know; NULL if nothing.';
COMMENT ON COLUMN cost_accounts.factors IS 'The facts used, with range, basis, date and source, as they stood.';
COMMENT ON COLUMN cost_accounts.recorded_at IS 'UTC instant of the accounting; rows of one accounting of a trial share it.';

CREATE TABLE emission_accounts (
    trial_id VARCHAR NOT NULL,
    component VARCHAR NOT NULL,
    emissions_gco2e_low DOUBLE,
    emissions_gco2e DOUBLE,
    emissions_gco2e_high DOUBLE,
    basis basis_label,
    method VARCHAR NOT NULL,
    method_version VARCHAR NOT NULL,
    missing VARCHAR,
    note VARCHAR,
    factors STRUCT(quantity VARCHAR, low DOUBLE, central DOUBLE, high DOUBLE, basis VARCHAR, valid_from VARCHAR, source VARCHAR)[] NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE emission_accounts IS 'Emissions of a trial by component (grain: trial, component, accounting).';
COMMENT ON COLUMN emission_accounts.trial_id IS 'The trial.';
COMMENT ON COLUMN emission_accounts.component IS 'operational (energy x PUE x grid intensity, location-based) or embodied (making the hardware, by time).';
COMMENT ON COLUMN emission_accounts.emissions_gco2e_low IS 'Lower bound, grams of CO2 equivalent for the measured window.';
COMMENT ON COLUMN emission_accounts.emissions_gco2e IS 'Central value, grams of CO2 equivalent for the measured window; NULL is unknown and missing says why.';
COMMENT ON COLUMN emission_accounts.emissions_gco2e_high IS 'Upper bound, grams of CO2 equivalent for the measured window.';
COMMENT ON COLUMN emission_accounts.basis IS 'The worst label among the inputs: measured, declared, modelled, estimated.';
COMMENT ON COLUMN emission_accounts.method IS 'Name of the formula.';
COMMENT ON COLUMN emission_accounts.method_version IS 'Version of the accounting; a change of any formula changes it.';
COMMENT ON COLUMN emission_accounts.missing IS 'What is missing for a value, one sentence; NULL if nothing is.';
COMMENT ON COLUMN emission_accounts.note IS 'What a reader of the value should know; NULL if nothing.';
COMMENT ON COLUMN emission_accounts.factors IS 'The facts used, with range, basis, date and source, as they stood.';
COMMENT ON COLUMN emission_accounts.recorded_at IS 'UTC instant of the accounting; rows of one accounting of a trial share it.';
