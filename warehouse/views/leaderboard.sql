-- Purpose: The latest measurement of each target under each workload: latency, speed, money, energy and emissions, with ranges and labels; ad hoc benches are not in it.
-- Grain: target, workload.
CREATE OR REPLACE VIEW leaderboard AS
WITH latest AS (
    SELECT t.*
    FROM trials AS t
    ANTI JOIN ad_hoc_runs USING (run_id)
    WHERE t.status IN ('completed', 'timed_out')
    QUALIFY row_number() OVER (
        PARTITION BY t.target_id, t.workload_id ORDER BY t.started_at DESC, t.try_number DESC, t.trial_id DESC
    ) = 1
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
    m.attempts AS n,
    t.started_at AS measured_at,
    t.concurrency,
    m.ttft_p50_s,
    m.ttft_p95_s,
    m.tpot_p50_s,
    m.e2e_p50_s,
    m.output_tokens_per_s,
    m.goodput_share,
    m.failed_share,
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
    m.n_ttft,
    m.n_tpot,
    m.n_e2e,
    t.cpu_share_others,
    t.cpu_share_others > 0.10 AS contended,
    t.weights_note
FROM latest AS t
INNER JOIN trial_metrics AS m USING (trial_id)
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
COMMENT ON COLUMN leaderboard.ttft_p50_s IS 'Time to first token, median of successful attempts, seconds.';
COMMENT ON COLUMN leaderboard.ttft_p95_s IS 'Time to first token, 95th percentile, seconds.';
COMMENT ON COLUMN leaderboard.tpot_p50_s IS 'Time per output token after the first, median, seconds.';
COMMENT ON COLUMN leaderboard.e2e_p50_s IS 'Send to last payload, median, seconds.';
COMMENT ON COLUMN leaderboard.output_tokens_per_s IS 'Output tokens of all requests together / window, tokens per second.';
COMMENT ON COLUMN leaderboard.goodput_share IS 'Attempts that met the service level / all measured attempts, 0 to 1.';
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
COMMENT ON COLUMN leaderboard.cpu_share_others IS 'Share (0 to 1) of the CPU of the machine taken by processes that are not ours, in the window.';
COMMENT ON COLUMN leaderboard.contended IS 'Whether that share was above 0.10: read its latencies with care.';
COMMENT ON COLUMN leaderboard.weights_note IS 'What to know about the weights.';
