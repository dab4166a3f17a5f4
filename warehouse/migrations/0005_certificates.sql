-- Purpose: how far the client of each trial can be trusted. Recomputable from what landed; rows are added, never changed: the view
-- reads the latest.

CREATE TABLE certificates (
    trial_id VARCHAR NOT NULL,
    grade VARCHAR NOT NULL,
    reasons VARCHAR[] NOT NULL,
    method_version VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE certificates IS 'Grade of the client that measured a trial (grain: trial, certification).';
COMMENT ON COLUMN certificates.trial_id IS 'The trial.';
COMMENT ON COLUMN certificates.grade IS 'A to D, that of the worst criterion; A and B are fit to be ranked.';
COMMENT ON COLUMN certificates.reasons IS 'What keeps it from A, one sentence each, the worst first.';
COMMENT ON COLUMN certificates.method_version IS 'Version of the limits and criteria; a change of any of them changes it.';
COMMENT ON COLUMN certificates.recorded_at IS 'UTC instant of the certification.';
