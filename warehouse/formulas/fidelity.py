"""Whether an endpoint still answers as it did: agreement with reference nights, and how surprising a lack of it is.

One question asked on several nights gives a pool of answers. If nothing changed, tonight's is any of them with the same
chance, so questions that a noisy endpoint answers anew each night say nothing, and questions that it always answered
alike say much. Questions are taken to be independent of each other, given the model that serves them.

Sources: Fisher: The Design of Experiments, 1935, chapter 3 (randomisation within blocks); Gao, Liang, Guestrin: Model
Equality Testing: Which Model Is This API Serving?, arXiv:2410.20247 (a two-sample test of an API's answers against
reference answers); McNemar, Psychometrika 12, 1947; Wilson, Journal of the American Statistical Association 22, 1927.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.formulas.statistics import wilson

# 0.975 quantile of the standard normal distribution
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Tonight's answers beside those of reference nights, over the questions that both have."""

    compared: int  # questions
    identical: int  # of them, answered as the reference nights mostly did
    repeat_share: float | None  # of pairs of reference nights, identical answers; None without a pair
    chance_share: float | None  # chance of no more agreement than this if nothing changed; None without a pair


def agreement(tonight: Sequence[str | None], reference: Sequence[Sequence[str | None]]) -> Agreement:
    """How far answers agree with reference nights, and how surprising that is: an exact test.

    The statistic is the number of (question, reference night) with tonight's answer. Under the hypothesis that nothing
    changed, each question's answer of tonight is drawn from the pool of all its nights; the distribution of the sum is
    the convolution over questions. One-sided: more agreement than usual is no sign of a change. An endpoint that always
    answered alike on k nights and answers d questions anew gets (k + 1) ** -d.

    Args:
        tonight: an answer, or its hash, of each question; None where there is none.
        reference: the same questions on each of the reference nights.

    Raises:
        ValueError: a night of another number of questions.

    Source: Fisher 1935 (module).
    """
    for night in reference:
        if len(night) != len(tonight):
            raise ValueError(f"a reference night has {len(night)} questions, tonight {len(tonight)}; give the same")
    compared = identical = observed = alike_pairs = pairs = 0
    chances = np.ones(1)
    for now, *before in zip(tonight, *reference, strict=True):
        earlier = [answer for answer in before if answer is not None]
        if now is None or not earlier:
            continue
        compared += 1
        # the first to reach the highest count: the oldest night decides a draw
        identical += now == Counter(earlier).most_common(1)[0][0]
        pairs += math.comb(len(earlier), 2)
        alike_pairs += sum(math.comb(count, 2) for count in Counter(earlier).values())
        observed += earlier.count(now)
        pool = Counter([*earlier, now])
        alike = np.zeros(len(earlier) + 1)
        for count in pool.values():
            alike[count - 1] += count / (len(earlier) + 1)
        chances = np.convolve(chances, alike)
    return Agreement(
        compared=compared,
        identical=identical,
        repeat_share=alike_pairs / pairs if pairs else None,
        chance_share=min(float(chances[: observed + 1].sum()), 1.0) if pairs else None,
    )


def usual_answers(reference: Sequence[Sequence[str | None]]) -> list[str | None]:
    """The most frequent answer of each question, the oldest of several; None where no night has one."""
    usual: list[str | None] = []
    for answers in zip(*reference, strict=True):
        known = Counter(answer for answer in answers if answer is not None)
        usual.append(known.most_common(1)[0][0] if known else None)
    return usual


def wilson_interval(hits: int, n: int) -> tuple[float, float] | None:
    """95 % interval of a share of n independent trials, 0 to 1; None for n = 0.

    Raises:
        ValueError: hits is not in 0 to n.

    Source: Wilson 1927.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"hits = {hits} must be 0 to n = {n}")
    if n == 0:
        return None
    low, high = wilson(hits / n, n, _Z)
    # exact at the ends, where rounding would leave 1e-17
    return (0.0 if hits == 0 else low, 1.0 if hits == n else high)


def mcnemar_chance(lost: int, gained: int) -> float | None:
    """Chance of so many lost or more, among what changed, if losing were as likely as gaining; None if nothing did.

    The exact binomial form, one-sided.

    Args:
        lost: questions answered right before and wrong now.
        gained: answered wrong before and right now.

    Raises:
        ValueError: a negative count.

    Source: McNemar 1947.
    """
    if min(lost, gained) < 0:
        raise ValueError(f"lost = {lost} and gained = {gained} must be >= 0")
    changed = lost + gained
    if not changed:
        return None
    ways = sum(math.comb(changed, k) for k in range(lost, changed + 1))
    return float(ways / 2**changed)


def holm_adjusted(chances: Sequence[float]) -> list[float]:
    """Each chance as it stands in its family: to act on those up to a level errs in at most that share of families.

    Source: Holm: A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979.
    """
    order = sorted(range(len(chances)), key=chances.__getitem__)
    adjusted, worst = [0.0] * len(chances), 0.0
    for rank, place in enumerate(order):
        worst = max(worst, min(1.0, (len(chances) - rank) * chances[place]))
        adjusted[place] = worst
    return adjusted


def token_shape(counts: Sequence[int | None]) -> tuple[tuple[int, ...], int] | None:
    """What a tokenizer makes of known texts, apart from what a server adds to every prompt.

    Args:
        counts: prompt tokens that the server reported for each text, in a fixed order.

    Returns:
        Each count less the smallest, and the smallest; None if one is unknown or there are fewer than two. A chat
        template or a system prompt moves the second alone, another tokenizer moves the first.
    """
    known = [count for count in counts if count is not None]
    if len(known) < max(2, len(counts)):
        return None
    least = min(known)
    return tuple(count - least for count in known), least
