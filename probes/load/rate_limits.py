"""What an answer says of a rate limit: how much there is, how much is left, how long to wait. Every provider's headers.

    OpenAI, Groq, many others   x-ratelimit-{limit,remaining,reset}-{requests,tokens}; resets as "6m0s", "120ms"
    Azure                       the same without limits; retry-after, retry-after-ms; seconds
    Anthropic                   anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,...};
                                instants as RFC 3339
    OpenRouter, gateways        x-ratelimit-{limit,remaining,reset}, ratelimit-*; resets as seconds, or a Unix time
    Gemini                      none; `retryDelay` in the body of an error

All of them may be missing, also where they are documented: unknown is None.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

_S: Final = 1_000_000_000
# Each with `{}` for limit, remaining or reset; the first that is there counts.
_REQUESTS: Final = (
    "x-ratelimit-{}-requests", "anthropic-ratelimit-requests-{}", "x-ratelimit-{}", "ratelimit-{}",
)  # fmt: skip
_TOKENS: Final = ("x-ratelimit-{}-tokens", "anthropic-ratelimit-tokens-{}")
# Of two limits at once the one that leaves the smaller share counts.
_TOKENS_APART: Final = ("anthropic-ratelimit-input-tokens-{}", "anthropic-ratelimit-output-tokens-{}")
WAIT_HEADERS: Final = frozenset({"retry-after", "retry-after-ms"})
RATE_HEADERS: Final = WAIT_HEADERS | {
    name.format(what) for name in (*_REQUESTS, *_TOKENS, *_TOKENS_APART) for what in ("limit", "remaining", "reset")
}

_DURATION: Final = re.compile(
    r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?"
)
_UNITS_S: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_UNIX_TIME_S: Final = 1e9  # a number of seconds above this is no wait but an instant; above 1e12, one in milliseconds
_LONGEST_S: Final = 366 * 86400.0
_RETRY_DELAY: Final = re.compile(rb'"retryDelay"\s*:\s*"([^"]{1,40})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What one answer says. The names are those of the record."""

    retry_after_s: float | None = None
    limit_requests: int | None = None
    remaining_requests: int | None = None
    requests_reset_s: float | None = None
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    tokens_reset_s: float | None = None


NOTHING_SAID: Final = RateLimits()


def read_rate_limits(headers: Mapping[str, str], body: bytes, *, wall_ns: int) -> RateLimits:
    """Read the headers of an answer, and the body of an error for the delay that it may ask for.

    Args:
        headers: lower-case names.
        body: of an answer that is no success; b"" otherwise.
        wall_ns: CLOCK_REALTIME when it came: instants in headers are relative to it.
    """
    delay = None if b"retryDelay" not in body else _RETRY_DELAY.search(body)
    if delay is None and RATE_HEADERS.isdisjoint(headers):
        return NOTHING_SAID
    retry_after_s = _number(headers.get("retry-after-ms"), per=1000)
    if retry_after_s is None:
        retry_after_s = wait_s(headers.get("retry-after"), wall_ns)
    if retry_after_s is None and delay is not None:
        retry_after_s = wait_s(delay[1].decode("latin-1"), wall_ns)
    limit_requests, remaining_requests, requests_reset_s = _family(headers, _REQUESTS, wall_ns)
    limit_tokens, remaining_tokens, tokens_reset_s = _tokens(headers, wall_ns)
    return RateLimits(
        retry_after_s=retry_after_s,
        limit_requests=limit_requests,
        remaining_requests=remaining_requests,
        requests_reset_s=requests_reset_s,
        limit_tokens=limit_tokens,
        remaining_tokens=remaining_tokens,
        tokens_reset_s=tokens_reset_s,
    )


def columns_of(limits: RateLimits) -> dict[str, int | float | None]:
    """By the names of the record."""
    return asdict(limits)


def wait_s(text: str | None, wall_ns: int) -> float | None:
    """Seconds to wait, from any of the ways in which servers write it; None of what says nothing.

    A duration ("6m0s", "120ms", "1.5s"), seconds ("20"), an RFC 3339 instant, an HTTP date, or a Unix time in seconds
    or milliseconds. What lies in the past is 0; what lies more than a year ahead is no wait, and None.
    """
    text = (text or "").strip()
    if not text:
        return None
    seconds = _number(text)
    if seconds is None:
        found = _DURATION.fullmatch(text)
        if found is not None:
            seconds = sum(_UNITS_S[unit] * float(value) for unit, value in found.groupdict().items() if value)
        else:
            seconds = _until(text, wall_ns)
    elif seconds >= _UNIX_TIME_S:
        seconds = (seconds / 1000 if seconds >= 1000 * _UNIX_TIME_S else seconds) - wall_ns / _S
    if seconds is None or seconds > _LONGEST_S:
        return None
    return max(seconds, 0.0)


def _until(text: str, wall_ns: int) -> float | None:
    """Seconds to an instant, written as RFC 3339 or as an HTTP date."""
    from email.utils import parsedate_to_datetime  # slow to import, and hardly ever needed

    try:
        instant = datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
        return instant.timestamp() - wall_ns / _S
    except (ValueError, OverflowError):
        return None


def _number(text: str | None, *, per: float = 1.0) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value / per if math.isfinite(value) and value >= 0 else None


def _count(text: str | None) -> int | None:
    value = _number((text or "").replace(",", "") or None)
    return int(value) if value is not None and value < 1 << 62 else None


def _family(
    headers: Mapping[str, str], names: tuple[str, ...], wall_ns: int
) -> tuple[int | None, int | None, float | None]:
    """Limit, remaining and reset under the first of some names that has any."""
    for name in names:
        limit = _count(headers.get(name.format("limit")))
        remaining = _count(headers.get(name.format("remaining")))
        reset_s = wait_s(headers.get(name.format("reset")), wall_ns)
        if (limit, remaining, reset_s) != (None, None, None):
            return limit, remaining, reset_s
    return None, None, None


def _tokens(headers: Mapping[str, str], wall_ns: int) -> tuple[int | None, int | None, float | None]:
    found = _family(headers, _TOKENS, wall_ns)
    if found != (None, None, None):
        return found
    apart = [_family(headers, (name,), wall_ns) for name in _TOKENS_APART]
    told = [each for each in apart if each != (None, None, None)]
    return min(told, key=_share_left, default=(None, None, None))


def _share_left(family: tuple[int | None, int | None, float | None]) -> float:
    limit, remaining, _ = family
    return remaining / limit if limit and remaining is not None else math.inf
