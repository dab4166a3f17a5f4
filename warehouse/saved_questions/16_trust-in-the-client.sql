-- Title: How far can the measurements be trusted?
-- Why: Each grade with its reasons: a number by a busy client is the client's number.
SELECT
    grade,
    reasons,
    count(*) AS trials,
    count(DISTINCT target_id) AS targets,
    max(cpu_share_others) AS most_cpu_share_others
FROM certificate
GROUP BY ALL
ORDER BY grade, trials DESC
