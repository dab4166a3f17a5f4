-- Purpose: What each class of failed attempts says about who could not serve: the provider (down), its limit on this client (limited), or this client itself (own).
-- Grain: error class.
CREATE OR REPLACE VIEW reliability_classes AS
SELECT
    error_class,
    counts_as
FROM (
    VALUES
        ('dns', 'down'),
        ('connect_refused', 'down'),
        ('connect_timeout', 'down'),
        ('tls', 'down'),
        ('model_not_found', 'down'),
        ('overloaded', 'down'),
        ('server_error', 'down'),
        ('timeout_first_token', 'down'),
        ('timeout_total', 'down'),
        ('stall', 'down'),
        ('stream_error', 'down'),
        ('truncated', 'down'),
        ('parse_error', 'down'),
        ('empty', 'down'),
        ('rate_limited', 'limited'),
        -- a key, a purse, a request or a filter: the service was there
        ('auth', 'own'),
        ('quota_or_spend', 'own'),
        ('bad_request', 'own'),
        ('context_length', 'own'),
        ('filtered', 'own'),
        -- never arrived, and was sent again: only that counts
        ('stale_connection', 'own'),
        ('aborted', 'own')
) AS classes (error_class, counts_as);

COMMENT ON VIEW reliability_classes IS 'What each class of failed attempts says about who could not serve: the provider (down), its limit on this client (limited), or this client itself (own). Grain: error class.';
COMMENT ON COLUMN reliability_classes.error_class IS 'Class of the error taxonomy.';
COMMENT ON COLUMN reliability_classes.counts_as IS 'down, limited or own; a class that is not in this list counts as down.';
