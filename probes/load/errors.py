"""The taxonomy of failed attempts, and how an HTTP status falls into it.

A failure is a row, never an exception:

    no HTTP status      dns, connect_refused, connect_timeout, tls
    configuration       auth, bad_request, context_length, model_not_found
    limits              rate_limited (wait and it passes), quota_or_spend (waiting does not help)
    provider            overloaded, server_error, timeout_first_token, timeout_total, stall, stream_error,
                        truncated, empty
    to be looked into   parse_error
    apart               filtered, aborted (by us)
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

import orjson

ErrorClass = Literal[
    "dns",
    "connect_refused",
    "connect_timeout",
    "tls",
    "auth",
    "bad_request",
    "context_length",
    "model_not_found",
    "rate_limited",
    "quota_or_spend",
    "overloaded",
    "server_error",
    "timeout_first_token",
    "timeout_total",
    "stall",
    "stream_error",
    "truncated",
    "parse_error",
    "empty",
    "filtered",
    "aborted",
]
ERROR_CLASSES: Final[tuple[ErrorClass, ...]] = get_args(ErrorClass)

# The next attempt would fail the same way: after a few in a row the trial stops asking.
FATAL: Final[frozenset[ErrorClass]] = frozenset(
    {"dns", "connect_refused", "tls", "auth", "model_not_found", "quota_or_spend"}
)
MESSAGE_LIMIT_CHARS: Final = 300

# Response headers that decide a class or explain a failure; no other header is kept.
KEPT_HEADERS: Final = frozenset(
    {
        "content-type",
        "location",
        "retry-after",
        "retry-after-ms",
        "x-ratelimit-reset-requests",
        "x-ratelimit-reset-tokens",
    }
)
_WAIT_HEADERS = KEPT_HEADERS - {"content-type", "location"}

_CONTEXT = re.compile(r"context.?(length|window|size)|maximum context|too many tokens|prompt is too long", re.I)
_NO_MODEL = re.compile(r"model.{0,200}(not found|does ?n.t exist|not exist|unknown|no such)|model_not_found", re.I)
_NO_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|spend.?limit|billing|credit", re.I)
_RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limited", "RESOURCE_EXHAUSTED"})
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_STARS = re.compile(r"\*{4,}")


def sanitise(text: str) -> str:
    """One printable line of at most 300 characters; runs of asterisks (a removed key) become `***`."""
    line = _STARS.sub("***", _CONTROL.sub(" ", text)).strip()
    return line if len(line) <= MESSAGE_LIMIT_CHARS else line[: MESSAGE_LIMIT_CHARS - 1] + "…"


def error_text(error: object) -> str:
    """What an `error` object of any dialect says, on one line."""
    if isinstance(error, dict):
        parts = [error.get("message") or error.get("detail"), error.get("code") or error.get("type")]
        said = [str(part) for part in parts if part not in (None, "")]
        return sanitise(": ".join(reversed(said)) if said else str(error))
    return sanitise(str(error))


def classify_status(status: int, headers: Mapping[str, str], body: bytes) -> tuple[ErrorClass, str]:
    """Class and message of an answer whose HTTP status is not 2xx.

    Args:
        status: the HTTP status.
        headers: lower-case names; those of `KEPT_HEADERS` are enough.
        body: as received; JSON in any dialect, plain text or HTML.

    Source: wire formats of the providers, one taxonomy; a 429 that names no time to wait is a spent quota or spend cap.
    """
    error = _error_object(body)
    code = str(error.get("code") or "") if isinstance(error, dict) else ""
    kind = str(error.get("type") or error.get("error_type") or "") if isinstance(error, dict) else ""
    message = error_text(error) if error else sanitise(body[:1000].decode("utf-8", "replace"))
    return _class_of(status, headers, f"{code} {kind} {message}", code), sanitise(f"HTTP {status}: {message}")


def _class_of(status: int, headers: Mapping[str, str], said: str, code: str) -> ErrorClass:  # noqa: PLR0911 - a table
    if status in (401, 403):
        return "auth"
    if status == 402:
        return "quota_or_spend"
    if status == 429:
        if _NO_QUOTA.search(said):
            return "quota_or_spend"
        if "overloaded" in said:
            return "overloaded"
        waits = not _WAIT_HEADERS.isdisjoint(headers) or "retryDelay" in said
        return "rate_limited" if waits or code in _RATE_CODES else "quota_or_spend"
    if status == 404:
        return "model_not_found"
    if status in (503, 529):
        return "overloaded"
    if status >= 500 or status in (408, 424):
        return "server_error"
    if _CONTEXT.search(said):
        return "context_length"
    return "model_not_found" if _NO_MODEL.search(said) else "bad_request"


def _error_object(body: bytes) -> object:
    """The error inside an error body: `{"error": ...}`, a list around it, or the object itself."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return parsed
    error = parsed.get("error") or parsed
    if isinstance(error, str):  # {"error": "text", "error_type": "overloaded"}
        return {"message": error, "type": parsed.get("error_type") or parsed.get("type")}
    return error
