-- Purpose: Money each trial cost, with its range: a price list for what others serve, electricity and hardware for what we serve; the latest accounting.
-- Grain: trial.
CREATE OR REPLACE VIEW cost AS
WITH latest AS (
    SELECT *
    FROM cost_accounts
    INNER JOIN (
        -- a window says the same and takes four times as long over a year
        SELECT trial_id, max(recorded_at) AS recorded_at
        FROM cost_accounts
        GROUP BY trial_id
    ) USING (trial_id, recorded_at)
),

summed AS (
    SELECT
        trial_id,
        count(*) = count(cost_usd) AS known,
        sum(cost_usd_low) AS usd_low,
        sum(cost_usd) AS usd,
        sum(cost_usd_high) AS usd_high,
        sum(cost_usd) FILTER (component = 'tokens') AS tokens_usd,
        sum(cost_usd) FILTER (component = 'electricity') AS electricity_usd,
        sum(cost_usd) FILTER (component = 'hardware') AS hardware_usd,
        max(basis) AS basis,
        string_agg(DISTINCT missing, '; ') AS reason,
        string_agg(DISTINCT note, '; ') AS note,
        any_value(method_version) AS method_version,
        max(recorded_at) AS recorded_at
    FROM latest
    GROUP BY trial_id
)

SELECT
    m.trial_id,
    m.run_id,
    m.target_id,
    m.workload_id,
    CASE WHEN s.known THEN s.usd_low END AS usd_low,
    CASE WHEN s.known THEN s.usd END AS usd,
    CASE WHEN s.known THEN s.usd_high END AS usd_high,
    s.tokens_usd,
    s.electricity_usd,
    s.hardware_usd,
    CASE WHEN s.known THEN s.usd_low / nullif(m.output_tokens / 1e6, 0) END AS usd_per_output_mtok_low,
    CASE WHEN s.known THEN s.usd / nullif(m.output_tokens / 1e6, 0) END AS usd_per_output_mtok,
    CASE WHEN s.known THEN s.usd_high / nullif(m.output_tokens / 1e6, 0) END AS usd_per_output_mtok_high,
    CASE WHEN s.known THEN s.basis::VARCHAR END AS basis,
    CASE
        WHEN s.trial_id IS NULL THEN 'not accounted yet'
        WHEN NOT s.known THEN s.reason
        WHEN m.output_tokens IS NULL THEN 'output tokens are not known'
        WHEN m.output_tokens = 0 THEN 'no output tokens'
    END AS reason,
    s.note,
    s.method_version,
    s.recorded_at
FROM trial_outcomes AS m
LEFT JOIN summed AS s USING (trial_id);

COMMENT ON VIEW cost IS 'Money each trial cost, with its range: a price list for what others serve, electricity and hardware for what we serve; the latest accounting. Grain: trial.';
COMMENT ON COLUMN cost.trial_id IS 'The trial.';
COMMENT ON COLUMN cost.run_id IS 'The run.';
COMMENT ON COLUMN cost.target_id IS 'The target.';
COMMENT ON COLUMN cost.workload_id IS 'The workload.';
COMMENT ON COLUMN cost.usd_low IS 'Lower bound, US dollars.';
COMMENT ON COLUMN cost.usd IS 'What the measured attempts cost, US dollars; NULL is unknown and reason says why.';
COMMENT ON COLUMN cost.usd_high IS 'Upper bound, US dollars.';
COMMENT ON COLUMN cost.tokens_usd IS 'Part of usd: tokens x list price, US dollars; NULL for what we serve ourselves.';
COMMENT ON COLUMN cost.electricity_usd IS 'Part of usd: energy x PUE x tariff, US dollars; NULL at a price list.';
COMMENT ON COLUMN cost.hardware_usd IS 'Part of usd: hardware written off by time and utilisation, US dollars; NULL at a price list.';
COMMENT ON COLUMN cost.usd_per_output_mtok_low IS 'Lower bound, US dollars per million output tokens.';
COMMENT ON COLUMN cost.usd_per_output_mtok IS 'usd / output tokens of successful attempts, US dollars per million; the prompts of this workload are in it.';
COMMENT ON COLUMN cost.usd_per_output_mtok_high IS 'Upper bound, US dollars per million output tokens.';
COMMENT ON COLUMN cost.basis IS 'Worst label among the inputs: measured, declared, modelled, estimated (best to worst).';
COMMENT ON COLUMN cost.reason IS 'Why a value is NULL.';
COMMENT ON COLUMN cost.note IS 'What a reader should know.';
COMMENT ON COLUMN cost.method_version IS 'Version of the accounting.';
COMMENT ON COLUMN cost.recorded_at IS 'UTC instant of the accounting.';
