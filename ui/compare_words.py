"""How a difference is said in words: once, for every page that has to say who is better and whether that is sure."""

from dataclasses import dataclass

from ui import words
from ui.tradeoff import spoken
from warehouse.comparison import Difference, Rounds
from warehouse.formulas.pair_difference import PairDifference
from warehouse.metrics import UNKNOWN, Metric

_TIMES_FROM = 2.0  # twice as much is said as times, less as per cent


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """How one metric speaks of two targets. `share` is of the better one, `times` of the worse one; amounts go in."""

    share: str
    times: str


# {better} and {worse} are names; {amount} is "12 %", or "2.4 times"
_OF_ID = {
    "ttft_p50_s": Phrases(
        share="{better}'s first token comes {amount} sooner than {worse}'s",
        times="{worse}'s first token takes {amount} as long as {better}'s",
    ),
    "ttft_p95_s": Phrases(
        share="{better}'s slowest first tokens (p95) come {amount} sooner than {worse}'s",
        times="{worse}'s slowest first tokens (p95) take {amount} as long as {better}'s",
    ),
    "tpot_p50_s": Phrases(
        share="{better} takes {amount} less time for each further token than {worse}",
        times="{worse} takes {amount} as long for each further token as {better}",
    ),
    "e2e_p50_s": Phrases(
        share="{better}'s whole answer is there {amount} sooner than {worse}'s",
        times="{worse}'s whole answer takes {amount} as long as {better}'s",
    ),
    "output_tokens_per_s": Phrases(
        share="{worse} gives {amount} fewer tokens a second than {better}",
        times="{better} gives {amount} as many tokens a second as {worse}",
    ),
    "usd_per_output_mtok": Phrases(
        share="{better} costs {amount} less than {worse}", times="{worse} costs {amount} as much as {better}"
    ),
    "j_per_output_token": Phrases(
        share="{better} takes {amount} less energy than {worse}",
        times="{worse} takes {amount} as much energy as {better}",
    ),
    "operational_gco2e_per_output_mtok": Phrases(
        share="{better} emits {amount} less in operation than {worse}",
        times="{worse} emits {amount} as much in operation as {better}",
    ),
    "embodied_gco2e_per_output_mtok": Phrases(
        share="{better} carries {amount} less of its making than {worse}",
        times="{worse} carries {amount} as much of its making as {better}",
    ),
}
_DIFFERENCE_OF_ID = {
    "goodput_share": "{better} keeps the service level {amount} more often than {worse}",
    "qoe_mean_share": "{better} delivers {amount} more of its tokens on time than {worse}",
    "failed_share": "{better} fails {amount} less often than {worse}",
}


def verdict_sentence(of: Difference) -> str:
    """Who is better in one metric, by how much, and whether that is sure; or why nobody can say.

    `A's first token comes 12 % sooner than B's (8 to 16 %): sure, over 5 nights`, or `A and B cannot be told apart by
    TTFT p50 after 5 nights; about 9 more would`.
    """
    found = of.found
    if found is None:
        return f"{of.target_a} and {of.target_b} cannot be compared by {spoken(of.metric)}: {of.reason}"
    if found.same:
        return f"{of.target_a} and {of.target_b} are the same in {spoken(of.metric)}, {_over(found)}"
    if not found.sure:
        return f"{of.target_a} and {of.target_b} cannot be told apart by {spoken(of.metric)} {_why_not(found)}"
    statement = _statement(of.metric, of.target_a, of.target_b, found)
    if found.basis == "within-run":
        return f"{statement}: so it was {_over(found)}; whether other nights agree shows after 3"
    return f"{statement}: sure, {_over(found)}"


def difference_words(found: PairDifference, of: Metric) -> tuple[str, str]:
    """(difference, its interval) of the first from the second, as a table has it: `-12 %`, `-16 to -8 %`."""
    if not found.is_ratio:
        central, low, high = (_points(end, of) for end in (found.central, found.low, found.high))
        return f"{central}{_unit(of)}", f"{low} to {high}{_unit(of)}" if found.low is not None else "no interval"
    if _in_times(found):
        central, low, high = (_times(end) for end in (found.central, found.low, found.high))
        return f"{central} times", f"{low} to {high} times" if found.low is not None else "no interval"
    central, low, high = (_percent(end) for end in (found.central, found.low, found.high))
    return f"{central} %", f"{low} to {high} %" if found.low is not None else "no interval"


