"""Why figures of an account are unknown: each reason said once, under a number that stands in the tables."""

from collections.abc import Iterable, Mapping

from rich.table import Table
from rich.text import Text

from warehouse.account_report import AccountReport
from warehouse.accounting.hints import Lack, lacks


def numbered_reasons(report: AccountReport) -> dict[Lack, int]:
    """Every reason for which a figure or a score is unknown, from 1 in the order of the tables."""
    missing = [
        *(figure.missing for figure in report.figures),
        *(score.missing for score in report.scores),
    ]
    reasons = dict.fromkeys(lack for said in missing if said is not None for lack in lacks(said))
    return {lack: number for number, lack in enumerate(reasons, start=1)}


def unknown_text(missing: str, numbers: Mapping[Lack, int]) -> Text:
    """A cell of a figure that is not known: the numbers of its reasons."""
    return Text(f"unknown {' '.join(f'[{numbers[lack]}]' for lack in lacks(missing))}", style="yellow")


def reasons_table(numbers: Mapping[Lack, int]) -> Table:
    """A row a reason; what is to be done about several facts is said at the first of them."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    first: dict[str, int] = {}
    for lack, number in numbers.items():
        table.add_row(Text(f"[{number}]", style="yellow"), _reason(lack, first.setdefault(lack.said, number), number))
    return table


def _reason(lack: Lack, first: int, number: int) -> Text:
    if lack.quantity is None:
        return Text(lack.said)
    said = lack.said if first == number else f"as [{first}]"
    return Text.assemble((lack.quantity, "bold"), f": {said}" if lack.said else " is not known")


def sentence_of(names: Iterable[str]) -> str:
    """Figures whose range is unknown since a part of them is, as one sentence; empty for none."""
    *others, last = list(names) or [""]
    if not others:
        return f"{last}: unknown, since a part of it is" if last else ""
    return f"{', '.join(others)} and {last}: unknown, since a part of each is"
