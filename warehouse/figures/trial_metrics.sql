-- Purpose: Latency, throughput, failures and client evidence of each trial; percentiles are nearest rank, and NULL below the attempts that they need (percentile_rules).
-- Grain: trial.
-- Of the trials that have no row in kept_trials; its rows are kept in the table trial_metrics_kept, see warehouse/kept.py.
WITH rules AS (
    SELECT
        max(min_attempts) FILTER (percentile = 10) AS p10,
        max(min_attempts) FILTER (percentile = 50) AS p50,
        max(min_attempts) FILTER (percentile = 95) AS p95,
        max(min_attempts) FILTER (percentile = 99) AS p99
    FROM percentile_rules
),

pending AS (
    SELECT trial_id FROM trials ANTI JOIN kept_trials USING (trial_id)
),

experienced AS (
    SELECT
        *,
        -- who got nothing waited for ever: beyond any limit, and NULL in JSON, which has no infinity
        CASE WHEN ok THEN ttft_s ELSE 'Infinity'::DOUBLE END AS ttft_all_s,
        CASE WHEN ok THEN e2e_s ELSE 'Infinity'::DOUBLE END AS e2e_all_s,
        CASE WHEN ok THEN qoe_share ELSE 0.0 END AS qoe_all_share
    FROM attempt_metrics
    SEMI JOIN pending USING (trial_id)
),

measured AS (
    SELECT
        trial_id,
        sum(in_flight_s) AS in_flight_s,
        count(ttft_s) FILTER (ok) AS n_ttft,
        quantile_disc(ttft_s, [0.50, 0.95, 0.99]) FILTER (ok) AS ttft,
        max(ttft_s) FILTER (ok) AS ttft_max_s,
        count(tpot_s) FILTER (ok) AS n_tpot,
        quantile_disc(tpot_s, [0.50, 0.95, 0.99]) FILTER (ok) AS tpot,
        max(tpot_s) FILTER (ok) AS tpot_max_s,
        count(e2e_s) FILTER (ok) AS n_e2e,
        quantile_disc(e2e_s, [0.50, 0.95, 0.99]) FILTER (ok) AS e2e,
        max(e2e_s) FILTER (ok) AS e2e_max_s,
        count(ttft_all_s) AS n_ttft_all,
        quantile_disc(ttft_all_s, [0.50, 0.95, 0.99]) AS ttft_all,
        count(e2e_all_s) AS n_e2e_all,
        quantile_disc(e2e_all_s, [0.50, 0.95, 0.99]) AS e2e_all,
        count(ttft_sched_s) FILTER (ok) AS n_ttft_sched,
        quantile_disc(ttft_sched_s, [0.50, 0.95, 0.99]) FILTER (ok) AS ttft_sched,
        count(e2e_sched_s) FILTER (ok) AS n_e2e_sched,
        quantile_disc(e2e_sched_s, [0.50, 0.95, 0.99]) FILTER (ok) AS e2e_sched,
        count(*) FILTER (ok AND steady) AS n_steady,
        count(ttft_s) FILTER (ok AND steady) AS n_ttft_steady,
        quantile_disc(ttft_s, [0.50, 0.95, 0.99]) FILTER (ok AND steady) AS ttft_steady,
        count(tpot_s) FILTER (ok AND steady) AS n_tpot_steady,
        quantile_disc(tpot_s, [0.50, 0.95, 0.99]) FILTER (ok AND steady) AS tpot_steady,
        count(e2e_s) FILTER (ok AND steady) AS n_e2e_steady,
        quantile_disc(e2e_s, [0.50, 0.95, 0.99]) FILTER (ok AND steady) AS e2e_steady,
        quantile_disc(lag_s, [0.50, 0.95, 0.99]) AS lag,
        max(lag_s) AS lag_max_s,
        count(start_s) FILTER (due_s IS NOT NULL) AS sent,
        min(due_s) AS first_due_s,
        max(due_s) AS last_due_s,
        max(start_s) AS last_start_s,
        count(*) FILTER (slo_met AND NOT sent_late) AS good,
        count(*) FILTER (ttft_met) AS ttft_met,
        count(*) FILTER (tpot_met) AS tpot_met,
        count(qoe_share) FILTER (ok) AS n_qoe_ok,
        count(qoe_all_share) AS n_qoe,
        avg(qoe_all_share) AS qoe_mean_share,
        quantile_disc(qoe_all_share, 0.10) AS qoe_p10_share,
        max(abs(latency_check_s)) AS latency_check_max_s,
        -- as with tokens, one success that does not tell makes the sum unknown, not smaller
        CASE WHEN count(*) FILTER (ok AND input_items IS NULL) = 0 THEN sum(input_items) FILTER (ok) END AS input_items,
        CASE WHEN count(*) FILTER (ok AND output_images IS NULL) = 0 THEN sum(output_images) FILTER (ok) END AS output_images,
        CASE WHEN count(*) FILTER (ok AND input_audio_s IS NULL) = 0 THEN sum(input_audio_s) FILTER (ok) END AS input_audio_s,
        CASE WHEN count(*) FILTER (ok AND output_audio_s IS NULL) = 0 THEN sum(output_audio_s) FILTER (ok) END AS output_audio_s,
        count(audio_s_per_s) FILTER (ok) AS n_audio,
        -- of a speed, the percentile is that of the time it takes
        quantile_disc(1 / nullif(audio_s_per_s, 0), 0.50) FILTER (ok) AS s_per_audio_s,
        sum(coalesced_share * chunks) / nullif(sum(chunks), 0) AS coalesced_share,
        sum(streamed_tokens) FILTER (ok AND chunks > 0) AS chunked_tokens,
        sum(chunks) FILTER (ok AND streamed_tokens IS NOT NULL) AS chunks
    FROM experienced
    GROUP BY trial_id
),

