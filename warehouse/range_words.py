"""A range as people are shown it, where rounding can make its two ends look like one."""

# Two sums of the same figures differ by this much in a double.
_ROUNDING = 1e-12
_LEAST_PERCENT = 0.001


def range_words(low: float, high: float, shown: tuple[str, str], *, between: str = "-") -> str:
    """Both ends; `exact` of a figure without a range; of one that the rounding hides, how wide it is.

    Args:
        low: the lower end.
        high: the upper end, in the same unit.
        shown: both as they are written.
        between: what stands between them.
    """
    if shown[0] != shown[1]:
        return between.join(shown)
    half_share = (high - low) / (high + low) if high + low > 0 else 0.0
    if half_share <= _ROUNDING:
        return "exact"
    percent = 100 * half_share
    plus_minus = "\N{PLUS-MINUS SIGN}"
    return f"{plus_minus} {percent:.1g} %" if percent >= _LEAST_PERCENT else f"{plus_minus} < {_LEAST_PERCENT:g} %"
