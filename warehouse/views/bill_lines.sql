-- Purpose: What each trial was billed, line by line: answers, failed attempts and warm-ups at the price of its day, or the machine's electricity and hardware.
-- The tokens of each kind and what they cost stand side by side, so that any two spans of time can be compared.
-- Grain: trial, line.
CREATE OR REPLACE VIEW bill_lines AS
WITH of_now AS (
    SELECT
        trial_id,
        component,
        cost_usd,
        missing,
        factors
    FROM cost_accounts
    INNER JOIN (
        SELECT trial_id, max(recorded_at) AS recorded_at
        FROM cost_accounts
        GROUP BY trial_id
    ) USING (trial_id, recorded_at)
),

-- what the account took, and where it had no use for a price, what was stated of it
stated AS (
    SELECT trial_id, factor.quantity AS quantity, factor.central AS usd
    FROM (SELECT trial_id, unnest(factors) AS factor FROM of_now WHERE component = 'tokens')
    UNION ALL
    SELECT f.trial_id, f.quantity, f.central
    FROM trial_facts AS f
    SEMI JOIN (SELECT trial_id FROM of_now WHERE component = 'tokens') USING (trial_id)
    ANTI JOIN (
        SELECT trial_id, unnest(factors).quantity AS quantity FROM of_now WHERE component = 'tokens'
    ) USING (trial_id, quantity)
    WHERE f.quantity LIKE 'price_%'
),

steps AS (
    SELECT
        trial_id,
        coalesce(try_cast(regexp_extract(quantity, '^price_above_([0-9]+)_', 1) AS BIGINT), 0) AS above_tokens,
        max(usd) FILTER (quantity LIKE '%usd_per_input_mtok') AS input,
        coalesce(max(usd) FILTER (quantity LIKE '%usd_per_cached_input_mtok'), input) AS cached_input,
        coalesce(max(usd) FILTER (quantity LIKE '%usd_per_cache_write_mtok'), input) AS cache_write,
        max(usd) FILTER (quantity LIKE '%usd_per_output_mtok') AS output,
        coalesce(max(usd) FILTER (quantity LIKE '%usd_per_1k_requests'), 0) AS fee
    FROM stated
    GROUP BY ALL
),

bought AS (
    SELECT n.trial_id, n.missing, list(s.above_tokens) FILTER (s.above_tokens > 0) AS lengths
    FROM of_now AS n
    LEFT JOIN steps AS s USING (trial_id)
    WHERE n.component = 'tokens'
    GROUP BY ALL
),

counted AS (
    SELECT
        a.trial_id,
        CASE WHEN a.phase = 'warmup' THEN 'warm-up' WHEN a.error_class IS NULL THEN 'answered' ELSE 'failed' END AS line,
        -- a longer prompt pays its price for the whole request
        CASE
            WHEN b.lengths IS NULL THEN 0
            ELSE coalesce(list_max(list_filter(b.lengths, lambda length: length < a.prompt_tokens)), 0)
        END AS above_tokens,
        count(*) AS sent,
        count(*) FILTER (a.error_class IS NULL AND (a.prompt_tokens IS NULL OR a.output_tokens IS NULL)) AS uncounted,
        count(*) FILTER (
            a.error_class IS NULL AND (a.prompt_tokens IS NULL OR a.output_tokens IS NULL) AND a.search_units IS NOT NULL
        ) AS uncounted_searches,
        count(*) FILTER (a.prompt_tokens IS NOT NULL OR a.search_units IS NOT NULL) AS requests,
        coalesce(
            sum(coalesce(a.search_units, 1)) FILTER (a.prompt_tokens IS NOT NULL OR a.search_units IS NOT NULL), 0
        )::BIGINT AS fees,
        count(*) FILTER (a.output_tokens > 0 AND a.reasoning_tokens IS NULL) AS unsplit,
        coalesce(sum(a.prompt_tokens), 0)::BIGINT AS prompt_tokens,
        coalesce(sum(a.cached_tokens), 0)::BIGINT AS cached_tokens,
        coalesce(sum(a.cache_write_tokens), 0)::BIGINT AS cache_write_tokens,
        coalesce(sum(a.output_tokens), 0)::BIGINT AS output_tokens,
        coalesce(sum(a.reasoning_tokens), 0)::BIGINT AS reasoning_tokens
    FROM attempts AS a
    INNER JOIN bought AS b USING (trial_id)
    WHERE a.phase IN ('measured', 'warmup')
    GROUP BY ALL
),

