-- Purpose: what the load client says of itself, how a trial was planned, and searches; added in schema 2.

ALTER TABLE trials ADD COLUMN group_id VARCHAR;
ALTER TABLE trials ADD COLUMN search_id VARCHAR;
ALTER TABLE trials ADD COLUMN search_point BIGINT;
ALTER TABLE trials ADD COLUMN repeat_number BIGINT;
ALTER TABLE trials ADD COLUMN burstiness DOUBLE;
ALTER TABLE trials ADD COLUMN rate_end_rps DOUBLE;
ALTER TABLE trials ADD COLUMN trace_name VARCHAR;
ALTER TABLE trials ADD COLUMN trace_sha256 VARCHAR;
ALTER TABLE trials ADD COLUMN client_processes BIGINT;
ALTER TABLE trials ADD COLUMN loop_busy_share DOUBLE;
ALTER TABLE trials ADD COLUMN receive_lag_p99_ns BIGINT;
ALTER TABLE trials ADD COLUMN receive_lag_max_ns BIGINT;
ALTER TABLE trials ADD COLUMN suspended_ns BIGINT;
ALTER TABLE trials ADD COLUMN clock_step_ns BIGINT;
ALTER TABLE trials ADD COLUMN sends_planned BIGINT;
ALTER TABLE trials ADD COLUMN sends_missed BIGINT;
ALTER TABLE trials ADD COLUMN client_rss_bytes BIGINT;
ALTER TABLE trials ADD COLUMN selftest_at TIMESTAMPTZ;
ALTER TABLE trials ADD COLUMN selftest_streams BIGINT;
ALTER TABLE trials ADD COLUMN selftest_ttft_error_p99_ns BIGINT;
ALTER TABLE trials ADD COLUMN selftest_tpot_error_p99_ns BIGINT;
ALTER TABLE trials ADD COLUMN selftest_concurrency_share DOUBLE;
ALTER TABLE trials ADD COLUMN steady_start_ns BIGINT;
ALTER TABLE trials ADD COLUMN steady_end_ns BIGINT;
ALTER TABLE trials ADD COLUMN steady_output_tokens DOUBLE;
COMMENT ON COLUMN trials.group_id IS 'Trials measured by one client with interleaved attempts share it; NULL for a trial measured by itself.';
COMMENT ON COLUMN trials.search_id IS 'The sweep or service level search that this trial is a point of.';
COMMENT ON COLUMN trials.search_point IS 'Order of the point in its search, from 0.';
COMMENT ON COLUMN trials.repeat_number IS 'Which measurement of this target under this workload in the run it is; the first is 1.';
COMMENT ON COLUMN trials.burstiness IS 'Gamma arrivals: shape of the gaps; 1 is Poisson, below 1 comes in bursts.';
COMMENT ON COLUMN trials.rate_end_rps IS 'Ramps: planned rate at the end, requests per second.';
COMMENT ON COLUMN trials.trace_name IS 'File name of the replayed trace or of the rates.';
COMMENT ON COLUMN trials.trace_sha256 IS 'SHA-256 of that file, hexadecimal.';
COMMENT ON COLUMN trials.client_processes IS 'Processes of the load client, a count.';
COMMENT ON COLUMN trials.loop_busy_share IS 'Share (0 to 1) of the time of the load loop that it did not wait; of the busiest process.';
COMMENT ON COLUMN trials.receive_lag_p99_ns IS 'From the receive stamp of the kernel to our read, 99th percentile, nanoseconds.';
COMMENT ON COLUMN trials.receive_lag_max_ns IS 'The same, largest, nanoseconds.';
COMMENT ON COLUMN trials.suspended_ns IS 'Longest time for which the client did not run although it wanted to (stopped, or starved of CPU), nanoseconds.';
COMMENT ON COLUMN trials.clock_step_ns IS 'Largest jump of CLOCK_REALTIME against CLOCK_MONOTONIC in the trial, signed, nanoseconds.';
COMMENT ON COLUMN trials.sends_planned IS 'Open loop: sends that were due inside the window, a count.';
COMMENT ON COLUMN trials.sends_missed IS 'Of them, not made or made more than 50 ms late, a count.';
COMMENT ON COLUMN trials.client_rss_bytes IS 'Peak resident memory of the load client, bytes.';
COMMENT ON COLUMN trials.selftest_at IS 'UTC instant of the loopback self-test at the planned load; NULL if there was none.';
COMMENT ON COLUMN trials.selftest_streams IS 'Streams of the self-test, a count.';
COMMENT ON COLUMN trials.selftest_ttft_error_p99_ns IS 'Error of the time to first token in the self-test, 99th percentile of its size, nanoseconds.';
COMMENT ON COLUMN trials.selftest_tpot_error_p99_ns IS 'Error of the time per output token in the self-test, 99th percentile of its size, nanoseconds.';
COMMENT ON COLUMN trials.selftest_concurrency_share IS 'Concurrency reached in the self-test / asked, 0 to 1.';
COMMENT ON COLUMN trials.steady_start_ns IS 'Start of the steady window (all slots busy), client monotonic clock, nanoseconds.';
COMMENT ON COLUMN trials.steady_end_ns IS 'End of the steady window (the last send), client monotonic clock, nanoseconds.';
COMMENT ON COLUMN trials.steady_output_tokens IS 'Output tokens whose arrival lies in the steady window; tokens of a chunk share its time.';

