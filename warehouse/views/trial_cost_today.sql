-- Purpose: What each hosted trial cost at the price of its day, and what the same tokens would cost at the price that rules today.
-- Grain: trial of an endpoint.
CREATE OR REPLACE VIEW trial_cost_today AS
WITH served AS (
    SELECT trial_id, max(nullif(split_part(ledger_key, '#', 2), '')) AS service_tier
    FROM trial_facts
    WHERE quantity = 'price_usd_per_output_mtok'
    GROUP BY trial_id
),

bought AS (
    SELECT
        t.trial_id,
        t.run_id,
        t.target_id,
        t.workload_id,
        t.provider,
        t.model,
        t.started_at,
        strftime(t.started_at AT TIME ZONE 'UTC', '%H:%M') AS clock_utc,
        coalesce(s.service_tier, 'standard') AS service_tier
    FROM trials AS t
    LEFT JOIN served AS s USING (trial_id)
    WHERE t.kind = 'endpoint'
),

offered AS (
    SELECT b.trial_id, p.*
    FROM bought AS b
    INNER JOIN prices_now AS p USING (target_id, provider, model, service_tier)
    WHERE p.hours_utc IS NULL
        OR CASE
            WHEN left(p.hours_utc, 5) <= right(p.hours_utc, 5)
                THEN b.clock_utc >= left(p.hours_utc, 5) AND b.clock_utc < right(p.hours_utc, 5)
            ELSE b.clock_utc >= left(p.hours_utc, 5) OR b.clock_utc < right(p.hours_utc, 5)
        END
    QUALIFY dense_rank() OVER (PARTITION BY b.trial_id ORDER BY p.hours_utc IS NULL) = 1
),

steps AS (
    SELECT
        trial_id,
        min(above_prompt_tokens) FILTER (above_prompt_tokens > 0) AS first_step,
        max(above_prompt_tokens) AS last_step
    FROM offered
    GROUP BY trial_id
),

-- where every prompt of a trial has the same price its sums are enough, and no attempt is read
billed AS (
    SELECT
        k.*,
        CASE
            WHEN s.first_step IS NULL OR coalesce(k.longest_prompt_tokens, 0) <= s.first_step THEN 0
            WHEN k.shortest_prompt_tokens > s.last_step AND k.unknown_prompts = 0 THEN s.last_step
        END AS above_prompt_tokens
    FROM trial_tokens AS k
    SEMI JOIN bought USING (trial_id)
    LEFT JOIN steps AS s USING (trial_id)
    WHERE k.attempts > 0
),

whole AS (
    SELECT
        k.trial_id,
        o.usd_per_input_mtok IS NOT NULL AND o.usd_per_output_mtok IS NOT NULL AS is_priced,
        k.uncounted_answers > CASE
            WHEN o.usd_per_input_mtok = 0 AND o.usd_per_output_mtok = 0 THEN k.uncounted_searches ELSE 0
        END AS uncounted,
        (
            (k.prompt_tokens - k.cached_tokens - k.cache_write_tokens) * o.usd_per_input_mtok
            + k.cached_tokens * coalesce(o.usd_per_cached_input_mtok, o.usd_per_input_mtok)
            + k.cache_write_tokens * coalesce(o.usd_per_cache_write_mtok, o.usd_per_input_mtok)
            + k.output_tokens * o.usd_per_output_mtok
        ) / 1e6 + k.fees * coalesce(o.usd_per_1k_requests, 0) / 1e3 AS usd,
        o.origin,
        o.valid_from,
        o.source
    FROM billed AS k
    LEFT JOIN offered AS o USING (trial_id, above_prompt_tokens)
    WHERE k.above_prompt_tokens IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY k.trial_id ORDER BY o.hours_utc, o.origin, o.source) = 1
),

