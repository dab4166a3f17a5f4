-- Purpose: what kind of run a run is, and how the attempts of each trial ended, counted once: pages over a year of trials read counts,
-- not attempts. Added in schema 4.

ALTER TABLE runs ADD COLUMN run_kind VARCHAR;
COMMENT ON COLUMN runs.run_kind IS 'night, bench (ad hoc) or pulse (a few attempts between nights); NULL in what landed before: see the view ad_hoc_runs.';
COMMENT ON COLUMN run_ends.state IS 'completed, failed_targets, stopped_at_budget, aborted, or skipped (a pulse that found the machine taken).';

CREATE TABLE trial_counts (
    trial_id VARCHAR NOT NULL,
    attempts BIGINT NOT NULL,
    ok BIGINT NOT NULL,
    offered_attempts BIGINT NOT NULL,
    good_count BIGINT NOT NULL,
    errors MAP(VARCHAR, BIGINT) NOT NULL,
    output_tokens BIGINT,
    chunked_tokens BIGINT NOT NULL,
    chunks BIGINT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (trial_id)
);
COMMENT ON TABLE trial_counts IS 'How the measured attempts of a trial ended, counted when it was loaded (grain: trial).';
COMMENT ON COLUMN trial_counts.trial_id IS 'The trial.';
COMMENT ON COLUMN trial_counts.attempts IS 'Measured attempts, a count; warm-up is not in it.';
COMMENT ON COLUMN trial_counts.ok IS 'Attempts that succeeded, a count.';
COMMENT ON COLUMN trial_counts.offered_attempts IS 'Attempts, or the sends that were due where that is more, a count.';
COMMENT ON COLUMN trial_counts.good_count IS 'Attempts sent in time that met the service level of the workload, a count.';
COMMENT ON COLUMN trial_counts.errors IS 'How many attempts failed with each error class.';
COMMENT ON COLUMN trial_counts.output_tokens IS 'Output tokens of successful attempts; NULL if one of them is not known.';
COMMENT ON COLUMN trial_counts.chunked_tokens IS 'Streamed tokens of successful attempts whose payload events were counted.';
COMMENT ON COLUMN trial_counts.chunks IS 'Payload events of the same attempts, a count.';
COMMENT ON COLUMN trial_counts.recorded_at IS 'UTC instant of the counting.';
