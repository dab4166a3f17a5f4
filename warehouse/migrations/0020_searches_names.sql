-- Purpose: what a rerank is billed by, and how long a target's name took to resolve. Added in schema 6.

ALTER TABLE attempts ADD COLUMN search_units BIGINT;
COMMENT ON COLUMN attempts.search_units IS 'What a rerank is billed by, as the server counts it: a query with up to 100 documents is one, a count; NULL if it does not say, for other tasks, and in what landed before.';

ALTER TABLE trials ADD COLUMN name_lookup_ns BIGINT;
COMMENT ON COLUMN trials.name_lookup_ns IS 'How long the resolver took to answer for the target''s name, of several client processes the slowest, nanoseconds: asked beside the load, before the first connection, and part of no latency; NULL for an address, without an answer, and in what landed before.';