offered AS (
    SELECT
        o.*,
        m.* EXCLUDE (trial_id),
        t.sends_planned,
        t.sends_missed,
        t.steady_output_tokens,
        t.client_cpu_s,
        t.engine_cpu_s,
        t.cpu_share_others,
        (t.steady_end_ns - t.steady_start_ns) / 1e9 AS steady_window_s,
        greatest(o.attempts, coalesce(t.sends_planned, 0)) AS offered_attempts,
        -- where every answer is a document, a failure is no endless wait for a first token: none was due
        m.n_ttft > 0 OR o.ok = 0 AS has_first_tokens,
        -- answers without a token are those of tasks that generate none: they have no speed
        o.output_tokens > 0 OR o.ok = 0 AS generates,
        coalesce(
            t.steady_end_ns > t.steady_start_ns
            AND 2 * t.steady_output_tokens >= o.output_tokens
            AND 2 * m.n_steady >= o.ok
            AND m.n_steady > 0,
            FALSE
        ) AS steady
    FROM trial_outcomes AS o
    SEMI JOIN pending USING (trial_id)
    INNER JOIN trials AS t USING (trial_id)
    LEFT JOIN measured AS m USING (trial_id)
),

planned AS (
    SELECT
        trial_id,
        (offered_attempts - 1) / nullif(last_due_s - first_due_s, 0) AS rate_planned_rps,
        (sent - 1) / nullif(greatest(last_due_s, last_start_s) - first_due_s, 0) AS rate_achieved_rps
    FROM offered
    WHERE sent > 1
)

