"""A check as people read it in a terminal, and as JSON."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from flows.words import usd
from probes.capability.finding import Finding, Group, Verdict
from probes.capability.probe import NOT_ANSWERED, NOT_REACHED, CheckReport

if TYPE_CHECKING:
    from rich.console import Console

    from flows.checkorder import Order

_STYLES: Final[Mapping[Verdict, str]] = {
    "yes": "green", "no": "", "deviates": "bold red", "unknown": "yellow", "not applicable": "dim",
}  # fmt: skip
_GROUPS: Final[Mapping[Group, str]] = {
    "reach": "The way to it",
    "answer": "What it answers",
    "stream": "How it streams",
    "sampling": "What can be set",
    "mistakes": "What it makes of mistakes",
}


def quote_sentence(order: "Order") -> str:
    """What a check may cost, before anything is sent."""
    worst, target = order.worst, order.target
    tokens = f"{worst.calls} calls that may be billed, {worst.prompt_tokens:,} + {worst.output_tokens:,} tokens"
    if target.kind == "local":
        return f"{target.id}: at most {tokens}, on this machine"
    if order.quote_usd_worst is None:
        return f"{target.id}: at most {tokens}; no price of {target.provider}/{target.model} is known"
    return f"{target.id}: at most {usd(order.quote_usd_worst)} ({tokens})"


def print_check(console: "Console", target_id: str, report: CheckReport) -> None:
    """The findings by what they are about, then the score and what to do."""
    console.print(Text(f"\n{target_id}: {report.model} by {report.api} at {report.base_url}", style="bold"))
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column("question", overflow="fold", min_width=30, max_width=42)
    table.add_column("verdict", no_wrap=True)
    table.add_column("evidence", overflow="fold", style="dim")
    for group, title in _GROUPS.items():
        shown = [each for each in report.findings if each.group == group and _is_told(each)]
        if shown:
            table.add_row()
            table.add_row(Text(title, style="bold underline"))
        for each in shown:
            table.add_row(
                f"{each.question}{' *' if each.required else ''}", _verdict(each.verdict), Text(each.evidence)
            )
    console.print(table)
    for sentence in _beneath(report):
        console.print(sentence)


def _is_told(finding: Finding) -> bool:
    """Whether a finding has a line of its own; the others stand together beneath."""
    return finding.verdict != "not applicable" and finding.evidence not in (NOT_ANSWERED, NOT_REACHED)


def _beneath(report: CheckReport) -> Sequence[Text]:
    absent = [each.finding_id for each in report.findings if each.verdict == "not applicable"]
    is_marked = any(each.required and _is_told(each) for each in report.findings)
    lines = [Text("\n* required by its wire format's standard, or by HTTP" if is_marked else "", style="dim")]
    for reason in (NOT_ANSWERED, NOT_REACHED):
        left = sum(each.evidence == reason for each in report.findings)
        if left:
            lines.append(Text(f"{left} more questions were not asked: {reason}", style="dim"))
    if absent:
        lines.append(Text(f"does not apply: {', '.join(absent)}", style="dim"))
    lines.append(Text(score_sentence(report), style="bold"))
    if report.advice is not None:
        lines.append(Text(f"Advice: {report.advice}", style="bold yellow"))
    tokens = [count for count in (report.prompt_tokens, report.output_tokens) if count is not None]
    counted = f", {' + '.join(f'{count:,}' for count in tokens)} tokens counted" if tokens else ""
    seconds = (report.ended_at - report.started_at).total_seconds()
    lines.append(Text(f"{report.calls} calls{counted}, {seconds:.1f} s", style="dim"))
    return lines


def score_sentence(report: CheckReport) -> str:
    """The conformance score with what it is made of."""
    score, share = report.score, report.conformance_share
    if share is None:
        return "Conformance: not known" + ("" if report.answered else ", for it did not answer")
    said = f"Conformance: {score.conforming} of {score.required} requirements ({100 * share:.0f} %)"
    if score.deviations:
        said += f"; deviates in {', '.join(score.deviations)}"
    return said + (f"; not known: {', '.join(score.unknown)}" if score.unknown else "")


def check_json(target_id: str, check_id: str | None, report: CheckReport) -> dict[str, Any]:
    """The same as one object; times in seconds."""
    score = report.score
    return {
        "check_id": check_id,
        "target_id": target_id,
        "base_url": report.base_url,
        "api": report.api,
        "model": report.model,
        "started_at": report.started_at.isoformat(),
        "ended_at": report.ended_at.isoformat(),
        "is_answered": report.answered,
        "advice": report.advice,
        "conformance_share": report.conformance_share,
        "conforming_findings": score.conforming,
        "required_findings": score.required,
        "deviations": list(score.deviations),
        "unknown": list(score.unknown),
        "calls": report.calls,
        "prompt_tokens": report.prompt_tokens,
        "output_tokens": report.output_tokens,
        "findings": list(map(dataclasses.asdict, report.findings)),
    }


def _verdict(verdict: Verdict) -> Text:
    return Text(verdict, style=_STYLES[verdict])
