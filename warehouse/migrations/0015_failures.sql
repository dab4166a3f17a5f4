-- Purpose: what failed attempts said, byte for byte and without secrets; how answers were compressed; how long a trial was held back under a limit. Added in schema 5.

ALTER TABLE attempts ADD COLUMN content_encoding VARCHAR;
COMMENT ON COLUMN attempts.content_encoding IS 'How the answer was compressed although none was asked for, e.g. gzip: its gaps are those of the compressor; NULL if it was not, and in what landed before.';

ALTER TABLE trials ADD COLUMN held_back_ns BIGINT;
COMMENT ON COLUMN trials.held_back_ns IS 'For how long a closed loop had a free place and sent nothing, to stay under the limit of requests or tokens that its target names, nanoseconds, of several client processes their sum; NULL for a target without one, and in what landed before.';

CREATE TABLE exchanges (
    attempt_id VARCHAR NOT NULL,
    trial_id VARCHAR NOT NULL,
    started_at TIMESTAMPTZ,
    error_class VARCHAR,
    error_message VARCHAR,
    usage_fault VARCHAR,
    url VARCHAR NOT NULL,
    api VARCHAR NOT NULL,
    api_key_env VARCHAR,
    request_head VARCHAR NOT NULL,
    request_body BLOB,
    request_bytes BIGINT,
    http_status BIGINT,
    response_head VARCHAR NOT NULL,
    response_body BLOB,
    response_bytes BIGINT
);
COMMENT ON TABLE exchanges IS 'What failed attempts, and those with implausible counts, sent and got back, without secrets: of each trial the first 20 of each class. Grain: attempt.';
COMMENT ON COLUMN exchanges.attempt_id IS 'The attempt.';
COMMENT ON COLUMN exchanges.trial_id IS 'Its trial.';
COMMENT ON COLUMN exchanges.started_at IS 'UTC instant of the send.';
COMMENT ON COLUMN exchanges.error_class IS 'Class of the failure; NULL where only the counts are implausible.';
COMMENT ON COLUMN exchanges.error_message IS 'One sentence about the failure.';
COMMENT ON COLUMN exchanges.usage_fault IS 'What the server counted and what cannot be; NULL if its counts are plausible or absent.';
COMMENT ON COLUMN exchanges.url IS 'Where the request went, as it can be sent again.';
COMMENT ON COLUMN exchanges.api IS 'Wire format.';
COMMENT ON COLUMN exchanges.api_key_env IS 'Name of the environment variable that held the key; NULL without one. The key itself is kept nowhere.';
COMMENT ON COLUMN exchanges.request_head IS 'Request line and headers; *** stands for the value of every header that may be a secret.';
COMMENT ON COLUMN exchanges.request_body IS 'Body of the request; NULL if it was too long to be kept, or the connection never came about.';
COMMENT ON COLUMN exchanges.request_bytes IS 'Length of that body, bytes; NULL if it was not kept.';
COMMENT ON COLUMN exchanges.http_status IS 'HTTP status code; NULL if none came.';
COMMENT ON COLUMN exchanges.response_head IS 'The headers that are kept of every answer, one a line; empty if none came.';
COMMENT ON COLUMN exchanges.response_body IS 'The answer, decompressed if it was compressed: all of it, or its first and last 64 KiB with a line about what was left out between them; NULL if none came.';
COMMENT ON COLUMN exchanges.response_bytes IS 'True length of that answer, bytes; NULL if none came.';

COMMENT ON COLUMN attempts.phase IS 'warmup (counts in nothing), measured, or lost: a send on a connection that the server had closed, which never arrived and was sent again as the attempt that names it in retry_of; it counts in nothing.';
COMMENT ON COLUMN attempts.retry_of IS 'attempt_id of the attempt that this one repeats: that one never arrived; NULL for nearly all.';
