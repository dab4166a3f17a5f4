"""The canary of one target, for its page: the verdict, its nights, who answers as it does, which answers changed.

A badge for tables elsewhere: `changed_badge`, of a verdict out of `canary_snapshot.verdicts`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from ui import frame, markup, words
from ui.canary_snapshot import TargetCanary, of_target
from ui.markup import Badge, Cell, Column, Row, Tone
from warehouse.canary import PairAgreement, Verdict
from warehouse.canary_rules import LEVEL

NightRow = Mapping[str, Any]

_TONES: Final[Mapping[str, Tone]] = {"same": "good", "unknown": "quiet"}
_HEADINGS: Final = {
    "same": "It still answers as it did",
    "drifted": "Its answers changed",
    "other tokenizer": "It counts tokens otherwise: another model, or another tokenizer",
    "other model named": "It names another model",
    "unknown": "Whether it still answers as it did is unknown",
}
_RECENT: Final = 4  # nights in sight; the others unfold
_MOST_PEERS: Final = 6  # columns of the matrix; a card holds no more either
_MOST_CHARACTERS: Final = 120
_DASH: Final = "\N{EN DASH}"


def section(at: frame.Frame, target_id: str) -> None:
    """Draw it: a heading that says the verdict, and beneath it what it rests on."""
    found = of_target(at.shown.path, target_id)
    if not found.nights:
        st.html(
            markup.heading(
                "Whether it still answers as it did is unknown",
                beneath=f"{target_id} has not been asked the canary's questions yet; a night asks them unless its"
                " config says canary = false",
            )
        )
        return
    first = found.nights[0]
    st.html(markup.heading(_HEADINGS[first["verdict"]], beneath=f"asked {words.age(first['asked_at'], at.now)}"))
    st.html(markup.verdict(verdict_badge(first["verdict"]), sentence(first)))
    recent, earlier = found.nights[:_RECENT], found.nights[_RECENT:]
    st.html(markup.table(*nights_table(recent), label=f"Newest nights of the canary of {target_id}"))
    if earlier:
        with st.expander(words.count(len(earlier), "earlier night")):
            st.html(markup.table(*nights_table(earlier), label=f"Earlier nights of the canary of {target_id}"))
    if found.pairs:
        st.html(markup.heading(*_pairs_heading(found.pairs, target_id)))
        st.html(markup.table(*agreement_table(found.pairs, target_id), label="Answers in the same words, by pairs"))
    if found.changed:
        title = f"{words.count(len(found.changed), 'answer')} differ from those of its reference nights"
        with st.expander(title.replace("1 answer differ", "1 answer differs")):
            st.html(markup.table(*changed_table(found.changed), label="Answers that changed"))
    st.html(markup.notes(notes(found)))


def changed_badge(verdict: Verdict | None) -> Badge | None:
    """A mark for a table: something else seems to answer; None where there is nothing to say."""
    if verdict is None or not verdict.changed:
        return None
    said = "answers changed" if verdict.verdict == "drifted" else verdict.verdict
    return Badge(text=said, tone="warn", hint=f"since {verdict.since_at:%Y-%m-%d}: {verdict.reason}")


def verdict_badge(verdict: str) -> Badge:
    """The verdict in a word."""
    return Badge(text=verdict, tone=_TONES.get(verdict, "warn"))


def sentence(night: NightRow) -> str:
    """The verdict of a night in words."""
    said = f"{words.sentence(night['reason'])}."
    return said if night["verdict"] in ("same", "unknown") else f"{said} First seen {night['since_at']:%Y-%m-%d}."


def nights_table(nights: Sequence[NightRow]) -> tuple[list[Column], list[Row]]:
    """A row a night, the newest first."""
    columns = [
        Column(title="Night", unit="UTC"),
        Column(title="Verdict"),
        Column(title="Same words", unit="answers", right=True, hint="as most of its reference nights answered"),
        Column(title="They agree", unit="%", right=True, hint="identical answers among its reference nights"),
        Column(title="Chance", right=True, hint="of no more agreement if nothing had changed, among all targets"),
        Column(title="Right", unit="answers", right=True, hint="beneath: the 95 % interval of the share"),
        Column(title="Tokens", unit="in + out", right=True),
        Column(title="Server names", hint="beneath: its fingerprint"),
    ]
    return columns, [_night(night) for night in nights]


def _night(night: NightRow) -> Row:
    low, high = night["right_share_low"], night["right_share_high"]
    badges = (Badge(text="reference", hint="later nights are compared with it"),) if night["is_reference"] else ()
    return Row(
        cells=[
            Cell(main=f"{night['asked_at']:%Y-%m-%d %H:%M}", badges=badges),
            Cell(main="", badges=(verdict_badge(night["verdict"]),), hint=night["reason"]),
            Cell(main=_of(night["identical_answers"], night["compared_answers"])),
            Cell(main=_percent(night["repeat_share"])),
            Cell(main=_chance(night["family_chance_share"])),
            Cell(
                main=_of(night["right_answers"], night["judged_answers"]),
                beneath="" if low is None else f"{_percent(low)}{_DASH}{_percent(high)} %",
            ),
            Cell(
                main=_tokens(night["prompt_tokens"], night["output_tokens"]),
                hint=f"tokenizer sentinels: {night['tokenizer_signature'] or 'unknown'}",
            ),
            Cell(main=night["model_returned"] or "no name", beneath=night["system_fingerprint"] or "", wide=True),
        ]
    )


def agreement_table(pairs: Sequence[PairAgreement], target_id: str) -> tuple[list[Column], list[Row]]:
    """Who answers in the same words as whom: a row and a column a target, this one first."""
    names = shown_peers(pairs, target_id)
    found = {(pair.target_id, pair.other_target_id): pair for pair in pairs}
    columns = [Column(title="Target"), *(Column(title=name, right=True) for name in names)]
    return columns, [
        Row(
            cells=[
                Cell(main=one, strong=one == target_id),
                *(Cell(main=_DASH, tone="quiet") if one == other else _pair(found[one, other]) for other in names),
            ]
        )
        for one in names
    ]


def shown_peers(pairs: Sequence[PairAgreement], target_id: str) -> list[str]:
    """The target and those that answer most as it does, at most six of them."""
    mine = sorted(
        (pair for pair in pairs if pair.target_id == target_id),
        key=lambda pair: (-pair.identical / max(pair.compared, 1), pair.other_target_id),
    )
    return [target_id, *(pair.other_target_id for pair in mine)][:_MOST_PEERS]


def _pairs_heading(pairs: Sequence[PairAgreement], target_id: str) -> tuple[str]:
    mine = [pair for pair in pairs if pair.target_id == target_id]
    apart = [pair for pair in mine if pair.chance is not None and pair.chance < LEVEL]
    if not apart:
        return (f"It is not told apart from {words.count(len(mine), 'target')} thought to serve the same model",)
    return (
        f"It answers otherwise than {len(apart)} of {words.count(len(mine), 'target')} thought to serve the same model",
    )


def _pair(pair: PairAgreement) -> Cell:
    badges = () if pair.same_tokenizer is not False else (Badge(text="other tokenizer", tone="warn"),)
    rare = pair.chance is not None and pair.chance < LEVEL
    beneath = "not compared with its nights yet" if pair.chance is None else f"chance {_chance(pair.chance)}"
    return Cell(
        main=_of(pair.identical, pair.compared),
        beneath=beneath,
        badges=badges,
        strong=rare,
        hint=f"{pair.target_id} as one more night of {pair.other_target_id}",
    )


def changed_table(changed: Sequence[NightRow]) -> tuple[list[Column], list[Row]]:
    """The answers that differ, then and now."""
    columns = [Column(title="Question"), Column(title="Then"), Column(title="Now")]
    return columns, [
        Row(
            cells=[
                Cell(main=row["question_id"], beneath=row["kind"]),
                Cell(main=_short(row["usual_text"]), wide=True),
                Cell(main=_short(row["answer_text"]), wide=True),
            ]
        )
        for row in changed
    ]


def notes(found: TargetCanary) -> list[str]:
    """How to read it."""
    lines = [
        "Every night asks the same short questions at temperature 0; they count in no figure of speed or cost."
        " The chance is that of an exact test within each question: a target that always answered alike is told by a"
        f" few changed answers, one that varies by itself is not; {LEVEL:g} or less among all targets is drift."
    ]
    peers = {pair.other_target_id for pair in found.pairs}
    if len(peers) > _MOST_PEERS:
        lines.append(f"{_MOST_PEERS} of {len(peers)} targets of this model are drawn: those that agree most with it.")
    return lines


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else "none"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.0f}"


def _chance(share: float | None) -> str:
    return "unknown" if share is None else "<0.000001" if share < 1e-6 else words.figure(share, 1)


def _tokens(prompt: int | None, output: int | None) -> str:
    return "unknown" if prompt is None or output is None else f"{prompt:,} + {output:,}"


def _short(text: str | None) -> str:
    line = " ".join((text or "").split()) or "nothing"
    return line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
