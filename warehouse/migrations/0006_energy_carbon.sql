-- Purpose: energy and carbon that an auditor can follow: metered jobs, hourly grids, the ledger of factors, and accounts of emissions by
-- both conventions, of water and materials, of each attempt's energy, and of what makes a figure uncertain. Landed tables (jobs,
-- grid_hours and the columns added to landed ones) are facts; all others can be computed again, and their rows are added, never changed.

ALTER TABLE trials ADD COLUMN idle_trial_id VARCHAR;
COMMENT ON COLUMN trials.idle_trial_id IS 'Trial whose idle baseline stands for that of this one; NULL if it took its own.';

ALTER TABLE meters ADD COLUMN resolution_s DOUBLE;
ALTER TABLE meters ADD COLUMN power_w_max DOUBLE;
COMMENT ON COLUMN meters.resolution_s IS 'How long a reading may be older than its instant, seconds; NULL if not known.';
COMMENT ON COLUMN meters.power_w_max IS 'The most that the device can draw, watts; NULL if not known.';

ALTER TABLE trial_facts ADD COLUMN ledger VARCHAR;
ALTER TABLE trial_facts ADD COLUMN ledger_key VARCHAR;
ALTER TABLE trial_facts ADD COLUMN factor_version VARCHAR;
COMMENT ON COLUMN trial_facts.ledger IS 'Ledger that the fact was taken from; NULL if it was declared.';
COMMENT ON COLUMN trial_facts.ledger_key IS 'Row of that ledger, such as a zone.';
COMMENT ON COLUMN trial_facts.factor_version IS 'Version of that row, see table factors.';

CREATE TABLE jobs (
    job_id VARCHAR NOT NULL,
    label VARCHAR NOT NULL,
    program VARCHAR NOT NULL,
    exit_code BIGINT,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    window_start_ns BIGINT,
    window_end_ns BIGINT,
    clock_offset_start_ns BIGINT,
    cpu_s DOUBLE,
    cpu_busy_s DOUBLE,
    peak_rss_bytes BIGINT,
    functional_unit VARCHAR,
    functional_units DOUBLE,
    host_id VARCHAR NOT NULL,
    cpu_model VARCHAR NOT NULL,
    cpu_threads BIGINT NOT NULL,
    ram_bytes BIGINT NOT NULL,
    gpu_models VARCHAR,
    os VARCHAR NOT NULL,
    python_version VARCHAR NOT NULL,
    megatoken_version VARCHAR NOT NULL
);
COMMENT ON TABLE jobs IS 'One command that was metered, such as a training run (grain: job); its meters, samples, facts and accounts have its id as trial_id.';
COMMENT ON COLUMN jobs.job_id IS 'The job.';
COMMENT ON COLUMN jobs.label IS 'What the user calls it.';
COMMENT ON COLUMN jobs.program IS 'File name of the program; the command line is not kept, it may hold keys.';
COMMENT ON COLUMN jobs.exit_code IS 'How it ended; negative is the signal that ended it, NULL if it could not be known.';
COMMENT ON COLUMN jobs.started_at IS 'UTC instant at which it started.';
COMMENT ON COLUMN jobs.ended_at IS 'UTC instant at which it ended.';
COMMENT ON COLUMN jobs.window_start_ns IS 'Start of the metered window, monotonic clock of the host, nanoseconds.';
COMMENT ON COLUMN jobs.window_end_ns IS 'End of the metered window, monotonic clock of the host, nanoseconds.';
COMMENT ON COLUMN jobs.clock_offset_start_ns IS 'CLOCK_REALTIME - CLOCK_MONOTONIC at its start, nanoseconds.';
COMMENT ON COLUMN jobs.cpu_s IS 'CPU time of the command and its children, seconds.';
COMMENT ON COLUMN jobs.cpu_busy_s IS 'CPU time of the whole machine in the window, seconds.';
COMMENT ON COLUMN jobs.peak_rss_bytes IS 'Peak memory of the largest of its processes, bytes.';
COMMENT ON COLUMN jobs.functional_unit IS 'What is counted, for example training_token; NULL if nothing.';
COMMENT ON COLUMN jobs.functional_units IS 'How many of them the job made, a count.';
COMMENT ON COLUMN jobs.host_id IS 'The machine it ran on.';
COMMENT ON COLUMN jobs.cpu_model IS 'CPU of that machine.';
COMMENT ON COLUMN jobs.cpu_threads IS 'Hardware threads of that machine, a count.';
COMMENT ON COLUMN jobs.ram_bytes IS 'Memory of that machine, bytes.';
COMMENT ON COLUMN jobs.gpu_models IS 'GPUs of that machine, comma-separated; NULL if it has no NVML device.';
COMMENT ON COLUMN jobs.os IS 'Operating system.';
COMMENT ON COLUMN jobs.python_version IS 'Python that ran the meters.';
COMMENT ON COLUMN jobs.megatoken_version IS 'Version of Megatoken that ran the meters.';