def rounds_sentence(of: Rounds) -> str:
    """What attempts of one round say of two targets."""
    what = {"ttft_s": "first token", "tpot_s": "each further token", "e2e_s": "whole answer"}[of.metric_id]
    pairs = words.count(of.pairs, "pair")
    if of.central is None or of.low is None or of.high is None:
        return f"{what}, {of.target_a} beside {of.target_b}: no interval of {pairs}: {of.reason}"
    early, late = (of.target_a, of.target_b) if of.central < 0 else (of.target_b, of.target_a)
    ends = sorted(abs(end) for end in (of.low, of.high))
    reach = f"{_ms(of.low)} to {_ms(of.high)} ms, {of.target_a} less {of.target_b}"
    if of.low <= 0 <= of.high:
        return f"{what}: {of.target_a} and {of.target_b} cannot be told apart in {pairs} ({reach})"
    size = f"{_ms(abs(of.central))} ms earlier than {late} ({_ms(ends[0])} to {_ms(ends[1])})"
    return f"{what}: {early} was {size} in {pairs}"


def _statement(of: Metric, a: str, b: str, found: PairDifference) -> str:
    a_is_better = (found.central < (1.0 if found.is_ratio else 0.0)) == (of.direction == "lower")
    names = {"better": a, "worse": b} if a_is_better else {"better": b, "worse": a}
    central, *reach = (end for end in (found.central, found.low, found.high) if end is not None)
    if not found.is_ratio:
        said = _DIFFERENCE_OF_ID.get(of.id, f"{{better}} is {{amount}} better than {{worse}} in {spoken(of)}")
        points = [abs(end) * of.shown_scale for end in (central, *reach)]
        return said.format(amount=_amount(points, _unit(of)), **names)
    phrases = _OF_ID.get(of.id) or _plain(of)
    # how many times the one that has more has it
    times = [end if central >= 1 else 1 / end for end in (central, *reach)]
    if times[0] >= _TIMES_FROM:
        return phrases.times.format(amount=_amount(times, " times"), **names)
    return phrases.share.format(amount=_amount([100 * (1 - 1 / ratio) for ratio in times], " %"), **names)


def _unit(of: Metric) -> str:
    """Of a difference: shares differ by percentage points."""
    return " points" if of.unit == "share" else f" {of.shown_unit}"


def _amount(values: list[float], unit: str) -> str:
    """`12 % (8 to 16 %)`: the first is what is said, the others are ends of its interval."""
    central, *reach = values
    ends = [words.figure(end, 2) for end in sorted(reach)]
    said = f"{words.figure(central, 2)}{unit}"
    if len(ends) < 2 or ends[0] == ends[1] == words.figure(central, 2):
        return said
    return f"{said} ({ends[0]} to {ends[1]}{unit})"


def _plain(of: Metric) -> Phrases:
    what = spoken(of)
    if of.direction == "lower":
        return Phrases(share=f"{{better}}'s {what} is {{amount}} less than {{worse}}'s",
                       times=f"{{worse}}'s {what} is {{amount}} that of {{better}}")  # fmt: skip
    return Phrases(share=f"{{worse}}'s {what} is {{amount}} less than {{better}}'s",
                   times=f"{{better}}'s {what} is {{amount}} that of {{worse}}")  # fmt: skip


def _over(found: PairDifference) -> str:
    if found.basis == "between-runs":
        return f"over {words.count(found.runs, 'night')}"
    return "in the one night that they share" if found.runs == 1 else f"in the {found.runs} nights that they share"


def _why_not(found: PairDifference) -> str:
    after = f"after {words.count(found.runs, 'night')}"
    if found.tied_by == "inputs":
        return f"{after}: what is known of their inputs leaves it open, and more nights would not close it"
    if found.tied_by == "few-runs":
        return f"{after}; how they vary from night to night shows after 3"
    if found.runs_to_separate is None:
        return f"{after}, nor would a year of them"
    return f"{after}; about {found.runs_to_separate} more would"


def _in_times(found: PairDifference) -> bool:
    return found.central >= _TIMES_FROM or found.central <= 1 / _TIMES_FROM


def _percent(ratio: float | None) -> str:
    return UNKNOWN if ratio is None else _signed(100 * (ratio - 1))


def _points(share: float | None, of: Metric) -> str:
    return UNKNOWN if share is None else _signed(of.shown_scale * share)


def _times(ratio: float | None) -> str:
    return words.figure(ratio, 2)


def _signed(value: float) -> str:
    text = words.figure(abs(value), 2)
    if text == "0":
        return "0"
    return f"+{text}" if value > 0 else f"\N{MINUS SIGN}{text}"


def _ms(seconds: float) -> str:
    text = words.figure(1e3 * abs(seconds), 2)
    return f"\N{MINUS SIGN}{text}" if seconds < 0 and text != "0" else text
