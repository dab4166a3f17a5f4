-- Title: Are the answers as long as they were asked to be?
-- Why: A target that stops early looks cheap by the request and dear by the token.
SELECT
    t.target_id,
    t.workload_id,
    t.output_tokens_asked,
    o.output_tokens / nullif(o.ok, 0) AS mean_output_tokens,
    100 * mean_output_tokens / nullif(t.output_tokens_asked, 0) AS percent_of_asked,
    o.ok AS answers
FROM leaderboard AS l
INNER JOIN trials AS t USING (trial_id)
INNER JOIN trial_outcomes AS o USING (trial_id)
ORDER BY percent_of_asked NULLS LAST
