-- Purpose: What each turn of conversations took: how the prompt grows, how much of it a cache gave, how the wait changes.
-- Grain: trial and turn.
CREATE OR REPLACE VIEW conversation_turns AS
SELECT
    a.trial_id,
    t.run_id,
    t.target_id,
    t.workload_id,
    a.turn_number,
    count(*) AS attempts,
    count(*) FILTER (a.error_class IS NULL) AS ok,
    median(a.prompt_tokens) FILTER (a.error_class IS NULL) AS prompt_p50_tokens,
    sum(a.cached_tokens) FILTER (a.error_class IS NULL)
    / nullif(sum(a.prompt_tokens) FILTER (a.error_class IS NULL AND a.cached_tokens IS NOT NULL), 0) AS cached_share,
    quantile_disc((a.t_first_ns - a.t_start_ns) / 1e9, 0.5) FILTER (a.error_class IS NULL) AS ttft_p50_s,
    median(a.output_tokens) FILTER (a.error_class IS NULL) AS output_p50_tokens
FROM attempts AS a
INNER JOIN trials AS t USING (trial_id)
WHERE a.phase = 'measured' AND a.turn_number IS NOT NULL
GROUP BY a.trial_id, t.run_id, t.target_id, t.workload_id, a.turn_number;

COMMENT ON VIEW conversation_turns IS 'What each turn of conversations took: how the prompt grows, how much of it a cache gave, how the wait changes. Grain: trial and turn.';
COMMENT ON COLUMN conversation_turns.trial_id IS 'The trial.';
COMMENT ON COLUMN conversation_turns.run_id IS 'The run.';
COMMENT ON COLUMN conversation_turns.target_id IS 'The target.';
COMMENT ON COLUMN conversation_turns.workload_id IS 'The workload.';
COMMENT ON COLUMN conversation_turns.turn_number IS 'Which turn of its conversation; the first is 1.';
COMMENT ON COLUMN conversation_turns.attempts IS 'Measured attempts that were this turn of some conversation, a count.';
COMMENT ON COLUMN conversation_turns.ok IS 'Of them, those that succeeded, a count.';
COMMENT ON COLUMN conversation_turns.prompt_p50_tokens IS 'Prompt tokens of those, all that was said before included, median.';
COMMENT ON COLUMN conversation_turns.cached_share IS 'Share (0 to 1) of their prompt tokens that the server read from a cache; NULL where it does not say.';
COMMENT ON COLUMN conversation_turns.ttft_p50_s IS 'Time to first token of those, median, seconds.';
COMMENT ON COLUMN conversation_turns.output_p50_tokens IS 'Output tokens of those, median.';
