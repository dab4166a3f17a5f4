"""What changed the bill, in words: one sentence, names of parts, and sums of money that still add up when rounded."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from warehouse.bill import BillChange, PriceMove, TargetBill
from warehouse.bill_periods import Period
from warehouse.bill_use import TokenUse

MINUS = "\N{MINUS SIGN}"
PART_NAMES: Mapping[str, str] = {
    "volume": "Requests",
    "price": "Price",
    "input": "Input of a request",
    "output": "Output of a request",
    "reasoning": "Reasoning of a request",
    "cache": "Share from a cache",
    "work": "Work of a request",
    "failed": "Failed attempts",
    "warm-up": "Warm-ups",
    "new": "New targets",
    "gone": "Targets gone",
}
PART_HINTS: Mapping[str, str] = {
    "volume": "more or fewer answers, or attempts at a machine of ours",
    "price": "of tokens and requests, or of electricity and of a machine's hours",
    "input": "prompt tokens of an answer",
    "output": "visible output tokens of an answer",
    "reasoning": "hidden tokens of an answer, where the server counts them apart",
    "cache": "how much of the prompt was read from a cache or written to one",
    "work": "joules and seconds of an attempt at a machine of ours",
    "failed": "tokens that failed attempts were billed, beside each answer",
    "warm-up": "tokens of warm-ups, beside each answer",
    "new": "asked in the later span of time alone",
    "gone": "asked in the earlier span of time alone",
}
# (of more money, of less)
_SPOKEN: Mapping[str, tuple[str, str]] = {
    "volume": ("more requests to", "fewer requests to"),
    "price": ("a higher price of", "a lower price of"),
    "input": ("longer prompts of", "shorter prompts of"),
    "output": ("longer answers of", "shorter answers of"),
    "reasoning": ("more reasoning of", "less reasoning of"),
    "cache": ("less from the cache of", "more from the cache of"),
    "work": ("longer or hungrier requests at", "shorter or thriftier requests at"),
    "failed": ("more that failed attempts were billed at", "less that failed attempts were billed at"),
    "warm-up": ("more warm-ups of", "fewer warm-ups of"),
    "new": ("new:", "new:"),
    "gone": ("gone:", "gone:"),
}
_AMOUNTS = {
    "usd_per_input_mtok": ("input", "USD/Mtok"),
    "usd_per_output_mtok": ("output", "USD/Mtok"),
    "usd_per_cached_input_mtok": ("cached input", "USD/Mtok"),
    "usd_per_cache_write_mtok": ("cache write", "USD/Mtok"),
    "usd_per_1k_requests": ("requests", "USD/thousand"),
}
_NOTHING = 1e-12  # US dollars: what rounding leaves of a part that is none
_MOSTLY = 0.5  # of the difference, or of a part
_CANCEL = 0.25  # a difference that is less of its largest part is what is left of parts that cancel


def quantum(change: BillChange) -> Decimal:
    """The step in which sums of this bill are shown: a cent, and less where all of it is less than a few dollars."""
    largest = max(change.before_usd, change.after_usd)
    if largest >= 10 or largest <= 0:
        return Decimal("0.01")
    return Decimal(1).scaleb(min(math.floor(math.log10(largest)) - 3, -2))


def rounded(usd: float, step: Decimal) -> Decimal:
    """To the nearest step."""
    return Decimal(usd).quantize(step)


def apportioned(parts: Sequence[float], whole: Decimal, step: Decimal) -> list[Decimal]:
    """Parts rounded to a step so that they sum to a whole: each down, then those up that lost most by it.

    Args:
        parts: in the unit of `whole`; they sum to it but for about a step.
        whole: a multiple of `step`.
        step: more than 0.

    Source: the method of largest remainders, Hamilton 1792.
    """
    exact = [Decimal(0 if abs(part) < _NOTHING else part) / step for part in parts]
    steps = [math.floor(one) for one in exact]
    lacking = int((whole / step).to_integral_value()) - sum(steps)
    # what is nothing stays nothing, as long as something else can give
    order = sorted(range(len(parts)), key=lambda n: (exact[n] == 0, steps[n] - exact[n]))
    if lacking < 0:
        order = sorted(range(len(parts)), key=lambda n: (exact[n] == 0, exact[n] - steps[n]))
    for turn in range(abs(lacking)):
        steps[order[turn % len(order)]] += 1 if lacking > 0 else -1
    return [(one * step).quantize(step) for one in steps]


def signed(usd: Decimal) -> str:
    """+0.42, and a true minus."""
    return f"{'+' if usd > 0 else MINUS if usd < 0 else ''}{abs(usd):,f}"


def verdict(change: BillChange) -> str:
    """What changed, by how much and mostly by what, in one sentence."""
    step = quantum(change)
    if not change.targets:
        return "Nothing was bought in either of them" + (", as far as costs are known" if change.unknown else "")
    before, after = rounded(change.before_usd, step), rounded(change.after_usd, step)
    for empty, usd in ((change.before, after), (change.after, before)):
        if not empty.run_ids:
            return f"{usd:,f} USD, and nothing to compare it with: no run from {empty.first_on} to {empty.last_on}"
    reach = f"from {before:,f} to {after:,f}"
    parts = {name: usd for name, usd in change.parts.items() if abs(usd) >= float(step) / 2}
    if not parts:
        return f"The same: {after:,f} USD"
    up = max(parts, key=lambda name: parts[name])
    down = min(parts, key=lambda name: parts[name])
    difference = float(after - before)
    if parts[up] > 0 > parts[down] and abs(difference) < _CANCEL * max(parts[up], -parts[down]):
        both = f"{_part(change, up, parts[up], step)} and {_part(change, down, parts[down], step)}"
        said = (
            f"{after:,f} USD as before"
            if before == after
            else f"{signed(after - before)} USD ({reach}), nearly the same"
        )
        return f"{said}: {both} about cancel"
    top, other = (up, down) if difference > 0 else (down, up)
    mostly = abs(parts[top]) >= _MOSTLY * abs(difference)
    said = f"{signed(after - before)} USD ({reach}), {'mostly' if mostly else 'most of all'}"
    said += f" {_part(change, top, parts[top], step)}"
    if parts[other] * parts[top] < 0 and abs(parts[other]) >= _CANCEL * abs(parts[top]):
        said += f"; against it {_part(change, other, parts[other], step)}"
    return said


def moved_words(moves: Sequence[PriceMove]) -> str:
    """How prices of a target moved: `output from 0.6 to 0.75 USD/Mtok on 2026-11-12`; empty if none did."""
    said = []
    for amount, (name, unit) in _AMOUNTS.items():
        own = [move for move in moves if move.amount == amount]
        if not own:
            continue
        if len(own) == 1:
            said.append(f"{name} from {own[0].before_usd:g} to {own[0].after_usd:g} {unit}, first paid on {own[0].on}")
        else:
            said.append(f"{name} changed {len(own)} times between {own[0].on} and {own[-1].on}")
    return ", ".join(said)


def unknown_words(change: BillChange) -> list[str]:
    """A sentence for each target that is in neither sum."""
    return [
        f"{one.target_id} is in neither sum: the cost of {one.unpriced_trials:,} of its {one.trials:,} trials is"
        f" unknown ({one.reason})."
        for one in change.unknown
    ]


def coverage_words(change: BillChange) -> str:
    """How much was measured in both: a span with fewer nights has a smaller bill."""
    return " against ".join(
        period.words if period.run_id is not None else f"{period.words} ({_seen(period)})"
        for period in (change.after, change.before)
    )


def _seen(period: Period) -> str:
    runs = len(period.run_ids)
    return f"{period.days_with_runs} of {period.days} days with runs, {runs:,} {'run' if runs == 1 else 'runs'}"


def left_out_words(change: BillChange) -> str:
    """What a bill of ours leaves out."""
    said = "Every run is on the bill of the day (UTC) on which it began, warm-ups too; the canary's questions are not."
    if change.unbilled_failures:
        said += (
            f" Failed attempts that report no tokens count nothing, though they may have been billed:"
            f" {change.unbilled_failures:,}."
        )
    return said


def use_words(one: TargetBill) -> str:
    """Requests before and after."""
    counts = [
        None if use is None else use.answered.requests if isinstance(use, TokenUse) else use.attempts
        for use in (one.before, one.after)
    ]
    return " \N{RIGHTWARDS ARROW} ".join("none" if count is None else f"{count:,}" for count in counts)


def _part(change: BillChange, name: str, usd: float, step: Decimal) -> str:
    """A part with the target that it is mostly of."""
    own = [one for one in change.targets if one.parts.get(name, 0.0) * usd > 0]
    largest = max(own, key=lambda one: abs(one.parts[name]))
    amount = signed(rounded(usd, step))
    spoken = _SPOKEN[name][usd < 0]
    if len(own) > 1 and abs(largest.parts[name]) < _MOSTLY * abs(usd):
        return f"{spoken} {len(own)} targets ({amount})"
    moved = moved_words(largest.moves) if name == "price" else ""
    return f"{spoken} {largest.target_id} ({amount}{f': {moved}' if moved else ''})"
