-- Purpose: What each measured attempt experienced, in seconds and tokens; failed attempts stay, with the times they reached.
-- Grain: measured attempt.
CREATE OR REPLACE VIEW attempt_metrics AS
WITH timed AS (
    SELECT
        a.*,
        t.run_id,
        t.target_id,
        t.workload_id,
        t.slo_ttft_s,
        t.slo_tpot_s,
        t.group_id,
        t.window_start_ns,
        a.t_start_ns BETWEEN t.steady_start_ns AND t.steady_end_ns AS steady,
        (a.t_first_ns - a.t_start_ns) / 1e9 AS ttft_s,
        (a.t_last_ns - a.t_start_ns) / 1e9 AS e2e_s,
        -- a document has no first token: what a person waits for is all of it
        CASE WHEN a.answer_streamed IS FALSE THEN e2e_s ELSE ttft_s END AS first_content_s,
        CASE
            -- the tokens of a picture are not streamed, its sketches are
            WHEN a.streamed_tokens > 1 AND a.output_images IS NULL
                THEN (a.t_last_ns - a.t_first_ns) / 1e9 / nullif(a.streamed_tokens - 1, 0)
        END AS tpot_s,
        greatest(
            0,
            least(coalesce(a.t_end_ns, t.window_end_ns), t.window_end_ns) - greatest(a.t_start_ns, t.window_start_ns)
        ) / 1e9 AS in_flight_s
    FROM attempts AS a
    INNER JOIN trials AS t USING (trial_id)
    WHERE a.phase = 'measured'
)

SELECT
    attempt_id,
    trial_id,
    run_id,
    target_id,
    workload_id,
    seq,
    group_id,
    pair_id,
    started_at,
    (t_sched_ns - window_start_ns) / 1e9 AS due_s,
    (t_start_ns - window_start_ns) / 1e9 AS start_s,
    steady,
    error_class IS NULL AS ok,
    error_class,
    http_status,
    ttft_s,
    (t_first_ns - greatest(t_start_ns, t_conn_ns)) / 1e9 AS ttft_conn_free_s,
    (t_first_ns - t_sched_ns) / 1e9 AS ttft_sched_s,
    (t_visible_ns - t_start_ns) / 1e9 AS ttfo_s,
    e2e_s,
    (t_last_ns - t_sched_ns) / 1e9 AS e2e_sched_s,
    tpot_s,
    -- an embedding has no output to be fast or slow at
    nullif(output_tokens, 0) / nullif(e2e_s, 0) AS output_tokens_per_s,
    e2e_s - (ttft_s + tpot_s * (streamed_tokens - 1)) AS latency_check_s,
    (t_start_ns - t_sched_ns) / 1e9 AS lag_s,
    -- as sends_missed of a trial counts them
    t_sched_ns IS NOT NULL AND coalesce(t_start_ns - t_sched_ns > 50000000, TRUE) AS sent_late,
    (t_end_ns - t_last_ns) / 1e9 AS stream_close_s,
    in_flight_s,
    prompt_tokens,
    cached_tokens,
    output_tokens,
    reasoning_tokens,
    streamed_tokens,
    token_source,
    chunks,
    chunk_gap_p50_ns / 1e9 AS chunk_gap_p50_s,
    chunk_gap_p95_ns / 1e9 AS chunk_gap_p95_s,
    chunk_gap_p99_ns / 1e9 AS chunk_gap_p99_s,
    chunk_gap_max_ns / 1e9 AS chunk_gap_max_s,
    coalesced_chunks / nullif(chunks, 0) AS coalesced_share,
    error_class IS NULL AND coalesce(first_content_s <= slo_ttft_s, FALSE) AS ttft_met,
    error_class IS NULL AND coalesce(tpot_s <= slo_tpot_s, TRUE) AS tpot_met,
    ttft_met AND tpot_met AS slo_met,
    qoe_share,
    retry_of,
    finish_reason,
    error_message,
    model_returned,
    system_fingerprint,
    cache_write_tokens,
    answer_streamed,
    first_content_s,
    usage_fault,
    service_tier,
    billed_usd,
    server_load_s,
    server_queue_s,
    server_prefill_s,
    server_decode_s,
    input_items,
    input_audio_s,
    output_audio_s,
    coalesce(output_audio_s, input_audio_s) / nullif(e2e_s, 0) AS audio_s_per_s,
    output_images,
    search_units
FROM timed;

