-- Purpose: what every target answered to the same few questions night after night, and whether it still answers as it did.

CREATE TABLE canary_answers (
    run_id VARCHAR NOT NULL,
    target_id VARCHAR NOT NULL,
    question_id VARCHAR NOT NULL,
    question_sha256 VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    target_kind VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    model_group VARCHAR NOT NULL,
    quantisation VARCHAR,
    weights_sha256 VARCHAR,
    base_url VARCHAR,
    engine_version VARCHAR,
    sampling VARCHAR NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL,
    answer_text VARCHAR,
    answer_sha256 VARCHAR,
    is_right BOOLEAN,
    prompt_tokens BIGINT,
    output_tokens BIGINT,
    finish_reason VARCHAR,
    model_returned VARCHAR,
    system_fingerprint VARCHAR,
    error_class VARCHAR,
    error_message VARCHAR,
    host_id VARCHAR NOT NULL,
    megatoken_version VARCHAR NOT NULL
);
COMMENT ON TABLE canary_answers IS 'Answers to the fixed questions of the fidelity canary; they count in no figure of speed, cost or carbon (grain: run, target, question).';
COMMENT ON COLUMN canary_answers.run_id IS 'The run that asked.';
COMMENT ON COLUMN canary_answers.target_id IS 'The target.';
COMMENT ON COLUMN canary_answers.question_id IS 'The question, as warehouse/reference/canary/questions.csv names it.';
COMMENT ON COLUMN canary_answers.question_sha256 IS 'SHA-256 of its text and of the room for its answer, hexadecimal; only answers to the same are compared.';
COMMENT ON COLUMN canary_answers.kind IS 'What the question is of, such as arithmetic; free has no right answer; tokenizer is there for its prompt tokens.';
COMMENT ON COLUMN canary_answers.target_kind IS 'endpoint or local.';
COMMENT ON COLUMN canary_answers.provider IS 'Who serves it, as the config names it; the engine of a local target.';
COMMENT ON COLUMN canary_answers.model IS 'Model name as asked for.';
COMMENT ON COLUMN canary_answers.model_group IS 'Targets that share it are thought to serve the same model: the group of the config, else the model name.';
COMMENT ON COLUMN canary_answers.quantisation IS 'Quantisation of local weights; NULL if not known.';
COMMENT ON COLUMN canary_answers.weights_sha256 IS 'SHA-256 of local weights, hexadecimal; NULL for an endpoint.';
COMMENT ON COLUMN canary_answers.base_url IS 'Where an endpoint was asked; NULL for a local target.';
COMMENT ON COLUMN canary_answers.engine_version IS 'Version of the engine that served a local target; NULL for an endpoint.';
COMMENT ON COLUMN canary_answers.sampling IS 'What was asked of the sampler: temperature 0 and a seed, as far as the server takes them.';
COMMENT ON COLUMN canary_answers.asked_at IS 'UTC instant of the request.';
COMMENT ON COLUMN canary_answers.ended_at IS 'UTC instant at which the answer was complete, or had failed.';
COMMENT ON COLUMN canary_answers.answer_text IS 'The visible answer, its first 500 characters; NULL if there is none.';
COMMENT ON COLUMN canary_answers.answer_sha256 IS 'SHA-256 of the whole visible answer, hexadecimal; NULL if there is none.';
COMMENT ON COLUMN canary_answers.is_right IS 'Whether the answer is right; NULL if there is none, or no answer would be right.';
COMMENT ON COLUMN canary_answers.prompt_tokens IS 'Prompt tokens as the server counted them, a count; NULL if it did not.';
COMMENT ON COLUMN canary_answers.output_tokens IS 'Output tokens as the server counted them, a count; NULL if it did not.';
COMMENT ON COLUMN canary_answers.finish_reason IS 'Why the answer ended, as the server says.';
COMMENT ON COLUMN canary_answers.model_returned IS 'Model name in the answer; NULL if it names none.';
COMMENT ON COLUMN canary_answers.system_fingerprint IS 'Fingerprint of the serving system in the answer; NULL if there is none.';
COMMENT ON COLUMN canary_answers.error_class IS 'Class of the failure; NULL is success.';
COMMENT ON COLUMN canary_answers.error_message IS 'What the failure said; NULL is success.';
COMMENT ON COLUMN canary_answers.host_id IS 'The machine that asked.';
COMMENT ON COLUMN canary_answers.megatoken_version IS 'Version of Megatoken that asked.';

