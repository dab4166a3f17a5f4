-- Purpose: The factors that are in force: what the ledgers held when the warehouse was last written, each as of today.
-- Grain: ledger, key, quantity.
CREATE OR REPLACE VIEW factors_now AS
SELECT
    ledger,
    key,
    quantity,
    low,
    central,
    high,
    tag,
    valid_from,
    date_diff('day', try_cast(valid_from AS DATE), current_date) AS age_days,
    source,
    retrieved_on,
    factor_version,
    recorded_at
FROM factors
WHERE withdrawn_at IS NULL AND (valid_from IS NULL OR valid_from <= strftime(current_date, '%Y-%m-%d'))
QUALIFY row_number() OVER (PARTITION BY ledger, key, quantity ORDER BY valid_from DESC NULLS LAST, recorded_at DESC) = 1;

COMMENT ON VIEW factors_now IS 'The factors that are in force today. Grain: ledger, key, quantity.';
COMMENT ON COLUMN factors_now.ledger IS 'File of warehouse/reference, without .csv.';
COMMENT ON COLUMN factors_now.key IS 'Row of it: a zone, a device, a kind of hosting.';
COMMENT ON COLUMN factors_now.quantity IS 'What it is, named with its unit.';
COMMENT ON COLUMN factors_now.low IS 'Lower bound, in the unit that quantity names; NULL without a range.';
COMMENT ON COLUMN factors_now.central IS 'Central value, in the unit that quantity names.';
COMMENT ON COLUMN factors_now.high IS 'Upper bound, in the unit that quantity names; NULL without a range.';
COMMENT ON COLUMN factors_now.tag IS 'How sure the value is: read, computed or recalled; NULL if not said.';
COMMENT ON COLUMN factors_now.valid_from IS 'ISO date from which it holds.';
COMMENT ON COLUMN factors_now.age_days IS 'How long it has held, days.';
COMMENT ON COLUMN factors_now.source IS 'Where it was taken from.';
COMMENT ON COLUMN factors_now.retrieved_on IS 'ISO date on which it was taken.';
COMMENT ON COLUMN factors_now.factor_version IS 'Version of the row, as accounts name it.';
COMMENT ON COLUMN factors_now.recorded_at IS 'UTC instant at which this warehouse first saw it.';
