-- Purpose: How two targets of a group differ, from attempts that were sent in one round: the median of the differences with its 95 % interval; each pair stands in both orders.
-- Grain: group, target a, target b, metric.
CREATE OR REPLACE VIEW paired_differences AS
WITH latest AS (
    SELECT *
    FROM paired_intervals
    QUALIFY row_number() OVER (
        PARTITION BY group_id, trial_id_a, trial_id_b, metric_id ORDER BY recorded_at DESC
    ) = 1
),

both_orders AS (
    SELECT group_id, trial_id_a, trial_id_b, metric_id, low, central, high, n, blocks, reason
    FROM latest
    UNION ALL
    SELECT group_id, trial_id_b, trial_id_a, metric_id, -high, -central, -low, n, blocks, reason
    FROM latest
)

SELECT
    p.group_id,
    a.run_id,
    a.workload_id,
    a.target_id AS target_id_a,
    b.target_id AS target_id_b,
    p.metric_id,
    p.trial_id_a,
    p.trial_id_b,
    p.n AS pairs,
    p.low,
    p.central,
    p.high,
    p.low > 0 OR p.high < 0 AS apart,
    p.reason
FROM both_orders AS p
INNER JOIN trials AS a ON a.trial_id = p.trial_id_a
INNER JOIN trials AS b ON b.trial_id = p.trial_id_b;

COMMENT ON VIEW paired_differences IS 'How two targets of a group differ, from attempts that were sent in one round: the median of the differences with its 95 % interval; each pair stands in both orders. Grain: group, target a, target b, metric.';
COMMENT ON COLUMN paired_differences.group_id IS 'The group.';
COMMENT ON COLUMN paired_differences.run_id IS 'The run.';
COMMENT ON COLUMN paired_differences.workload_id IS 'The workload.';
COMMENT ON COLUMN paired_differences.target_id_a IS 'One target.';
COMMENT ON COLUMN paired_differences.target_id_b IS 'The other.';
COMMENT ON COLUMN paired_differences.metric_id IS 'ttft_s, tpot_s or e2e_s: the unit of low, central and high.';
COMMENT ON COLUMN paired_differences.trial_id_a IS 'The trial of target a.';
COMMENT ON COLUMN paired_differences.trial_id_b IS 'The trial of target b.';
COMMENT ON COLUMN paired_differences.pairs IS 'Pairs in which both succeeded, a count.';
COMMENT ON COLUMN paired_differences.low IS 'Low end of the interval of a - b, seconds; NULL without one.';
COMMENT ON COLUMN paired_differences.central IS 'Median of a - b, seconds: below 0, a was faster.';
COMMENT ON COLUMN paired_differences.high IS 'High end of the interval of a - b, seconds; NULL without one.';
COMMENT ON COLUMN paired_differences.apart IS 'Whether the interval does not hold 0: the two surely differ; NULL if it is not known.';
COMMENT ON COLUMN paired_differences.reason IS 'Why there is no interval; NULL if there is one.';
