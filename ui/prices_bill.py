"""What changed the bill, as the page `prices` shows it: the parts, a row a target, and all of it as a file."""

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal

from ui.markup import Badge, Cell, Column, Row
from ui.prices import DASH, MIDDLE
from warehouse.bill import PARTS, BillChange, TargetBill
from warehouse.bill_use import MachineUse, Tokens, TokenUse
from warehouse.bill_words import (
    PART_HINTS,
    PART_NAMES,
    apportioned,
    moved_words,
    quantum,
    rounded,
    signed,
    use_words,
)

ARROW = "\N{RIGHTWARDS ARROW}"
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "Requests": ("volume",),
    "Price": ("price",),
    "Of a request": ("input", "output", "reasoning", "work"),
    "From a cache": ("cache",),
    "Failed, warm-ups": ("failed", "warm-up"),
}
_ALL = Cell(main="all targets whose cost is known", span=2, tone="quiet", wide=True)
_UNITS = {
    "Requests": "answered",
    "Price": "tokens, or power and hours",
    "Of a request": "tokens, or time and energy",
    "From a cache": "read or written",
    "Failed, warm-ups": "billed beside answers",
}


def badge(change: BillChange) -> Badge:
    """Up or down, in a word."""
    step = quantum(change)
    before, after = rounded(change.before_usd, step), rounded(change.after_usd, step)
    if change.is_alone:
        return Badge(text="one bill")
    if before == after:
        return Badge(text="the same")
    return Badge(text="more", tone="warn") if after > before else Badge(text="less", tone="good")


def shown_parts(change: BillChange) -> list[tuple[str, float, Decimal]]:
    """(part, US dollars, the same as shown) of every part that can be seen; those shown sum to the difference shown."""
    step = quantum(change)
    parts = change.parts
    whole = rounded(change.after_usd, step) - rounded(change.before_usd, step)
    split = apportioned(list(parts.values()), whole, step) if parts else []
    return [
        (name, usd, amount)
        for (name, usd), amount in zip(parts.items(), split, strict=True)
        if amount or abs(usd) >= float(step)
    ]


def part_table(change: BillChange) -> tuple[list[Column], list[Row]]:
    """The chart as a table: from the earlier bill by its parts to the later one."""
    step = quantum(change)
    columns = [
        Column(title="Part"),
        Column(title="Change", unit="USD", right=True),
        Column(title="Mostly", unit="target"),
        Column(title="What it is"),
    ]
    rows = [_sum_row(change.before.words, rounded(change.before_usd, step))]
    for name, usd, amount in shown_parts(change):
        own = [one for one in change.targets if one.parts.get(name, 0.0) * usd > 0]
        _, most = max(((abs(one.parts[name]), one) for one in own), key=lambda pair: pair[0])
        rows.append(
            Row(
                cells=[
                    Cell(main=PART_NAMES[name], strong=True),
                    Cell(main=signed(amount)),
                    Cell(
                        main=most.target_id,
                        beneath=f"{signed(rounded(most.parts[name], step))} USD" if len(own) > 1 else "",
                        wide=True,
                    ),
                    Cell(main=PART_HINTS[name], tone="quiet", wide=True),
                ]
            )
        )
    return columns, [*rows, _sum_row(change.after.words, rounded(change.after_usd, step))]


def target_columns(change: BillChange) -> list[Column]:
    """Heads of the table of targets."""
    return [
        Column(title="Target", unit=f"provider {MIDDLE} model"),
        Column(title="Before", unit="USD", right=True, hint=change.before.words),
        Column(title="After", unit="USD", right=True, hint=change.after.words),
        Column(title="Change", unit="USD", right=True),
        *(Column(title=head, unit=_UNITS[head], right=True) for head in _COLUMNS),
    ]


