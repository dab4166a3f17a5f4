"""Base URLs."""

import pytest

from probes.errors import ProbeError
from probes.load.origin import Origin, parse_origin, request_head

SUFFIX = "/chat/completions"


@pytest.mark.parametrize(
    ("url", "target", "host_header", "port"),
    [
        ("http://h/v1", "/v1/chat/completions", "h", 80),
        ("http://h/v1/", "/v1/chat/completions", "h", 80),
        ("http://h", "/chat/completions", "h", 80),
        ("http://H:8000/v1", "/v1/chat/completions", "h:8000", 8000),
        ("https://h/openai/v1", "/openai/v1/chat/completions", "h", 443),
        ("https://h/d?api-version=1", "/d/chat/completions?api-version=1", "h", 443),
        ("http://[::1]:81/v1", "/v1/chat/completions", "[::1]:81", 81),
        ("https://bücher.example/v1", "/v1/chat/completions", "xn--bcher-kva.example", 443),
    ],
)
def test_the_path_given_is_kept_and_the_suffix_added(url, target, host_header, port):
    origin = parse_origin(url, SUFFIX)
    assert (origin.target, origin.host_header, origin.port) == (target, host_header, port)


@pytest.mark.parametrize(
    "url", ["", "h/v1", "ftp://h/v1", "http://", "http:///v1", "http://h:port/v1", "http://h:99999/", "http://h/a b"]
)
def test_a_url_that_is_no_endpoint_is_refused_with_its_text(url):
    with pytest.raises(ProbeError, match="base_url"):
        parse_origin(url, SUFFIX)


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(ProbeError) as caught:
        parse_origin("https://user:hunter2@h/v1", SUFFIX)
    assert "hunter2" not in str(caught.value)


def test_a_header_given_by_the_user_replaces_ours_whatever_its_case():
    origin = Origin(tls=False, host="h", port=80, target="/v1")
    head = request_head(origin, {"Authorization": "Bearer a", "authorization": "Basic b"})
    assert head == b"POST /v1 HTTP/1.1\r\nHost: h\r\nauthorization: Basic b\r\n"
