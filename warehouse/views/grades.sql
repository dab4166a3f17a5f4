-- Purpose: How far the client of each trial can be trusted, by its latest certificate; the view certificate has the evidence.
-- Grain: trial.
CREATE OR REPLACE VIEW grades AS
SELECT
    trial_id,
    arg_max(grade, (recorded_at, method_version)) AS grade,
    arg_max(reasons, (recorded_at, method_version)) AS reasons,
    arg_max(method_version, (recorded_at, method_version)) AS method_version,
    max(recorded_at) AS recorded_at
FROM certificates
GROUP BY trial_id;

COMMENT ON VIEW grades IS 'How far the client of each trial can be trusted, by its latest certificate; the view certificate has the evidence. Grain: trial.';
COMMENT ON COLUMN grades.trial_id IS 'The trial.';
COMMENT ON COLUMN grades.grade IS 'A to D, that of the worst criterion; A and B are fit to be ranked.';
COMMENT ON COLUMN grades.reasons IS 'What keeps it from A, one sentence each, the worst first.';
COMMENT ON COLUMN grades.method_version IS 'Version of the limits and criteria.';
COMMENT ON COLUMN grades.recorded_at IS 'UTC instant of the certification.';
