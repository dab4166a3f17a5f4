"""The taxonomy of failed attempts; `statuses` says how an HTTP status falls into it.

A failure is a row, never an exception:

    no HTTP status      dns, connect_refused, connect_timeout, tls
    configuration       auth, bad_request, context_length, model_not_found
    limits              rate_limited (wait and it passes), quota_or_spend (waiting does not help)
    provider            overloaded, server_error, timeout_first_token, timeout_total, stall, stream_error,
                        truncated, empty
    to be looked into   parse_error
    apart               filtered, aborted (by us), stale_connection (never arrived, and was sent again)
"""

import re
from typing import Final, Literal, get_args

from probes.load.rate_limits import RATE_HEADERS

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
    "stale_connection",
    "aborted",
]
ERROR_CLASSES: Final[tuple[ErrorClass, ...]] = get_args(ErrorClass)

# The next attempt would fail the same way: after a few in a row the trial stops asking.
FATAL: Final[frozenset[ErrorClass]] = frozenset(
    {"dns", "connect_refused", "tls", "auth", "model_not_found", "quota_or_spend"}
)
MESSAGE_LIMIT_CHARS: Final = 300

# Response headers that decide a class or explain a failure, and what they say of a rate limit; no other is kept.
KEPT_HEADERS: Final = RATE_HEADERS | {
    "content-type",
    "content-encoding",
    "location",
    "server",
    "x-should-retry",
    "x-amzn-errortype",
    # the server's own name of the request: what its operators ask for
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "x-generation-id",
    "cf-ray",
}

_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_STARS = re.compile(r"\*{4,}")


def sanitise(text: str) -> str:
    """One printable line of at most 300 characters; runs of asterisks (a removed key) become `***`."""
    line = _STARS.sub("***", _CONTROL.sub(" ", text)).strip()
    return line if len(line) <= MESSAGE_LIMIT_CHARS else line[: MESSAGE_LIMIT_CHARS - 1] + "…"


def error_text(error: object) -> str:
    """What an `error` object of any dialect says, on one line."""
    if isinstance(error, dict):
        message = error.get("message") or error.get("Message") or error.get("detail")
        status = error.get("status")
        named = status if isinstance(status, str) else error.get("code") or error.get("type")
        parts = [message, named]
        said = [str(part) for part in parts if part not in (None, "")]
        return sanitise(": ".join(reversed(said)) if said else str(error))
    return sanitise(str(error))