def target_rows(change: BillChange) -> list[Row]:
    """A row a target, the largest change first, then those of which the cost is unknown."""
    step = quantum(change)
    rows = [_target_row(one, step) for one in change.targets]
    for one in change.unknown:
        why = f"{one.unpriced_trials:,} of {one.trials:,} trials: {one.reason}"
        who = Cell(
            main=one.target_id, beneath=f"{one.provider} {MIDDLE} {one.model}", strong=True, wide=True,
            badges=(Badge(text="unknown"),),
        )  # fmt: skip
        rows.append(Row(quiet=True, cells=[who, Cell(main=f"In neither sum, {why}", span=8, tone="quiet", wide=True)]))
    return rows


def to_csv(change: BillChange) -> str:
    """Every target with its two bills and all parts, US dollars, not rounded; empty is unknown."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["target_id", "model", "before", "after", "before_usd", "after_usd", "difference_usd",
                     *(f"{name.replace('-', '_')}_usd" for name in PARTS), "reason"])  # fmt: skip
    spans = (change.before.name, change.after.name)
    for one in change.targets:
        parts = [one.parts.get(name, 0.0) for name in PARTS]
        writer.writerow(
            [one.target_id, one.model, *spans, one.before_usd, one.after_usd, one.difference_usd, *parts, ""]
        )
    for lost in change.unknown:
        writer.writerow([lost.target_id, lost.model, *spans, *[""] * (3 + len(PARTS)), lost.reason])
    return out.getvalue()


def _sum_row(name: str, amount: Decimal) -> Row:
    return Row(
        parted=True,
        cells=[Cell(main=name, strong=True), Cell(main=f"{amount:,f}", strong=True), _ALL],
    )


def _target_row(one: TargetBill, step: Decimal) -> Row:
    before, after = rounded(one.before_usd, step), rounded(one.after_usd, step)
    new = one.before is None
    mark = (Badge(text="new" if new else "gone"),) if new or one.after is None else ()
    cells = [
        Cell(main=one.target_id, beneath=f"{one.provider} {MIDDLE} {one.model}", strong=True, wide=True, badges=mark),
        Cell(main=DASH if new else f"{before:,f}"),
        Cell(main=DASH if one.after is None else f"{after:,f}"),
        Cell(main=signed(after - before), strong=True),
    ]
    if mark:
        why = "Not asked in the earlier span of time" if new else "Not asked in the later span of time"
        return Row(cells=[*cells, Cell(main=f"{why} ({use_words(one)} requests)", span=5, tone="quiet", wide=True)])
    sums = [sum(one.parts.get(name, 0.0) for name in names) for names in _COLUMNS.values()]
    split = apportioned(sums, after - before, step)
    beneath = {"Requests": use_words(one), "Price": moved_words(one.moves), "Of a request": _of_request(one)}
    return Row(
        cells=[
            *cells,
            *(
                Cell(
                    main=signed(amount) if amount else DASH,
                    beneath=beneath.get(head, "") if amount or head == "Requests" else "",
                    tone="plain" if amount else "quiet",
                )
                for head, amount in zip(_COLUMNS, split, strict=True)
            ),
        ]
    )


def _of_request(one: TargetBill) -> str:
    """What of a request changed: `input 120 -> 130 tokens`."""
    before, after = one.before, one.after
    if isinstance(before, MachineUse) and isinstance(after, MachineUse):
        sides = [(use.window_s / use.attempts, use.energy_j / use.attempts) for use in (before, after) if use.attempts]
        if len(sides) < 2:
            return ""
        return ", ".join(
            f"{was:.3g} {ARROW} {now:.3g} {unit}" for was, now, unit in zip(*sides, ("s", "J"), strict=True)
        )
    if not isinstance(before, TokenUse) or not isinstance(after, TokenUse):
        return ""
    counts: Sequence[tuple[str, str]] = (("input", "prompt"), ("output", "output"))
    said = []
    for name, kind in counts:
        was, now = (_each(use.answered, kind) for use in (before, after))
        if was is not None and now is not None and abs(was - now) >= 0.5:
            said.append(f"{name} {was:,.0f} {ARROW} {now:,.0f}")
    return f"{', '.join(said)} tokens" if said else ""


def _each(tokens: Tokens, kind: str) -> float | None:
    counts = {"prompt": tokens.prompt, "output": tokens.output}
    return counts[kind] / tokens.requests if tokens.requests else None
