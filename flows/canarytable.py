"""The canary as people read it in a terminal, and as JSON."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from warehouse.canary import PairAgreement
from warehouse.canary_rules import LEVEL

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]

_STYLES: Final = {"same": "green", "unknown": "yellow"}
_CHANGED: Final = "bold red"
_MOST_CHARACTERS: Final = 48


def print_verdicts(console: "Console", rows: Sequence[Row]) -> None:
    """A line a target, then the reasons of those that are not the same."""
    if not rows:
        console.print("No target has been asked the canary's questions yet: `megatoken night` asks, or --config FILE.")
        return
    console.print(Text("does each target still answer as on its reference nights?", style="bold"))
    table = _table()
    table.add_column("target", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("since", no_wrap=True)
    table.add_column("same\nwords", justify="right", no_wrap=True)
    table.add_column("reference\nnights", justify="right", no_wrap=True)
    table.add_column("they\nagree", justify="right", no_wrap=True)
    table.add_column("right", justify="right", no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("the server names", overflow="fold", style="dim")
    for row in rows:
        table.add_row(
            row["target_id"],
            _verdict(row["verdict"]),
            f"{row['since_at']:%Y-%m-%d}",
            _of(row["identical_answers"], row["compared_answers"]),
            str(row["reference_runs"]),
            _percent(row["repeat_share"]),
            _of(row["right_answers"], row["judged_answers"]),
            _tokens(row),
            row["model_returned"] or "-",
        )
    console.print(table)
    for row in rows:
        if row["verdict"] != "same":
            console.print(Text(f"{row['target_id']}: {row['reason']}"))
    console.print(Text("`megatoken canary TARGET` shows its nights and what it answers otherwise", style="dim"))


def print_target(
    console: "Console", nights: Sequence[Row], pairs: Sequence[PairAgreement], changed: Sequence[Row]
) -> None:
    """One target: its nights, the targets that are thought to serve the same, and the answers that changed."""
    first = nights[0]
    console.print(Text.assemble(f"{first['target_id']}: ", _verdict(first["verdict"]), f", {first['reason']}"))
    low, high = first["right_share_low"], first["right_share_high"]
    if low is not None:
        console.print(Text(f"right: {first['right_share']:.0%}, 95 % interval {low:.0%} to {high:.0%}", style="dim"))
    console.print(_nights(nights))
    if pairs:
        console.print(Text("\nthe same words, of what both answered; all are thought to serve one model", style="bold"))
        console.print(_matrix(pairs))
        if any(_is_rare(pair) for pair in pairs):
            console.print(Text("* hardly one more night of the other's: a chance below 1 %", style="dim"))
    if changed:
        console.print(Text("\nanswered otherwise than on its reference nights", style="bold"))
        table = _table()
        table.add_column("question", no_wrap=True)
        table.add_column("then", overflow="fold")
        table.add_column("now", overflow="fold")
        for row in changed:
            table.add_row(row["question_id"], _short(row["usual_text"]), _short(row["answer_text"]))
        console.print(table)


def target_json(nights: Sequence[Row], pairs: Sequence[PairAgreement], changed: Sequence[Row]) -> dict[str, Any]:
    """The same as one object."""
    return {"nights": nights, "agreement": list(map(dataclasses.asdict, pairs)), "changed_answers": changed}


def _nights(nights: Sequence[Row]) -> Table:
    table = _table()
    for name in ("night", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in ("same\nwords", "chance", "right", "tokens", "tokenizer"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("the server names", overflow="fold", style="dim")
    for row in nights:
        chance = row["family_chance_share"]
        table.add_row(
            f"{row['asked_at']:%Y-%m-%d %H:%M}" + (" ref" if row["is_reference"] else ""),
            _verdict(row["verdict"]),
            _of(row["identical_answers"], row["compared_answers"]),
            "-" if chance is None else f"{chance:.2g}",
            _of(row["right_answers"], row["judged_answers"]),
            _tokens(row),
            row["tokenizer_signature"] or "-",
            " ".join(filter(None, (row["model_returned"], row["system_fingerprint"]))) or "-",
        )
    return table


def _matrix(pairs: Sequence[PairAgreement]) -> Table:
    names = list(dict.fromkeys(pair.target_id for pair in pairs))
    found = {(pair.target_id, pair.other_target_id): pair for pair in pairs}
    table = _table()
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    for one in names:
        table.add_row(one, *("-" if one == other else _pair(found[one, other]) for other in names))
    return table


def _pair(pair: PairAgreement) -> str:
    other = "" if pair.same_tokenizer is not False else " other tokenizer"
    return f"{_of(pair.identical, pair.compared)}{'*' if _is_rare(pair) else ''}{other}"


def _is_rare(pair: PairAgreement) -> bool:
    return pair.chance is not None and pair.chance < LEVEL


def _table() -> Table:
    return Table(box=None, pad_edge=False, header_style="bold")


def _verdict(verdict: str) -> Text:
    return Text(verdict, style=_STYLES.get(verdict, _CHANGED))


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else "-"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _tokens(row: Row) -> str:
    known = [row[name] for name in ("prompt_tokens", "output_tokens") if row[name] is not None]
    return f"{sum(known):,}" if known else "unknown"


def _short(text: str | None) -> str:
    line = repr(text or "")[1:-1]
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + "…"
