-- Purpose: Whether each target still answers as it did: the canary of each run, its latest judgement, what the server says of itself.
-- Grain: run, target.
CREATE OR REPLACE VIEW canary_nights AS
WITH asked AS (
    SELECT
        run_id,
        target_id,
        any_value(provider) AS provider,
        any_value(model) AS model,
        any_value(model_group) AS model_group,
        any_value(quantisation) AS quantisation,
        any_value(sampling) AS sampling,
        mode(model_returned) AS model_returned,
        mode(system_fingerprint) AS system_fingerprint,
        mode(error_class) FILTER (answer_sha256 IS NULL) AS error_class,
        count(*) AS questions,
        count(answer_sha256) AS answers,
        sum(prompt_tokens)::BIGINT AS prompt_tokens,
        sum(output_tokens)::BIGINT AS output_tokens
    FROM canary_answers
    GROUP BY run_id, target_id
),

judged AS (
    SELECT *
    FROM canary_verdicts
    QUALIFY row_number() OVER (PARTITION BY run_id, target_id ORDER BY recorded_at DESC, method_version DESC) = 1
)

SELECT
    a.run_id,
    a.target_id,
    j.asked_at,
    a.provider,
    a.model,
    a.model_group,
    a.quantisation,
    j.verdict,
    j.reason,
    j.since_at,
    j.is_reference,
    j.reference_runs,
    a.questions,
    a.answers,
    j.compared_answers,
    j.identical_answers,
    j.identical_share,
    j.identical_share_low,
    j.identical_share_high,
    j.repeat_share,
    j.chance_share,
    j.family_chance_share,
    j.judged_answers,
    j.right_answers,
    j.right_share,
    j.right_share_low,
    j.right_share_high,
    j.fewer_right_chance_share,
    j.tokenizer_signature,
    j.prompt_overhead_tokens,
    j.count_output_tokens,
    a.prompt_tokens,
    a.output_tokens,
    a.model_returned,
    a.system_fingerprint,
    a.error_class,
    a.sampling
FROM asked AS a
INNER JOIN judged AS j USING (run_id, target_id);

COMMENT ON VIEW canary_nights IS 'Whether each target still answers as it did: the canary of each run with its latest judgement. Grain: run, target.';
COMMENT ON COLUMN canary_nights.run_id IS 'The run that asked.';
COMMENT ON COLUMN canary_nights.target_id IS 'The target.';
COMMENT ON COLUMN canary_nights.asked_at IS 'UTC instant of its first question.';
COMMENT ON COLUMN canary_nights.provider IS 'Who serves it, as the config names it.';
COMMENT ON COLUMN canary_nights.model IS 'Model name as asked for.';
COMMENT ON COLUMN canary_nights.model_group IS 'Targets that share it are thought to serve the same model.';
COMMENT ON COLUMN canary_nights.quantisation IS 'Quantisation of local weights; NULL if not known.';
COMMENT ON COLUMN canary_nights.verdict IS 'same, drifted, other tokenizer, other model named, or unknown.';
COMMENT ON COLUMN canary_nights.reason IS 'One sentence: what speaks for the verdict.';
COMMENT ON COLUMN canary_nights.since_at IS 'UTC instant of the first night of an unbroken row with this verdict.';
COMMENT ON COLUMN canary_nights.is_reference IS 'Whether this night is one of the reference nights that later ones are compared with.';
COMMENT ON COLUMN canary_nights.reference_runs IS 'Reference nights that it was compared with, a count.';
COMMENT ON COLUMN canary_nights.questions IS 'Questions asked, a count.';
COMMENT ON COLUMN canary_nights.answers IS 'Of them, answered, a count.';
COMMENT ON COLUMN canary_nights.compared_answers IS 'Questions answered both now and on a reference night, a count.';
COMMENT ON COLUMN canary_nights.identical_answers IS 'Of them, answered in the very words of most reference nights, a count.';
COMMENT ON COLUMN canary_nights.identical_share IS 'identical_answers / compared_answers, 0 to 1; NULL if nothing was compared.';
COMMENT ON COLUMN canary_nights.identical_share_low IS 'Low end of its 95 % interval (Wilson), 0 to 1.';
COMMENT ON COLUMN canary_nights.identical_share_high IS 'High end of its 95 % interval (Wilson), 0 to 1.';
COMMENT ON COLUMN canary_nights.repeat_share IS 'Its own repeatability: of pairs of reference nights the share of identical answers, 0 to 1; NULL without a pair.';
COMMENT ON COLUMN canary_nights.chance_share IS 'Chance of no more agreement than this if nothing changed (exact test within questions), 0 to 1; NULL without a pair of reference nights.';
COMMENT ON COLUMN canary_nights.family_chance_share IS 'The same among all targets of the run (Holm), 0 to 1; at most 0.01 is drift.';
COMMENT ON COLUMN canary_nights.judged_answers IS 'Answers that can be right or wrong, a count.';
COMMENT ON COLUMN canary_nights.right_answers IS 'Of them, right, a count.';
COMMENT ON COLUMN canary_nights.right_share IS 'right_answers / judged_answers, 0 to 1; NULL if there is none.';
COMMENT ON COLUMN canary_nights.right_share_low IS 'Low end of its 95 % interval (Wilson), 0 to 1.';
COMMENT ON COLUMN canary_nights.right_share_high IS 'High end of its 95 % interval (Wilson), 0 to 1.';
COMMENT ON COLUMN canary_nights.fewer_right_chance_share IS 'Chance of so many lost right answers if losing were as likely as gaining (exact McNemar test), 0 to 1; NULL if none changed.';
COMMENT ON COLUMN canary_nights.tokenizer_signature IS 'Prompt tokens of each tokenizer sentinel less the smallest of them: another tokenizer, another list; NULL if one was not counted.';
COMMENT ON COLUMN canary_nights.prompt_overhead_tokens IS 'The smallest of them: moves alone when a chat template or a system prompt changes, a count.';
COMMENT ON COLUMN canary_nights.count_output_tokens IS 'Output tokens of counting from 1 to 12, where that was done exactly, a count; NULL where it was not.';
COMMENT ON COLUMN canary_nights.prompt_tokens IS 'Prompt tokens of all questions, as the server counted them, a count; NULL if it did not.';
COMMENT ON COLUMN canary_nights.output_tokens IS 'Output tokens of all answers, as the server counted them, a count; NULL if it did not.';
COMMENT ON COLUMN canary_nights.model_returned IS 'Model name in most answers; NULL if they name none.';
COMMENT ON COLUMN canary_nights.system_fingerprint IS 'Fingerprint of the serving system in most answers; NULL if there is none.';
COMMENT ON COLUMN canary_nights.error_class IS 'Class of most failures; NULL if every question was answered.';
COMMENT ON COLUMN canary_nights.sampling IS 'What was asked of the sampler.';
