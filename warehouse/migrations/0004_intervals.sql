-- Purpose: how far the figures of a trial, of repeated trials and of pairs can be trusted. Recomputable from what landed; rows are
-- added, never changed: the views read the latest.

CREATE TABLE trial_intervals (
    trial_id VARCHAR NOT NULL,
    metric_id VARCHAR NOT NULL,
    measured_over VARCHAR NOT NULL,
    low DOUBLE,
    central DOUBLE,
    high DOUBLE,
    confidence_share DOUBLE NOT NULL,
    n BIGINT NOT NULL,
    blocks BIGINT NOT NULL,
    method VARCHAR NOT NULL,
    method_version VARCHAR NOT NULL,
    reason VARCHAR,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE trial_intervals IS 'Figures of a trial with their 95 % intervals by resampling stretches of its time (grain: trial, metric, computation).';
COMMENT ON COLUMN trial_intervals.trial_id IS 'The trial.';
COMMENT ON COLUMN trial_intervals.metric_id IS 'Metric, as warehouse/metrics.py names it; its name ends in its unit.';
COMMENT ON COLUMN trial_intervals.measured_over IS 'steady (attempts started in the steady window) or whole (all measured attempts).';
COMMENT ON COLUMN trial_intervals.low IS 'Low end of the interval, in the unit of the metric; NULL is unknown and reason says why.';
COMMENT ON COLUMN trial_intervals.central IS 'The figure of the trial, in the unit of the metric; NULL is unknown.';
COMMENT ON COLUMN trial_intervals.high IS 'High end of the interval, in the unit of the metric; NULL is unknown and reason says why.';
COMMENT ON COLUMN trial_intervals.confidence_share IS 'How often such an interval holds the truth, 0 to 1.';
COMMENT ON COLUMN trial_intervals.n IS 'Values behind the figure, a count.';
COMMENT ON COLUMN trial_intervals.blocks IS 'Independent parts that they were taken to come in, a count.';
COMMENT ON COLUMN trial_intervals.method IS 'Name of the formula.';
COMMENT ON COLUMN trial_intervals.method_version IS 'Version of the formulas; a change of any of them changes it.';
COMMENT ON COLUMN trial_intervals.reason IS 'Why there is no interval, one sentence; NULL if there is one.';
COMMENT ON COLUMN trial_intervals.recorded_at IS 'UTC instant of the computation.';

CREATE TABLE cell_intervals (
    run_id VARCHAR NOT NULL,
    target_id VARCHAR NOT NULL,
    workload_id VARCHAR NOT NULL,
    metric_id VARCHAR NOT NULL,
    trials BIGINT NOT NULL,
    low DOUBLE,
    central DOUBLE,
    high DOUBLE,
    confidence_share DOUBLE NOT NULL,
    n BIGINT NOT NULL,
    blocks BIGINT NOT NULL,
    method VARCHAR NOT NULL,
    method_version VARCHAR NOT NULL,
    reason VARCHAR,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE cell_intervals IS 'Figures of repeated trials of one target under one workload in one run, with their 95 % intervals over trials (grain: run, target, workload, metric, computation).';
COMMENT ON COLUMN cell_intervals.run_id IS 'The run.';
COMMENT ON COLUMN cell_intervals.target_id IS 'The target.';
COMMENT ON COLUMN cell_intervals.workload_id IS 'The workload.';
COMMENT ON COLUMN cell_intervals.metric_id IS 'Metric, as warehouse/metrics.py names it; its name ends in its unit.';
COMMENT ON COLUMN cell_intervals.trials IS 'Repeated trials of the cell when it was computed, a count.';
COMMENT ON COLUMN cell_intervals.low IS 'Low end of the interval, in the unit of the metric; NULL is unknown and reason says why.';
COMMENT ON COLUMN cell_intervals.central IS 'Mean of the figures of its trials, in the unit of the metric; NULL is unknown.';
COMMENT ON COLUMN cell_intervals.high IS 'High end of the interval, in the unit of the metric; NULL is unknown and reason says why.';
COMMENT ON COLUMN cell_intervals.confidence_share IS 'How often such an interval holds the truth, 0 to 1.';
COMMENT ON COLUMN cell_intervals.n IS 'Values behind the figure, a count.';
COMMENT ON COLUMN cell_intervals.blocks IS 'Independent parts that they were taken to come in, a count.';
COMMENT ON COLUMN cell_intervals.method IS 'Name of the formula.';
COMMENT ON COLUMN cell_intervals.method_version IS 'Version of the formulas; a change of any of them changes it.';
COMMENT ON COLUMN cell_intervals.reason IS 'Why there is no interval, one sentence; NULL if there is one.';
COMMENT ON COLUMN cell_intervals.recorded_at IS 'UTC instant of the computation.';

CREATE TABLE paired_intervals (
    group_id VARCHAR NOT NULL,
    trial_id_a VARCHAR NOT NULL,
    trial_id_b VARCHAR NOT NULL,
    metric_id VARCHAR NOT NULL,
    low DOUBLE,
    central DOUBLE,
    high DOUBLE,
    confidence_share DOUBLE NOT NULL,
    n BIGINT NOT NULL,
    blocks BIGINT NOT NULL,
    method VARCHAR NOT NULL,
    method_version VARCHAR NOT NULL,
    reason VARCHAR,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE paired_intervals IS 'Median difference between two trials of one group over attempts sent in one round, with its 95 % interval (grain: group, trial a, trial b, metric, computation).';
COMMENT ON COLUMN paired_intervals.group_id IS 'The group.';
COMMENT ON COLUMN paired_intervals.trial_id_a IS 'One trial.';
COMMENT ON COLUMN paired_intervals.trial_id_b IS 'The other, later by name.';
COMMENT ON COLUMN paired_intervals.metric_id IS 'Metric, as warehouse/metrics.py names it; its name ends in its unit.';
COMMENT ON COLUMN paired_intervals.low IS 'Low end of the interval, in the unit of the metric; NULL is unknown and reason says why.';
COMMENT ON COLUMN paired_intervals.central IS 'Median of a - b over the pairs in which both succeeded, in the unit of the metric; NULL is unknown.';
COMMENT ON COLUMN paired_intervals.high IS 'High end of the interval, in the unit of the metric; NULL is unknown and reason says why.';
COMMENT ON COLUMN paired_intervals.confidence_share IS 'How often such an interval holds the truth, 0 to 1.';
COMMENT ON COLUMN paired_intervals.n IS 'Values behind the figure, a count.';
COMMENT ON COLUMN paired_intervals.blocks IS 'Independent parts that they were taken to come in, a count.';
COMMENT ON COLUMN paired_intervals.method IS 'Name of the formula.';
COMMENT ON COLUMN paired_intervals.method_version IS 'Version of the formulas; a change of any of them changes it.';
COMMENT ON COLUMN paired_intervals.reason IS 'Why there is no interval, one sentence; NULL if there is one.';
COMMENT ON COLUMN paired_intervals.recorded_at IS 'UTC instant of the computation.';
