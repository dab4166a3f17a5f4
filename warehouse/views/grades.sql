-- Purpose: How far the client of each trial can be trusted, by its latest certificate; the view certificate has the evidence.
-- Grain: trial.
CREATE OR REPLACE VIEW grades AS
SELECT
    trial_id,
    grade,
    reasons,
    method_version,
    recorded_at
FROM certificates
QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC, method_version DESC) = 1;

COMMENT ON VIEW grades IS 'How far the client of each trial can be trusted, by its latest certificate; the view certificate has the evidence. Grain: trial.';
COMMENT ON COLUMN grades.trial_id IS 'The trial.';
COMMENT ON COLUMN grades.grade IS 'A to D, that of the worst criterion; A and B are fit to be ranked.';
COMMENT ON COLUMN grades.reasons IS 'What keeps it from A, one sentence each, the worst first.';
COMMENT ON COLUMN grades.method_version IS 'Version of the limits and criteria.';
COMMENT ON COLUMN grades.recorded_at IS 'UTC instant of the certification.';
