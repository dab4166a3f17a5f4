"""Error answers in the words of each provider: status, headers and body of every kind of refusal.

A kind is what happened (`auth`, `rate-seconds`, ...); a family is who says it. What a provider says under another
status has that status: Bedrock refuses a key with 403, TGI a long prompt with 422.
"""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from time import time
from typing import Any, Final, Literal

import orjson

Family = Literal["openai", "anthropic", "gemini", "bedrock", "ollama", "tgi", "triton", "cohere", "jina"]

RETRY_AFTER_S: Final = 2
RETRY_AFTER_MS: Final = 1500
CONTEXT_TOKENS: Final = 8
_DATE_AHEAD_S: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that is no 2xx."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    kind: str
    model: str
    says: str


# What happened, and the status under which most say so.
_STATUS: Final[dict[str, int]] = {
    "bad-request": 400,
    "context": 400,
    "auth": 401,
    "payment": 402,
    "forbidden": 403,
    "model": 404,
    "route": 404,
    "model-failed": 424,
    "rate-seconds": 429,
    "rate-ms": 429,
    "rate-date": 429,
    "rate-none": 429,
    "server": 500,
    "unavailable": 503,
    "overloaded": 529,
}
KINDS: Final = tuple(_STATUS)


def refusal(family: Family, kind: str, *, model: str = "fake", key: str = "", says: str | None = None) -> Refusal:
    """The refusal of that kind in that family's words.

    Args:
        family: whose error bodies.
        kind: one of `KINDS`.
        model: named where the refusal names it.
        key: repeated in the message, as some servers do; "" for none.
        says: the message, where the caller knows better.
    """
    message = says or _MESSAGES[kind].format(model=model)
    if key:
        message = f"Incorrect API key provided: {key}"
    told = _Told(kind=kind, model=model, says=message)
    status, headers, body = _FAMILIES[family](told)
    return Refusal(status=status, headers=_waits(family, kind) | headers, body=orjson.dumps(body))


_MESSAGES: Final[dict[str, str]] = {
    "bad-request": "the request cannot be read",
    "context": f"This model's maximum context length is {CONTEXT_TOKENS} tokens; your prompt is longer.",
    "auth": "no such key",
    "payment": "payment required",
    "forbidden": "this key may not use it",
    "model": "The model `{model}` does not exist",
    "route": "no such route",
    "model-failed": "the model failed",
    "rate-seconds": "slow down",
    "rate-ms": "slow down",
    "rate-date": "slow down",
    "rate-none": "you have reached a limit",
    "server": "it broke",
    "unavailable": "loading model",
    "overloaded": "overloaded",
}


def _waits(family: Family, kind: str) -> dict[str, str]:
    if kind == "rate-date":
        return {"retry-after": formatdate(time() + _DATE_AHEAD_S, usegmt=True)}
    if family == "gemini":
        return {}  # it says so in the body
    waits = {
        "rate-seconds": {"retry-after": str(RETRY_AFTER_S)},
        "rate-ms": {"retry-after-ms": str(RETRY_AFTER_MS)},
    }
    return waits.get(kind, {})


def _openai(told: _Told) -> tuple[int, dict[str, str], Any]:
    kinds = {
        "bad-request": ("invalid_request_error", None),
        "context": ("invalid_request_error", "context_length_exceeded"),
        "auth": ("invalid_request_error", "invalid_api_key"),
        "payment": ("billing_error", "payment_required"),
        "forbidden": ("permission_error", "forbidden"),
        "model": ("invalid_request_error", "model_not_found"),
        "route": ("not_found", None),
        "rate-none": ("insufficient_quota", "insufficient_quota"),
    }
    kind, code = kinds.get(told.kind, ("server_error", None))
    if told.kind.startswith("rate-") and told.kind != "rate-none":
        kind, code = "requests", "rate_limit_exceeded"
    return _STATUS[told.kind], {}, {"error": {"message": told.says, "type": kind, "param": None, "code": code}}


def _anthropic(told: _Told) -> tuple[int, dict[str, str], Any]:
    kinds = {
        "bad-request": "invalid_request_error",
        "context": "invalid_request_error",
        "auth": "authentication_error",
        "payment": "billing_error",
        "forbidden": "permission_error",
        "model": "not_found_error",
        "route": "not_found_error",
        "overloaded": "overloaded_error",
    }
    kind = "rate_limit_error" if told.kind.startswith("rate-") else kinds.get(told.kind, "api_error")
    says = {
        "context": f"prompt is too long: 9 tokens > {CONTEXT_TOKENS} maximum",
        "model": f"model: {told.model}",
        "overloaded": "Overloaded",
    }
    error: dict[str, Any] = {"type": kind, "message": says.get(told.kind, told.says)}
    if told.kind == "rate-none":
        error["details"] = {"error_code": "enforced_spend_limit_reached"}
    return _STATUS[told.kind], {}, {"type": "error", "error": error, "request_id": "req_fake"}


