"""How the attempts of each trial scattered and who answered them, worked out once: no page reads attempts for it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# three attempts beyond a percentile, as warehouse.metrics.MIN_ATTEMPTS asks
_NEED = {10: 30, 25: 12, 75: 12, 90: 30}
_TIMES = ("ttft", "tpot", "e2e")
_SHARES = ", ".join(f"{percentile / 100:.2f}" for percentile in _NEED)
_QUANTILES = ",\n            ".join(
    f"count({time}_s) FILTER (ok) AS n_{time}, quantile_disc({time}_s, [{_SHARES}]) FILTER (ok) AS {time}"
    for time in _TIMES
)
_COLUMNS = ",\n        ".join(
    f"CASE WHEN m.n_{time} >= {need} THEN m.{time}[{place}] END AS {time}_p{percentile}_s"
    for time in _TIMES
    for place, (percentile, need) in enumerate(_NEED.items(), start=1)
)
_DIGEST = f"""
    INSERT INTO trial_digests BY NAME
    WITH pending AS (
        SELECT trial_id
        FROM trials
        ANTI JOIN trial_digests USING (trial_id)
    ),

    measured AS (
        SELECT
            trial_id,
            {_QUANTILES},
            list_sort(list(DISTINCT model_returned) FILTER (model_returned IS NOT NULL)) AS models_returned,
            list_sort(list(DISTINCT system_fingerprint) FILTER (system_fingerprint IS NOT NULL)) AS system_fingerprints
        FROM attempt_metrics
        SEMI JOIN pending USING (trial_id)
        GROUP BY trial_id
    )

    SELECT
        trial_id,
        {_COLUMNS},
        coalesce(m.models_returned, []) AS models_returned,
        coalesce(m.system_fingerprints, []) AS system_fingerprints,
        now() AS recorded_at
    FROM pending
    LEFT JOIN measured AS m USING (trial_id)
"""


def digest_trials(con: "duckdb.DuckDBPyConnection") -> int:
    """Work out the digest of every trial that has none; call it inside a transaction.

    Returns:
        How many trials were digested.
    """
    ((digested,),) = con.execute(_DIGEST).fetchall()
    return int(digested)
