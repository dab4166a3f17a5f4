"""Which class of failure an HTTP answer is: its status first, then the words of whichever provider sent it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from probes.load.compression import plain_body
from probes.load.errors import FATAL, ErrorClass, error_text, sanitise
from probes.load.rate_limits import WAIT_HEADERS, wait_s

# Patterns, compiled when the first failure comes: most trials have none.
_CONTEXT: Final = (
    r"context.?(length|window|size)|maximum context|too many tokens|(prompt|input) is too long"
    r"|tokens?\b.{0,80}must be <=|must have less than \d+ tokens|input token count.{0,40}exceeds"
)
_NO_MODEL: Final = (
    r"model.{0,200}(not found|does ?n.t exist|not exist|unknown|no such)|model_not_found"
    r"|DeploymentNotFound|(unknown|no such|invalid) model|pinned to .{0,200}requested"
)
_NO_ROUTE: Final = (
    r"\s*(not ?found|file not found|404 page not found|404 not found|resource not found|no route.*)?[\s.]*"
    r"|.*((unknown|no such) (url|path|route|endpoint|request url)|invalid url|cannot post|no route|<html|<!doctype).*"
)
_NO_KEY: Final = r"(invalid|incorrect|missing).{0,20}api.?key|api.?key.{0,10}(not valid|invalid)"
_FILTER: Final = r"content_filter|content.?management.?policy|ResponsibleAI|moderated|flagged_input"
# Codes of a purse, which no waiting fills, and of a rate, which waiting does.
_NO_MONEY: Final = (
    r"insufficient_quota|enforced_spend_limit|billing_(error|hard_limit|not_active)|ServiceQuotaExceeded"
    r"|per.?day|tokens per day|\blimit: ?0\b|credit balance|insufficient (balance|credit)|specified API usage limit"
)
_NO_QUOTA: Final = r"exceeded your current quota|spend.?limit|billing|credit|usage cap"
_RATE: Final = (
    r"rate_limit_exceeded|rate_limited|RESOURCE_EXHAUSTED|Throttl|too many requests|rate.limit (is )?(reached|exceeded)"
    r"|retryDelay|(try again|retry) (in|after) [\d.]+"
)
_OVERLOAD: Final = r"overloaded|capacity_?exceeded|capacity exceeded|ModelNotReady|server busy"
_DAY_S: Final = 3600.0  # a quota that comes back only after this is a day's, not a rate
_VERSION: Final = r"/v\d"
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What an error answer says, in pieces."""

    code: str  # every word for machines: codes, types, names of exceptions and quotas
    message: str  # what is meant for people
    waits: bool  # it names a time to wait
    is_anthropic: bool

    @property
    def all(self) -> str:
        return f"{self.code} {self.message}"


def classify_status(
    status: int, headers: Mapping[str, str], body: bytes, *, target: str = ""
) -> tuple[ErrorClass, str]:
    """Class and message of an answer whose HTTP status is not 2xx.

    Args:
        status: the HTTP status.
        headers: lower-case names; those of `KEPT_HEADERS` are enough.
        body: as received; JSON in any dialect, plain text or HTML.
        target: path of the request, for a sentence about a path that is not there.

    Source: wire formats of the providers, one taxonomy; a 429 that names no time to wait is a spent quota or spend cap.
    """
    body = plain_body(headers, body)
    said, told = _read(headers, body)
    kind = _class_of(status, said)
    advice = _redirected(headers) if status in _REDIRECTS else _advice(status, kind, target)
    return kind, sanitise(f"HTTP {status}: {advice}{told}" if told else f"HTTP {status}: {advice}".rstrip(": "))


def is_fatal(kind: ErrorClass | None, status: int | None) -> bool:
    """Whether the next attempt would fail the same way: a refusal of everybody, or of this path."""
    return kind in FATAL or (kind == "bad_request" and status in (404, 405, 415, 501, *_REDIRECTS))


def _has(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.I) is not None


def _class_of(status: int, said: _Said) -> ErrorClass:  # noqa: PLR0911 - a table
    if status in (401, 403):
        return "filtered" if _has(_FILTER, said.all) else "auth"
    if status == 402:
        return "quota_or_spend"
    if status == 429:
        return _of_429(said)
    if status == 404:
        return _of_404(said)
    if status in (503, 529):
        return "overloaded"
    if status == 501:  # it cannot do that at all, such as embeddings by a server of chats: asking again does not help
        return "bad_request"
    if status >= 500 or status in (408, 424):
        return "server_error"
    return _of_refusal(status, said)


def _of_429(said: _Said) -> ErrorClass:
    if _has(_OVERLOAD, said.all):
        return "overloaded"
    if _has(_NO_MONEY, said.all if not said.waits else said.code):
        return "quota_or_spend"
    if said.waits:
        return "quota_or_spend" if _has(_NO_QUOTA, said.message) and not _has(_RATE, said.all) else "rate_limited"
    # A spend cap of Anthropic's calls itself a rate limit, but names no time to wait.
    if said.is_anthropic or not _has(_RATE, said.all):
        return "quota_or_spend"
    return "rate_limited"


