-- Purpose: what lands, one table for each dataclass of warehouse/rows.py (columns in its order), and the ledger of what was loaded.
-- Numbered migrations are applied once and never edited; a change is the next number.

CREATE TABLE runs (
    run_id VARCHAR NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    config_name VARCHAR NOT NULL,
    config_sha256 VARCHAR NOT NULL,
    config_toml VARCHAR,
    host_id VARCHAR NOT NULL,
    megatoken_version VARCHAR NOT NULL,
    quote_usd_worst DOUBLE,
    max_usd DOUBLE,
    PRIMARY KEY (run_id)
);
COMMENT ON TABLE runs IS 'One config executed once, a night or an ad hoc bench (grain: run).';
COMMENT ON COLUMN runs.run_id IS 'Name of the run; a re-run under the same name measures only what has not landed.';
COMMENT ON COLUMN runs.started_at IS 'UTC instant at which the run began.';
COMMENT ON COLUMN runs.config_name IS 'Name of the config file, or what stands for it.';
COMMENT ON COLUMN runs.config_sha256 IS 'SHA-256 of the config as read, hexadecimal.';
COMMENT ON COLUMN runs.config_toml IS 'Text of the config as read; keys are named in it, never held.';
COMMENT ON COLUMN runs.host_id IS 'The machine that ran it.';
COMMENT ON COLUMN runs.megatoken_version IS 'Version of Megatoken that ran it.';
COMMENT ON COLUMN runs.quote_usd_worst IS 'Worst-case price quoted before the run, US dollars; NULL if a price is unknown.';
COMMENT ON COLUMN runs.max_usd IS 'Budget at which the run stops, US dollars; NULL if none was set.';

CREATE TABLE planned_trials (
    run_id VARCHAR NOT NULL,
    target_id VARCHAR NOT NULL,
    workload_id VARCHAR NOT NULL,
    planned_requests BIGINT NOT NULL,
    quote_usd_worst DOUBLE,
    skip_reason VARCHAR,
    PRIMARY KEY (run_id, target_id, workload_id)
);
COMMENT ON TABLE planned_trials IS 'The plan of a run, one row for each target under each workload, and why a cell was not measured (grain: run, target, workload).';
COMMENT ON COLUMN planned_trials.run_id IS 'The run.';
COMMENT ON COLUMN planned_trials.target_id IS 'The target.';
COMMENT ON COLUMN planned_trials.workload_id IS 'The workload.';
COMMENT ON COLUMN planned_trials.planned_requests IS 'Measured requests planned, a count.';
COMMENT ON COLUMN planned_trials.quote_usd_worst IS 'Worst-case price of this cell, US dollars; NULL if a price is unknown.';
COMMENT ON COLUMN planned_trials.skip_reason IS 'Why this cell was not measured; NULL if it was to be measured.';

CREATE TABLE run_ends (
    run_id VARCHAR NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR
);
COMMENT ON TABLE run_ends IS 'How a run, or a re-run of the same run_id, ended (grain: end of a run).';
COMMENT ON COLUMN run_ends.run_id IS 'The run.';
COMMENT ON COLUMN run_ends.ended_at IS 'UTC instant at which it ended.';
COMMENT ON COLUMN run_ends.state IS 'completed, failed_targets, stopped_at_budget or aborted.';
COMMENT ON COLUMN run_ends.reason IS 'One sentence; NULL if there is nothing to say.';

