"""What went wrong in an ad hoc trial, for a terminal: one example a class, and how long a limit held sends back."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from probes.load.errors import sanitise
from warehouse.rows import ExchangeRow, LandingRow, TrialRow

if TYPE_CHECKING:
    from rich.text import Text

_S = 1_000_000_000
# What to do about a failure that every next attempt would meet too.
_TO_DO: Final[Mapping[str, str]] = {
    "connect_refused": "nothing listens there: start the server, or correct host and port",
    "connect_timeout": "nobody answers there: correct host and port, or ask what stands between",
    "dns": "no such host is known: correct the address",
    "tls": "correct the address (http or https?), or the certificate",
    "auth": "name the variable that holds its key: --api-key-env NAME",
    "model_not_found": "name a model that it serves: --model M",
    "quota_or_spend": "its account has nothing left to spend",
}


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
    again = replay_words(rows) if landed else None
    if again is not None:
        lines.append(again)
    held_ns = sum(row.held_back_ns or 0 for row in rows if isinstance(row, TrialRow))
    if held_ns:
        lines.append(f"held back for {held_ns / _S:.3g} s by the limit of the endpoint")
    return Text("\n".join(lines), style="yellow") if lines else None


def replay_words(rows: Sequence[LandingRow]) -> str | None:
    """How to look at the first failure; None where no exchange of one was kept."""
    first = next((row for row in rows if isinstance(row, ExchangeRow)), None)
    return None if first is None else f"megatoken replay {first.attempt_id} --show"


def no_answer_words(base_url: str, ended_by: str, rows: Sequence[LandingRow]) -> str:
    """That an endpoint gave no answer, why, and what to do: one sentence.

    Args:
        base_url: of the endpoint.
        ended_by: why the trial was ended, a clause.
        rows: of the trial.
    """
    kind = next((row.error_class for row in rows if isinstance(row, ExchangeRow) and row.error_class), None)
    to_do = _TO_DO.get(kind or "")
    return sanitise(f"no answer from {base_url}: {ended_by}") + (f"; {to_do}" if to_do else "")
