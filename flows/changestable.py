"""What accounting anew has changed, as people read it in a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from flows.accounttable import MOST_COLUMNS, number, plain_table
from warehouse.account_changes import FactorChange, FigureChange


def print_changes(console: Console, accounted: int, changes: Sequence[FigureChange]) -> None:
    """Old and new figure of each trial with the factors that changed."""
    width = min(console.width, MOST_COLUMNS)
    console.print(
        f"{accounted} trials and jobs were accounted under today's factors; the figures from before are kept beside."
    )
    console.print(Text("A factor is the newest row of its ledger, also where that began after the trial.", "dim"))
    console.print(
        Text("What was declared, list prices, and facts that landed without the row they were taken from stay.", "dim")
    )
    if not changes:
        console.print("No figure changed.")
        return
    table = plain_table("")
    table.add_column("trial", overflow="fold")
    table.add_column("figure", no_wrap=True)
    table.add_column("before", justify="right", no_wrap=True)
    table.add_column("now", justify="right", no_wrap=True, style="bold")
    table.add_column("because", overflow="fold", style="dim")
    last = None
    for change in changes:
        because = "; ".join(factor_words(one) for one in change.because)
        if change.old_method_version != change.new_method_version:
            because = "; ".join(
                filter(None, (f"method {change.old_method_version} -> {change.new_method_version}", because))
            )
        table.add_row(
            "" if change.trial_id == last else change.trial_id,
            change.figure,
            number(change.old),
            number(change.new),
            because,
        )
        last = change.trial_id
    console.print(table, width=width)


def factor_words(change: FactorChange) -> str:
    """One factor before and now."""
    if change.old == change.new:
        versions = f"{change.old_version or 'no version'} -> {change.new_version or 'no version'}"
        return f"{change.quantity} {number(change.new)}, range or source: {versions}"
    return f"{change.quantity} {number(change.old)} -> {number(change.new)}"