CREATE TABLE trials (
    trial_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    target_id VARCHAR NOT NULL,
    workload_id VARCHAR NOT NULL,
    try_number BIGINT NOT NULL,
    status VARCHAR NOT NULL,
    status_reason VARCHAR,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    window_start_ns BIGINT,
    window_end_ns BIGINT,
    clock_offset_start_ns BIGINT,
    clock_offset_end_ns BIGINT,
    kind VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    quantisation VARCHAR,
    weights_sha256 VARCHAR,
    weights_note VARCHAR,
    base_url VARCHAR,
    api VARCHAR NOT NULL,
    region VARCHAR,
    engine VARCHAR,
    engine_version VARCHAR,
    device VARCHAR,
    threads BIGINT,
    slots BIGINT,
    engine_ready_s DOUBLE,
    arrivals VARCHAR NOT NULL,
    concurrency BIGINT,
    rate_rps DOUBLE,
    requests_planned BIGINT,
    prompt_tokens_asked BIGINT NOT NULL,
    output_tokens_asked BIGINT NOT NULL,
    slo_ttft_s DOUBLE NOT NULL,
    slo_tpot_s DOUBLE NOT NULL,
    seed BIGINT NOT NULL,
    stamp_source VARCHAR,
    client_cpu_s DOUBLE,
    engine_cpu_s DOUBLE,
    cpu_share_others DOUBLE,
    load_average_1m DOUBLE,
    host_id VARCHAR NOT NULL,
    cpu_model VARCHAR NOT NULL,
    cpu_threads BIGINT NOT NULL,
    ram_bytes BIGINT NOT NULL,
    gpu_models VARCHAR,
    os VARCHAR NOT NULL,
    python_version VARCHAR NOT NULL,
    megatoken_version VARCHAR NOT NULL,
    PRIMARY KEY (trial_id)
);
COMMENT ON TABLE trials IS 'One target under one workload, once, and the machine and client it was measured by (grain: trial).';
COMMENT ON COLUMN trials.trial_id IS 'RUN.TARGET.WORKLOAD.TRY.';
COMMENT ON COLUMN trials.run_id IS 'The run it belongs to.';
COMMENT ON COLUMN trials.target_id IS 'What served the tokens.';
COMMENT ON COLUMN trials.workload_id IS 'Prompts, arrivals, lengths and SLO it served.';
COMMENT ON COLUMN trials.try_number IS 'First try is 1; a trial measured again in the same run counts up.';
COMMENT ON COLUMN trials.status IS 'completed, timed_out, aborted, crashed or setup_failed.';
COMMENT ON COLUMN trials.status_reason IS 'One sentence; NULL if it completed.';
COMMENT ON COLUMN trials.started_at IS 'UTC instant at which the trial process began.';
COMMENT ON COLUMN trials.ended_at IS 'UTC instant at which it ended.';
COMMENT ON COLUMN trials.window_start_ns IS 'First measured send, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN trials.window_end_ns IS 'Last byte of the last measured attempt, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN trials.clock_offset_start_ns IS 'CLOCK_REALTIME minus CLOCK_MONOTONIC at the start of the trial, nanoseconds.';
COMMENT ON COLUMN trials.clock_offset_end_ns IS 'The same at its end, nanoseconds; a difference is a step or drift of the wall clock.';
COMMENT ON COLUMN trials.kind IS 'endpoint (somebody serves it) or local (an engine we start).';
COMMENT ON COLUMN trials.provider IS 'Who serves it, or the engine of a local target.';
COMMENT ON COLUMN trials.model IS 'Model name as asked for.';
COMMENT ON COLUMN trials.quantisation IS 'Number format of the weights, where known.';
COMMENT ON COLUMN trials.weights_sha256 IS 'SHA-256 of the weights file, hexadecimal.';
COMMENT ON COLUMN trials.weights_note IS 'What to know about the weights, for example what they were made from.';
COMMENT ON COLUMN trials.base_url IS 'Address of the endpoint; NULL for a local target.';
COMMENT ON COLUMN trials.api IS 'Wire format spoken.';
COMMENT ON COLUMN trials.region IS 'Where the endpoint says it runs.';
COMMENT ON COLUMN trials.engine IS 'Inference engine of a local target.';
COMMENT ON COLUMN trials.engine_version IS 'Version of that engine.';
COMMENT ON COLUMN trials.device IS 'cpu or cuda; NULL for an endpoint.';
COMMENT ON COLUMN trials.threads IS 'Engine threads, a count.';
COMMENT ON COLUMN trials.slots IS 'Requests the engine can serve at once, a count.';
COMMENT ON COLUMN trials.engine_ready_s IS 'From engine start to ready, seconds.';
COMMENT ON COLUMN trials.arrivals IS 'closed (a fixed number in flight), constant or poisson (planned sends).';
COMMENT ON COLUMN trials.concurrency IS 'Closed loop only: requests kept in flight, a count.';
COMMENT ON COLUMN trials.rate_rps IS 'Open loop only: planned rate, requests per second.';
COMMENT ON COLUMN trials.requests_planned IS 'Measured requests planned, a count; NULL when the trial was to last for a time instead.';
COMMENT ON COLUMN trials.prompt_tokens_asked IS 'Prompt length aimed at, tokens.';
COMMENT ON COLUMN trials.output_tokens_asked IS 'Output length asked for, tokens.';
COMMENT ON COLUMN trials.slo_ttft_s IS 'Service level: time to first token at most this, seconds.';
COMMENT ON COLUMN trials.slo_tpot_s IS 'Service level: time per output token at most this, seconds.';
COMMENT ON COLUMN trials.seed IS 'Seed of prompts and arrivals.';
COMMENT ON COLUMN trials.stamp_source IS 'Where receive times come from: kernel (socket timestamp) or read (clock after the read call).';
COMMENT ON COLUMN trials.client_cpu_s IS 'CPU time of the load client in the window, seconds.';
COMMENT ON COLUMN trials.engine_cpu_s IS 'CPU time of a local engine in the window, seconds.';
COMMENT ON COLUMN trials.cpu_share_others IS 'Share (0 to 1) of the CPU of the machine taken by processes that are not ours, in the window.';
COMMENT ON COLUMN trials.load_average_1m IS 'Load average of the last minute at the end of the window, runnable tasks.';
COMMENT ON COLUMN trials.host_id IS 'The machine that measured it.';
COMMENT ON COLUMN trials.cpu_model IS 'CPU of that machine.';
COMMENT ON COLUMN trials.cpu_threads IS 'Hardware threads of that machine, a count.';
COMMENT ON COLUMN trials.ram_bytes IS 'Memory of that machine, bytes.';
COMMENT ON COLUMN trials.gpu_models IS 'GPUs of that machine, comma-separated; NULL if it has no NVML device.';
COMMENT ON COLUMN trials.os IS 'Operating system.';
COMMENT ON COLUMN trials.python_version IS 'Python that ran the client.';
COMMENT ON COLUMN trials.megatoken_version IS 'Version of Megatoken that ran the client.';

