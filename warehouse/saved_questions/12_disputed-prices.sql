-- Title: Where do price sources disagree?
-- Why: About one public price in sixteen is disputed at any time; the ruling one is not always the right one.
SELECT
    target_id,
    amount,
    ruling_origin,
    ruling_usd,
    other_origin,
    other_usd,
    100 * difference_share AS difference_percent,
    ruling_source,
    other_source
FROM price_drift
ORDER BY abs(difference_share) DESC
