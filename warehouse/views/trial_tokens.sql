-- Purpose: What the measured attempts of each trial are billed by: their tokens and fees, and how long the shortest and the longest prompt were.
-- Grain: trial.
CREATE OR REPLACE VIEW trial_tokens AS
SELECT * FROM trial_tokens_kept;

COMMENT ON VIEW trial_tokens IS 'What the measured attempts of each trial are billed by: their tokens and fees, and how long the shortest and the longest prompt were. Grain: trial.';
COMMENT ON COLUMN trial_tokens.trial_id IS 'The trial.';
COMMENT ON COLUMN trial_tokens.attempts IS 'Measured attempts, a count.';
COMMENT ON COLUMN trial_tokens.counted_attempts IS 'Measured attempts, failed ones too, whose prompt and output tokens are both known, a count; the sums are of these.';
COMMENT ON COLUMN trial_tokens.uncounted_answers IS 'Attempts that succeeded and do not tell both, a count.';
COMMENT ON COLUMN trial_tokens.uncounted_searches IS 'Those of uncounted_answers that say how many searches they are billed for, a count: reranks.';
COMMENT ON COLUMN trial_tokens.fees IS 'How often the fee of a request is charged: for a rerank as many searches as it says, for others once, a count; of attempts that tell either their searches or both their tokens.';
COMMENT ON COLUMN trial_tokens.unknown_prompts IS 'Attempts whose prompt tokens are not known, a count.';
COMMENT ON COLUMN trial_tokens.shortest_prompt_tokens IS 'Tokens of the shortest prompt that is known, a count.';
COMMENT ON COLUMN trial_tokens.longest_prompt_tokens IS 'Tokens of the longest prompt that is known, a count.';
COMMENT ON COLUMN trial_tokens.prompt_tokens IS 'Prompt tokens, those from and into a cache included, a count.';
COMMENT ON COLUMN trial_tokens.cached_tokens IS 'Prompt tokens read from a cache, a count; 0 where none is told.';
COMMENT ON COLUMN trial_tokens.cache_write_tokens IS 'Prompt tokens written into a cache, a count; 0 where none is told.';
COMMENT ON COLUMN trial_tokens.output_tokens IS 'Output tokens, hidden reasoning included, a count.';