by_attempt AS (
    SELECT
        a.trial_id,
        a.ok AND (a.prompt_tokens IS NULL OR a.output_tokens IS NULL)
        AND NOT (a.search_units IS NOT NULL AND o.usd_per_input_mtok = 0 AND o.usd_per_output_mtok = 0) AS uncounted,
        coalesce((
            (a.prompt_tokens - coalesce(a.cached_tokens, 0) - coalesce(a.cache_write_tokens, 0)) * o.usd_per_input_mtok
            + coalesce(a.cached_tokens, 0) * coalesce(o.usd_per_cached_input_mtok, o.usd_per_input_mtok)
            + coalesce(a.cache_write_tokens, 0) * coalesce(o.usd_per_cache_write_mtok, o.usd_per_input_mtok)
            + a.output_tokens * o.usd_per_output_mtok
        ) / 1e6, CASE WHEN a.search_units IS NOT NULL THEN 0 END)
        + coalesce(a.search_units, 1) * coalesce(o.usd_per_1k_requests, 0) / 1e3 AS usd,
        o.usd_per_input_mtok IS NOT NULL AND o.usd_per_output_mtok IS NOT NULL AS is_priced,
        o.origin,
        o.valid_from,
        o.source
    FROM attempt_metrics AS a
    SEMI JOIN (SELECT trial_id FROM billed WHERE above_prompt_tokens IS NULL) USING (trial_id)
    LEFT JOIN offered AS o
        ON o.trial_id = a.trial_id AND (o.above_prompt_tokens = 0 OR a.prompt_tokens > o.above_prompt_tokens)
    QUALIFY row_number() OVER (PARTITION BY a.attempt_id ORDER BY o.above_prompt_tokens DESC NULLS LAST) = 1
),

priced AS (
    SELECT trial_id, is_priced, uncounted, usd, origin, valid_from, source FROM whole
    UNION ALL
    SELECT trial_id, is_priced, uncounted, usd, origin, valid_from, source FROM by_attempt
),

summed AS (
    SELECT
        trial_id,
        bool_and(is_priced) AS is_priced,
        bool_or(uncounted) AS uncounted,
        coalesce(sum(usd), 0) AS today_usd,
        any_value(origin) AS origin,
        max(valid_from) AS valid_from,
        any_value(source) AS source
    FROM priced
    GROUP BY trial_id
)

SELECT
    b.trial_id,
    b.run_id,
    b.target_id,
    b.workload_id,
    b.provider,
    b.model,
    b.service_tier,
    b.started_at,
    c.usd AS at_trial_usd,
    CASE WHEN s.is_priced AND NOT s.uncounted THEN s.today_usd END AS today_usd,
    CASE WHEN s.is_priced AND NOT s.uncounted THEN s.today_usd / nullif(c.usd, 0) - 1 END AS change_share,
    s.origin AS price_origin,
    s.valid_from AS price_valid_from,
    s.source AS price_source,
    CASE
        WHEN s.trial_id IS NULL THEN 'no measured attempts'
        WHEN NOT s.is_priced THEN 'no price of this model in this service tier is known today'
        WHEN s.uncounted THEN 'some attempts that succeeded report no tokens'
    END AS reason
FROM bought AS b
LEFT JOIN summed AS s USING (trial_id)
LEFT JOIN cost AS c USING (trial_id);

COMMENT ON VIEW trial_cost_today IS 'What each hosted trial cost at the price of its day, and what the same tokens would cost at the price that rules today. Grain: trial of an endpoint.';
COMMENT ON COLUMN trial_cost_today.trial_id IS 'The trial.';
COMMENT ON COLUMN trial_cost_today.run_id IS 'The run.';
COMMENT ON COLUMN trial_cost_today.target_id IS 'The target.';
COMMENT ON COLUMN trial_cost_today.workload_id IS 'The workload.';
COMMENT ON COLUMN trial_cost_today.provider IS 'Who served it.';
COMMENT ON COLUMN trial_cost_today.model IS 'Model name as asked for.';
COMMENT ON COLUMN trial_cost_today.service_tier IS 'How it was served: standard, flex, priority or another.';
COMMENT ON COLUMN trial_cost_today.started_at IS 'UTC instant at which it began; a price by the hour is that of this hour.';
COMMENT ON COLUMN trial_cost_today.at_trial_usd IS 'What it cost at the price of its day, US dollars; NULL is unknown.';
COMMENT ON COLUMN trial_cost_today.today_usd IS 'What its tokens would cost at the price that rules today, US dollars; NULL is unknown and reason says why.';
COMMENT ON COLUMN trial_cost_today.change_share IS 'today_usd / at_trial_usd - 1, a share.';
COMMENT ON COLUMN trial_cost_today.price_origin IS 'Whose price rules today: contract, file or list.';
COMMENT ON COLUMN trial_cost_today.price_valid_from IS 'ISO date from which that price holds; NULL if not said.';
COMMENT ON COLUMN trial_cost_today.price_source IS 'Where that price was taken from.';
COMMENT ON COLUMN trial_cost_today.reason IS 'Why today_usd is NULL.';
