"""What to use today: who leads in price, speed, first token and carbon among those that keep the service level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ui import words
from ui.markup import Badge, Cell, Column, Row, Tile, Tone
from ui.ranking import Entry
from warehouse.formulas.change_points import MIN_NIGHTS
from warehouse.metrics import METRICS, TASK_METRICS, Metric, format_value, metric
from warehouse.service_level import Verdict

MIDDLE = "\N{MIDDLE DOT}"
DASH = "\N{EN DASH}"
_NAMED = 3  # tied leaders that a tile names
_REASONS = 6
READ_SO = (
    "A mark is a place, its line the places that nights leave open: where two lines overlap, their order is not sure."
)
_KINDS = {"shift": "lasting", "night": "one night", "price": "price"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One of the four questions: what leads is called `leader`, what it is asked by is `by`."""

    key: str
    leader: str
    by: Metric


def questions(percentile: str) -> tuple[Question, ...]:
    """Price, speed, first token of the percentile that is asked for, and carbon."""
    asked = (
        ("cheapest", "Cheapest", "usd_per_output_mtok"),
        ("fastest", "Fastest", "output_tokens_per_s"),
        ("soonest", "Soonest to answer", f"ttft_{percentile}_s"),
        ("cleanest", "Cleanest", "operational_gco2e_per_output_mtok"),
    )
    return tuple(Question(key=key, leader=leader, by=metric(metric_id)) for key, leader, metric_id in asked)


def leaders(found: Sequence[Entry]) -> list[Entry]:
    """The targets that may be first: the one in front, and those that cannot be told from it."""
    return [entry for entry in found if entry.rank is not None and entry.band.rank_low == 1] or [
        entry for entry in found if entry.rank == 1
    ]


def tile(question: Question, found: Sequence[Entry], marks: Mapping[str, Badge]) -> Tile:
    """The answer to one question: a name with its figure, or a tie, or why there is none.

    `marks` says of which targets something else seems to answer than before: no answer without that word.
    """
    first = leaders(found)
    if not first:
        return Tile(label=question.leader, value="nobody", beneath="no target can be ranked by it", tone="warn")
    figures = f"{format_value(question.by, first[0].value)} {question.by.shown_unit}"
    if len(first) == 1:
        sure = first[0].band.p_first
        chance = "" if sure is None else f" {MIDDLE} first in {words.chance(sure)} of draws"
        if first[0].band.rank_high is None:
            chance = f" {MIDDLE} of {words.count(first[0].band.n_runs, 'night')}, not known how sure"
        mark = marks.get(first[0].target_id)
        return Tile(
            label=question.leader if mark is None else f"{question.leader}, but {mark.text}",
            value=first[0].target_id,
            beneath=figures + chance,
            tone="good" if mark is None else "warn",
        )
    names = [entry.target_id for entry in first]
    return Tile(
        label=f"{question.leader}: {len(first)} tie",
        value=names[0],
        beneath=f"{figures} {MIDDLE} not told from {words.listed(names[1:], _NAMED)}",
    )


def finding(answers: Mapping[str, Sequence[Entry]], asked: Sequence[Question]) -> str:
    """One sentence over the chart: who may be first in most of the four."""
    may_lead: dict[str, list[str]] = {}
    for question in asked:
        for entry in leaders(answers[question.key]):
            may_lead.setdefault(entry.target_id, []).append(question.leader.split()[0].lower())
    if not may_lead:
        return "No target can be ranked yet"
    most = max(len(said) for said in may_lead.values())
    best = [(target_id, said) for target_id, said in may_lead.items() if len(said) == most]
    if most == 1:
        return f"No target leads in two of the {len(asked)}: it is a trade-off"
    if len(best) > 1:
        return f"{words.listed([target_id for target_id, _ in best])} may each be first in {most} of {len(asked)}"
    target_id, said = best[0]
    alone = all(
        len(leaders(answers[question.key])) == 1 for question in asked if question.leader.split()[0].lower() in said
    )
    return f"{target_id} {'is' if alone else 'may be'} {words.listed(said)}"


def why_nobody(answers: Mapping[str, Sequence[Entry]]) -> list[str]:
    """Where no target has a place in any question: why, a line for each that says something else."""
    found = [entry for entries in answers.values() for entry in entries]
    if any(entry.rank is not None for entry in found):
        return []
    lines = [f"{entry.target_id} is not ranked: {entry.band.reason}." for entry in found if entry.band.reason]
    return list(dict.fromkeys(lines))[:_REASONS]


def order(answers: Mapping[str, Sequence[Entry]], asked: Sequence[Question]) -> list[str]:
    """Targets by the mean of their places in what they are ranked by, the best first; without a place last.

    Only an order to read in: places of different questions are not added up to a rank.
    """
    places: dict[str, list[int]] = {}
    for question in asked:
        for entry in answers[question.key]:
            places.setdefault(entry.target_id, [])
            if entry.rank is not None:
                places[entry.target_id].append(entry.rank)
    return sorted(places, key=lambda one: (not places[one], sum(places[one]) / max(len(places[one]), 1), one))


