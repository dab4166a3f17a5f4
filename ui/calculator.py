"""A month of mine as the page `calculator` shows it: presets, words, a finding, and the table beneath it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ui import words
from ui.certificate import grade_badge
from ui.markup import Badge, Cell, Column, Row
from warehouse.calculator import By, Estimate
from warehouse.calculator_figure import Figure
from warehouse.formulas.client_limits import RANKED
from warehouse.formulas.interval import Interval
from warehouse.formulas.usage import Totals
from warehouse.metrics import UNKNOWN

DASH = "\N{EN DASH}"
MIDDLE = "\N{MIDDLE DOT}"
SHOWN = 30  # targets in view; the others are a click away
PAIRS = 12  # of a machine and an API, likewise
_ORIGINS = ("contract price", "file price", "list price")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A workload to start from: requests a month, tokens of one of them, percent cached and percent in batches."""

    title: str
    requests: int
    prompt_tokens: int
    output_tokens: int
    cached_percent: int
    batch_percent: int


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "chat": Preset(
            title="Chat",
            requests=100_000,
            prompt_tokens=1_000,
            output_tokens=300,
            cached_percent=0,
            batch_percent=0,
        ),
        "rag": Preset(
            title="Answers over documents",
            requests=100_000,
            prompt_tokens=6_000,
            output_tokens=300,
            cached_percent=20,
            batch_percent=0,
        ),
        "code": Preset(
            title="Coding agent",
            requests=50_000,
            prompt_tokens=30_000,
            output_tokens=800,
            cached_percent=80,
            batch_percent=0,
        ),
        "batch": Preset(
            title="Batch summaries",
            requests=200_000,
            prompt_tokens=8_000,
            output_tokens=400,
            cached_percent=0,
            batch_percent=100,
        ),
    }
)
BY: Mapping[By, str] = MappingProxyType({"usd": "Dollars a month", "kg": "CO2e a month", "s": "Seconds a request"})
UNITS: Mapping[By, str] = MappingProxyType({"usd": "USD a month", "kg": "kg CO2e a month", "s": "s a request"})


def month_words(total: Totals) -> str:
    """The month in one line."""
    said = [
        f"{words.figure(total.requests)} requests a month",
        f"{tokens(total.prompt_tokens)} prompt and {tokens(total.output_tokens)} output tokens",
    ]
    if total.output_tokens:
        said.append(f"{words.figure(total.prompt_tokens / total.output_tokens, 2)} : 1")
    if total.cached_tokens:
        said.append(f"{words.share(total.cached_tokens / total.prompt_tokens)} of the prompts cached")
    return f" {MIDDLE} ".join(said)


def tokens(count: float) -> str:
    """A large count as people say it: 45 million."""
    for size, name in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if count >= size:
            return f"{words.figure(count / size)} {name}"
    return words.figure(count)


def ranks(each: Estimate) -> str:
    """`1`, or `1-2` where the ranges leave two places."""
    if each.rank_low is None or each.rank_high is None:
        return DASH
    return str(each.rank_low) if each.rank_low == each.rank_high else f"{each.rank_low}{DASH}{each.rank_high}"


def amount(value: float | None, by: By) -> str:
    """A figure without its unit."""
    if by == "usd" and value is not None and value >= 1000:
        return f"{value:,.0f}"
    return words.figure(value)


def finding(found: Sequence[Estimate], by: By) -> str:
    """What the chart shows, in one sentence; a lead that may be none is called that."""
    known = [each for each in found if each.rank_low is not None]
    if not known:
        return f"No target has a known figure in {UNITS[by]}"
    first = known[0]
    value = first.of(by).value
    said = f"{first.target.target_id}: {amount(value.central if value else None, by)} {UNITS[by]}"
    if len(known) == 1:
        return f"{said}, the only target whose figure is known"
    tied = [each.target.target_id for each in known if each.rank_low == 1]
    if len(tied) > 1:
        return f"{words.listed(tied)} cannot be told apart by {UNITS[by]}; {said}"
    second = known[1].of(by).value
    if value is None or second is None or value.central <= 0:
        return f"{said} comes first"
    return f"{said}, {words.figure(second.central / value.central, 2)} times less than {known[1].target.target_id}"