CREATE TABLE grid_hours (
    zone VARCHAR NOT NULL,
    hour_at TIMESTAMPTZ NOT NULL,
    signal VARCHAR NOT NULL,
    gco2e_per_kwh DOUBLE NOT NULL,
    source VARCHAR NOT NULL,
    retrieved_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE grid_hours IS 'Intensity of a grid in one hour, as somebody published it (grain: zone, hour, signal, source, retrieval).';
COMMENT ON COLUMN grid_hours.zone IS 'Zone of the grid, as a site names it.';
COMMENT ON COLUMN grid_hours.hour_at IS 'Start of the hour, UTC instant.';
COMMENT ON COLUMN grid_hours.signal IS 'average or marginal.';
COMMENT ON COLUMN grid_hours.gco2e_per_kwh IS 'Intensity, grams of CO2 equivalent per kWh.';
COMMENT ON COLUMN grid_hours.source IS 'Provider or file.';
COMMENT ON COLUMN grid_hours.retrieved_at IS 'UTC instant of the retrieval; the latest of an hour holds.';

CREATE TABLE factors (
    ledger VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    quantity VARCHAR NOT NULL,
    low DOUBLE,
    central DOUBLE NOT NULL,
    high DOUBLE,
    tag VARCHAR,
    valid_from VARCHAR,
    source VARCHAR NOT NULL,
    retrieved_on VARCHAR,
    factor_version VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    withdrawn_at TIMESTAMPTZ
);
COMMENT ON TABLE factors IS 'Every factor that this warehouse has known, with the span in which it was in force here (grain: ledger, key, quantity, valid_from, version).';
COMMENT ON COLUMN factors.ledger IS 'File of warehouse/reference, without .csv.';
COMMENT ON COLUMN factors.key IS 'Row of it: a zone, a device, a kind of hosting.';
COMMENT ON COLUMN factors.quantity IS 'What it is, named with its unit.';
COMMENT ON COLUMN factors.low IS 'Lower bound, in the unit that quantity names; NULL without a range.';
COMMENT ON COLUMN factors.central IS 'Central value, in the unit that quantity names.';
COMMENT ON COLUMN factors.high IS 'Upper bound, in the unit that quantity names; NULL without a range.';
COMMENT ON COLUMN factors.tag IS 'How sure the value is: read (in its source), computed (from read ones) or recalled (not read again); NULL if not said.';
COMMENT ON COLUMN factors.valid_from IS 'ISO date from which it holds.';
COMMENT ON COLUMN factors.source IS 'Where it was taken from.';
COMMENT ON COLUMN factors.retrieved_on IS 'ISO date on which it was taken.';
COMMENT ON COLUMN factors.factor_version IS 'First 12 hexadecimal digits of the SHA-256 of the row.';
COMMENT ON COLUMN factors.recorded_at IS 'UTC instant at which this warehouse first saw it.';
COMMENT ON COLUMN factors.withdrawn_at IS 'UTC instant at which it was no longer among the reference; NULL while it is.';

ALTER TABLE energy_accounts ADD COLUMN error_bound_j DOUBLE;
ALTER TABLE energy_accounts ADD COLUMN others_active_j DOUBLE;
ALTER TABLE energy_accounts ADD COLUMN idle_window_s DOUBLE;
COMMENT ON COLUMN energy_accounts.error_bound_j IS 'The most by which reading the meter at instants can be wrong, joules; NULL where energy was not metered.';
COMMENT ON COLUMN energy_accounts.others_active_j IS 'Part of active_j that other processes of the machine drew, by CPU time, joules; NULL if not known.';
COMMENT ON COLUMN energy_accounts.idle_window_s IS 'How long idle power was metered for, seconds; NULL without an idle baseline.';

ALTER TABLE energy_accounts ADD COLUMN factors.element.factor_version VARCHAR;
ALTER TABLE cost_accounts ADD COLUMN factors.element.factor_version VARCHAR;
ALTER TABLE emission_accounts ADD COLUMN factors.element.factor_version VARCHAR;

CREATE TABLE impact_accounts (
    trial_id VARCHAR NOT NULL,
    impact VARCHAR NOT NULL,
    component VARCHAR NOT NULL,
    impact_value_low DOUBLE,
    impact_value DOUBLE,
    impact_value_high DOUBLE,
    basis basis_label,
    method VARCHAR NOT NULL,
    method_version VARCHAR NOT NULL,
    missing VARCHAR,
    note VARCHAR,
    factors STRUCT(quantity VARCHAR, low DOUBLE, central DOUBLE, high DOUBLE, basis VARCHAR, valid_from VARCHAR, source VARCHAR, factor_version VARCHAR)[] NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE impact_accounts IS 'Water, materials and primary energy of a trial (grain: trial, impact, component, accounting).';
COMMENT ON COLUMN impact_accounts.trial_id IS 'The trial or job.';
COMMENT ON COLUMN impact_accounts.impact IS 'What, named with its unit: water_l, adpe_kgsbeq or primary_energy_mj.';
COMMENT ON COLUMN impact_accounts.component IS 'operational (running) or embodied (making the hardware).';
COMMENT ON COLUMN impact_accounts.impact_value_low IS 'Lower bound, in the unit that impact names.';
COMMENT ON COLUMN impact_accounts.impact_value IS 'Central value, in the unit that impact names; NULL is unknown and missing says why.';
COMMENT ON COLUMN impact_accounts.impact_value_high IS 'Upper bound, in the unit that impact names.';
COMMENT ON COLUMN impact_accounts.basis IS 'The worst label among the inputs: measured, declared, modelled, estimated.';
COMMENT ON COLUMN impact_accounts.method IS 'Name of the formula.';
COMMENT ON COLUMN impact_accounts.method_version IS 'Version of the accounting; a change of any formula changes it.';
COMMENT ON COLUMN impact_accounts.missing IS 'What is missing for a value, one sentence; NULL if nothing is.';
COMMENT ON COLUMN impact_accounts.note IS 'What a reader of the value should know; NULL if nothing.';
COMMENT ON COLUMN impact_accounts.factors IS 'The facts used, with range, basis, date and source, as they stood.';
COMMENT ON COLUMN impact_accounts.recorded_at IS 'UTC instant of the accounting; rows of one accounting of a trial share it.';

CREATE TABLE attribution_accounts (
    trial_id VARCHAR NOT NULL,
    window_energy_j DOUBLE,
    attributed_j DOUBLE,
    overhead_j DOUBLE,
    prefill_weight_ratio DOUBLE,
    decode_weight_ratio DOUBLE,
    weight_source VARCHAR,
    method VARCHAR NOT NULL,
    method_version VARCHAR NOT NULL,
    missing VARCHAR,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE attribution_accounts IS 'How the energy of a window was divided among its attempts (grain: trial, attribution).';
COMMENT ON COLUMN attribution_accounts.trial_id IS 'The trial.';
COMMENT ON COLUMN attribution_accounts.window_energy_j IS 'Energy that was divided, joules.';
COMMENT ON COLUMN attribution_accounts.attributed_j IS 'Sum over the attempts, joules.';
COMMENT ON COLUMN attribution_accounts.overhead_j IS 'Energy of the time in which no attempt was alive, joules; with attributed_j it is window_energy_j.';
COMMENT ON COLUMN attribution_accounts.prefill_weight_ratio IS 'Weight of a prompt token beside decode_weight_ratio, a ratio.';
COMMENT ON COLUMN attribution_accounts.decode_weight_ratio IS 'Weight of an output token; 1 by convention, a ratio.';
COMMENT ON COLUMN attribution_accounts.weight_source IS 'What the weights rest on.';
COMMENT ON COLUMN attribution_accounts.method IS 'Name of the rule.';
COMMENT ON COLUMN attribution_accounts.method_version IS 'Version of the rule.';
COMMENT ON COLUMN attribution_accounts.missing IS 'Why nothing was divided, one sentence; NULL if it was.';
COMMENT ON COLUMN attribution_accounts.recorded_at IS 'UTC instant of the attribution.';

CREATE TABLE attempt_energy (
    attempt_id VARCHAR NOT NULL,
    trial_id VARCHAR NOT NULL,
    energy_j_low DOUBLE NOT NULL,
    energy_j DOUBLE NOT NULL,
    energy_j_high DOUBLE NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE attempt_energy IS 'The share of each attempt in the energy of its window (grain: attempt, attribution).';
COMMENT ON COLUMN attempt_energy.attempt_id IS 'The attempt.';
COMMENT ON COLUMN attempt_energy.trial_id IS 'Its trial.';
COMMENT ON COLUMN attempt_energy.energy_j_low IS 'Lower bound, joules.';
COMMENT ON COLUMN attempt_energy.energy_j IS 'Central value, joules.';
COMMENT ON COLUMN attempt_energy.energy_j_high IS 'Upper bound, joules.';
COMMENT ON COLUMN attempt_energy.recorded_at IS 'UTC instant of the attribution, as in attribution_accounts.';

CREATE TABLE uncertainty_accounts (
    trial_id VARCHAR NOT NULL,
    figure VARCHAR NOT NULL,
    figure_p05 DOUBLE,
    figure_p50 DOUBLE,
    figure_p95 DOUBLE,
    draws BIGINT,
    seed BIGINT,
    variance_shares STRUCT(quantity VARCHAR, share DOUBLE)[],
    missing VARCHAR,
    method_version VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE uncertainty_accounts IS 'How wide a figure of a trial is and what makes it so, by Monte Carlo over the ranges of its inputs (grain: trial, figure, accounting).';
COMMENT ON COLUMN uncertainty_accounts.trial_id IS 'The trial or job.';
COMMENT ON COLUMN uncertainty_accounts.figure IS 'The figure, named with its unit, for the whole window: energy_j, usd, gco2e, water_l.';
COMMENT ON COLUMN uncertainty_accounts.figure_p05 IS '5th percentile, in the unit that figure names; NULL is unknown and missing says why.';
COMMENT ON COLUMN uncertainty_accounts.figure_p50 IS 'Median, in the unit that figure names.';
COMMENT ON COLUMN uncertainty_accounts.figure_p95 IS '95th percentile, in the unit that figure names.';
COMMENT ON COLUMN uncertainty_accounts.draws IS 'Draws, a count.';
COMMENT ON COLUMN uncertainty_accounts.seed IS 'Seed of the draws.';
COMMENT ON COLUMN uncertainty_accounts.variance_shares IS 'Share (0 to 1) of the variance that each input brings by itself, the largest first.';
COMMENT ON COLUMN uncertainty_accounts.missing IS 'Why it is unknown, one sentence; NULL if it is known.';
COMMENT ON COLUMN uncertainty_accounts.method_version IS 'Version of the accounting.';
COMMENT ON COLUMN uncertainty_accounts.recorded_at IS 'UTC instant of the accounting.';
