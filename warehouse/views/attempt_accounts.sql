-- Purpose: What each measured attempt drew, emitted and cost, as a share of its trial's latest accounts: by time-sliced energy where energy was metered, by tokens where it was stated.
-- Sums over the attempts of a trial are the trial's energy (with overhead_j), emissions and cost.
-- Grain: measured attempt.
CREATE OR REPLACE VIEW attempt_accounts AS
WITH attribution AS (
    SELECT
        trial_id,
        overhead_j,
        attributed_j,
        weight_source,
        missing,
        recorded_at
    FROM attribution_accounts
    QUALIFY row_number() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1
),

drawn AS (
    SELECT
        e.attempt_id,
        e.energy_j_low,
        e.energy_j,
        e.energy_j_high
    FROM attempt_energy AS e
    INNER JOIN attribution AS a USING (trial_id, recorded_at)
),

token_factors AS (
    SELECT
        trial_id,
        coalesce(try_cast(regexp_extract(factor.quantity, '^price_above_([0-9]+)_', 1) AS BIGINT), 0) AS above,
        regexp_replace(factor.quantity, '^price_(above_[0-9]+_)?', '') AS amount,
        factor.central AS usd
    FROM (
        SELECT trial_id, component, unnest(factors) AS factor
        FROM (SELECT * FROM cost_accounts QUALIFY rank() OVER (PARTITION BY trial_id ORDER BY recorded_at DESC) = 1)
    )
    WHERE component = 'tokens'
),

tiers AS (
    SELECT
        trial_id,
        above,
        max(usd) FILTER (amount = 'usd_per_input_mtok') AS input,
        coalesce(max(usd) FILTER (amount = 'usd_per_cached_input_mtok'), input) AS cached_input,
        coalesce(max(usd) FILTER (amount = 'usd_per_cache_write_mtok'), input) AS cache_write,
        max(usd) FILTER (amount = 'usd_per_output_mtok') AS output,
        coalesce(max(usd) FILTER (amount = 'usd_per_1k_requests'), 0) AS fee
    FROM token_factors
    GROUP BY trial_id, above
),

token_prices AS (
    -- the longest prompts first, so that the first that a prompt reaches is its price
    SELECT
        trial_id,
        list(struct_pack(above, input, cached_input, cache_write, output, fee) ORDER BY above DESC) AS prices
    FROM tiers
    GROUP BY trial_id
),

sums AS (
    SELECT
        trial_id,
        sum(output_tokens) AS output_tokens,
        sum(in_flight_s) AS in_flight_s
    FROM attempt_metrics
    GROUP BY trial_id
),

of_trial AS (
    SELECT
        trial_id,
        n.energy_j_low,
        n.energy_j,
        n.energy_j_high,
        greatest(n.basis::basis_label, 'modelled'::basis_label)::VARCHAR AS basis,
        n.reason,
        m.operational_gco2e_low,
        m.operational_gco2e,
        m.operational_gco2e_high,
        m.embodied_gco2e_low,
        m.embodied_gco2e,
        m.embodied_gco2e_high,
        c.usd_low / nullif(c.usd, 0) AS usd_low_share,
        c.usd_high / nullif(c.usd, 0) AS usd_high_ratio,
        c.electricity_usd,
        c.hardware_usd,
        p.prices,
        s.output_tokens,
        s.in_flight_s,
        t.kind = 'local' OR c.hardware_usd IS NOT NULL AS hardware_known
    FROM trials AS t
    LEFT JOIN energy AS n USING (trial_id)
    LEFT JOIN emissions AS m USING (trial_id)
    LEFT JOIN cost AS c USING (trial_id)
    LEFT JOIN token_prices AS p USING (trial_id)
    LEFT JOIN sums AS s USING (trial_id)
),

shared AS (
    SELECT
        a.attempt_id,
        a.trial_id,
        a.run_id,
        a.target_id,
        a.workload_id,
        a.seq,
        a.ok,
        a.prompt_tokens,
        coalesce(a.cached_tokens, 0) AS cached,
        coalesce(a.cache_write_tokens, 0) AS written,
        a.output_tokens,
        a.search_units,
        list_filter(t.prices, lambda tier: tier.above = 0 OR a.prompt_tokens > tier.above)[1] AS price,
        t.* EXCLUDE (trial_id, output_tokens, in_flight_s, prices),
        d.energy_j_low AS drawn_j_low,
        d.energy_j AS drawn_j,
        d.energy_j_high AS drawn_j_high,
        b.overhead_j AS trial_overhead_j,
        b.weight_source,
        b.trial_id IS NOT NULL AS metered,
        b.missing,
        a.output_tokens / nullif(t.output_tokens, 0) AS token_share,
        a.in_flight_s / nullif(t.in_flight_s, 0) AS time_share,
        CASE
            WHEN b.trial_id IS NOT NULL THEN d.energy_j / nullif(b.attributed_j, 0) ELSE token_share
        END AS energy_share,
        CASE WHEN t.hardware_known THEN time_share ELSE token_share END AS hardware_share
    FROM attempt_metrics AS a
    INNER JOIN of_trial AS t USING (trial_id)
    LEFT JOIN attribution AS b USING (trial_id)
    LEFT JOIN drawn AS d USING (attempt_id)
),

