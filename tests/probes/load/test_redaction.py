"""A key that a server repeats is found nowhere in what is kept, in whatever form it is repeated."""

from base64 import b64decode, b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.load.redaction import Secrets, secret_values
from probes.load.spec import LoadSpec

KEY = "sk-Planted/Key+0123456789"


def spec(**given):
    return LoadSpec(
        **{"base_url": "http://h", "model": "m", "concurrency": 1, "requests": 1, "attempt_prefix": "t"} | given
    )


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        KEY.upper(),
        KEY.lower(),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower(),
        KEY.encode().hex(),
        *(b64encode(b"x" * n + KEY.encode() + b"y" * m).decode() for n in range(4) for m in range(3)),
        urlsafe_b64encode(f"Bearer {KEY}".encode()).decode(),
    ],
)
@pytest.mark.parametrize(
    "given",
    [{"api_key": KEY}, {"extra_headers": {"Authorization": f"Bearer {KEY}"}}, {"extra_headers": {"X-Own": KEY}}],
)
def test_no_form_of_the_key_is_left_and_no_offset_moves(echo, given):
    body = f'{{"error":"key {echo} is wrong"}}'.encode()
    starred = Secrets(*secret_values(spec(**given))).star(body, thorough=True)
    assert len(starred) == len(body)
    assert starred.startswith(b'{"error":"key ')
    assert starred.endswith(b' is wrong"}')
    assert KEY.lower().encode() not in starred.lower()
    assert quote(KEY, safe="").encode().lower() not in starred.lower()
    assert b"********" in starred
    left = starred[14:-11].replace(b"*", b"A")
    if len(left) % 4 == 0 and b"=" not in left[:-2]:
        assert KEY.encode() not in b64decode(left, altchars=None, validate=False)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_what_stands_around_the_key_stays(before, after):
    key = b"k" * 5 + b"0123456789"
    starred = Secrets(key.decode()).star(before + key + after, thorough=False)
    assert key not in starred
    assert len(starred) == len(before) + len(key) + len(after)


def test_where_nothing_failed_the_key_itself_is_looked_for_and_a_short_one_is_left_in_words():
    assert Secrets(KEY).star(f"so {KEY}".encode(), thorough=False) == b"so " + b"*" * len(KEY)
    assert Secrets("none").star(b"there is none", thorough=False) == b"there is none"
    assert Secrets("none").star(b"there is none", thorough=True) == b"there is ****"


def test_without_a_key_nothing_changes():
    assert Secrets("").star(b"text", thorough=True) == b"text"
    assert Secrets("").star_text("text") == "text"
    headers = {"server": "x"}
    assert Secrets("").star_headers(headers, thorough=True) is headers


def test_headers_lose_the_key_and_only_that():
    headers = {"location": f"https://x/?key={quote(KEY, safe='')}", "retry-after": "2"}
    assert Secrets(KEY).star_headers(headers, thorough=True) == {
        "location": "https://x/?key=" + "*" * len(quote(KEY, safe="")),
        "retry-after": "2",
    }
    assert Secrets(KEY).star_headers({"server": KEY}, thorough=False) == {"server": "*" * len(KEY)}


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("Authorization", "Bearer 0123456789", ["0123456789"]),
        ("authorization", "0123456789", ["0123456789"]),
        ("Proxy-Authorization", "Basic dXNlcjpwYXNzd29yZC0x", ["dXNlcjpwYXNzd29yZC0x", "password-1"]),
        ("Authorization", "Digest username=gauss, response=6629fae49393a053", ["6629fae49393a053"]),
        ("api-key", "abcdefgh", ["abcdefgh"]),
        ("X-Session-Token", "  padded-token== ", ["padded-token=="]),
        ("Cookie", "lang=de; sid=38afes7a8-secret", ["38afes7a8-secret"]),
        ("X-Tenant", "sk-proj-0123456789abcd", ["sk-proj-0123456789abcd"]),
        ("X-Tenant", "tenant-of-a-long-name-in-words", []),
        ("anthropic-version", "2023-06-01", []),
        ("anthropic-max-tokens", "4096", []),
        ("User-Agent", "megatoken (nightly 2026-11-23) of us", []),
    ],
)
def test_of_headers_of_ones_own_what_proves_who_asks_is_secret_and_the_rest_is_not(name, value, secrets):
    assert list(secret_values(spec(extra_headers={name: value}))) == secrets


def test_of_several_keys_each_is_found_the_longer_one_whole():
    both = Secrets("0123456789", "0123456789-and-more", "")
    assert both.star(b"0123456789-and-more 0123456789", thorough=True) == b"*" * 19 + b" " + b"*" * 10
    assert both.star(b"0123456789-and-more", thorough=False) == b"*" * 19
    headers = both.star_headers({"server": "0123456789"}, thorough=False)
    assert headers == {"server": "*" * 10}
