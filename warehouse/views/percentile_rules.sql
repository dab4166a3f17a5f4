-- Purpose: How many attempts a percentile needs before it says more than an extreme does: three beyond it; views leave it blank (NULL) below that.
-- Grain: percentile.
CREATE OR REPLACE VIEW percentile_rules AS
SELECT
    percentile::BIGINT AS percentile,
    min_attempts::BIGINT AS min_attempts
FROM (
    VALUES
        (10, 30),
        -- a median is no extreme, however few there are: its interval says how little is known
        (50, 1),
        (95, 60),
        (99, 300)
) AS rules (percentile, min_attempts);

COMMENT ON VIEW percentile_rules IS 'How many attempts a percentile needs before it says more than an extreme does: three beyond it; views leave it blank (NULL) below that. Grain: percentile.';
COMMENT ON COLUMN percentile_rules.percentile IS 'Which percentile, 1 to 99.';
COMMENT ON COLUMN percentile_rules.min_attempts IS 'Attempts it needs, a count.';
