-- Title: Which factors behind the accounts are oldest?
-- Why: Grid intensities and hardware figures age; the oldest in force are the first to check.
SELECT
    ledger,
    key,
    quantity,
    low,
    central,
    high,
    valid_from,
    age_days,
    source
FROM factors_now
ORDER BY age_days DESC NULLS LAST
LIMIT 100