priced AS (
    SELECT
        *,
        coalesce(
            coalesce((
                (prompt_tokens - cached - written) * price.input
                + cached * price.cached_input
                + written * price.cache_write
                + output_tokens * price.output
            ) / 1e6, CASE WHEN search_units IS NOT NULL AND price.input = 0 AND price.output = 0 THEN 0 END)
            + coalesce(search_units, 1) * price.fee / 1e3,
            electricity_usd * energy_share + hardware_usd * time_share
        ) AS attempt_usd
    FROM shared
)

SELECT
    attempt_id,
    trial_id,
    run_id,
    target_id,
    workload_id,
    seq,
    ok,
    prompt_tokens,
    output_tokens,
    CASE WHEN metered THEN drawn_j_low ELSE energy_j_low * token_share END AS energy_j_low,
    CASE WHEN metered THEN drawn_j ELSE energy_j * token_share END AS energy_j,
    CASE WHEN metered THEN drawn_j_high ELSE energy_j_high * token_share END AS energy_j_high,
    trial_overhead_j * energy_share AS overhead_j,
    operational_gco2e_low * energy_share AS operational_gco2e_low,
    operational_gco2e * energy_share AS operational_gco2e,
    operational_gco2e_high * energy_share AS operational_gco2e_high,
    embodied_gco2e_low * hardware_share AS embodied_gco2e_low,
    embodied_gco2e * hardware_share AS embodied_gco2e,
    embodied_gco2e_high * hardware_share AS embodied_gco2e_high,
    attempt_usd * usd_low_share AS usd_low,
    attempt_usd AS usd,
    attempt_usd * usd_high_ratio AS usd_high,
    basis,
    weight_source,
    CASE
        WHEN metered THEN missing
        WHEN energy_j IS NULL THEN reason
        WHEN output_tokens IS NULL THEN 'its output tokens are not known'
    END AS reason
FROM priced;

COMMENT ON VIEW attempt_accounts IS 'What each measured attempt drew, emitted and cost, as a share of its trial''s latest accounts: by time-sliced energy where energy was metered, by tokens where it was stated. Grain: measured attempt.';
COMMENT ON COLUMN attempt_accounts.attempt_id IS 'The attempt.';
COMMENT ON COLUMN attempt_accounts.trial_id IS 'The trial.';
COMMENT ON COLUMN attempt_accounts.run_id IS 'The run.';
COMMENT ON COLUMN attempt_accounts.target_id IS 'The target.';
COMMENT ON COLUMN attempt_accounts.workload_id IS 'The workload.';
COMMENT ON COLUMN attempt_accounts.seq IS 'Order of planning inside the trial.';
COMMENT ON COLUMN attempt_accounts.ok IS 'Whether it succeeded.';
COMMENT ON COLUMN attempt_accounts.prompt_tokens IS 'Prompt tokens, cached ones included.';
COMMENT ON COLUMN attempt_accounts.output_tokens IS 'All generated tokens, hidden reasoning included.';
COMMENT ON COLUMN attempt_accounts.energy_j_low IS 'Lower bound of energy_j, joules.';
COMMENT ON COLUMN attempt_accounts.energy_j IS 'Energy of the slices of time in which it was alive, its share by how fast its tokens were worked off, joules; of a stated energy, its share by output tokens. NULL is unknown and reason says why.';
COMMENT ON COLUMN attempt_accounts.energy_j_high IS 'Upper bound of energy_j, joules.';
COMMENT ON COLUMN attempt_accounts.overhead_j IS 'Its share, by energy_j, of what was drawn while nobody was alive, joules; not in energy_j, but in emissions and cost. NULL where energy was stated.';
COMMENT ON COLUMN attempt_accounts.operational_gco2e_low IS 'Lower bound, grams of CO2 equivalent.';
COMMENT ON COLUMN attempt_accounts.operational_gco2e IS 'Its share of the operational emissions of its trial, by energy, grams of CO2 equivalent, location-based.';
COMMENT ON COLUMN attempt_accounts.operational_gco2e_high IS 'Upper bound, grams of CO2 equivalent.';
COMMENT ON COLUMN attempt_accounts.embodied_gco2e_low IS 'Lower bound, grams of CO2 equivalent.';
COMMENT ON COLUMN attempt_accounts.embodied_gco2e IS 'Its share of the embodied emissions of its trial, by time in flight (hardware that was declared) or by output tokens, grams of CO2 equivalent.';
COMMENT ON COLUMN attempt_accounts.embodied_gco2e_high IS 'Upper bound, grams of CO2 equivalent.';
COMMENT ON COLUMN attempt_accounts.usd_low IS 'Lower bound, in the proportion of its trial, US dollars.';
COMMENT ON COLUMN attempt_accounts.usd IS 'Its tokens, and its searches if it is a rerank that tells them, x price list; without one, electricity by energy and hardware by time in flight, US dollars.';
COMMENT ON COLUMN attempt_accounts.usd_high IS 'Upper bound, in the proportion of its trial, US dollars.';
COMMENT ON COLUMN attempt_accounts.basis IS 'Label of energy_j: that of the energy of its trial, but at best modelled, since who drew it is a rule.';
COMMENT ON COLUMN attempt_accounts.weight_source IS 'What the weights of prompt and output tokens rest on; NULL where energy was stated.';
COMMENT ON COLUMN attempt_accounts.reason IS 'Why energy_j is NULL.';
