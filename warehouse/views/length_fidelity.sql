-- Purpose: How close prompts and answers came to the lengths asked for, by the server's own counts: only trials of like lengths compare.
-- Grain: trial.
CREATE OR REPLACE VIEW length_fidelity AS
WITH measured AS (
    SELECT
        trial_id,
        abs(prompt_tokens - prompt_tokens_asked) / nullif(prompt_tokens_asked, 0) AS prompt_error,
        output_tokens / nullif(output_tokens_asked, 0) AS output_reached
    FROM attempts
    WHERE phase = 'measured' AND error_class IS NULL
),

lengths AS (
    SELECT
        trial_id,
        count(prompt_error) AS n_prompts,
        median(prompt_error) AS prompt_error_p50_share,
        max(prompt_error) AS prompt_error_max_share,
        count(*) FILTER (prompt_error = 0) / nullif(count(prompt_error), 0) AS prompt_exact_share,
        count(*) FILTER (prompt_error <= 0.01) / nullif(count(prompt_error), 0) AS prompt_within_1pct_share,
        count(*) FILTER (prompt_error <= 0.02) / nullif(count(prompt_error), 0) AS prompt_within_2pct_share,
        count(output_reached) AS n_outputs,
        median(output_reached) AS output_length_reached_share,
        min(output_reached) AS output_length_reached_min_share,
        count(*) FILTER (output_reached < 1) / nullif(count(output_reached), 0) AS output_short_share
    FROM measured
    GROUP BY trial_id
)

SELECT
    t.trial_id,
    t.run_id,
    t.target_id,
    t.workload_id,
    t.tokenizer,
    coalesce(l.n_prompts, 0) AS n_prompts,
    l.prompt_error_p50_share,
    l.prompt_error_max_share,
    l.prompt_exact_share,
    l.prompt_within_1pct_share,
    l.prompt_within_2pct_share,
    coalesce(l.n_outputs, 0) AS n_outputs,
    l.output_length_reached_share,
    l.output_length_reached_min_share,
    l.output_short_share,
    CASE
        WHEN l.output_length_reached_share IS NULL THEN NULL
        WHEN l.output_length_reached_share < 0.25 THEN 'under a quarter'
        WHEN l.output_length_reached_share < 0.5 THEN 'a quarter to a half'
        WHEN l.output_length_reached_share < 0.9 THEN 'a half to 90 %'
        WHEN l.output_length_reached_share <= 1.1 THEN 'as asked'
        ELSE 'longer than asked'
    END AS length_band
FROM trials AS t
LEFT JOIN lengths AS l USING (trial_id);

COMMENT ON VIEW length_fidelity IS 'How close prompts and answers came to the lengths asked for, by the server''s own counts: only trials of like lengths compare. Grain: trial.';
COMMENT ON COLUMN length_fidelity.trial_id IS 'The trial.';
COMMENT ON COLUMN length_fidelity.run_id IS 'The run.';
COMMENT ON COLUMN length_fidelity.target_id IS 'The target.';
COMMENT ON COLUMN length_fidelity.workload_id IS 'The workload.';
COMMENT ON COLUMN length_fidelity.tokenizer IS 'How prompts were brought to their length: usage, server or the name of a tokenizer file; NULL in what landed before it was kept.';
COMMENT ON COLUMN length_fidelity.n_prompts IS 'Successful attempts whose prompt length was both asked for and counted, a count.';
COMMENT ON COLUMN length_fidelity.prompt_error_p50_share IS '|counted - asked| / asked of their prompts, median.';
COMMENT ON COLUMN length_fidelity.prompt_error_max_share IS '|counted - asked| / asked of their prompts, largest.';
COMMENT ON COLUMN length_fidelity.prompt_exact_share IS 'Share (0 to 1) of those prompts that were exactly as long as asked.';
COMMENT ON COLUMN length_fidelity.prompt_within_1pct_share IS 'Share (0 to 1) of those prompts that were within 1 % of it.';
COMMENT ON COLUMN length_fidelity.prompt_within_2pct_share IS 'Share (0 to 1) of those prompts that were within 2 % of it.';
COMMENT ON COLUMN length_fidelity.n_outputs IS 'Successful attempts whose output length was both asked for and counted, a count.';
COMMENT ON COLUMN length_fidelity.output_length_reached_share IS 'Counted / asked output tokens, median: 1 where answers fill what they may, less where they end by themselves.';
COMMENT ON COLUMN length_fidelity.output_length_reached_min_share IS 'Counted / asked output tokens, smallest.';
COMMENT ON COLUMN length_fidelity.output_short_share IS 'Share (0 to 1) of those answers that ended before the length asked for.';
COMMENT ON COLUMN length_fidelity.length_band IS 'What the median means: under a quarter, a quarter to a half, a half to 90 %, as asked, longer than asked; trials of different bands do not compare.';
