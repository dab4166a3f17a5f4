-- Purpose: How each trial went: attempts, failures, window and tokens.
-- Grain: trial.
CREATE OR REPLACE VIEW trial_outcomes AS
SELECT * FROM trial_outcomes_kept;

COMMENT ON VIEW trial_outcomes IS 'How each trial went: attempts, failures, window and tokens. Grain: trial.';
COMMENT ON COLUMN trial_outcomes.trial_id IS 'The trial.';
COMMENT ON COLUMN trial_outcomes.run_id IS 'The run.';
COMMENT ON COLUMN trial_outcomes.target_id IS 'The target.';
COMMENT ON COLUMN trial_outcomes.workload_id IS 'The workload.';
COMMENT ON COLUMN trial_outcomes.try_number IS 'First try is 1.';
COMMENT ON COLUMN trial_outcomes.status IS 'completed, timed_out, aborted, crashed or setup_failed.';
COMMENT ON COLUMN trial_outcomes.status_reason IS 'One sentence; NULL if it completed.';
COMMENT ON COLUMN trial_outcomes.started_at IS 'UTC instant at which the trial began.';
COMMENT ON COLUMN trial_outcomes.ended_at IS 'UTC instant at which it ended.';
COMMENT ON COLUMN trial_outcomes.attempts IS 'Measured attempts, a count; warm-up is not in it.';
COMMENT ON COLUMN trial_outcomes.ok IS 'Attempts that succeeded, a count.';
COMMENT ON COLUMN trial_outcomes.failed_share IS 'Failed attempts / attempts, 0 to 1.';
COMMENT ON COLUMN trial_outcomes.errors IS 'How many attempts failed with each error class.';
COMMENT ON COLUMN trial_outcomes.window_s IS 'From the first measured send to the last byte of the last measured attempt, seconds.';
COMMENT ON COLUMN trial_outcomes.prompt_tokens IS 'Prompt tokens of successful attempts; NULL if one of them is not known.';
COMMENT ON COLUMN trial_outcomes.output_tokens IS 'Output tokens of successful attempts; NULL if one of them is not known.';
COMMENT ON COLUMN trial_outcomes.rate_limited_count IS 'Of the failed attempts, those refused for their rate (waiting helps), a count: told apart, since they say as much about our rate as about the provider.';
COMMENT ON COLUMN trial_outcomes.quota_or_spend_count IS 'Of the failed attempts, those refused for a spent quota or spend cap (waiting does not help), a count: no fault of the provider.';
COMMENT ON COLUMN trial_outcomes.lost_count IS 'Sends that never arrived, since the server had closed the connection between two requests, a count: each was sent again as an attempt of its own, and none is in any other count.';
