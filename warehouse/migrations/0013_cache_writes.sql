-- Purpose: prompt tokens that were written to a cache, which some providers ask another price for.

ALTER TABLE attempts ADD COLUMN cache_write_tokens BIGINT;
COMMENT ON COLUMN attempts.cache_write_tokens IS 'Tokens of the prompt that the server wrote to a cache, a count; NULL if it does not say, and in what landed before.';
