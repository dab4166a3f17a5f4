-- Purpose: The latest measurement of each target under each workload: latency, speed, money, energy and emissions, with ranges and labels; ad hoc benches are not in it.
-- Grain: target, workload.
CREATE OR REPLACE VIEW leaderboard AS
WITH latest AS (
    SELECT t.*
    FROM trials AS t
    ANTI JOIN ad_hoc_runs USING (run_id)
    -- a point of a search is measured under a load that says nothing about the workload
    WHERE t.status IN ('completed', 'timed_out') AND t.search_id IS NULL
    QUALIFY row_number() OVER (
        PARTITION BY t.target_id, t.workload_id ORDER BY t.started_at DESC, t.try_number DESC, t.trial_id DESC
    ) = 1
),

graded AS (
    -- a figure over several trials is as good as the worst of them
    SELECT
        c.run_id,
        c.target_id,
        c.workload_id,
        max(f.grade) AS client_grade,
        arg_max(f.reasons, f.grade) AS client_reasons
    FROM cell_trials AS c
    INNER JOIN grades AS f USING (trial_id)
    GROUP BY ALL
)

SELECT
    t.trial_id,
    t.run_id,
    t.target_id,
    t.workload_id,
    t.provider,
    t.model,
    t.quantisation,
    t.kind,
    t.engine,
    t.device,
    t.region,
    f.attempts AS n,
    t.started_at AS measured_at,
    t.concurrency,
    CASE WHEN k.trials IS NULL THEN f.ttft_p50_s_low ELSE k.ttft_p50_s_low END AS ttft_p50_s_low,
    CASE WHEN k.trials IS NULL THEN f.ttft_p50_s ELSE k.ttft_p50_s END AS ttft_p50_s,
    CASE WHEN k.trials IS NULL THEN f.ttft_p50_s_high ELSE k.ttft_p50_s_high END AS ttft_p50_s_high,
    CASE WHEN k.trials IS NULL THEN f.ttft_p95_s_low ELSE k.ttft_p95_s_low END AS ttft_p95_s_low,
    CASE WHEN k.trials IS NULL THEN f.ttft_p95_s ELSE k.ttft_p95_s END AS ttft_p95_s,
    CASE WHEN k.trials IS NULL THEN f.ttft_p95_s_high ELSE k.ttft_p95_s_high END AS ttft_p95_s_high,
    CASE WHEN k.trials IS NULL THEN f.tpot_p50_s_low ELSE k.tpot_p50_s_low END AS tpot_p50_s_low,
    CASE WHEN k.trials IS NULL THEN f.tpot_p50_s ELSE k.tpot_p50_s END AS tpot_p50_s,
    CASE WHEN k.trials IS NULL THEN f.tpot_p50_s_high ELSE k.tpot_p50_s_high END AS tpot_p50_s_high,
    CASE WHEN k.trials IS NULL THEN f.tpot_p95_s_low ELSE k.tpot_p95_s_low END AS tpot_p95_s_low,
    CASE WHEN k.trials IS NULL THEN f.tpot_p95_s ELSE k.tpot_p95_s END AS tpot_p95_s,
    CASE WHEN k.trials IS NULL THEN f.tpot_p95_s_high ELSE k.tpot_p95_s_high END AS tpot_p95_s_high,
    CASE WHEN k.trials IS NULL THEN f.e2e_p50_s_low ELSE k.e2e_p50_s_low END AS e2e_p50_s_low,
    CASE WHEN k.trials IS NULL THEN f.e2e_p50_s ELSE k.e2e_p50_s END AS e2e_p50_s,
    CASE WHEN k.trials IS NULL THEN f.e2e_p50_s_high ELSE k.e2e_p50_s_high END AS e2e_p50_s_high,
    CASE WHEN k.trials IS NULL THEN f.e2e_p95_s_low ELSE k.e2e_p95_s_low END AS e2e_p95_s_low,
    CASE WHEN k.trials IS NULL THEN f.e2e_p95_s ELSE k.e2e_p95_s END AS e2e_p95_s,
    CASE WHEN k.trials IS NULL THEN f.e2e_p95_s_high ELSE k.e2e_p95_s_high END AS e2e_p95_s_high,
    CASE WHEN k.trials IS NULL THEN f.output_tokens_per_s_low ELSE k.output_tokens_per_s_low END AS output_tokens_per_s_low,
    CASE WHEN k.trials IS NULL THEN f.output_tokens_per_s ELSE k.output_tokens_per_s END AS output_tokens_per_s,
    CASE WHEN k.trials IS NULL THEN f.output_tokens_per_s_high ELSE k.output_tokens_per_s_high END AS output_tokens_per_s_high,
    CASE WHEN k.trials IS NULL THEN f.goodput_share_low ELSE k.goodput_share_low END AS goodput_share_low,
    CASE WHEN k.trials IS NULL THEN f.goodput_share ELSE k.goodput_share END AS goodput_share,
    CASE WHEN k.trials IS NULL THEN f.goodput_share_high ELSE k.goodput_share_high END AS goodput_share_high,
    f.qoe_mean_share,
    f.failed_share,
    c.usd_per_output_mtok_low,
    c.usd_per_output_mtok,
    c.usd_per_output_mtok_high,
    e.j_per_output_token_low,
    e.j_per_output_token,
    e.j_per_output_token_high,
    g.operational_gco2e_per_output_mtok_low,
    g.operational_gco2e_per_output_mtok,
    g.operational_gco2e_per_output_mtok_high,
    g.embodied_gco2e_per_output_mtok_low,
    g.embodied_gco2e_per_output_mtok,
    g.embodied_gco2e_per_output_mtok_high,
    c.basis AS usd_basis,
    e.basis AS energy_basis,
    g.basis AS emissions_basis,
    greatest(c.basis::basis_label, e.basis::basis_label, g.basis::basis_label)::VARCHAR AS basis,
    t.status,
    f.n_ttft,
    f.n_tpot,
    f.n_e2e,
    f.n_qoe,
    coalesce(k.trials, 1) AS trials,
    f.measured_over,
    f.ttft_max_s,
    f.e2e_max_s,
    f.whole_output_tokens_per_s,
    f.rate_share,
    f.rate_missed,
    t.cpu_share_others,
    t.cpu_share_others > 0.10 AS contended,
    t.weights_note,
    r.client_grade,
    r.client_reasons,
    f.items_per_s,
    f.input_tokens_per_s,
    f.n_audio,
    f.audio_p50_s_per_s,
    f.images_per_s,
    o.rate_limited_count / nullif(o.attempts, 0) AS rate_limited_share,
    o.quota_or_spend_count / nullif(o.attempts, 0) AS quota_or_spend_share
