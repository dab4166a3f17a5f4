-- Purpose: what changed in the nightly series of targets, and of each trial what its changes are explained with: who said it was answering,
-- and how its attempts scattered. Recomputable from what landed: a watch replaces what the one before it found.

CREATE TABLE trial_digests (
    trial_id VARCHAR NOT NULL,
    ttft_p10_s DOUBLE,
    ttft_p25_s DOUBLE,
    ttft_p75_s DOUBLE,
    ttft_p90_s DOUBLE,
    tpot_p10_s DOUBLE,
    tpot_p25_s DOUBLE,
    tpot_p75_s DOUBLE,
    tpot_p90_s DOUBLE,
    e2e_p10_s DOUBLE,
    e2e_p25_s DOUBLE,
    e2e_p75_s DOUBLE,
    e2e_p90_s DOUBLE,
    models_returned VARCHAR[] NOT NULL,
    system_fingerprints VARCHAR[] NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (trial_id)
);
COMMENT ON TABLE trial_digests IS 'How the successful measured attempts of a trial scattered, and who answered them (grain: trial); percentiles are nearest rank, NULL with fewer than three attempts beyond.';
COMMENT ON COLUMN trial_digests.trial_id IS 'The trial.';
COMMENT ON COLUMN trial_digests.ttft_p10_s IS 'Time to first token, 10th percentile, seconds.';
COMMENT ON COLUMN trial_digests.ttft_p25_s IS 'Time to first token, 25th percentile, seconds.';
COMMENT ON COLUMN trial_digests.ttft_p75_s IS 'Time to first token, 75th percentile, seconds.';
COMMENT ON COLUMN trial_digests.ttft_p90_s IS 'Time to first token, 90th percentile, seconds.';
COMMENT ON COLUMN trial_digests.tpot_p10_s IS 'Time per output token after the first, 10th percentile, seconds.';
COMMENT ON COLUMN trial_digests.tpot_p25_s IS 'Time per output token after the first, 25th percentile, seconds.';
COMMENT ON COLUMN trial_digests.tpot_p75_s IS 'Time per output token after the first, 75th percentile, seconds.';
COMMENT ON COLUMN trial_digests.tpot_p90_s IS 'Time per output token after the first, 90th percentile, seconds.';
COMMENT ON COLUMN trial_digests.e2e_p10_s IS 'Send to last payload, 10th percentile, seconds.';
COMMENT ON COLUMN trial_digests.e2e_p25_s IS 'Send to last payload, 25th percentile, seconds.';
COMMENT ON COLUMN trial_digests.e2e_p75_s IS 'Send to last payload, 75th percentile, seconds.';
COMMENT ON COLUMN trial_digests.e2e_p90_s IS 'Send to last payload, 90th percentile, seconds.';
COMMENT ON COLUMN trial_digests.models_returned IS 'Model names that answers stated, by name; empty if none did.';
COMMENT ON COLUMN trial_digests.system_fingerprints IS 'Fingerprints of the backend that answers stated, by name; empty if none did.';
COMMENT ON COLUMN trial_digests.recorded_at IS 'UTC instant at which it was worked out.';

CREATE TABLE watches (
    watched_at TIMESTAMPTZ NOT NULL,
    newest_on DATE,
    nights BIGINT NOT NULL,
    watched_series BIGINT NOT NULL,
    short_series BIGINT NOT NULL,
    method_version VARCHAR NOT NULL
);
COMMENT ON TABLE watches IS 'The last look at all nightly series (grain: the whole warehouse, one row).';
COMMENT ON COLUMN watches.watched_at IS 'UTC instant of the look.';
COMMENT ON COLUMN watches.newest_on IS 'Date of the newest night, UTC; NULL without one.';
COMMENT ON COLUMN watches.nights IS 'Nights looked at, a count.';
COMMENT ON COLUMN watches.watched_series IS 'Series (target x workload x metric) with enough nights to find a shift in, a count.';
COMMENT ON COLUMN watches.short_series IS 'Series with too few nights yet, a count.';
COMMENT ON COLUMN watches.method_version IS 'Version of the formula that finds shifts.';

CREATE TABLE found_changes (
    change_id VARCHAR NOT NULL,
    change_kind VARCHAR NOT NULL,
    target_id VARCHAR NOT NULL,
    workload_id VARCHAR,
    metric_id VARCHAR NOT NULL,
    changed_on DATE NOT NULL,
    earliest_on DATE NOT NULL,
    latest_on DATE NOT NULL,
    value_before DOUBLE NOT NULL,
    value_after_low DOUBLE,
    value_after DOUBLE NOT NULL,
    value_after_high DOUBLE,
    before_nights BIGINT NOT NULL,
    after_nights BIGINT NOT NULL,
    is_better BOOLEAN NOT NULL,
    hints VARCHAR[] NOT NULL
);
COMMENT ON TABLE found_changes IS 'What the last look found (grain: target, workload, metric, night, kind).';
COMMENT ON COLUMN found_changes.change_id IS 'First 12 hexadecimal digits of the SHA-256 of target, workload, metric, kind, direction and night.';
COMMENT ON COLUMN found_changes.change_kind IS 'shift (a lasting change of level), night (one night far from its neighbours) or price (a stated price is another).';
COMMENT ON COLUMN found_changes.target_id IS 'The target.';
COMMENT ON COLUMN found_changes.workload_id IS 'The workload; NULL for a price.';
COMMENT ON COLUMN found_changes.metric_id IS 'What changed: a metric of the registry, or the quantity of a price.';
COMMENT ON COLUMN found_changes.changed_on IS 'Date of the first night after it, UTC.';
COMMENT ON COLUMN found_changes.earliest_on IS 'First night that it may as well have been, UTC date.';
COMMENT ON COLUMN found_changes.latest_on IS 'Last night that it may as well have been, UTC date.';
COMMENT ON COLUMN found_changes.value_before IS 'Level of the nights before, in the unit that metric_id names.';
COMMENT ON COLUMN found_changes.value_after_low IS 'Low end of the 95 % interval of the new level, the old one being what it is; NULL for one night and for a price.';
COMMENT ON COLUMN found_changes.value_after IS 'Level of the nights after, in the unit that metric_id names.';
COMMENT ON COLUMN found_changes.value_after_high IS 'High end of that interval.';
COMMENT ON COLUMN found_changes.before_nights IS 'Nights at the old level, a count.';
COMMENT ON COLUMN found_changes.after_nights IS 'Nights at the new level, a count.';
COMMENT ON COLUMN found_changes.is_better IS 'Whether the new level is the better one.';
COMMENT ON COLUMN found_changes.hints IS 'What else differed around that night, a sentence each; facts, no causes.';
