"""What a success says about rate limits, by provider: the same figures every time."""

from probes.fake.errors import Family


def limit_headers(family: Family) -> dict[str, str]:
    """What a success says about rate limits; empty for those that say nothing."""
    if family == "openai":
        return {
            "x-ratelimit-limit-requests": "100",
            "x-ratelimit-remaining-requests": "99",
            "x-ratelimit-reset-requests": "600ms",
            "x-ratelimit-limit-tokens": "40000",
            "x-ratelimit-remaining-tokens": "39900",
            "x-ratelimit-reset-tokens": "1m0s",
        }
    if family == "anthropic":
        resets = "2099-01-01T00:00:00Z"
        return {
            "anthropic-ratelimit-requests-limit": "100",
            "anthropic-ratelimit-requests-remaining": "99",
            "anthropic-ratelimit-requests-reset": resets,
            "anthropic-ratelimit-tokens-limit": "40000",
            "anthropic-ratelimit-tokens-remaining": "39900",
            "anthropic-ratelimit-tokens-reset": resets,
        }
    return {}
