-- Purpose: What each target was found to do when it was last checked, and how much of what its standards require.
-- Grain: target.
CREATE OR REPLACE VIEW latest_checks AS
WITH newest AS (
    SELECT *
    FROM endpoint_checks
    QUALIFY row_number() OVER (PARTITION BY target_id ORDER BY started_at DESC, check_id DESC) = 1
),

told AS (
    SELECT
        check_id,
        coalesce(
            list(finding_id ORDER BY finding_number) FILTER (is_required AND verdict IN ('no', 'deviates')), []
        ) AS deviations,
        count(*) FILTER (is_required AND verdict = 'unknown') AS unknown_findings
    FROM check_findings
    GROUP BY check_id
)

SELECT
    n.target_id,
    n.check_id,
    n.started_at,
    n.target_kind,
    n.provider,
    n.model,
    n.api,
    n.base_url,
    n.is_answered,
    n.advice,
    CASE WHEN n.is_answered THEN n.conforming_findings / nullif(n.required_findings, 0) END AS conformance_share,
    n.conforming_findings,
    n.required_findings,
    t.deviations,
    t.unknown_findings,
    n.calls,
    n.prompt_tokens,
    n.output_tokens,
    n.connect_p50_s,
    n.tls_version,
    n.tls_cipher,
    n.certificate_issuer,
    n.certificate_expires_at,
    n.http_version,
    n.engine_version,
    n.host_id,
    n.megatoken_version
FROM newest AS n
INNER JOIN told AS t USING (check_id);

COMMENT ON VIEW latest_checks IS 'What each target was found to do when it was last checked. Grain: target.';
COMMENT ON COLUMN latest_checks.target_id IS 'The target.';
COMMENT ON COLUMN latest_checks.check_id IS 'The check.';
COMMENT ON COLUMN latest_checks.started_at IS 'UTC instant at which it began.';
COMMENT ON COLUMN latest_checks.target_kind IS 'endpoint or local.';
COMMENT ON COLUMN latest_checks.provider IS 'Who serves it, as the config names it; the engine of a local target.';
COMMENT ON COLUMN latest_checks.model IS 'Model name as asked for.';
COMMENT ON COLUMN latest_checks.api IS 'Wire format.';
COMMENT ON COLUMN latest_checks.base_url IS 'Where an endpoint was asked; NULL for a local target.';
COMMENT ON COLUMN latest_checks.is_answered IS 'Whether the plain request was answered; if not, little else could be asked.';
COMMENT ON COLUMN latest_checks.advice IS 'What is wrong and what to set in the config, one sentence; NULL where nothing is.';
COMMENT ON COLUMN latest_checks.conformance_share IS 'conforming_findings / required_findings, 0 to 1; NULL if it did not answer or nothing could be required.';
COMMENT ON COLUMN latest_checks.conforming_findings IS 'Of them, met, a count; what could not be found out is not met.';
COMMENT ON COLUMN latest_checks.required_findings IS 'Requirements of its standards that apply, a count.';
COMMENT ON COLUMN latest_checks.deviations IS 'Ids of the findings that are against a requirement, in the order in which they are told; empty if none is.';
COMMENT ON COLUMN latest_checks.unknown_findings IS 'Requirements that could not be tried, a count.';
COMMENT ON COLUMN latest_checks.calls IS 'HTTP requests sent, a count.';
COMMENT ON COLUMN latest_checks.prompt_tokens IS 'Prompt tokens of all calls as the server counted them, a count; NULL if it did not.';
COMMENT ON COLUMN latest_checks.output_tokens IS 'Output tokens of all calls as the server counted them, a count; NULL if it did not.';
COMMENT ON COLUMN latest_checks.connect_p50_s IS 'TCP connect time, median of a few, seconds; NULL if it was not reached.';
COMMENT ON COLUMN latest_checks.tls_version IS 'TLS version; NULL without TLS.';
COMMENT ON COLUMN latest_checks.tls_cipher IS 'Cipher suite of the handshake; NULL without TLS.';
COMMENT ON COLUMN latest_checks.certificate_issuer IS 'Who issued its certificate; NULL without TLS or if unnamed.';
COMMENT ON COLUMN latest_checks.certificate_expires_at IS 'UTC instant at which its certificate ends; NULL without TLS.';
COMMENT ON COLUMN latest_checks.http_version IS 'HTTP version of its answers; NULL if none came.';
COMMENT ON COLUMN latest_checks.engine_version IS 'Version of the engine that served a local target; NULL for an endpoint.';
COMMENT ON COLUMN latest_checks.host_id IS 'The machine that asked.';
COMMENT ON COLUMN latest_checks.megatoken_version IS 'Version of Megatoken that asked.';
