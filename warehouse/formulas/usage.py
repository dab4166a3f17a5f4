"""What somebody uses in a month: requests by the length of their prompts, and what a price list asks for them.

A prompt beyond a threshold pays the price of its tier for all tokens of its request, so a month is kept by length and
not as one sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse.formulas.price import TOKENS_PER_MTOK

Floats = NDArray[np.float64]
REQUESTS_PER_FEE = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Requests and their tokens; cached and written ones are part of the prompts."""

    requests: float
    prompt_tokens: float
    cached_tokens: float
    cache_write_tokens: float
    output_tokens: float

    @property
    def uncached_tokens(self) -> float:
        """Prompt tokens that had to be read anew, those that were then kept included."""
        return self.prompt_tokens - self.cached_tokens

    def work(self, prefill_ratio: float) -> float:
        """Tokens counted as output tokens: an uncached prompt token is `prefill_ratio` of one."""
        return self.output_tokens + prefill_ratio * self.uncached_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrice:
    """What is asked for the tokens of requests whose prompt is longer than `above_prompt_tokens`, US dollars."""

    above_prompt_tokens: int
    usd_per_input_mtok: float
    usd_per_cached_input_mtok: float
    usd_per_cache_write_mtok: float
    usd_per_output_mtok: float
    usd_per_1k_requests: float = 0.0


class Usage:
    """A month of requests, sorted by the length of their prompts; never changed."""

    __slots__ = ("_lengths", "_running")

    def __init__(self, *, requests: Floats, prompt: Floats, cached: Floats, written: Floats, output: Floats) -> None:
        """Keep a month.

        Args:
            requests: shape (n,); how many requests of a month are of this kind, above 0.
            prompt: shape (n,); tokens of the prompt of one of them, the cached ones included.
            cached: shape (n,); tokens of it that are read from a cache.
            written: shape (n,); tokens of it that are written to a cache.
            output: shape (n,); tokens generated for one of them.

        Raises:
            ValueError: nothing is given, a count is negative or not finite, or more is cached than there is.
        """
        per_request = np.stack([np.ones_like(prompt), prompt, cached, written, output], axis=1)
        if not len(requests) or not np.isfinite(per_request).all() or not np.isfinite(requests).all():
            raise ValueError("a month needs at least one kind of request, with finite counts")
        if (per_request < 0).any() or (requests <= 0).any():
            raise ValueError("tokens of a request must be 0 or more, and its requests a month above 0")
        if (cached + written > prompt).any():
            first = int(np.argmax(cached + written > prompt))
            raise ValueError(
                f"{cached[first]:g} cached and {written[first]:g} written tokens are more than the {prompt[first]:g}"
                " tokens of their prompt; both are part of it"
            )
        order = np.argsort(prompt, kind="stable")
        self._lengths: Floats = prompt[order]
        monthly = (per_request * requests[:, None])[order]
        self._running: Floats = np.concatenate([np.zeros((1, 5)), np.cumsum(monthly, axis=0)])

    @property
    def total(self) -> Totals:
        """Of the whole month."""
        return _totals(self._running[-1])

    @property
    def longest_prompt_tokens(self) -> float:
        """Of any request."""
        return float(self._lengths[-1])

    def between(self, above: float, until: float) -> Totals:
        """Requests whose prompts are longer than `above` tokens, not longer than `until`; above 0 is every prompt."""
        first = 0 if above <= 0 else int(np.searchsorted(self._lengths, above, side="right"))
        last = int(np.searchsorted(self._lengths, until, side="right"))
        return _totals(self._running[max(first, last)] - self._running[first])

    def scaled(self, factor: float) -> "Usage":
        """The same mix, so many times as much of it."""
        if not factor > 0:
            raise ValueError(f"a month cannot be taken {factor} times; give a number above 0")
        other = object.__new__(Usage)
        other._lengths, other._running = self._lengths, self._running * factor
        return other


def same_requests(
    requests_per_month: float,
    *,
    prompt_tokens: float,
    output_tokens: float,
    cached_share: float = 0.0,
    cache_write_share: float = 0.0,
) -> Usage:
    """A month of requests that are all alike.

    Args:
        requests_per_month: above 0.
        prompt_tokens: of one of them, the cached ones included.
        output_tokens: of one of them.
        cached_share: of the prompt, read from a cache; 0 to 1.
        cache_write_share: of the prompt, written to a cache; 0 to 1.

    Raises:
        ValueError: a count that cannot be, or shares that are more than the prompt.
    """
    one = np.ones(1)
    return Usage(
        requests=one * requests_per_month,
        prompt=one * prompt_tokens,
        cached=one * prompt_tokens * cached_share,
        written=one * prompt_tokens * cache_write_share,
        output=one * output_tokens,
    )


def month_usd(usage: Usage, tiers: Sequence[TokenPrice]) -> float:
    """What a price list asks for a month, US dollars.

    Args:
        usage: the month.
        tiers: prices by length of prompt, the shortest first; the first holds for any prompt that no other reaches.

    Raises:
        ValueError: no tier, or they do not rise from 0.
    """
    starts = [tier.above_prompt_tokens for tier in tiers]
    if not starts or starts[0] != 0 or starts != sorted(set(starts)):
        raise ValueError(f"lengths of prompts from which prices hold are {starts}; they must rise from 0")
    ends = [*(float(start) for start in starts[1:]), np.inf]
    return sum(_usd(usage.between(tier.above_prompt_tokens, end), tier) for tier, end in zip(tiers, ends, strict=True))


def _usd(of: Totals, at: TokenPrice) -> float:
    fresh = of.prompt_tokens - of.cached_tokens - of.cache_write_tokens
    tokens = (
        fresh * at.usd_per_input_mtok
        + of.cached_tokens * at.usd_per_cached_input_mtok
        + of.cache_write_tokens * at.usd_per_cache_write_mtok
        + of.output_tokens * at.usd_per_output_mtok
    )
    return tokens / TOKENS_PER_MTOK + of.requests / REQUESTS_PER_FEE * at.usd_per_1k_requests


def _totals(row: Floats) -> Totals:
    requests, prompt, cached, written, output = row.tolist()
    return Totals(
        requests=requests,
        prompt_tokens=prompt,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
    )