CREATE TABLE canary_verdicts (
    run_id VARCHAR NOT NULL,
    target_id VARCHAR NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL,
    declared_sha256 VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    since_at TIMESTAMPTZ NOT NULL,
    is_reference BOOLEAN NOT NULL,
    reference_runs BIGINT NOT NULL,
    compared_answers BIGINT NOT NULL,
    identical_answers BIGINT NOT NULL,
    identical_share DOUBLE,
    identical_share_low DOUBLE,
    identical_share_high DOUBLE,
    repeat_share DOUBLE,
    chance_share DOUBLE,
    family_chance_share DOUBLE,
    judged_answers BIGINT NOT NULL,
    right_answers BIGINT NOT NULL,
    right_share DOUBLE,
    right_share_low DOUBLE,
    right_share_high DOUBLE,
    fewer_right_chance_share DOUBLE,
    tokenizer_signature VARCHAR,
    prompt_overhead_tokens BIGINT,
    count_output_tokens BIGINT,
    method_version VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE canary_verdicts IS 'Whether a target answered the canary as on its reference nights, with the test behind it (grain: run, target, method version).';
COMMENT ON COLUMN canary_verdicts.run_id IS 'The run that asked.';
COMMENT ON COLUMN canary_verdicts.target_id IS 'The target.';
COMMENT ON COLUMN canary_verdicts.asked_at IS 'UTC instant of its first question.';
COMMENT ON COLUMN canary_verdicts.declared_sha256 IS 'SHA-256 of what was declared of the target, hexadecimal: a change of it begins new reference nights.';
COMMENT ON COLUMN canary_verdicts.verdict IS 'same, drifted, other tokenizer, other model named, or unknown.';
COMMENT ON COLUMN canary_verdicts.reason IS 'One sentence: what speaks for the verdict.';
COMMENT ON COLUMN canary_verdicts.since_at IS 'UTC instant of the first night of an unbroken row with this verdict.';
COMMENT ON COLUMN canary_verdicts.is_reference IS 'Whether this night is one of the reference nights that later ones are compared with.';
COMMENT ON COLUMN canary_verdicts.reference_runs IS 'Reference nights that it was compared with, a count.';
COMMENT ON COLUMN canary_verdicts.compared_answers IS 'Questions answered both now and on a reference night, a count.';
COMMENT ON COLUMN canary_verdicts.identical_answers IS 'Of them, answered in the very words of most reference nights, a count.';
COMMENT ON COLUMN canary_verdicts.identical_share IS 'identical_answers / compared_answers, 0 to 1; NULL if nothing was compared.';
COMMENT ON COLUMN canary_verdicts.identical_share_low IS 'Low end of its 95 % interval (Wilson), 0 to 1.';
COMMENT ON COLUMN canary_verdicts.identical_share_high IS 'High end of its 95 % interval (Wilson), 0 to 1.';
COMMENT ON COLUMN canary_verdicts.repeat_share IS 'Its own repeatability: of pairs of reference nights the share of identical answers, 0 to 1; NULL without a pair.';
COMMENT ON COLUMN canary_verdicts.chance_share IS 'Chance of no more agreement than this if nothing changed (exact test within questions), 0 to 1; NULL without a pair of reference nights.';
COMMENT ON COLUMN canary_verdicts.family_chance_share IS 'The same among all targets of the run (Holm), 0 to 1; at most 0.01 is drift.';
COMMENT ON COLUMN canary_verdicts.judged_answers IS 'Answers that can be right or wrong, a count.';
COMMENT ON COLUMN canary_verdicts.right_answers IS 'Of them, right, a count.';
COMMENT ON COLUMN canary_verdicts.right_share IS 'right_answers / judged_answers, 0 to 1; NULL if there is none.';
COMMENT ON COLUMN canary_verdicts.right_share_low IS 'Low end of its 95 % interval (Wilson), 0 to 1.';
COMMENT ON COLUMN canary_verdicts.right_share_high IS 'High end of its 95 % interval (Wilson), 0 to 1.';
COMMENT ON COLUMN canary_verdicts.fewer_right_chance_share IS 'Chance of so many lost right answers if losing were as likely as gaining (exact McNemar test), 0 to 1; NULL if none changed.';
COMMENT ON COLUMN canary_verdicts.tokenizer_signature IS 'Prompt tokens of each tokenizer sentinel less the smallest of them: another tokenizer, another list; NULL if one was not counted.';
COMMENT ON COLUMN canary_verdicts.prompt_overhead_tokens IS 'The smallest of them: moves alone when a chat template or a system prompt changes, a count.';
COMMENT ON COLUMN canary_verdicts.count_output_tokens IS 'Output tokens of counting from 1 to 12, where that was done exactly, a count; NULL where it was not.';
COMMENT ON COLUMN canary_verdicts.method_version IS 'Version of the method.';
COMMENT ON COLUMN canary_verdicts.recorded_at IS 'UTC instant of the judgement.';