CREATE TABLE attempts (
    attempt_id VARCHAR NOT NULL,
    trial_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    phase VARCHAR NOT NULL,
    retry_of VARCHAR,
    started_at TIMESTAMPTZ,
    t_sched_ns BIGINT,
    t_start_ns BIGINT,
    t_conn_ns BIGINT,
    t_sent_ns BIGINT,
    t_byte_ns BIGINT,
    t_first_ns BIGINT,
    t_visible_ns BIGINT,
    t_last_ns BIGINT,
    t_end_ns BIGINT,
    stamp_source VARCHAR,
    connection_reused BOOLEAN,
    http_status BIGINT,
    error_class VARCHAR,
    error_message VARCHAR,
    finish_reason VARCHAR,
    response_bytes BIGINT,
    reads BIGINT,
    chunks BIGINT,
    coalesced_chunks BIGINT,
    chunk_gap_p50_ns BIGINT,
    chunk_gap_p95_ns BIGINT,
    chunk_gap_p99_ns BIGINT,
    chunk_gap_max_ns BIGINT,
    prompt_tokens BIGINT,
    cached_tokens BIGINT,
    output_tokens BIGINT,
    reasoning_tokens BIGINT,
    streamed_tokens BIGINT,
    token_source VARCHAR,
    model_returned VARCHAR,
    system_fingerprint VARCHAR
);
COMMENT ON TABLE attempts IS 'One request of a trial, successful or not, with the raw readings of the client monotonic clock (grain: attempt).';
COMMENT ON COLUMN attempts.attempt_id IS 'TRIAL.SEQ; also sent as X-Request-Id.';
COMMENT ON COLUMN attempts.trial_id IS 'The trial it belongs to.';
COMMENT ON COLUMN attempts.seq IS 'Order of planning inside the trial, from 0.';
COMMENT ON COLUMN attempts.phase IS 'warmup (counts in nothing) or measured.';
COMMENT ON COLUMN attempts.retry_of IS 'attempt_id of the attempt that this one repeats; NULL for a first attempt.';
COMMENT ON COLUMN attempts.started_at IS 'UTC instant of t_start_ns.';
COMMENT ON COLUMN attempts.t_sched_ns IS 'Planned send, client monotonic clock, nanoseconds; NULL in a closed loop.';
COMMENT ON COLUMN attempts.t_start_ns IS 'The instant before the send call, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN attempts.t_conn_ns IS 'Connection ready, where this attempt had to wait for one, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN attempts.t_sent_ns IS 'Last request byte handed to the kernel, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN attempts.t_byte_ns IS 'First byte of the response body, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN attempts.t_first_ns IS 'First generated payload of any kind, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN attempts.t_visible_ns IS 'First payload that is not reasoning, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN attempts.t_last_ns IS 'Last payload, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN attempts.t_end_ns IS 'Response complete, or the failure, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN attempts.stamp_source IS 'Where receive times come from: kernel or read.';
COMMENT ON COLUMN attempts.connection_reused IS 'Whether the connection had served an earlier request.';
COMMENT ON COLUMN attempts.http_status IS 'HTTP status code; NULL if none came.';
COMMENT ON COLUMN attempts.error_class IS 'NULL is success, else a class of the error taxonomy.';
COMMENT ON COLUMN attempts.error_message IS 'One sentence about the failure.';
COMMENT ON COLUMN attempts.finish_reason IS 'Why generation ended, as the server said.';
COMMENT ON COLUMN attempts.response_bytes IS 'Body bytes received.';
COMMENT ON COLUMN attempts.reads IS 'Socket reads that brought body bytes, a count.';
COMMENT ON COLUMN attempts.chunks IS 'Payload events, a count.';
COMMENT ON COLUMN attempts.coalesced_chunks IS 'Payload events that shared a read with an earlier one, a count; their time is that of the read.';
COMMENT ON COLUMN attempts.chunk_gap_p50_ns IS 'Median gap between payload events, nanoseconds.';
COMMENT ON COLUMN attempts.chunk_gap_p95_ns IS '95th percentile of the gaps, nanoseconds.';
COMMENT ON COLUMN attempts.chunk_gap_p99_ns IS '99th percentile of the gaps, nanoseconds.';
COMMENT ON COLUMN attempts.chunk_gap_max_ns IS 'Longest gap, nanoseconds.';
COMMENT ON COLUMN attempts.prompt_tokens IS 'Prompt tokens, cached ones included.';
COMMENT ON COLUMN attempts.cached_tokens IS 'Prompt tokens read from the cache of the server.';
COMMENT ON COLUMN attempts.output_tokens IS 'All generated tokens, hidden reasoning included: for money and energy.';
COMMENT ON COLUMN attempts.reasoning_tokens IS 'Generated tokens that were reasoning.';
COMMENT ON COLUMN attempts.streamed_tokens IS 'Generated tokens that were streamed: the divisor of decode speed.';
COMMENT ON COLUMN attempts.token_source IS 'server, or local:<tokenizer>.';
COMMENT ON COLUMN attempts.model_returned IS 'Model name in the answer.';
COMMENT ON COLUMN attempts.system_fingerprint IS 'Backend fingerprint in the answer.';

