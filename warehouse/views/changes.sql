-- Purpose: What changed from night to night: lasting shifts, odd nights and prices, with what else differed; as the last look found it.
-- Grain: target, workload, metric, night, kind.
CREATE OR REPLACE VIEW changes AS
WITH latest_target AS (
    SELECT
        target_id,
        provider,
        model,
        region
    FROM trials
    QUALIFY row_number() OVER (PARTITION BY target_id ORDER BY started_at DESC, trial_id DESC) = 1
)

SELECT
    c.change_id,
    c.change_kind,
    target_id,
    l.provider,
    l.model,
    l.region,
    c.workload_id,
    c.metric_id,
    c.changed_on,
    c.earliest_on,
    c.latest_on,
    c.value_before,
    c.value_after_low,
    c.value_after,
    c.value_after_high,
    c.value_after / nullif(c.value_before, 0) AS change_ratio,
    c.before_nights,
    c.after_nights,
    c.is_better,
    c.hints
FROM found_changes AS c
LEFT JOIN latest_target AS l USING (target_id);

COMMENT ON VIEW changes IS 'What changed from night to night: lasting shifts, odd nights and prices, with what else differed; as the last look found it. Grain: target, workload, metric, night, kind.';
COMMENT ON COLUMN changes.change_id IS 'Names the change.';
COMMENT ON COLUMN changes.change_kind IS 'shift (a lasting change of level), night (one night far from its neighbours) or price (a stated price is another).';
COMMENT ON COLUMN changes.target_id IS 'The target.';
COMMENT ON COLUMN changes.provider IS 'Who serves it, by its newest trial.';
COMMENT ON COLUMN changes.model IS 'The model, by its newest trial.';
COMMENT ON COLUMN changes.region IS 'Where it says it runs, by its newest trial; NULL if it does not say.';
COMMENT ON COLUMN changes.workload_id IS 'The workload; NULL for a price.';
COMMENT ON COLUMN changes.metric_id IS 'What changed: a metric of the registry, or the quantity of a price.';
COMMENT ON COLUMN changes.changed_on IS 'Date of the first night after it, UTC.';
COMMENT ON COLUMN changes.earliest_on IS 'First night that it may as well have been, UTC date.';
COMMENT ON COLUMN changes.latest_on IS 'Last night that it may as well have been, UTC date.';
COMMENT ON COLUMN changes.value_before IS 'Level of the nights before, in the unit that metric_id names.';
COMMENT ON COLUMN changes.value_after_low IS 'Low end of the 95 % interval of the new level; NULL for one night and for a price.';
COMMENT ON COLUMN changes.value_after IS 'Level of the nights after, in the unit that metric_id names.';
COMMENT ON COLUMN changes.value_after_high IS 'High end of that interval.';
COMMENT ON COLUMN changes.change_ratio IS 'value_after / value_before, a ratio; NULL if that was 0.';
COMMENT ON COLUMN changes.before_nights IS 'Nights at the old level, a count.';
COMMENT ON COLUMN changes.after_nights IS 'Nights at the new level, a count.';
COMMENT ON COLUMN changes.is_better IS 'Whether the new level is the better one.';
COMMENT ON COLUMN changes.hints IS 'What else differed around that night, a sentence each; facts, no causes.';