priced AS (
    SELECT
        c.* REPLACE (
            -- searches are billed without tokens where these cost nothing
            c.uncounted - CASE WHEN s.input = 0 AND s.output = 0 THEN c.uncounted_searches ELSE 0 END AS uncounted
        ),
        s.input IS NOT NULL AND s.output IS NOT NULL AS is_priced,
        (c.prompt_tokens - c.cached_tokens - c.cache_write_tokens) * s.input / 1e6 AS input_usd,
        c.cached_tokens * s.cached_input / 1e6 AS cached_input_usd,
        c.cache_write_tokens * s.cache_write / 1e6 AS cache_write_usd,
        c.output_tokens * s.output / 1e6 AS output_usd,
        c.fees * s.fee / 1e3 AS fee_usd
    FROM counted AS c
    LEFT JOIN steps AS s USING (trial_id, above_tokens)
),

token_lines AS (
    SELECT
        trial_id,
        line,
        sum(sent)::BIGINT AS sent,
        sum(requests)::BIGINT AS requests,
        sum(fees)::BIGINT AS fees,
        sum(prompt_tokens)::BIGINT AS prompt_tokens,
        sum(cached_tokens)::BIGINT AS cached_tokens,
        sum(cache_write_tokens)::BIGINT AS cache_write_tokens,
        sum(output_tokens)::BIGINT AS output_tokens,
        CASE WHEN sum(unsplit) = 0 THEN sum(reasoning_tokens)::BIGINT END AS reasoning_tokens,
        sum(input_usd) AS input_usd,
        sum(cached_input_usd) AS cached_input_usd,
        sum(cache_write_usd) AS cache_write_usd,
        sum(output_usd) AS output_usd,
        sum(fee_usd) AS fee_usd,
        bool_and(is_priced) AS is_priced,
        sum(uncounted)::BIGINT AS uncounted
    FROM priced
    GROUP BY trial_id, line
),

machines AS (
    SELECT
        trial_id,
        sum(cost_usd) FILTER (component = 'electricity') AS electricity_usd,
        sum(cost_usd) FILTER (component = 'hardware') AS hardware_usd,
        string_agg(DISTINCT missing, '; ') AS missing
    FROM of_now
    GROUP BY trial_id
    HAVING NOT bool_or(component = 'tokens')
),

base_price AS (SELECT * FROM steps WHERE above_tokens = 0),

lines AS (
    SELECT
        l.trial_id,
        l.line,
        l.sent AS attempts,
        l.requests,
        l.fees,
        l.prompt_tokens,
        l.cached_tokens,
        l.cache_write_tokens,
        l.output_tokens,
        l.reasoning_tokens,
        p.input AS usd_per_input_mtok,
        p.cached_input AS usd_per_cached_input_mtok,
        p.cache_write AS usd_per_cache_write_mtok,
        p.output AS usd_per_output_mtok,
        p.fee AS usd_per_1k_requests,
        l.input_usd,
        l.cached_input_usd,
        l.cache_write_usd,
        l.output_usd,
        l.fee_usd,
        NULL::DOUBLE AS energy_j,
        NULL::DOUBLE AS window_s,
        NULL::DOUBLE AS electricity_usd,
        NULL::DOUBLE AS hardware_usd,
        CASE
            WHEN l.is_priced AND l.uncounted = 0
                THEN l.input_usd + l.cached_input_usd + l.cache_write_usd + l.output_usd + l.fee_usd
        END AS usd,
        CASE
            WHEN NOT l.is_priced THEN coalesce(b.missing, 'no price of this length of prompt is stated')
            WHEN l.uncounted > 0 THEN 'attempts that succeeded without token counts: ' || l.uncounted
        END AS reason
    FROM token_lines AS l
    INNER JOIN bought AS b USING (trial_id)
    LEFT JOIN base_price AS p USING (trial_id)

    UNION ALL

    SELECT
        m.trial_id,
        'machine',
        o.attempts,
        NULL,
        NULL,
        o.prompt_tokens,
        NULL,
        NULL,
        o.output_tokens,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        e.energy_j,
        o.window_s,
        m.electricity_usd,
        m.hardware_usd,
        CASE WHEN m.missing IS NULL THEN m.electricity_usd + m.hardware_usd END,
        m.missing
    FROM machines AS m
    INNER JOIN trial_outcomes AS o USING (trial_id)
    LEFT JOIN energy AS e USING (trial_id)
    -- a trial that never began drew nothing that anybody metered
    WHERE o.attempts > 0
)

SELECT
    l.trial_id,
    l.line,
    t.run_id,
    coalesce(k.run_kind, 'night') AS run_kind,
    (coalesce(r.started_at, t.started_at) AT TIME ZONE 'UTC')::DATE AS run_on,
    t.started_at,
    t.target_id,
    t.workload_id,
    t.provider,
    t.model,
    t.kind,
    l.* EXCLUDE (trial_id, line)