def level_words(verdicts: Sequence[Verdict | None]) -> tuple[Badge, str] | None:
    """Who keeps the service level, in a word and a sentence; None where none is asked for."""
    judged = [verdict.standing for verdict in verdicts if verdict is not None]
    if not judged:
        return None
    counts = {standing: judged.count(standing) for standing in ("passes", "may-pass", "fails", "unknown")}
    keep, fail = ("keeps" if counts["passes"] == 1 else "keep"), ("fails" if counts["fails"] == 1 else "fail")
    said = [f"{counts['passes']} of {words.count(len(judged), 'target')} {keep} the service level"]
    said += [f"{counts['may-pass']} may keep it"] if counts["may-pass"] else []
    said += [f"{counts['fails']} {fail} it and cannot be an answer here"] if counts["fails"] else []
    said += [f"of {counts['unknown']} it is not known"] if counts["unknown"] else []
    badge = (
        Badge(text="service level kept", tone="good")
        if counts["passes"] == len(judged)
        else Badge(text="service level", tone="warn")
    )
    return badge, ", ".join(said) + "."


def table(
    answers: Mapping[str, Sequence[Entry]],
    asked: Sequence[Question],
    targets: Sequence[str],
    marks: Mapping[str, Badge],
) -> tuple[list[Column], list[Row]]:
    """Each target with its place and figure in each question: the twin of the chart."""
    by_id = {question.key: {entry.target_id: entry for entry in answers[question.key]} for question in asked}
    columns = [
        Column(title="Target", unit=f"provider {MIDDLE} model"),
        *(
            Column(
                title=question.by.title,
                unit=question.by.shown_unit,
                right=True,
                hint=f"{question.by.direction} is better; beneath: its place, and whom it cannot be told from",
            )
            for question in asked
        ),
    ]
    rows = []
    for target_id in targets:
        entries = [by_id[question.key].get(target_id) for question in asked]
        row = next(entry.row for entry in entries if entry is not None)
        who = f" {MIDDLE} ".join(str(part) for part in (row["provider"], row["model"], row["region"]) if part)
        mark = marks.get(target_id)
        cells = [Cell(main=target_id, beneath=who, strong=True, wide=True, badges=(mark,) if mark else ())]
        cells += [_figure(question.by, entry) for question, entry in zip(asked, entries, strict=True)]
        rows.append(Row(cells=cells, quiet=all(entry is None or entry.rank is None for entry in entries)))
    return columns, rows


def change_rows(changes: Sequence[Mapping[str, Any]]) -> tuple[list[Column], list[Row]]:
    """What changed, a row a change."""
    columns = [
        Column(title="Night"),
        Column(title="Target"),
        Column(title="What changed"),
        Column(title="Before", right=True),
        Column(title="After", right=True),
        Column(title="What else differed"),
    ]
    return columns, [_change(row) for row in changes]


def _figure(of: Metric, entry: Entry | None) -> Cell:
    if entry is None:
        return Cell(main="no data", tone="quiet")
    if entry.rank is None:
        return Cell(
            main=format_value(of, entry.value), beneath="not ranked", tone="quiet", hint=entry.band.reason or ""
        )
    place = f"place {entry.places or entry.rank}"
    return Cell(main=format_value(of, entry.value), beneath=place, strong=entry.band.rank_low == 1)


def _change(row: Mapping[str, Any]) -> Row:
    # the metric_id of a price is the quantity of a fact
    of = next((known for known in (*METRICS, *TASK_METRICS) if known.id == row["metric_id"]), None)
    before, after = (
        words.figure(value) if of is None else format_value(of, value)
        for value in (row["value_before"], row["value_after"])
    )
    title = (
        f"{of.title}, {of.shown_unit}"
        if of
        else row["metric_id"].replace("price_usd_per_", "price, USD per ").replace("_", " ")
    )
    tone: Tone = "good" if row["is_better"] else "bad"
    return Row(
        cells=[
            Cell(main=str(row["changed_on"])),
            Cell(main=row["target_id"], beneath=row["workload_id"] or "", strong=True, wide=True),
            Cell(main=title, badges=(Badge(text=_KINDS[row["change_kind"]], tone=tone),)),
            Cell(main=before),
            Cell(main=after, strong=True),
            Cell(main="; ".join(row["hints"] or ()) or "nothing that is stored", tone="quiet", wide=True),
        ]
    )


def unchanged(nights: int, window: str) -> tuple[str, str]:
    """What is said of a window without changes, and beneath it what that means: a few nights cannot show a shift."""
    if nights < MIN_NIGHTS:
        so_far = words.count(nights, "night") if nights else "none that can be ranked by"
        return (
            "Too early to say what changed",
            f"Shifts show after {MIN_NIGHTS} nights, so far {so_far}; no price changed.",
        )
    return "Nothing changed", f"No shift, odd night or price in the last {window}."
