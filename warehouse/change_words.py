"""Changes in words: the same in a terminal, in a message and on a page."""

from warehouse.changes import Change
from warehouse.metrics import Metric, format_value, metric

_PRICES = {
    "price_usd_per_input_mtok": "Price of prompt tokens",
    "price_usd_per_cached_input_mtok": "Price of cached prompt tokens",
    "price_usd_per_cache_write_mtok": "Price of writing to a cache",
    "price_usd_per_output_mtok": "Price of output tokens",
    "price_usd_per_1k_requests": "Price of requests",
}


def figure_name(change: Change) -> str:
    """What changed, such as TTFT p50."""
    return _PRICES.get(change.metric_id, change.metric_id) if change.change_kind == "price" else _of(change).title


def unit(change: Change) -> str:
    """The unit that figures of the change are shown in."""
    if change.change_kind == "price":
        return "USD/1,000 requests" if change.metric_id.endswith("requests") else "USD/Mtok"
    return _of(change).shown_unit


def shown(change: Change, value: float | None) -> str:
    """A figure of the change, without its unit."""
    if change.change_kind == "price":
        return "unknown" if value is None else f"{value:g}"
    return format_value(_of(change), value)


def size(change: Change) -> str:
    """By how much: +95 %, or +12 points of a share."""
    if change.change_kind != "price" and _of(change).unit == "share":
        return f"{100 * (change.value_after - change.value_before):+.3g} points"
    relative = change.relative
    if relative is None:
        return "from 0"
    # beyond a tripling, per cents are harder to read than a factor
    return f"{100 * relative:+.3g} %" if relative < 2 else f"x {1 + relative:.3g}"


def verdict(change: Change) -> str:
    """Whether that is better or worse."""
    return "better" if change.is_better else "worse"


def where(change: Change) -> str:
    """The target, and the workload if it was under one."""
    return change.target_id if change.workload_id is None else f"{change.target_id} under {change.workload_id}"


def title(change: Change) -> str:
    """One line: smollm2-q8 under chat: TTFT p50 208 -> 405 ms (+95 %, worse)."""
    before, after = shown(change, change.value_before), shown(change, change.value_after)
    return (
        f"{where(change)}: {figure_name(change)} {before} -> {after} {unit(change)} ({size(change)}, {verdict(change)})"
    )


def since(change: Change) -> str:
    """When, and how sure: since 2026-11-19, 12 nights after 18; or what one night is worth."""
    if change.change_kind == "night":
        return f"on {change.changed_on}, one night beside {change.before_nights} others"
    nights = f"{change.after_nights} night{'s' if change.after_nights != 1 else ''} after {change.before_nights}"
    if change.earliest_on == change.latest_on:
        return f"since {change.changed_on}, {nights}"
    return f"since {change.changed_on} ({change.earliest_on} to {change.latest_on}), {nights}"


def _of(change: Change) -> Metric:
    return metric(change.metric_id)