FROM latest AS t
INNER JOIN trial_figures AS f USING (trial_id)
INNER JOIN trial_outcomes AS o USING (trial_id)
LEFT JOIN cell_figures AS k ON k.run_id = t.run_id AND k.target_id = t.target_id AND k.workload_id = t.workload_id
LEFT JOIN graded AS r ON r.run_id = t.run_id AND r.target_id = t.target_id AND r.workload_id = t.workload_id
LEFT JOIN cost AS c USING (trial_id)
LEFT JOIN energy AS e USING (trial_id)
LEFT JOIN emissions AS g USING (trial_id);

COMMENT ON VIEW leaderboard IS 'The latest measurement of each target under each workload: latency, speed, money, energy and emissions, with ranges and labels; ad hoc benches are not in it. Grain: target, workload.';
COMMENT ON COLUMN leaderboard.trial_id IS 'The trial measured last.';
COMMENT ON COLUMN leaderboard.run_id IS 'Its run.';
COMMENT ON COLUMN leaderboard.target_id IS 'The target.';
COMMENT ON COLUMN leaderboard.workload_id IS 'The workload; compare targets within one.';
COMMENT ON COLUMN leaderboard.provider IS 'Who serves it, or the engine of a local target.';
COMMENT ON COLUMN leaderboard.model IS 'Model name as asked for.';
COMMENT ON COLUMN leaderboard.quantisation IS 'Number format of the weights, where known.';
COMMENT ON COLUMN leaderboard.kind IS 'endpoint or local.';
COMMENT ON COLUMN leaderboard.engine IS 'Inference engine of a local target.';
COMMENT ON COLUMN leaderboard.device IS 'cpu or cuda; NULL for an endpoint.';
COMMENT ON COLUMN leaderboard.region IS 'Where it says it runs.';
COMMENT ON COLUMN leaderboard.n IS 'Measured attempts, a count.';
COMMENT ON COLUMN leaderboard.measured_at IS 'UTC instant at which the trial began.';
COMMENT ON COLUMN leaderboard.concurrency IS 'Closed loop: requests kept in flight, a count.';
COMMENT ON COLUMN leaderboard.ttft_p50_s_low IS 'Low end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.ttft_p50_s IS 'Time to first token, median of successful attempts, seconds.';
COMMENT ON COLUMN leaderboard.ttft_p50_s_high IS 'High end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.ttft_p95_s_low IS 'Low end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.ttft_p95_s IS 'Time to first token, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN leaderboard.ttft_p95_s_high IS 'High end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.tpot_p50_s_low IS 'Low end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.tpot_p50_s IS 'Time per output token after the first, median, seconds.';
COMMENT ON COLUMN leaderboard.tpot_p50_s_high IS 'High end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.tpot_p95_s_low IS 'Low end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.tpot_p95_s IS 'Time per output token after the first, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN leaderboard.tpot_p95_s_high IS 'High end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.e2e_p50_s_low IS 'Low end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.e2e_p50_s IS 'Send to last payload, median, seconds.';
COMMENT ON COLUMN leaderboard.e2e_p50_s_high IS 'High end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.e2e_p95_s_low IS 'Low end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.e2e_p95_s IS 'Send to last payload, 95th percentile, seconds; NULL below the 60 attempts that it needs.';
COMMENT ON COLUMN leaderboard.e2e_p95_s_high IS 'High end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.output_tokens_per_s_low IS 'Low end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.output_tokens_per_s IS 'Output tokens of all requests together, tokens per second: those that arrived in the steady window / its length, or (measured_over whole) all / the window.';
COMMENT ON COLUMN leaderboard.output_tokens_per_s_high IS 'High end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.goodput_share_low IS 'Low end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.goodput_share IS 'Attempts that met the service level / offered attempts, 0 to 1.';
COMMENT ON COLUMN leaderboard.goodput_share_high IS 'High end of its 95 % interval; NULL without one.';
COMMENT ON COLUMN leaderboard.qoe_mean_share IS 'Tokens delivered against the timeline that the service level promises, mean over all attempts, 0 to 1; a failure is 0.';
COMMENT ON COLUMN leaderboard.failed_share IS 'Failed attempts / attempts, 0 to 1.';
COMMENT ON COLUMN leaderboard.usd_per_output_mtok_low IS 'Lower bound, US dollars per million output tokens.';
COMMENT ON COLUMN leaderboard.usd_per_output_mtok IS 'Cost of this workload, prompts included, US dollars per million output tokens.';
COMMENT ON COLUMN leaderboard.usd_per_output_mtok_high IS 'Upper bound, US dollars per million output tokens.';
COMMENT ON COLUMN leaderboard.j_per_output_token_low IS 'Lower bound, joules per output token.';
COMMENT ON COLUMN leaderboard.j_per_output_token IS 'Energy per output token, joules.';
COMMENT ON COLUMN leaderboard.j_per_output_token_high IS 'Upper bound, joules per output token.';
COMMENT ON COLUMN leaderboard.operational_gco2e_per_output_mtok_low IS 'Lower bound, grams of CO2 equivalent per million output tokens.';
COMMENT ON COLUMN leaderboard.operational_gco2e_per_output_mtok IS 'Energy x PUE x grid intensity, grams of CO2 equivalent per million output tokens.';
COMMENT ON COLUMN leaderboard.operational_gco2e_per_output_mtok_high IS 'Upper bound, grams of CO2 equivalent per million output tokens.';
COMMENT ON COLUMN leaderboard.embodied_gco2e_per_output_mtok_low IS 'Lower bound, grams of CO2 equivalent per million output tokens.';
COMMENT ON COLUMN leaderboard.embodied_gco2e_per_output_mtok IS 'Share of making the hardware, grams of CO2 equivalent per million output tokens.';
COMMENT ON COLUMN leaderboard.embodied_gco2e_per_output_mtok_high IS 'Upper bound, grams of CO2 equivalent per million output tokens.';
COMMENT ON COLUMN leaderboard.usd_basis IS 'Worst label among the inputs of the cost.';
COMMENT ON COLUMN leaderboard.energy_basis IS 'Worst label among the inputs of the energy.';
COMMENT ON COLUMN leaderboard.emissions_basis IS 'Worst label among the inputs of the emissions.';
COMMENT ON COLUMN leaderboard.basis IS 'The worst of the three: measured, declared, modelled, estimated (best to worst); NULL if none is known.';
COMMENT ON COLUMN leaderboard.status IS 'completed or timed_out.';
COMMENT ON COLUMN leaderboard.n_ttft IS 'Attempts behind the ttft percentiles, a count.';
COMMENT ON COLUMN leaderboard.n_tpot IS 'Attempts behind the tpot percentiles, a count.';
COMMENT ON COLUMN leaderboard.n_e2e IS 'Attempts behind the e2e percentiles, a count.';
COMMENT ON COLUMN leaderboard.n_qoe IS 'Attempts behind qoe_mean_share, a count.';
COMMENT ON COLUMN leaderboard.trials IS 'Repeated trials behind the latency, speed and goodput figures, which are then means over them, a count; money, energy and emissions are of the last one.';
COMMENT ON COLUMN leaderboard.measured_over IS 'Part of the trial that its latencies and speed are of: steady (no ramp, no drain), or whole where the steady window holds less than half of it.';
COMMENT ON COLUMN leaderboard.ttft_max_s IS 'Time to first token, longest of the successful attempts of the last trial, seconds.';
COMMENT ON COLUMN leaderboard.e2e_max_s IS 'Send to last payload, longest of the same, seconds.';
COMMENT ON COLUMN leaderboard.whole_output_tokens_per_s IS 'Output tokens / whole window of the last trial, ramp and drain included, tokens per second.';
COMMENT ON COLUMN leaderboard.rate_share IS 'Open loop: rate of the sends that were made / rate that was planned.';
COMMENT ON COLUMN leaderboard.rate_missed IS 'Whether that is below 0.98: the target did not see the load that was planned.';
COMMENT ON COLUMN leaderboard.cpu_share_others IS 'Share (0 to 1) of the CPU of the machine taken by processes that are not ours, in the window.';
COMMENT ON COLUMN leaderboard.contended IS 'Whether that share was above 0.10: read its latencies with care.';
COMMENT ON COLUMN leaderboard.weights_note IS 'What to know about the weights.';
COMMENT ON COLUMN leaderboard.client_grade IS 'How far the load client can be trusted, A to D: the worst of the trials behind the figures; A and B are ranked by default.';
COMMENT ON COLUMN leaderboard.client_reasons IS 'What keeps that trial from an A, in words, the worst first.';
COMMENT ON COLUMN leaderboard.items_per_s IS 'Texts embedded or documents ranked, per second over all requests together; NULL for other tasks.';
COMMENT ON COLUMN leaderboard.input_tokens_per_s IS 'Prompt tokens per second over all requests together.';
COMMENT ON COLUMN leaderboard.n_audio IS 'Attempts behind audio_p50_s_per_s, a count.';
COMMENT ON COLUMN leaderboard.audio_p50_s_per_s IS 'Seconds of sound made or transcribed in a second, median: how many times faster than it plays (RTFx); NULL for other tasks.';
COMMENT ON COLUMN leaderboard.images_per_s IS 'Pictures made per second over all requests together; NULL for other tasks.';
COMMENT ON COLUMN leaderboard.rate_limited_share IS 'Attempts refused for their rate / attempts, 0 to 1: a part of failed_share that says as much about our rate as about the provider.';
COMMENT ON COLUMN leaderboard.quota_or_spend_share IS 'Attempts refused for a spent quota or spend cap / attempts, 0 to 1: a part of failed_share that is no fault of the provider.';