def _gemini(told: _Told) -> tuple[int, dict[str, str], Any]:
    names = {
        400: "INVALID_ARGUMENT",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        429: "RESOURCE_EXHAUSTED",
        503: "UNAVAILABLE",
    }
    status = _STATUS[told.kind]
    says = {
        "context": f"The input token count (9) exceeds the maximum number of tokens allowed ({CONTEXT_TOKENS}).",
        "model": f"models/{told.model} is not found for API version v1beta, or is not supported for generateContent.",
        "rate-none": "You exceeded your current quota, please check your plan and billing details.",
    }
    error: dict[str, Any] = {
        "code": status,
        "message": says.get(told.kind, told.says),
        "status": names.get(status, "INTERNAL"),
    }
    delays = {"rate-seconds": f"{RETRY_AFTER_S}s", "rate-ms": f"{RETRY_AFTER_MS / 1e3:g}s"}
    if told.kind.startswith("rate-"):
        per = "Day" if told.kind == "rate-none" else "Minute"
        violation = {"quotaId": f"GenerateRequestsPer{per}PerProjectPerModel", "quotaValue": "15"}
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
    if told.kind in delays:
        error["details"] += [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delays[told.kind]},
        ]
    return status, {}, {"error": error}


def _bedrock(told: _Told) -> tuple[int, dict[str, str], Any]:
    kinds: dict[str, tuple[int, str, str]] = {
        "context": (400, "ValidationException", "Input is too long for requested model."),
        "auth": (403, "UnrecognizedClientException", told.says),
        "forbidden": (403, "AccessDeniedException", told.says),
        "model": (404, "ResourceNotFoundException", f"Model {told.model} not found."),
        "route": (404, "UnknownOperationException", told.says),
        "model-failed": (424, "ModelErrorException", told.says),
        "server": (500, "InternalServerException", told.says),
        "unavailable": (503, "ServiceUnavailableException", told.says),
    }
    if told.kind.startswith("rate-"):
        status, name, says = 429, "ThrottlingException", "Too many requests, please wait before trying again."
    else:
        status, name, says = kinds.get(told.kind, (_STATUS[told.kind], "ValidationException", told.says))
    return status, {"x-amzn-errortype": name}, {"message": says}


def _tgi(told: _Told) -> tuple[int, dict[str, str], Any]:
    kinds = {
        "bad-request": (422, "validation"),
        "context": (422, "validation"),
        "model-failed": (424, "generation"),
        "server": (500, "incomplete_generation"),
        "unavailable": (503, "healthcheck"),
    }
    status, kind = kinds.get(told.kind, (_STATUS[told.kind], "overloaded"))
    says = {"context": f"Input validation error: `inputs` must have less than {CONTEXT_TOKENS} tokens. Given: 9"}
    if told.kind.startswith("rate-"):
        says[told.kind] = "Model is overloaded"
    return status, {}, {"error": says.get(told.kind, told.says), "error_type": kind}


def _ollama(told: _Told) -> tuple[int, dict[str, str], Any]:
    says = {
        "model": f'model "{told.model}" not found, try pulling it first',
        "context": "the input length exceeds the context length",
    }
    return _STATUS[told.kind], {}, {"error": says.get(told.kind, told.says)}


def _triton(told: _Told) -> tuple[int, dict[str, str], Any]:
    says = {"model": f"Request for unknown model: '{told.model}' is not found"}
    return _STATUS[told.kind], {}, {"error": says.get(told.kind, told.says)}


def _cohere(told: _Told) -> tuple[int, dict[str, str], Any]:
    says = {"model": f"model '{told.model}' not found, make sure the correct model ID was used"}
    return _STATUS[told.kind], {}, {"id": "fake", "message": says.get(told.kind, told.says)}


def _jina(told: _Told) -> tuple[int, dict[str, str], Any]:
    return _STATUS[told.kind], {}, {"detail": told.says}


_FAMILIES: Final[dict[Family, Callable[[_Told], tuple[int, dict[str, str], Any]]]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "bedrock": _bedrock,
    "ollama": _ollama,
    "tgi": _tgi,
    "triton": _triton,
    "cohere": _cohere,
    "jina": _jina,
}
