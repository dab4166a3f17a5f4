"""The query behind a bill: what each target was billed in two sets of runs, and when its prices changed."""

PRICES = ("usd_per_input_mtok", "usd_per_cached_input_mtok", "usd_per_cache_write_mtok", "usd_per_output_mtok",
          "usd_per_1k_requests")  # fmt: skip
PAID = ("input_usd", "cached_input_usd", "cache_write_usd", "output_usd", "fee_usd")

# A price of which nothing was bought is the mean of what was stated, by attempts.
USES = f"""
    WITH sides AS (
        SELECT unnest($before) AS run_id, FALSE AS is_after
        UNION ALL
        SELECT unnest($after), TRUE
    ),

    billed AS MATERIALIZED (
        SELECT *
        FROM bill_lines
        INNER JOIN sides USING (run_id)
    ),

    paid AS (
        SELECT
            is_after,
            target_id,
            model,
            line = 'machine' AS is_machine,
            line,
            arg_max(provider, started_at) AS provider,
            count(*) AS trials,
            count(*) FILTER (usd IS NULL) AS unpriced_trials,
            string_agg(DISTINCT reason, '; ') AS reason,
            sum(usd) AS usd,
            sum(attempts)::BIGINT AS attempts,
            sum(requests)::BIGINT AS requests,
            sum(fees)::BIGINT AS fees,
            sum(prompt_tokens)::BIGINT AS prompt_tokens,
            sum(cached_tokens)::BIGINT AS cached_tokens,
            sum(cache_write_tokens)::BIGINT AS cache_write_tokens,
            sum(output_tokens)::BIGINT AS output_tokens,
            CASE WHEN count(*) = count(reasoning_tokens) THEN sum(reasoning_tokens)::BIGINT END AS reasoning_tokens,
            sum(energy_j) AS energy_j,
            sum(window_s) AS window_s,
            sum(electricity_usd) AS electricity_usd,
            sum(hardware_usd) AS hardware_usd,
            {", ".join(f"sum({name}) AS {name}" for name in PAID)},
            {", ".join(f"sum({name} * attempts) / sum(attempts) AS {name}" for name in PRICES)}
        FROM billed
        GROUP BY ALL
    ),

    stated AS (
        SELECT
            target_id,
            model,
            started_at,
            run_on,
            amount,
            usd,
            lag(usd) OVER (PARTITION BY target_id, model, amount ORDER BY started_at) AS before_usd
        FROM (
            UNPIVOT (SELECT DISTINCT target_id, model, started_at, run_on, {", ".join(PRICES)} FROM billed)
            ON {", ".join(PRICES)} INTO NAME amount VALUE usd
        )
    ),

    moved AS (
        SELECT
            target_id,
            model,
            FALSE AS is_machine,
            list(
                {{'amount': amount, 'on': run_on, 'before_usd': before_usd, 'after_usd': usd}}
                ORDER BY started_at, amount
            ) AS moves
        FROM stated
        WHERE before_usd <> usd
        GROUP BY target_id, model
    )

    SELECT *
    FROM paid
    LEFT JOIN moved USING (target_id, model, is_machine)
    ORDER BY target_id, model, line
"""
