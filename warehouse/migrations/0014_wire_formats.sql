-- Purpose: what other wire formats say of an answer, and what a provider's rate limit leaves. Added in schema 5.

ALTER TABLE attempts ADD COLUMN answer_streamed BOOLEAN;
COMMENT ON COLUMN attempts.answer_streamed IS 'Whether the answer came as a stream of events; false for one document, which has no first token; NULL without an answer, and in what landed before.';

ALTER TABLE attempts ADD COLUMN usage_fault VARCHAR;
COMMENT ON COLUMN attempts.usage_fault IS 'What the server counted and what cannot be, in its own words: the counts themselves are then NULL and no figure rests on them; NULL if all is plausible, and in what landed before.';

ALTER TABLE attempts ADD COLUMN service_tier VARCHAR;
COMMENT ON COLUMN attempts.service_tier IS 'The tier that served the request, as the server named it; NULL if it does not say.';

ALTER TABLE attempts ADD COLUMN billed_usd DOUBLE;
COMMENT ON COLUMN attempts.billed_usd IS 'What the server says that it charges for this request, US dollars: declared by it, beside our own account; NULL if it does not say.';

ALTER TABLE attempts ADD COLUMN server_load_s DOUBLE;
COMMENT ON COLUMN attempts.server_load_s IS 'Loading the model, by the server''s own clock, seconds: a part of the time to first token; NULL if it does not say.';

ALTER TABLE attempts ADD COLUMN server_queue_s DOUBLE;
COMMENT ON COLUMN attempts.server_queue_s IS 'Waiting in the server''s queue, by its own clock, seconds; NULL if it does not say.';

ALTER TABLE attempts ADD COLUMN server_prefill_s DOUBLE;
COMMENT ON COLUMN attempts.server_prefill_s IS 'Reading the prompt, by the server''s own clock, seconds; NULL if it does not say.';

ALTER TABLE attempts ADD COLUMN server_decode_s DOUBLE;
COMMENT ON COLUMN attempts.server_decode_s IS 'Writing the answer, by the server''s own clock, seconds; NULL if it does not say.';

ALTER TABLE attempts ADD COLUMN input_items BIGINT;
COMMENT ON COLUMN attempts.input_items IS 'Texts that were embedded or documents that were ranked, a count; NULL for tasks without any.';

ALTER TABLE attempts ADD COLUMN input_audio_s DOUBLE;
COMMENT ON COLUMN attempts.input_audio_s IS 'Sound that was transcribed, seconds; NULL for other tasks.';

ALTER TABLE attempts ADD COLUMN output_audio_s DOUBLE;
COMMENT ON COLUMN attempts.output_audio_s IS 'Sound that was made, seconds; NULL for other tasks, or if its form does not tell.';

ALTER TABLE attempts ADD COLUMN output_images BIGINT;
COMMENT ON COLUMN attempts.output_images IS 'Pictures that were made, a count; NULL for other tasks.';

ALTER TABLE attempts ADD COLUMN retry_after_s DOUBLE;
COMMENT ON COLUMN attempts.retry_after_s IS 'How long the server asked to wait before the next request, seconds; NULL if it did not ask.';

ALTER TABLE attempts ADD COLUMN limit_requests BIGINT;
COMMENT ON COLUMN attempts.limit_requests IS 'Requests that the rate limit allows in its period, as the headers say; NULL without such a header.';

ALTER TABLE attempts ADD COLUMN remaining_requests BIGINT;
COMMENT ON COLUMN attempts.remaining_requests IS 'Requests that were left of it; NULL without such a header.';

ALTER TABLE attempts ADD COLUMN requests_reset_s DOUBLE;
COMMENT ON COLUMN attempts.requests_reset_s IS 'Until the requests are whole again, seconds from the answer; NULL without such a header.';

ALTER TABLE attempts ADD COLUMN limit_tokens BIGINT;
COMMENT ON COLUMN attempts.limit_tokens IS 'Tokens that the rate limit allows in its period, as the headers say; NULL without such a header.';

ALTER TABLE attempts ADD COLUMN remaining_tokens BIGINT;
COMMENT ON COLUMN attempts.remaining_tokens IS 'Tokens that were left of it; NULL without such a header.';

ALTER TABLE attempts ADD COLUMN tokens_reset_s DOUBLE;
COMMENT ON COLUMN attempts.tokens_reset_s IS 'Until the tokens are whole again, seconds from the answer; NULL without such a header.';
