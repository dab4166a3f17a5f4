"""What went wrong in an ad hoc trial, for a terminal: one example a class, and how long a limit held sends back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from probes.load.errors import sanitise
from warehouse.rows import ExchangeRow, LandingRow, TrialRow

if TYPE_CHECKING:
    from rich.text import Text

_S = 1_000_000_000


def failure_text(rows: Sequence[LandingRow], *, landed: bool) -> "Text | None":
    """One line a class, and how to see more; None if there is nothing to say.

    Args:
        rows: of the trial.
        landed: whether its failures can be looked up.
    """
    from rich.text import Text

    examples: dict[str, ExchangeRow] = {}
    for row in rows:
        if isinstance(row, ExchangeRow):
            examples.setdefault(row.error_class or "implausible counts", row)
    lines = [f"{name}: {sanitise(row.error_message or row.usage_fault or '')}" for name, row in examples.items()]
    if landed and examples:
        lines.append(f"megatoken replay {next(iter(examples.values())).attempt_id} --show")
    held_ns = sum(row.held_back_ns or 0 for row in rows if isinstance(row, TrialRow))
    if held_ns:
        lines.append(f"held back for {held_ns / _S:.3g} s by the limit of the endpoint")
    return Text("\n".join(lines), style="yellow") if lines else None
