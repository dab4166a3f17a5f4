"""Headers of rate limits, as every provider writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.rate_limits import RATE_HEADERS, RateLimits, read_rate_limits, wait_s

NOON_NS = 1_767_268_800 * 10**9  # 2026-01-01T12:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20", 20.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("7.66s", 7.66),
        ("2m59.56s", 179.56),
        ("1h2m3s", 3723.0),
        ("1d", 86400.0),
        ("46s", 46.0),
        ("2026-01-01T12:00:30Z", 30.0),
        ("2026-01-01T13:00:30+01:00", 30.0),
        ("2026-01-01T11:59:00Z", 0.0),  # past
        ("Thu, 01 Jan 2026 12:01:00 GMT", 60.0),
        ("1767268815", 15.0),  # Unix time
        ("1767268815000", 15.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("2026-13-01T00:00:00Z", None),
        ("99999999999999999999", None),
        ("9999d", None),
    ],
)
def test_a_wait_is_read_however_it_is_written(text, seconds):
    found = wait_s(text, NOON_NS)
    assert found is None if seconds is None else found == pytest.approx(seconds)


@given(st.text(max_size=40), st.sampled_from(sorted(RATE_HEADERS)))
def test_no_header_can_break_the_reading(text, name):
    found = read_rate_limits({name: text}, b"", wall_ns=NOON_NS)
    for value in (found.retry_after_s, found.requests_reset_s, found.tokens_reset_s, found.limit_tokens):
        assert value is None or value >= 0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "49",
             "anthropic-ratelimit-requests-reset": "2026-01-01T12:00:02Z", "retry-after": "12",
             "anthropic-ratelimit-input-tokens-limit": "1000", "anthropic-ratelimit-input-tokens-remaining": "900",
             "anthropic-ratelimit-input-tokens-reset": "2026-01-01T12:00:10Z",
             "anthropic-ratelimit-output-tokens-limit": "100", "anthropic-ratelimit-output-tokens-remaining": "3",
             "anthropic-ratelimit-output-tokens-reset": "2026-01-01T12:00:20Z"},
            RateLimits(retry_after_s=12.0, limit_requests=50, remaining_requests=49, requests_reset_s=2.0,
                       limit_tokens=100, remaining_tokens=3, tokens_reset_s=20.0),
        ),
        (
            {"x-ratelimit-remaining-requests": "9", "x-ratelimit-remaining-tokens": "1000", "retry-after-ms": "250",
             "retry-after": "1"},
            RateLimits(retry_after_s=0.25, remaining_requests=9, remaining_tokens=1000),
        ),
        (
            {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767268815000"},
            RateLimits(limit_requests=20, remaining_requests=0, requests_reset_s=15.0),
        ),
        ({"x-ratelimit-limit-tokens": "150,000"}, RateLimits(limit_tokens=150_000)),
        ({"content-type": "text/html"}, RateLimits()),
    ],
    ids=["anthropic", "azure", "openrouter", "a comma", "none"],
)  # fmt: skip
def test_every_provider_s_headers_become_the_same_columns(headers, expected):
    assert read_rate_limits(headers, b"", wall_ns=NOON_NS) == expected
