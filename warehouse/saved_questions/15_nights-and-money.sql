-- Title: What has each night cost, of what it was allowed?
-- Why: Spent beside quoted and allowed: a budget that is never near its end is too large, one at its end cuts nights short.
SELECT
    started_at,
    run_id,
    state,
    trials_done,
    trials_planned,
    spent_usd,
    max_usd,
    100 * spent_usd / nullif(max_usd, 0) AS budget_percent,
    unpriced_trials
FROM runs_overview
WHERE NOT ad_hoc
ORDER BY started_at DESC
