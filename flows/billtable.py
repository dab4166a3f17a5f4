"""What changed the bill, as people read it in a terminal, and as JSON."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from warehouse import bill_words
from warehouse.bill import BillChange, TargetBill
from warehouse.bill_periods import Period
from warehouse.bill_use import TokenUse

if TYPE_CHECKING:
    from decimal import Decimal

    from rich.console import Console

# Parts that stand in one column: what a request is made of, and what was billed for no answer.
COLUMNS = {
    "requests": ("volume",),
    "price": ("price",),
    "of a\nrequest": ("input", "output", "reasoning", "work"),
    "from a\ncache": ("cache",),
    "failed,\nwarm-ups": ("failed", "warm-up"),
    "new,\ngone": ("new", "gone"),
}


def print_bill(console: "Console", change: BillChange) -> None:
    """The verdict, a row a target, their sum, and what is not in it."""
    console.print(Text(bill_words.verdict(change), style="bold"), soft_wrap=True)
    console.print(Text(bill_words.coverage_words(change), style="dim"), soft_wrap=True)
    if change.targets:
        console.print(_table(change))
    for one in change.targets:
        if one.moves:
            console.print(Text(f"{one.target_id}: {bill_words.moved_words(one.moves)}"), soft_wrap=True)
    for line in bill_words.unknown_words(change):
        console.print(Text(line, style="yellow"), soft_wrap=True)
    console.print(Text(bill_words.left_out_words(change), style="dim"), soft_wrap=True)
    if change.targets:
        console.print(
            Text("parts: the mean over all orders in which factors may change (Shapley); they sum in each row",
                 style="dim"), soft_wrap=True,
        )  # fmt: skip


def _table(change: BillChange) -> Table:
    step = bill_words.quantum(change)
    table = Table(
        title="US dollars", title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False,
        padding=(0, 1),
    )  # fmt: skip
    table.add_column("target", overflow="fold")
    shown = {head: names for head, names in COLUMNS.items() if any(name in change.parts for name in names)}
    for head in ("before", "after", "change", *shown):
        table.add_column(head, justify="right", no_wrap=True, style="bold" if head == "change" else "")
    for one in change.targets:
        table.add_row(one.target_id, *_cells(one.before_usd, one.after_usd, one.parts, shown, step))
    if len(change.targets) > 1:
        table.add_row(
            "all of these", *_cells(change.before_usd, change.after_usd, change.parts, shown, step), style="bold"
        )
    return table


def _cells(
    before_usd: float,
    after_usd: float,
    parts: Mapping[str, float],
    shown: dict[str, tuple[str, ...]],
    step: "Decimal",
) -> list[str]:
    before, after = bill_words.rounded(before_usd, step), bill_words.rounded(after_usd, step)
    sums = [sum(parts.get(name, 0.0) for name in names) for names in shown.values()]
    split = bill_words.apportioned(sums, after - before, step)
    return [
        f"{before:,f}",
        f"{after:,f}",
        bill_words.signed(after - before),
        *("-" if amount == 0 else bill_words.signed(amount) for amount in split),
    ]


def bill_json(change: BillChange) -> dict[str, Any]:
    """Both spans of time, the whole, and every target with its parts; amounts in US dollars, not rounded."""
    return {
        "verdict": bill_words.verdict(change),
        "before": _period_json(change.before),
        "after": _period_json(change.after),
        "before_usd": change.before_usd,
        "after_usd": change.after_usd,
        "difference_usd": change.difference_usd,
        "parts_usd": dict(change.parts),
        "targets": [_target_json(one) for one in change.targets],
        "unknown": [
            {"target_id": one.target_id, "model": one.model, "trials": one.trials,
             "unpriced_trials": one.unpriced_trials, "reason": one.reason}
            for one in change.unknown
        ],
        "failed_attempts_without_tokens": change.unbilled_failures,
    }  # fmt: skip


def _target_json(one: TargetBill) -> dict[str, Any]:
    return {
        "target_id": one.target_id,
        "provider": one.provider,
        "model": one.model,
        "bought_by": "token" if isinstance(one.after or one.before, TokenUse) else "machine",
        "before_usd": None if one.before is None else one.before_usd,
        "after_usd": None if one.after is None else one.after_usd,
        "difference_usd": one.difference_usd,
        "parts_usd": dict(one.parts),
        "price_changes": [
            {"amount": move.amount, "on": str(move.on), "before_usd": move.before_usd, "after_usd": move.after_usd}
            for move in one.moves
        ],
    }


def _period_json(period: Period) -> dict[str, Any]:
    return {
        "name": period.name,
        "first_on": str(period.first_on),
        "last_on": str(period.last_on),
        "runs": len(period.run_ids),
        "days_with_runs": period.days_with_runs,
    }