def _of_404(said: _Said) -> ErrorClass:
    if _has(_NO_MODEL, said.all) or "ResourceNotFoundException" in said.code:
        return "model_not_found"
    return "bad_request" if said.message and re.fullmatch(_NO_ROUTE, said.message, re.I | re.S) else "model_not_found"


def _of_refusal(status: int, said: _Said) -> ErrorClass:
    if _has(_NO_MONEY, said.all):
        return "quota_or_spend"
    if _has(_NO_KEY, said.all):
        return "auth"
    if _has(_FILTER, said.all):
        return "filtered"
    if "Throttling" in said.code:
        return "rate_limited"
    if _has(_CONTEXT, said.all):
        return "context_length"
    return "model_not_found" if status == 400 and _has(_NO_MODEL, said.all) else "bad_request"


def _advice(status: int, kind: ErrorClass, target: str) -> str:
    """What to do about it, where the server's own words hardly ever say it."""
    if kind != "bad_request":
        return ""
    path = target.partition("?")[0]
    if status == 404:
        where = f"no such path {path}; " if path else "no such path; "
        if path and not _has(_VERSION, path):
            return f"{where}base_url should perhaps end in /v1: "
        return f"{where}look at base_url and api: "
    if status in (405, 415):
        return f"{path or 'this path'} takes no such request; base_url or api names another endpoint: "
    if status == 413:
        return "the request is larger than the server takes; send smaller images or shorter prompts: "
    return ""


def _redirected(headers: Mapping[str, str]) -> str:
    """Where else the server sends us: not followed, for a key goes to nobody but who was named."""
    place = headers.get("location")
    return f"it redirects to {place}; if you trust that, make it the base_url: " if place else "it redirects: "


def _read(headers: Mapping[str, str], body: bytes) -> tuple[_Said, str]:
    """What an error answer says, and how to tell people."""
    parsed = _json(body)
    error = _error_of(parsed)
    exception = headers.get("x-amzn-errortype", "").partition(":")[0]
    if not isinstance(error, dict):
        text = error if isinstance(error, str) else body[:4000].decode("utf-8", "replace")
        told = error_text(text)
        return _Said(code=exception, message=told, waits=_waits(headers, ()), is_anthropic=False), told
    details = error.get("details")
    codes = [exception, *(str(error.get(name) or "") for name in ("code", "type", "error_type", "status", "__type"))]
    codes += _detail_codes(details)
    inner = error.get("innererror") or error.get("metadata")
    codes.append(str(inner) if isinstance(inner, dict) else "")
    is_anthropic = isinstance(parsed, dict) and parsed.get("type") == "error" and "error" in parsed
    told = error_text(error)
    delays = _delays(details)
    said = _Said(
        code=" ".join(filter(None, codes)),
        message=sanitise(str(error.get("message") or error.get("Message") or error.get("detail") or told)),
        waits=_waits(headers, delays, is_anthropic=is_anthropic),
        is_anthropic=is_anthropic,
    )
    if any(delay >= _DAY_S for delay in delays):
        said = _Said(code=f"{said.code} per day", message=said.message, waits=False, is_anthropic=is_anthropic)
    return said, told


def _waits(headers: Mapping[str, str], delays: tuple[float, ...], *, is_anthropic: bool = False) -> bool:
    """Whether an answer names a time after which it may pass.

    The limits that go with every answer of Anthropic's name a time too, but it is that of a limit which may be whole.
    """
    if delays or not WAIT_HEADERS.isdisjoint(headers):
        return True
    return not is_anthropic and any(name.startswith("x-ratelimit-reset") for name in headers)


def _detail_codes(details: object) -> list[str]:
    """Codes inside `details`: those of Gemini's violated quotas, Anthropic's error_code."""
    found: list[str] = []
    for detail in details if isinstance(details, list) else [details]:
        if not isinstance(detail, dict):
            continue
        found += [str(detail[name]) for name in ("error_code", "reason") if detail.get(name)]
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                found.append(str(violation.get("quotaId") or ""))
                found.append("limit: 0" if str(violation.get("quotaValue")) == "0" else "")
    return found


def _delays(details: object) -> tuple[float, ...]:
    """Every retryDelay of Gemini's `details`, seconds."""
    texts = [
        detail["retryDelay"]
        for detail in (details if isinstance(details, list) else ())
        if isinstance(detail, dict) and isinstance(detail.get("retryDelay"), str)
    ]
    return tuple(delay for text in texts if (delay := wait_s(text, 0)) is not None)


def _json(body: bytes) -> Any:  # noqa: ANN401 - JSON of anybody's
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return parsed[0] if isinstance(parsed, list) and parsed else parsed


def _error_of(parsed: Any) -> object:  # noqa: ANN401 - JSON of anybody's
    """The error inside an error body: `{"error": ...}` or the object itself; a text with its type becomes both."""
    if not isinstance(parsed, dict):
        return parsed
    error = parsed.get("error") or parsed
    if isinstance(error, str):  # {"error": "text", "error_type": "overloaded"}
        return {"message": error, "type": parsed.get("error_type") or parsed.get("type")}
    return error
