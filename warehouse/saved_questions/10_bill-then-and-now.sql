-- Title: What would past measurements cost at today's prices?
-- Why: The cost of a trial is kept at the price of its day; here the same tokens stand beside at the price that rules now.
SELECT
    target_id,
    count(*) AS trials,
    sum(at_trial_usd) AS at_trial_usd,
    sum(today_usd) AS today_usd,
    100 * (sum(today_usd) / nullif(sum(at_trial_usd), 0) - 1) AS change_percent,
    min(started_at) AS first_at,
    max(started_at) AS last_at,
    any_value(reason) AS reason
FROM trial_cost_today
GROUP BY target_id
ORDER BY abs(change_percent) DESC NULLS LAST
