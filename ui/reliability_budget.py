"""The error budget on the page on reliability: how much is used, by what failed and by what was slow, and its words."""

from collections.abc import Sequence

from ui import words
from ui.markup import Cell
from warehouse.formulas.availability import budget_burn
from warehouse.metrics import UNKNOWN
from warehouse.reliability import Reliability

DASH = "\N{EN DASH}"


def budget_cell(of: Reliability, objective_share: float) -> Cell:
    """How many times its budget was used, with its interval, and its two parts, which sum to it."""
    good = of.good
    if good.central is None:
        return Cell(main=UNKNOWN, hint=good.reason or "")
    burn = budget_burn(1 - good.central, objective_share)
    beneath = "no interval"
    if good.low is not None and good.high is not None:
        ends = [words.figure(budget_burn(1 - end, objective_share), 2) for end in (good.high, good.low)]
        beneath = f"{ends[0]} {DASH} {ends[1]}"
    for name, count in (("failed", of.offered_attempts - of.ok), ("slow", of.slow_count)):
        if count:
            part = budget_burn(count / of.offered_attempts, objective_share)
            beneath += f"; {name} {words.figure(part, 2)}"
    return Cell(main=f"{words.figure(burn, 2)} times", beneath=beneath, tone="bad" if burn > 1 else "plain")


def budget_words(limits: Sequence[tuple[float, float]]) -> str:
    """What the error budget counts.

    Args:
        limits: service levels of the window, the newest first: seconds to the first token, seconds a token.
    """
    level = "its service level"
    if limits:
        ttft_s, tpot_s = limits[0]
        level = f"{words.figure(ttft_s)} s to the first token and {words.figure(1000 * tpot_s)} ms a token"
    if len(limits) > 1:
        level += " (as it is now: another level held earlier in the window, and counts there)"
    return (
        "The error budget is used up by attempts that missed the service level, in two parts. Failed: what broke off or"
        " was refused, with this client's own faults and the sends that were due and never made. Slow: what was"
        f" answered, but not within {level}, or sent late."
    )
