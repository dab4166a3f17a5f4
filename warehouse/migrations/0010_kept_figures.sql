-- Purpose: which trials have their figures kept, so that a year of nights is read and not worked out again. The tables that keep them
-- (trial_outcomes_kept, trial_metrics_kept) follow from their views and are made with these, see warehouse/kept.py.

CREATE TABLE kept_trials (
    trial_id VARCHAR NOT NULL,
    kept_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (trial_id)
);
COMMENT ON TABLE kept_trials IS 'Trials whose figures are kept as the present views work them out; without a row here they are worked out when they are asked for (grain: trial).';
COMMENT ON COLUMN kept_trials.trial_id IS 'The trial.';
COMMENT ON COLUMN kept_trials.kept_at IS 'UTC instant at which its figures were worked out.';