CREATE TABLE meters (
    trial_id VARCHAR NOT NULL,
    meter VARCHAR NOT NULL,
    component VARCHAR NOT NULL,
    basis VARCHAR NOT NULL,
    method VARCHAR NOT NULL,
    device VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    valid BOOLEAN NOT NULL,
    invalid_reason VARCHAR,
    PRIMARY KEY (trial_id, meter)
);
COMMENT ON TABLE meters IS 'One meter that watched a trial (grain: trial, meter).';
COMMENT ON COLUMN meters.trial_id IS 'The trial watched.';
COMMENT ON COLUMN meters.meter IS 'Name of the meter, for example nvml:0, rapl:package-0, modelled:cpu.';
COMMENT ON COLUMN meters.component IS 'What it meters: cpu, ram, gpu, or machine (everything).';
COMMENT ON COLUMN meters.basis IS 'measured, modelled, estimated or declared.';
COMMENT ON COLUMN meters.method IS 'How it reads, for example nvml-energy-counter.';
COMMENT ON COLUMN meters.device IS 'The device read.';
COMMENT ON COLUMN meters.source IS 'What the method rests on: the counter of the driver, a data file and its version, the paper of a formula.';
COMMENT ON COLUMN meters.valid IS 'Whether its readings hold for the whole trial.';
COMMENT ON COLUMN meters.invalid_reason IS 'Why not; NULL if valid.';

