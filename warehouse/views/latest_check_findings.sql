-- Purpose: What the last check of each target found out, question by question.
-- Grain: target, finding.
CREATE OR REPLACE VIEW latest_check_findings AS
SELECT
    c.target_id,
    c.started_at,
    f.finding_group,
    f.finding_number,
    f.finding_id,
    f.question,
    f.verdict,
    f.evidence,
    f.is_required,
    f.took_s
FROM latest_checks AS c
INNER JOIN check_findings AS f USING (check_id);

COMMENT ON VIEW latest_check_findings IS 'What the last check of each target found out, question by question. Grain: target, finding.';
COMMENT ON COLUMN latest_check_findings.target_id IS 'The target.';
COMMENT ON COLUMN latest_check_findings.started_at IS 'UTC instant at which it began.';
COMMENT ON COLUMN latest_check_findings.finding_group IS 'reach, answer, stream, sampling or mistakes.';
COMMENT ON COLUMN latest_check_findings.finding_number IS 'Its place in the order in which findings are told.';
COMMENT ON COLUMN latest_check_findings.finding_id IS 'The question, in a word, e.g. max_tokens.';
COMMENT ON COLUMN latest_check_findings.question IS 'The question.';
COMMENT ON COLUMN latest_check_findings.verdict IS 'yes, no, deviates (a no that its standard or its clients would not expect), unknown, or not applicable.';
COMMENT ON COLUMN latest_check_findings.evidence IS 'What was seen, one line.';
COMMENT ON COLUMN latest_check_findings.is_required IS 'Whether its wire format, or HTTP, requires a yes.';
COMMENT ON COLUMN latest_check_findings.took_s IS 'Time of the requests that it rests on, seconds; NULL without one of its own.';
