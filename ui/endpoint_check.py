"""What a target can do, for its page: how much of what is required it does, what it does not, and all that was asked.

A line for pages elsewhere: `deviation_words`, of a row out of `endpoint_check_snapshot.deviating`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from ui import endpoint_check_snapshot, frame, markup, words
from ui.markup import Badge, Cell, Column, Row, Tone

Check = Mapping[str, Any]
Finding = Mapping[str, Any]

_TONES: Final[Mapping[str, Tone]] = {
    "yes": "good", "no": "quiet", "deviates": "bad", "unknown": "warn", "not applicable": "quiet",
}  # fmt: skip
_GROUPS: Final = {
    "reach": "the way to it",
    "answer": "what it answers",
    "stream": "how it streams",
    "sampling": "what can be set",
    "mistakes": "mistakes",
}
_NAMED: Final = 3


def section(at: frame.Frame, target_id: str) -> None:
    """Draw it: a heading that says the score, and beneath it what it rests on."""
    check = endpoint_check_snapshot.latest(at.shown.path, target_id)
    if check is None:
        st.html(
            markup.heading(
                "What it can do was never asked",
                beneath="Some twenty cheap calls tell, and where it leaves its standard.",
            )
        )
        st.code(f"megatoken check {target_id} --config FILE", language=None, wrap_lines=True)
        return
    found = endpoint_check_snapshot.findings(at.shown.path, target_id)
    st.html(markup.heading(heading(check), beneath=beneath(check, words.age(check["started_at"], at.now))))
    st.html(markup.verdict(*verdict(check, found)))
    told = missing(found) if check["is_answered"] else []
    if told:
        st.html(markup.table(*finding_table(told), label=f"What {target_id} does not do, or not as it should"))
    with st.expander(f"All {words.count(len(found), 'finding')}"):
        st.html(markup.table(*finding_table(found), label=f"All that {target_id} was asked"))


def heading(check: Check) -> str:
    """What the check comes to."""
    if not check["is_answered"]:
        return "What it can do is not known: it did not answer"
    return f"It does {check['conforming_findings']} of {check['required_findings']} things that its standards require"


def beneath(check: Check, age: str) -> str:
    """When it was asked, how, and at what expense."""
    tokens = [check[name] for name in ("prompt_tokens", "output_tokens")]
    spent = "" if None in tokens else f", {tokens[0]:,} + {tokens[1]:,} tokens"
    where = check["base_url"] or "this machine"
    said = [f"checked {age}", f"{check['api']} at {where}", f"{words.count(check['calls'], 'call')}{spent}"]
    return f" {frame.MIDDLE} ".join(said)


def verdict(check: Check, found: Sequence[Finding]) -> tuple[Badge, str]:
    """In a word and a sentence."""
    if not check["is_answered"]:
        return Badge(text="no answer", tone="bad"), _ended(words.sentence(check["advice"] or "nobody knows why"))
    if check["deviations"]:
        questions = {row["finding_id"]: row["question"] for row in found}
        names = [f'"{questions.get(name, name)}"' for name in check["deviations"]]
        advice = f" Advice: {_ended(check['advice'])}" if check["advice"] else ""
        return Badge(text="deviates", tone="warn"), f"Not as required: {words.listed(names, _NAMED)}.{advice}"
    if check["unknown_findings"]:
        left = words.count(check["unknown_findings"], "requirement")
        return Badge(text="no deviation", tone="good"), f"Of {left} it is not known."
    return Badge(text="conforms", tone="good"), "It does all that its wire format and HTTP require."


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(("?", ".")) else f"{sentence}."


def missing(found: Sequence[Finding]) -> list[Finding]:
    """What it does not do, does otherwise, or may not do: the requirements first."""
    told = [row for row in found if row["verdict"] not in ("yes", "not applicable")]
    return sorted(told, key=lambda row: (not row["is_required"], row["verdict"] != "deviates", row["finding_number"]))


def finding_table(found: Sequence[Finding]) -> tuple[list[Column], list[Row]]:
    """A row a finding."""
    columns = [
        Column(title="Asked"),
        Column(title="Found", hint="deviates: a no that its standard, or a client that trusts it, does not expect"),
        Column(title="Evidence"),
        Column(title="Took", unit="ms", right=True),
    ]
    return columns, [_row(row) for row in found]


def _row(row: Finding) -> Row:
    about = _GROUPS.get(row["finding_group"], row["finding_group"])
    took_s = row["took_s"]
    return Row(
        cells=[
            Cell(main=row["question"], beneath=f"{about}{', required' if row['is_required'] else ''}", wide=True),
            Cell(main="", badges=(Badge(text=row["verdict"], tone=_TONES.get(row["verdict"], "plain")),)),
            Cell(main=row["evidence"], wide=True),
            Cell(main=words.figure(None if took_s is None else 1e3 * took_s) if took_s is not None else ""),
        ],
        quiet=row["verdict"] == "not applicable",
    )


def deviation_words(check: Check) -> str:
    """One line about one target."""
    if not check["is_answered"]:
        return f"{check['target_id']} did not answer when it was last checked: {check['advice']}"
    return (
        f"{check['target_id']} does {check['conforming_findings']} of {check['required_findings']} things that its"
        f" standards require: {words.listed(list(check['deviations']), _NAMED)} not"
    )
