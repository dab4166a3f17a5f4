-- Purpose: what an endpoint can do and where it leaves its standard, as `megatoken check` found it before the first night. Added in schema 5.

CREATE TABLE endpoint_checks (
    check_id VARCHAR NOT NULL,
    target_id VARCHAR NOT NULL,
    target_kind VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    api VARCHAR NOT NULL,
    base_url VARCHAR,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    is_answered BOOLEAN NOT NULL,
    advice VARCHAR,
    required_findings BIGINT NOT NULL,
    conforming_findings BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    prompt_tokens BIGINT,
    output_tokens BIGINT,
    quote_usd_worst DOUBLE,
    connect_p50_s DOUBLE,
    tls_version VARCHAR,
    tls_cipher VARCHAR,
    certificate_issuer VARCHAR,
    certificate_expires_at TIMESTAMPTZ,
    http_version VARCHAR,
    engine_version VARCHAR,
    host_id VARCHAR NOT NULL,
    megatoken_version VARCHAR NOT NULL
);
COMMENT ON TABLE endpoint_checks IS 'What a capability check of a target came to; it counts in no figure of speed, cost or carbon (grain: check).';
COMMENT ON COLUMN endpoint_checks.check_id IS 'The check.';
COMMENT ON COLUMN endpoint_checks.target_id IS 'The target.';
COMMENT ON COLUMN endpoint_checks.target_kind IS 'endpoint or local.';
COMMENT ON COLUMN endpoint_checks.provider IS 'Who serves it, as the config names it; the engine of a local target.';
COMMENT ON COLUMN endpoint_checks.model IS 'Model name as asked for.';
COMMENT ON COLUMN endpoint_checks.api IS 'Wire format.';
COMMENT ON COLUMN endpoint_checks.base_url IS 'Where an endpoint was asked; NULL for a local target.';
COMMENT ON COLUMN endpoint_checks.started_at IS 'UTC instant at which it began.';
COMMENT ON COLUMN endpoint_checks.ended_at IS 'UTC instant at which it was over.';
COMMENT ON COLUMN endpoint_checks.is_answered IS 'Whether the plain request was answered; if not, little else could be asked.';
COMMENT ON COLUMN endpoint_checks.advice IS 'What is wrong and what to set in the config, one sentence; NULL where nothing is.';
COMMENT ON COLUMN endpoint_checks.required_findings IS 'Requirements of its standards that apply, a count.';
COMMENT ON COLUMN endpoint_checks.conforming_findings IS 'Of them, met, a count; what could not be found out is not met.';
COMMENT ON COLUMN endpoint_checks.calls IS 'HTTP requests sent, a count.';
COMMENT ON COLUMN endpoint_checks.prompt_tokens IS 'Prompt tokens of all calls as the server counted them, a count; NULL if it did not.';
COMMENT ON COLUMN endpoint_checks.output_tokens IS 'Output tokens of all calls as the server counted them, a count; NULL if it did not.';
COMMENT ON COLUMN endpoint_checks.quote_usd_worst IS 'The most that it could cost, said beforehand, US dollars; NULL if a price is unknown.';
COMMENT ON COLUMN endpoint_checks.connect_p50_s IS 'TCP connect time, median of a few, seconds; NULL if it was not reached.';
COMMENT ON COLUMN endpoint_checks.tls_version IS 'TLS version; NULL without TLS.';
COMMENT ON COLUMN endpoint_checks.tls_cipher IS 'Cipher suite of the handshake; NULL without TLS.';
COMMENT ON COLUMN endpoint_checks.certificate_issuer IS 'Who issued its certificate; NULL without TLS or if unnamed.';
COMMENT ON COLUMN endpoint_checks.certificate_expires_at IS 'UTC instant at which its certificate ends; NULL without TLS.';
COMMENT ON COLUMN endpoint_checks.http_version IS 'HTTP version of its answers; NULL if none came.';
COMMENT ON COLUMN endpoint_checks.engine_version IS 'Version of the engine that served a local target; NULL for an endpoint.';
COMMENT ON COLUMN endpoint_checks.host_id IS 'The machine that asked.';
COMMENT ON COLUMN endpoint_checks.megatoken_version IS 'Version of Megatoken that asked.';

CREATE TABLE check_findings (
    check_id VARCHAR NOT NULL,
    finding_id VARCHAR NOT NULL,
    finding_number BIGINT NOT NULL,
    finding_group VARCHAR NOT NULL,
    question VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,
    is_required BOOLEAN NOT NULL,
    took_s DOUBLE
);
COMMENT ON TABLE check_findings IS 'What a capability check found out, question by question (grain: check, finding).';
COMMENT ON COLUMN check_findings.check_id IS 'The check.';
COMMENT ON COLUMN check_findings.finding_id IS 'The question, in a word, e.g. max_tokens.';
COMMENT ON COLUMN check_findings.finding_number IS 'Its place in the order in which findings are told.';
COMMENT ON COLUMN check_findings.finding_group IS 'reach, answer, stream, sampling or mistakes.';
COMMENT ON COLUMN check_findings.question IS 'The question.';
COMMENT ON COLUMN check_findings.verdict IS 'yes, no, deviates (a no that its standard or its clients would not expect), unknown, or not applicable.';
COMMENT ON COLUMN check_findings.evidence IS 'What was seen, one line.';
COMMENT ON COLUMN check_findings.is_required IS 'Whether its wire format, or HTTP, requires a yes.';
COMMENT ON COLUMN check_findings.took_s IS 'Time of the requests that it rests on, seconds; NULL without one of its own.';
