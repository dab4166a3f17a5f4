"""HTTP statuses as classes."""

import orjson
import pytest

from probes.load.errors import ERROR_CLASSES, FATAL, MESSAGE_LIMIT_CHARS, classify_status, sanitise


def kind(status, body=b"", **headers):
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    return classify_status(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)[0]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "bad_request"),
        (401, "auth"),
        (402, "quota_or_spend"),
        (403, "auth"),
        (404, "model_not_found"),
        (408, "server_error"),
        (413, "bad_request"),
        (422, "bad_request"),
        (424, "server_error"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "overloaded"),
        (504, "server_error"),
        (529, "overloaded"),
        (301, "bad_request"),
    ],
)
def test_a_bare_status_has_its_class(status, expected):
    assert kind(status) == expected


def test_a_429_that_says_when_to_come_back_is_a_rate_limit():
    assert kind(429, retry_after="2") == "rate_limited"
    assert kind(429, retry_after_ms="2000") == "rate_limited"
    assert kind(429, x_ratelimit_reset_tokens="6m0s") == "rate_limited"
    assert kind(429, {"error": {"details": [{"retryDelay": "46s"}], "message": "retryDelay 46s"}}) == "rate_limited"
    assert kind(429, {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}) == "rate_limited"


def test_a_429_that_no_waiting_helps_is_a_spent_quota():
    assert kind(429) == "quota_or_spend"
    assert kind(429, {"error": {"code": "insufficient_quota"}}, retry_after="2") == "quota_or_spend"


def test_a_429_of_an_overloaded_server_is_an_overload():
    assert kind(429, {"error": "Model is overloaded", "error_type": "overloaded"}) == "overloaded"


def test_a_bad_request_is_told_apart_by_its_words():
    assert kind(400, {"error": {"message": "maximum context length is 8192 tokens"}}) == "context_length"
    assert kind(400, {"error": {"message": "The model `x` does not exist"}}) == "model_not_found"
    assert kind(400, [{"error": {"code": 400, "message": "no"}}]) == "bad_request"


def test_a_message_is_one_short_printable_line():
    _, message = classify_status(500, {}, b"<html>\n\x00\x1b[31m" + b"x" * 5000)
    assert len(message) <= MESSAGE_LIMIT_CHARS
    assert message.isprintable()
    assert message.startswith("HTTP 500: <html> [31mxxx")


def test_a_starred_out_key_reads_as_three_asterisks():
    assert sanitise("key ************ is wrong") == "key *** is wrong"


def test_fatal_classes_are_classes():
    assert set(ERROR_CLASSES) >= FATAL
