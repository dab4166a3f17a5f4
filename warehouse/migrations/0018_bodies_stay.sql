-- Purpose: what was asked and answered stays in landing, where megatoken replay reads it: a snapshot may be shown to everybody.

UPDATE exchanges SET request_body = NULL, response_body = NULL;
COMMENT ON COLUMN exchanges.request_body IS 'Body of the request; in landing only, where megatoken replay reads it: always NULL here. NULL there if it was too long to be kept, or never built.';
COMMENT ON COLUMN exchanges.response_body IS 'The answer, decompressed if it was compressed: all of it, or its first and last 64 KiB with a line about what was left out between them; in landing only, always NULL here.';