def columns(by: By) -> list[Column]:
    """Heads of the table; the column ranked by is marked."""
    return [
        Column(title="#", hint="Places that the ranges of the inputs leave, 95 % family-wise"),
        Column(title="Target", unit=f"provider {MIDDLE} model"),
        Column(title="Cost", unit="USD a month", right=True, ranked_by=by == "usd", hint="lower is better"),
        Column(title="Emissions", unit="kg CO2e a month", right=True, ranked_by=by == "kg", hint="lower is better"),
        Column(title="Answer in", unit="s a request", right=True, ranked_by=by == "s", hint="median; lower is better"),
        Column(title="Takes", unit="machines, or a price"),
        Column(title="Basis", unit=f"grade {MIDDLE} age"),
    ]


def table_rows(found: Sequence[Estimate], ages: Mapping[str, str]) -> list[Row]:
    """A row a target, in the order given; what cannot be ranked is quiet.

    Args:
        found: the estimates.
        ages: of each target's measurement, in words.
    """
    return [
        Row(
            quiet=each.rank_low is None,
            cells=[
                Cell(main=ranks(each), strong=True),
                Cell(
                    main=each.target.target_id,
                    beneath=f"{each.target.provider} {MIDDLE} {each.target.model}",
                    badges=() if each.target.grade in RANKED else (grade_badge(each.target.grade, None),),
                    strong=True,
                    wide=True,
                ),
                _figure_cell(each.usd, "usd"),
                _figure_cell(each.kg, "kg"),
                _figure_cell(each.seconds, "s"),
                _takes(each),
                Cell(
                    main=each.usd.basis or UNKNOWN,
                    beneath=f"{each.target.grade or '?'} {MIDDLE} {ages.get(each.target.target_id, '')}",
                    tone="plain" if each.usd.basis else "quiet",
                ),
            ],
        )
        for each in found
    ]


def unknowns(found: Sequence[Estimate]) -> list[str]:
    """Why figures are unknown, each reason once with those it holds for."""
    holds: dict[tuple[str, str], list[str]] = {}
    for each in found:
        for what, of in (("cost", each.usd), ("emissions", each.kg), ("seconds", each.seconds)):
            if of.value is None:
                first, *more = (of.reason or "not known").split("; ")
                rest = f", and {words.count(len(more), 'fact')} more" if more else ""
                holds.setdefault((what, first + rest), []).append(each.target.target_id)
    return [f"Unknown {what} of {words.listed(targets)}: {reason}." for (what, reason), targets in holds.items()]


def rests_on(found: Sequence[Estimate]) -> tuple[list[Column], list[Row]]:
    """What each target's figures rest on, as a table."""
    heads = [Column(title="Target"), Column(title="Cost rests on"), Column(title="Emissions and seconds rest on")]
    rows = [
        Row(
            cells=[
                Cell(main=each.target.target_id, strong=True),
                Cell(main=sentences(each.usd), wide=True),
                Cell(main=sentences(each.kg, each.seconds), wide=True),
            ]
        )
        for each in found
    ]
    return heads, rows


def _figure_cell(of: Figure, by: By) -> Cell:
    if of.value is None:
        return Cell(main=UNKNOWN, tone="quiet", hint=of.reason or "")
    return Cell(main=amount(of.value.central, by), beneath=range_words(of.value, by), hint=f"basis: {of.basis}")


def range_words(value: Interval, by: By) -> str:
    """low - high, or that there is no range."""
    low, high = amount(value.low, by), amount(value.high, by)
    return "exact" if low == high else f"{low} {DASH} {high}"


def _takes(each: Estimate) -> Cell:
    if each.machines is not None:
        count = each.machines.count
        many = words.count(round(count.central), "machine")
        if count.low != count.high:
            many = f"{count.low:.0f} {DASH} {count.high:.0f} machines"
        return Cell(main=many, beneath=f"busy {words.share(each.machines.busy_share)} of the month")
    if each.usd.value is None:
        return Cell(main=DASH, tone="quiet")
    mine = "your contract" in each.usd.notes
    asked = next((note.split(", ")[0] for note in each.usd.notes if note.startswith(_ORIGINS)), "")
    origin, _, since = asked.partition(" since ")
    badges = (Badge(text="your contract", tone="warn"),) if mine else ()
    return Cell(main="" if mine else origin, badges=badges, beneath=f"since {since}" if since else "")


def sentences(*of: Figure) -> str:
    """What figures rest on, and why they are unknown."""
    said = [note for figure in of for note in (figure.notes or ())]
    said += [figure.reason for figure in of if figure.reason]
    return ". ".join(words.sentence(each) for each in dict.fromkeys(said)) or DASH
