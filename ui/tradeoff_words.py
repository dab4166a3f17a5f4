"""What the page `tradeoff` says around its chart: the caption, the legend in words and the small print."""

from collections.abc import Mapping, Sequence

from ui import words
from ui.tradeoff import MIDDLE, Entry, level_words
from warehouse.fronts import SURE
from warehouse.reference.landscape import Reach
from warehouse.service_level import Limits, Verdict


def caption(found: Sequence[Entry], failing: Mapping[str, Verdict], window_words: str) -> str:
    """How many, over which nights."""
    drawn = [entry for entry in found if entry.is_drawn]
    parts = [f"{len(drawn)} of {words.count(len(found), 'target')} drawn"]
    if failing:
        parts.append(f"{len(failing)} kept out by the service level")
    nights = [entry.point.n_runs for entry in drawn]
    if nights:
        few, most = min(nights), max(nights)
        parts.append(f"typical of {few if few == most else f'{few} to {most}'} {'night' if most == 1 else 'nights'}")
    parts.append(f"the last {window_words}")
    return f" {MIDDLE} ".join(parts)


def legend(found: Sequence[Entry], landscape: Sequence[Reach], unnamed: int) -> str:
    """What the marks mean, only those that are there."""
    verdicts = {entry.point.verdict for entry in found}
    parts = ["Dashed: the front of the typical figures"]
    if "on" in verdicts:
        parts.append("filled: on it")
    if "may" in verdicts:
        parts.append("hollow: may be on it")
    if "dominated" in verdicts:
        parts.append("grey: dominated")
    said = f"{', '.join(parts)}. Whiskers: 95 % interval over nights and inputs."
    if landscape:
        said += f" Shaded: the survey's landscape of {landscape[0].valid_from[:4]}."
    if unnamed:
        said += f" {words.count(unnamed, 'name')} of the front found no room; the table has all."
    return said


def notes(found: Sequence[Entry], limits: Limits | None) -> list[str]:
    """The small print that this very table needs."""
    lines = [
        f"On the front: in {100 * SURE:.0f} % of draws or more no other target is at least as good in both and better"
        " in one. A draw takes every night once for all targets and both metrics, and every input that targets share"
        " once for all of them. Dominated: in 5 % or fewer. Other figures would have another front."
    ]
    if any(entry.is_drawn and entry.point.p_front is None for entry in found):
        lines.append(
            "Unknown chance: of one or two nights without an interval within them nothing tells how the figure varies;"
            " its verdict is by its figures alone."
        )
    if any(entry.is_drawn and entry.point.n_runs < 3 for entry in found):
        lines.append("Fewer than three nights: intervals are of these nights, and say nothing of others.")
    if limits is not None:
        lines.append(
            f"Service level {limits}: judged attempt by attempt over the window; who fails it for sure is left out of"
            " the front, who may miss it is marked."
        )
        lines += [
            f"{entry.target_id}: {level_words(entry.kept)}."
            for entry in found
            if entry.kept is not None and entry.kept.standing == "unknown"
        ]
    lines.append(
        "Figures are typical of the nights of the window, so they differ from those of the newest night on other pages."
        " Mtok: a million output tokens, the prompts of this workload included."
    )
    return lines


def landscape_notes(landscape: Sequence[Reach]) -> list[str]:
    """Where the shaded field comes from, and why it is a neighbour rather than a yardstick."""
    if not landscape:
        return []
    first = landscape[0]
    reached = [
        f"{one.who} {words.figure(one.least_output_tokens_per_s)} to {words.figure(one.most_output_tokens_per_s)}"
        f" tokens/s at {words.figure(one.least_usd_per_mtok)} to {words.figure(one.most_usd_per_mtok)} USD per million"
        if one.most_output_tokens_per_s is not None
        else f"{one.who} above {words.figure(one.least_output_tokens_per_s)} tokens/s at about"
        f" {words.figure(one.least_usd_per_mtok)} USD"
        for one in landscape
    ]
    return [
        f"Landscape of {first.valid_from[:4]}: {'; '.join(reached)} ({first.source}; {first.tag} on"
        f" {first.retrieved_on}). Its speed is that of one stream and its price one for all tokens; ours are of all"
        " requests in flight and per output token with the prompts paid, so the two can be compared in"
        " order of size only."
    ]