SELECT
    trial_id,
    m.run_id,
    m.target_id,
    m.workload_id,
    m.try_number,
    m.status,
    m.status_reason,
    m.started_at,
    m.ended_at,
    m.attempts,
    m.ok,
    m.failed_share,
    m.errors,
    m.window_s,
    m.in_flight_s / nullif(m.window_s, 0) AS concurrency_mean,
    coalesce(m.n_ttft, 0) AS n_ttft,
    CASE WHEN m.n_ttft >= r.p50 THEN m.ttft[1] END AS ttft_p50_s,
    CASE WHEN m.n_ttft >= r.p95 THEN m.ttft[2] END AS ttft_p95_s,
    CASE WHEN m.n_ttft >= r.p99 THEN m.ttft[3] END AS ttft_p99_s,
    m.ttft_max_s,
    coalesce(m.n_tpot, 0) AS n_tpot,
    CASE WHEN m.n_tpot >= r.p50 THEN m.tpot[1] END AS tpot_p50_s,
    CASE WHEN m.n_tpot >= r.p95 THEN m.tpot[2] END AS tpot_p95_s,
    CASE WHEN m.n_tpot >= r.p99 THEN m.tpot[3] END AS tpot_p99_s,
    m.tpot_max_s,
    coalesce(m.n_e2e, 0) AS n_e2e,
    CASE WHEN m.n_e2e >= r.p50 THEN m.e2e[1] END AS e2e_p50_s,
    CASE WHEN m.n_e2e >= r.p95 THEN m.e2e[2] END AS e2e_p95_s,
    CASE WHEN m.n_e2e >= r.p99 THEN m.e2e[3] END AS e2e_p99_s,
    m.e2e_max_s,
    CASE WHEN m.has_first_tokens THEN coalesce(m.n_ttft_all, 0) ELSE 0 END AS n_ttft_all,
    CASE WHEN m.has_first_tokens AND m.n_ttft_all >= r.p50 THEN m.ttft_all[1] END AS ttft_all_p50_s,
    CASE WHEN m.has_first_tokens AND m.n_ttft_all >= r.p95 THEN m.ttft_all[2] END AS ttft_all_p95_s,
    CASE WHEN m.has_first_tokens AND m.n_ttft_all >= r.p99 THEN m.ttft_all[3] END AS ttft_all_p99_s,
    coalesce(m.n_e2e_all, 0) AS n_e2e_all,
    CASE WHEN m.n_e2e_all >= r.p50 THEN m.e2e_all[1] END AS e2e_all_p50_s,
    CASE WHEN m.n_e2e_all >= r.p95 THEN m.e2e_all[2] END AS e2e_all_p95_s,
    CASE WHEN m.n_e2e_all >= r.p99 THEN m.e2e_all[3] END AS e2e_all_p99_s,
    coalesce(m.n_ttft_sched, 0) AS n_ttft_sched,
    CASE WHEN m.n_ttft_sched >= r.p50 THEN m.ttft_sched[1] END AS ttft_sched_p50_s,
    CASE WHEN m.n_ttft_sched >= r.p95 THEN m.ttft_sched[2] END AS ttft_sched_p95_s,
    CASE WHEN m.n_ttft_sched >= r.p99 THEN m.ttft_sched[3] END AS ttft_sched_p99_s,
    coalesce(m.n_e2e_sched, 0) AS n_e2e_sched,
    CASE WHEN m.n_e2e_sched >= r.p50 THEN m.e2e_sched[1] END AS e2e_sched_p50_s,
    CASE WHEN m.n_e2e_sched >= r.p95 THEN m.e2e_sched[2] END AS e2e_sched_p95_s,
    CASE WHEN m.n_e2e_sched >= r.p99 THEN m.e2e_sched[3] END AS e2e_sched_p99_s,
    m.lag[1] AS lag_p50_s,
    -- of few attempts it is the largest, which is the careful side for a client that speaks of itself
    m.lag[3] AS lag_p99_s,
    m.lag_max_s,
    m.sends_planned,
    m.sends_missed,
    p.rate_planned_rps,
    p.rate_achieved_rps,
    p.rate_achieved_rps / nullif(p.rate_planned_rps, 0) AS rate_share,
    p.rate_achieved_rps / nullif(p.rate_planned_rps, 0) < 0.98 AS rate_missed,
    m.steady,
    m.steady_window_s,
    m.steady_output_tokens,
    CASE WHEN m.generates THEN m.steady_output_tokens / nullif(m.steady_window_s, 0) END AS steady_output_tokens_per_s,
    coalesce(m.n_steady, 0) AS n_steady,
    coalesce(m.n_ttft_steady, 0) AS n_ttft_steady,
    CASE WHEN m.n_ttft_steady >= r.p50 THEN m.ttft_steady[1] END AS ttft_steady_p50_s,
    CASE WHEN m.n_ttft_steady >= r.p95 THEN m.ttft_steady[2] END AS ttft_steady_p95_s,
    CASE WHEN m.n_ttft_steady >= r.p99 THEN m.ttft_steady[3] END AS ttft_steady_p99_s,
    coalesce(m.n_tpot_steady, 0) AS n_tpot_steady,
    CASE WHEN m.n_tpot_steady >= r.p50 THEN m.tpot_steady[1] END AS tpot_steady_p50_s,
    CASE WHEN m.n_tpot_steady >= r.p95 THEN m.tpot_steady[2] END AS tpot_steady_p95_s,
    CASE WHEN m.n_tpot_steady >= r.p99 THEN m.tpot_steady[3] END AS tpot_steady_p99_s,
    coalesce(m.n_e2e_steady, 0) AS n_e2e_steady,
    CASE WHEN m.n_e2e_steady >= r.p50 THEN m.e2e_steady[1] END AS e2e_steady_p50_s,
    CASE WHEN m.n_e2e_steady >= r.p95 THEN m.e2e_steady[2] END AS e2e_steady_p95_s,
    CASE WHEN m.n_e2e_steady >= r.p99 THEN m.e2e_steady[3] END AS e2e_steady_p99_s,
    m.prompt_tokens,
    m.output_tokens,
    CASE WHEN m.generates THEN m.output_tokens / nullif(m.window_s, 0) END AS output_tokens_per_s,
    m.prompt_tokens / nullif(m.window_s, 0) AS input_tokens_per_s,
    m.ok / nullif(m.window_s, 0) AS requests_per_s,
    m.offered_attempts,
    coalesce(m.good, 0) AS good_count,
    m.good / nullif(m.offered_attempts, 0) AS goodput_share,
    m.good / nullif(m.window_s, 0) AS goodput_rps,
    m.ttft_met / nullif(m.offered_attempts, 0) AS ttft_met_share,
    m.tpot_met / nullif(m.offered_attempts, 0) AS tpot_met_share,
    CASE WHEN m.n_qoe_ok > 0 THEN m.n_qoe ELSE 0 END AS n_qoe,
    CASE WHEN m.n_qoe_ok > 0 THEN m.qoe_mean_share END AS qoe_mean_share,
    CASE WHEN m.n_qoe_ok > 0 AND m.n_qoe >= r.p10 THEN m.qoe_p10_share END AS qoe_p10_share,
    m.latency_check_max_s,
    m.coalesced_share,
    coalesce(m.chunked_tokens, 0)::BIGINT AS chunked_tokens,
    coalesce(m.chunks, 0)::BIGINT AS chunks,
    m.input_items::BIGINT AS input_items,
    m.input_items / nullif(m.window_s, 0) AS items_per_s,
    m.input_audio_s,
    m.output_audio_s,
    coalesce(m.n_audio, 0) AS n_audio,
    CASE WHEN m.n_audio >= r.p50 THEN 1 / nullif(m.s_per_audio_s, 0) END AS audio_p50_s_per_s,
    m.output_images::BIGINT AS output_images,
    m.output_images / nullif(m.window_s, 0) AS images_per_s,
    m.client_cpu_s,
    m.engine_cpu_s,
    m.cpu_share_others
FROM offered AS m
LEFT JOIN planned AS p USING (trial_id)
CROSS JOIN rules AS r
