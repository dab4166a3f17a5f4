-- Purpose: How far targets that are thought to serve the same model answered the canary of a run in the same words.
-- Grain: run, target, other target of its model group; each pair stands twice.
CREATE OR REPLACE VIEW canary_agreement AS
SELECT
    one.run_id,
    one.target_id,
    other.target_id AS other_target_id,
    one.model_group,
    count(*) AS compared_answers,
    count(*) FILTER (one.answer_sha256 = other.answer_sha256) AS identical_answers,
    count(*) FILTER (one.answer_sha256 = other.answer_sha256) / nullif(count(*), 0) AS identical_share,
    count(*) FILTER (one.is_right AND NOT other.is_right) AS only_here_right_answers,
    count(*) FILTER (other.is_right AND NOT one.is_right) AS only_there_right_answers
FROM canary_answers AS one
INNER JOIN canary_answers AS other USING (run_id, model_group, question_sha256)
WHERE one.target_id <> other.target_id AND one.answer_sha256 IS NOT NULL AND other.answer_sha256 IS NOT NULL
GROUP BY one.run_id, one.target_id, other.target_id, one.model_group;

COMMENT ON VIEW canary_agreement IS 'How far targets that are thought to serve the same model answered the canary of a run in the same words. Grain: run, target, other target.';
COMMENT ON COLUMN canary_agreement.run_id IS 'The run that asked.';
COMMENT ON COLUMN canary_agreement.target_id IS 'The target.';
COMMENT ON COLUMN canary_agreement.other_target_id IS 'The other target.';
COMMENT ON COLUMN canary_agreement.model_group IS 'What both are thought to serve.';
COMMENT ON COLUMN canary_agreement.compared_answers IS 'Questions that both answered, a count.';
COMMENT ON COLUMN canary_agreement.identical_answers IS 'Of them, answered in the same words, a count.';
COMMENT ON COLUMN canary_agreement.identical_share IS 'identical_answers / compared_answers, 0 to 1.';
COMMENT ON COLUMN canary_agreement.only_here_right_answers IS 'Questions that the target alone answered right, a count.';
COMMENT ON COLUMN canary_agreement.only_there_right_answers IS 'Questions that the other alone answered right, a count.';