CREATE TABLE power_samples (
    trial_id VARCHAR NOT NULL,
    meter VARCHAR NOT NULL,
    phase VARCHAR NOT NULL,
    t_ns BIGINT NOT NULL,
    energy_j DOUBLE,
    power_w_low DOUBLE,
    power_w DOUBLE,
    power_w_high DOUBLE,
    load_share DOUBLE
);
COMMENT ON TABLE power_samples IS 'One reading of one meter (grain: trial, meter, instant).';
COMMENT ON COLUMN power_samples.trial_id IS 'The trial watched.';
COMMENT ON COLUMN power_samples.meter IS 'The meter read.';
COMMENT ON COLUMN power_samples.phase IS 'idle (target ready, no requests), warmup (counts in nothing) or load.';
COMMENT ON COLUMN power_samples.t_ns IS 'Instant of the reading, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN power_samples.energy_j IS 'Cumulative counter, unwrapped, joules; NULL for a power meter.';
COMMENT ON COLUMN power_samples.power_w_low IS 'Lower bound of the power, watts; NULL without a range.';
COMMENT ON COLUMN power_samples.power_w IS 'Power, watts; NULL for a counter.';
COMMENT ON COLUMN power_samples.power_w_high IS 'Upper bound of the power, watts; NULL without a range.';
COMMENT ON COLUMN power_samples.load_share IS 'Load of the device, 0 to 1, where the meter reports one.';

CREATE TABLE trial_facts (
    trial_id VARCHAR NOT NULL,
    quantity VARCHAR NOT NULL,
    low DOUBLE,
    central DOUBLE NOT NULL,
    high DOUBLE,
    basis VARCHAR NOT NULL,
    valid_from VARCHAR,
    source VARCHAR NOT NULL,
    PRIMARY KEY (trial_id, quantity)
);
COMMENT ON TABLE trial_facts IS 'One dated fact that the accounts of a trial rest on, as it stood at the time (grain: trial, quantity).';
COMMENT ON COLUMN trial_facts.trial_id IS 'The trial it was in force for.';
COMMENT ON COLUMN trial_facts.quantity IS 'What it is, named with its unit, for example grid_gco2e_per_kwh.';
COMMENT ON COLUMN trial_facts.low IS 'Lower bound, in the unit that quantity names; NULL without a range.';
COMMENT ON COLUMN trial_facts.central IS 'Central value, in the unit that quantity names.';
COMMENT ON COLUMN trial_facts.high IS 'Upper bound, in the unit that quantity names; NULL without a range.';
COMMENT ON COLUMN trial_facts.basis IS 'measured, modelled, estimated or declared.';
COMMENT ON COLUMN trial_facts.valid_from IS 'ISO date from which the source says it holds; NULL if it does not say.';
COMMENT ON COLUMN trial_facts.source IS 'Where the value was taken from.';

CREATE TABLE loaded_batches (
    batch_id VARCHAR NOT NULL,
    host_id VARCHAR NOT NULL,
    landed_path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    schema_number BIGINT NOT NULL,
    landed_rows BIGINT NOT NULL,
    landed_at TIMESTAMPTZ NOT NULL,
    loaded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (batch_id)
);
COMMENT ON TABLE loaded_batches IS 'The ledger: which landed batches are in the warehouse (grain: batch).';
COMMENT ON COLUMN loaded_batches.batch_id IS 'Name of the batch; a batch is loaded once.';
COMMENT ON COLUMN loaded_batches.host_id IS 'The machine that landed it.';
COMMENT ON COLUMN loaded_batches.landed_path IS 'Folder of the batch, relative to landing/.';
COMMENT ON COLUMN loaded_batches.sha256 IS 'SHA-256 of its manifest, which holds the SHA-256 of each of its files, hexadecimal.';
COMMENT ON COLUMN loaded_batches.schema_number IS 'Number of the landing schema it was written under.';
COMMENT ON COLUMN loaded_batches.landed_rows IS 'Rows in all of its files, a count.';
COMMENT ON COLUMN loaded_batches.landed_at IS 'UTC instant at which it landed.';
COMMENT ON COLUMN loaded_batches.loaded_at IS 'UTC instant at which it was loaded.';

CREATE TABLE written_views (
    sha256 VARCHAR NOT NULL,
    written_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE written_views IS 'Which text the views of this file were last written from (one row).';
COMMENT ON COLUMN written_views.sha256 IS 'SHA-256 of the text of all views, hexadecimal.';
COMMENT ON COLUMN written_views.written_at IS 'UTC instant at which they were written.';