COMMENT ON VIEW attempt_metrics IS 'What each measured attempt experienced, in seconds and tokens; failed attempts stay, with the times they reached. Grain: measured attempt.';
COMMENT ON COLUMN attempt_metrics.attempt_id IS 'TRIAL.SEQ.';
COMMENT ON COLUMN attempt_metrics.trial_id IS 'The trial.';
COMMENT ON COLUMN attempt_metrics.run_id IS 'The run.';
COMMENT ON COLUMN attempt_metrics.target_id IS 'The target.';
COMMENT ON COLUMN attempt_metrics.workload_id IS 'The workload.';
COMMENT ON COLUMN attempt_metrics.seq IS 'Order of planning inside the trial.';
COMMENT ON COLUMN attempt_metrics.group_id IS 'Trials measured by one client with interleaved attempts share it.';
COMMENT ON COLUMN attempt_metrics.pair_id IS 'Attempts of a group that were sent in one round share it.';
COMMENT ON COLUMN attempt_metrics.started_at IS 'UTC instant of the send.';
COMMENT ON COLUMN attempt_metrics.due_s IS 'Planned send (open loop) after the start of the measured window, seconds.';
COMMENT ON COLUMN attempt_metrics.start_s IS 'Send after the start of the measured window, seconds; NULL if it was never sent.';
COMMENT ON COLUMN attempt_metrics.steady IS 'Whether it was sent in the steady window, by its start, whenever it ended; NULL if the trial has none.';
COMMENT ON COLUMN attempt_metrics.ok IS 'Whether it succeeded (error_class is NULL).';
COMMENT ON COLUMN attempt_metrics.error_class IS 'NULL is success, else a class of the error taxonomy.';
COMMENT ON COLUMN attempt_metrics.http_status IS 'HTTP status code; NULL if none came.';
COMMENT ON COLUMN attempt_metrics.ttft_s IS 'Time to first token of any kind: t_first - t_start, seconds; role-only and empty chunks do not count; NULL for an answer that is one document.';
COMMENT ON COLUMN attempt_metrics.ttft_conn_free_s IS 'The same from the moment the connection was ready: t_first - max(t_start, t_conn), seconds.';
COMMENT ON COLUMN attempt_metrics.ttft_sched_s IS 'The same from the planned send (open loop), seconds: shows waiting that a late send would hide.';
COMMENT ON COLUMN attempt_metrics.ttfo_s IS 'Time to first output that is not reasoning: t_visible - t_start, seconds.';
COMMENT ON COLUMN attempt_metrics.e2e_s IS 't_last - t_start, seconds; the closing of the stream is not in it.';
COMMENT ON COLUMN attempt_metrics.e2e_sched_s IS 't_last - t_sched (open loop), seconds.';
COMMENT ON COLUMN attempt_metrics.tpot_s IS 'Time per output token after the first: (t_last - t_first) / (streamed_tokens - 1), seconds; NULL for one token or none, for a document and for pictures.';
COMMENT ON COLUMN attempt_metrics.output_tokens_per_s IS 'Output tokens of this attempt / its e2e_s, tokens per second; the speed of the stream alone is 1 / tpot_s; NULL for a task that generates none.';
COMMENT ON COLUMN attempt_metrics.latency_check_s IS 'e2e_s - (ttft_s + tpot_s x (streamed_tokens - 1)), seconds: 0 up to rounding, or the definitions have come apart.';
COMMENT ON COLUMN attempt_metrics.lag_s IS 'How late the client sent: t_start - t_sched (open loop), seconds.';
COMMENT ON COLUMN attempt_metrics.sent_late IS 'Open loop: whether it was sent more than 50 ms late, or never.';
COMMENT ON COLUMN attempt_metrics.stream_close_s IS 't_end - t_last, seconds.';
COMMENT ON COLUMN attempt_metrics.in_flight_s IS 'Part of the measured window in which this attempt was in flight, seconds; one that never ended counts to the end of the window.';
COMMENT ON COLUMN attempt_metrics.prompt_tokens IS 'Prompt tokens, cached ones included.';
COMMENT ON COLUMN attempt_metrics.cached_tokens IS 'Prompt tokens read from the cache of the server.';
COMMENT ON COLUMN attempt_metrics.output_tokens IS 'All generated tokens, hidden reasoning included.';
COMMENT ON COLUMN attempt_metrics.reasoning_tokens IS 'Generated tokens that were reasoning.';
COMMENT ON COLUMN attempt_metrics.streamed_tokens IS 'Generated tokens that were streamed.';
COMMENT ON COLUMN attempt_metrics.token_source IS 'Who counted: server, or local:<tokenizer>.';
COMMENT ON COLUMN attempt_metrics.chunks IS 'Payload events, a count.';
COMMENT ON COLUMN attempt_metrics.chunk_gap_p50_s IS 'Median gap between payload events, seconds; a chunk may hold several tokens.';
COMMENT ON COLUMN attempt_metrics.chunk_gap_p95_s IS '95th percentile of the gaps, seconds.';
COMMENT ON COLUMN attempt_metrics.chunk_gap_p99_s IS '99th percentile of the gaps, seconds.';
COMMENT ON COLUMN attempt_metrics.chunk_gap_max_s IS 'Longest gap, seconds.';
COMMENT ON COLUMN attempt_metrics.coalesced_share IS 'Share (0 to 1) of payload events that came in one read with an earlier one.';
COMMENT ON COLUMN attempt_metrics.ttft_met IS 'Whether it succeeded with a first token within slo_ttft_s of its workload; of a document, with all of it (first_content_s).';
COMMENT ON COLUMN attempt_metrics.tpot_met IS 'Whether it succeeded with a tpot within slo_tpot_s, or too short an answer to have one.';
COMMENT ON COLUMN attempt_metrics.slo_met IS 'Whether it succeeded within slo_ttft_s and slo_tpot_s of its workload; a failure, or an answer without a first token, is false; an answer too short for a tpot passes that clause.';
COMMENT ON COLUMN attempt_metrics.qoe_share IS 'Tokens delivered against the timeline that the service level promises, 0 to 1.';
COMMENT ON COLUMN attempt_metrics.retry_of IS 'attempt_id of the attempt that this one repeats.';
COMMENT ON COLUMN attempt_metrics.finish_reason IS 'Why generation ended, as the server said.';
COMMENT ON COLUMN attempt_metrics.error_message IS 'One sentence about the failure.';
COMMENT ON COLUMN attempt_metrics.model_returned IS 'Model name in the answer.';
COMMENT ON COLUMN attempt_metrics.system_fingerprint IS 'Backend fingerprint in the answer.';
COMMENT ON COLUMN attempt_metrics.cache_write_tokens IS 'Tokens of the prompt that were written to a cache, a count; NULL if the server does not say.';
COMMENT ON COLUMN attempt_metrics.answer_streamed IS 'Whether the answer came as a stream of events; false for one document, which has no first token; NULL without an answer, and in what landed before.';
COMMENT ON COLUMN attempt_metrics.first_content_s IS 'What the limit on the first token is held against, seconds: ttft_s, or e2e_s of a document, whose first content comes with its last.';
COMMENT ON COLUMN attempt_metrics.usage_fault IS 'What the server counted and what cannot be: an answer like another, but its counts are NULL and no token figure rests on them; NULL if all is plausible.';
COMMENT ON COLUMN attempt_metrics.service_tier IS 'The tier that served it, as the server named it.';
COMMENT ON COLUMN attempt_metrics.billed_usd IS 'What the server says that it charges, US dollars: declared, beside our own account; NULL if it does not say.';
COMMENT ON COLUMN attempt_metrics.server_load_s IS 'Loading the model, by the clock of the server, seconds: a part of ttft_s; NULL if it does not say.';
COMMENT ON COLUMN attempt_metrics.server_queue_s IS 'Waiting in the queue of the server, by its own clock, seconds; NULL if it does not say.';
COMMENT ON COLUMN attempt_metrics.server_prefill_s IS 'Reading the prompt, by the clock of the server, seconds; NULL if it does not say.';
COMMENT ON COLUMN attempt_metrics.server_decode_s IS 'Writing the answer, by the clock of the server, seconds; NULL if it does not say.';
COMMENT ON COLUMN attempt_metrics.input_items IS 'Texts embedded or documents ranked, a count; NULL for other tasks.';
COMMENT ON COLUMN attempt_metrics.input_audio_s IS 'Sound that was transcribed, seconds; NULL for other tasks, or if the server does not say.';
COMMENT ON COLUMN attempt_metrics.output_audio_s IS 'Sound that was made, seconds; NULL for other tasks, or if its form does not tell.';
COMMENT ON COLUMN attempt_metrics.audio_s_per_s IS 'Seconds of sound made, or transcribed, / e2e_s: how many times faster than it plays (RTFx); NULL for other tasks.';
COMMENT ON COLUMN attempt_metrics.output_images IS 'Pictures made, a count; NULL for other tasks.';
COMMENT ON COLUMN attempt_metrics.search_units IS 'What a rerank is billed by, as the server counts it, a count; NULL if it does not say, and for other tasks.';