FROM lines AS l
INNER JOIN trials AS t USING (trial_id)
LEFT JOIN runs AS r USING (run_id)
LEFT JOIN ad_hoc_runs AS k USING (run_id);

COMMENT ON VIEW bill_lines IS 'What each trial was billed, line by line: answers, failed attempts and warm-ups at the price of its day, or the machine''s electricity and hardware. Grain: trial, line.';
COMMENT ON COLUMN bill_lines.trial_id IS 'The trial.';
COMMENT ON COLUMN bill_lines.line IS 'answered, failed (it failed and its tokens were counted all the same), warm-up, or machine: electricity and hardware of the measured window.';
COMMENT ON COLUMN bill_lines.run_id IS 'The run.';
COMMENT ON COLUMN bill_lines.run_kind IS 'night, bench or pulse.';
COMMENT ON COLUMN bill_lines.run_on IS 'UTC day on which the run began: all of a run is on one bill.';
COMMENT ON COLUMN bill_lines.started_at IS 'UTC instant at which the trial began.';
COMMENT ON COLUMN bill_lines.target_id IS 'The target.';
COMMENT ON COLUMN bill_lines.workload_id IS 'The workload.';
COMMENT ON COLUMN bill_lines.provider IS 'Who served it.';
COMMENT ON COLUMN bill_lines.model IS 'Model name as asked for.';
COMMENT ON COLUMN bill_lines.kind IS 'endpoint or local.';
COMMENT ON COLUMN bill_lines.attempts IS 'Attempts of this line that were made, a count.';
COMMENT ON COLUMN bill_lines.requests IS 'Those of them that report their prompt tokens, or how many searches they are billed for, a count: what is billed. NULL of a machine.';
COMMENT ON COLUMN bill_lines.fees IS 'How often the fee of a request is charged: for a rerank as many searches as it says, for others once, a count. NULL of a machine.';
COMMENT ON COLUMN bill_lines.prompt_tokens IS 'Their prompt tokens, cached and written ones included.';
COMMENT ON COLUMN bill_lines.cached_tokens IS 'Those read from a cache. NULL of a machine.';
COMMENT ON COLUMN bill_lines.cache_write_tokens IS 'Those written to a cache. NULL of a machine.';
COMMENT ON COLUMN bill_lines.output_tokens IS 'Generated tokens, hidden reasoning included.';
COMMENT ON COLUMN bill_lines.reasoning_tokens IS 'Those of them that were reasoning; NULL where an answer does not say.';
COMMENT ON COLUMN bill_lines.usd_per_input_mtok IS 'Price of its day for prompts of any length, US dollars per million.';
COMMENT ON COLUMN bill_lines.usd_per_cached_input_mtok IS 'Price of its day of cached prompt tokens, that of all where none is stated, US dollars per million.';
COMMENT ON COLUMN bill_lines.usd_per_cache_write_mtok IS 'Price of its day of prompt tokens written to a cache, that of all where none is stated, US dollars per million.';
COMMENT ON COLUMN bill_lines.usd_per_output_mtok IS 'Price of its day of output tokens, US dollars per million.';
COMMENT ON COLUMN bill_lines.usd_per_1k_requests IS 'Fee of its day, US dollars per thousand requests; 0 where none is stated.';
COMMENT ON COLUMN bill_lines.input_usd IS 'Part of usd: prompt tokens that were neither cached nor written, US dollars.';
COMMENT ON COLUMN bill_lines.cached_input_usd IS 'Part of usd: cached prompt tokens, US dollars.';
COMMENT ON COLUMN bill_lines.cache_write_usd IS 'Part of usd: prompt tokens written to a cache, US dollars.';
COMMENT ON COLUMN bill_lines.output_usd IS 'Part of usd: output tokens, US dollars.';
COMMENT ON COLUMN bill_lines.fee_usd IS 'Part of usd: fees of requests or searches, US dollars.';
COMMENT ON COLUMN bill_lines.energy_j IS 'Energy of the measured window of a machine, joules; NULL of what is bought by the token.';
COMMENT ON COLUMN bill_lines.window_s IS 'Length of that window, seconds.';
COMMENT ON COLUMN bill_lines.electricity_usd IS 'Part of usd: energy x PUE x tariff, US dollars; NULL of what is bought by the token.';
COMMENT ON COLUMN bill_lines.hardware_usd IS 'Part of usd: hardware, bought or rented, by time and utilisation, US dollars.';
COMMENT ON COLUMN bill_lines.usd IS 'What the line comes to, US dollars; NULL is unknown and reason says why.';
COMMENT ON COLUMN bill_lines.reason IS 'Why usd is NULL.';
