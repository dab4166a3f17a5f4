"""What is said of a night of the canary: does a target answer as on its reference nights?

A target's reference nights are its first seven with what is declared of it now (provider, model, quantisation, weights,
address; of a local target also the machine). A night on which it was found changed is none. What is asked is whether
tonight's answers could be one of those nights': `formulas.fidelity.agreement`, an exact test within each question,
which counts a lack of agreement only as far as the target's own nights do not differ as much among themselves. The
chances of all targets of a run are taken together (Holm), so that one board in a hundred has a false alarm, not one
target.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from warehouse.canary_nights import Night
from warehouse.formulas.fidelity import Agreement, agreement, holm_adjusted, mcnemar_chance, usual_answers

VerdictName = Literal["same", "drifted", "other tokenizer", "other model named", "unknown"]

REFERENCE_NIGHTS: Final = 7
# Family-wise: at most one run in a hundred has a target that is called drifted although it is not.
LEVEL: Final = 0.01
# Of fewer, a third of the set, nothing is said.
LEAST_COMPARED: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is found of one night."""

    night: Night
    found: Agreement
    verdict: VerdictName
    reason: str
    is_reference: bool
    reference_runs: int
    fewer_right: float | None
    family_chance: float | None = None


def judge(run: Sequence[Night], references: Sequence[Sequence[Night]]) -> list[Judged]:
    """Judge the targets of one run together.

    Args:
        run: a night of each target.
        references: the reference nights of each, the oldest first.
    """
    found = [_found(night, reference) for night, reference in zip(run, references, strict=True)]
    tested = [n for n, each in enumerate(found) if each.found.chance_share is not None]
    adjusted = holm_adjusted([found[n].found.chance_share or 0.0 for n in tested])
    for n, chance in zip(tested, adjusted, strict=True):
        found[n] = replace(found[n], family_chance=chance)
    return [_concluded(each, reference) for each, reference in zip(found, references, strict=True)]


def _found(night: Night, reference: Sequence[Night]) -> Judged:
    """What can be said without the other targets of the run."""
    names = sorted({name for one in (night, *reference) for name in one.answers})
    tonight = [night.answers.get(name) for name in names]
    before = [[one.answers.get(name) for name in names] for one in reference]
    found = agreement(tonight, before)
    return Judged(
        night=night,
        found=found,
        verdict="unknown",
        reason="",
        is_reference=False,
        reference_runs=len(reference),
        fewer_right=_fewer_right(night, reference),
    )


def _fewer_right(night: Night, reference: Sequence[Night]) -> float | None:
    """See `mcnemar_chance`; a question was answered right before if it mostly was."""
    lost = gained = 0
    for name, right in night.right.items():
        before = [one.right[name] for one in reference if name in one.right]
        if before:
            usually = 2 * sum(before) > len(before)
            lost += usually and not right
            gained += right and not usually
    return mcnemar_chance(lost, gained)


def _concluded(judged: Judged, reference: Sequence[Night]) -> Judged:
    verdict, reason = _verdict(judged, reference)
    enough = len(judged.night.answers) >= LEAST_COMPARED and not _mostly_empty(judged.night)
    as_before = verdict == "same" or (verdict == "unknown" and enough)
    return replace(
        judged,
        verdict=verdict,
        reason=reason,
        is_reference=as_before and enough and len(reference) < REFERENCE_NIGHTS,
    )


def _verdict(judged: Judged, reference: Sequence[Night]) -> tuple[VerdictName, str]:  # noqa: PLR0911 - one a finding
    night, found = judged.night, judged.found
    if len(night.answers) < LEAST_COMPARED:
        why = f" ({night.error_class})" if night.error_class else ""
        return "unknown", f"only {len(night.answers)} of {night.asked} questions were answered{why}"
    if _mostly_empty(night):
        return "unknown", (
            f"{night.empty} of {len(night.answers)} answers are empty: a model that reasons first needs more room than"
            " the questions give"
        )
    if not reference:
        return "unknown", "the first night with what is declared of it: later nights are compared with it"
    named, usual = night.served_by.get("model_returned"), _usual(reference, "model_returned")
    if named is not None and usual is not None and named != usual:
        return "other model named", f"the server names {named}, on its reference nights {usual}"
    tokens = _other_tokens(night, reference)
    if tokens is not None:
        return "other tokenizer", tokens
    if found.compared < LEAST_COMPARED:
        return "unknown", f"only {found.compared} questions were answered both now and on a reference night"
    alike = f"{found.identical} of {found.compared} answers are those of {_nights_words(len(reference))}"
    if judged.family_chance is None:
        if found.identical == found.compared:
            return "same", alike
        return "unknown", f"{alike}; how much it varies by itself shows after two"
    if judged.family_chance <= LEVEL:
        return "drifted", (
            f"{alike}, which agree among themselves in {100 * (found.repeat_share or 0.0):.0f} %; chance of so little"
            f" agreement if nothing had changed: {_chance(judged.family_chance)}{_hints(night, reference)}"
        )
    varied = "" if found.identical == found.compared else "; no more differs than between those nights"
    return "same", f"{alike}{varied}"


def _chance(share: float) -> str:
    return "below one in a million" if share < 1e-6 else f"{share:.1g}"


def _mostly_empty(night: Night) -> bool:
    return 2 * night.empty > len(night.answers)


def _nights_words(count: int) -> str:
    return "its reference night" if count == 1 else f"{count} reference nights"


def _usual(reference: Sequence[Night], name: str) -> str | None:
    return usual_answers([[night.served_by.get(name)] for night in reference])[0]


def _other_tokens(night: Night, reference: Sequence[Night]) -> str | None:
    """What tells another tokenizer, in words; None if nothing does."""
    shapes = Counter(one.signature[0] for one in reference if one.signature is not None)
    if night.signature is not None and shapes:
        usual = shapes.most_common(1)[0][0]
        if len(usual) == len(night.signature[0]) and usual != night.signature[0]:
            return (
                f"known texts count {_listed(night.signature[0])} prompt tokens beyond the shortest of them, on its"
                f" reference nights {_listed(usual)}"
            )
    counts = Counter(one.count_tokens for one in reference if one.count_tokens is not None)
    if night.count_tokens is not None and counts:
        most = counts.most_common(1)[0][0]
        if most != night.count_tokens:
            return f"counting to 12 took {night.count_tokens} output tokens, on its reference nights {most}"
    return None


def _listed(shape: Sequence[int]) -> str:
    return " ".join(map(str, shape))


def _hints(night: Night, reference: Sequence[Night]) -> str:
    """What else changed, which may be the reason."""
    hints = []
    for name, words in (("engine_version", "the engine's version"), ("system_fingerprint", "its fingerprint")):
        now, usual = night.served_by.get(name), _usual(reference, name)
        if now is not None and usual is not None and now != usual:
            hints.append(f"{words} changed from {usual} to {now}")
    before = [one.signature[1] for one in reference if one.signature is not None]
    if night.signature is not None and before and night.signature[1] != before[-1]:
        more = night.signature[1] - before[-1]
        hints.append(f"each prompt counts {more:+d} tokens: another chat template or system prompt")
    return "".join(f"; {hint}" for hint in hints)