ALTER TABLE attempts ADD COLUMN pair_id VARCHAR;
ALTER TABLE attempts ADD COLUMN prompt_tokens_asked BIGINT;
ALTER TABLE attempts ADD COLUMN output_tokens_asked BIGINT;
ALTER TABLE attempts ADD COLUMN t_choice_ns BIGINT;
ALTER TABLE attempts ADD COLUMN qoe_share DOUBLE;
COMMENT ON COLUMN attempts.pair_id IS 'Attempts of a group that were sent in one round share it.';
COMMENT ON COLUMN attempts.prompt_tokens_asked IS 'Prompt length aimed at in this request, tokens.';
COMMENT ON COLUMN attempts.output_tokens_asked IS 'Output length asked for in this request, tokens.';
COMMENT ON COLUMN attempts.t_choice_ns IS 'First event with a choice in it, payload or not, client monotonic clock, nanoseconds.';
COMMENT ON COLUMN attempts.qoe_share IS 'Tokens delivered against the timeline that the service level promises, 0 to 1.';

COMMENT ON COLUMN trials.arrivals IS 'closed (a fixed number in flight), or planned sends: constant, poisson, gamma, linear-ramp, exponential-ramp, piecewise or trace.';

CREATE TABLE searches (
    search_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    target_id VARCHAR NOT NULL,
    workload_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    points BIGINT NOT NULL,
    slo_ttft_s DOUBLE NOT NULL,
    slo_tpot_s DOUBLE NOT NULL,
    slo_percentile BIGINT NOT NULL,
    found_rate_rps_low DOUBLE,
    found_rate_rps DOUBLE,
    found_rate_rps_high DOUBLE,
    reason VARCHAR NOT NULL,
    PRIMARY KEY (search_id)
);
COMMENT ON TABLE searches IS 'One search over rates, whose points are trials (grain: search).';
COMMENT ON COLUMN searches.search_id IS 'RUN.TARGET.WORKLOAD and the kind.';
COMMENT ON COLUMN searches.run_id IS 'The run it belongs to.';
COMMENT ON COLUMN searches.target_id IS 'What served the tokens.';
COMMENT ON COLUMN searches.workload_id IS 'Prompts, lengths and SLO.';
COMMENT ON COLUMN searches.kind IS 'slo (the largest rate that meets the service level) or sweep (rising rates until saturation).';
COMMENT ON COLUMN searches.started_at IS 'UTC instant at which it began.';
COMMENT ON COLUMN searches.ended_at IS 'UTC instant at which it ended.';
COMMENT ON COLUMN searches.points IS 'Trials measured for it, a count.';
COMMENT ON COLUMN searches.slo_ttft_s IS 'Service level: time to first token at most this, seconds.';
COMMENT ON COLUMN searches.slo_tpot_s IS 'Service level: time per output token at most this, seconds.';
COMMENT ON COLUMN searches.slo_percentile IS 'Percentile of both that is held against the service level.';
COMMENT ON COLUMN searches.found_rate_rps_low IS 'The highest rate that met it at every repeat, requests per second.';
COMMENT ON COLUMN searches.found_rate_rps IS 'The answer, requests per second; NULL when none was found.';
COMMENT ON COLUMN searches.found_rate_rps_high IS 'The lowest rate that did not meet it, requests per second.';
COMMENT ON COLUMN searches.reason IS 'Why it ended there, one sentence.';
