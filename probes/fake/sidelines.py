"""What a server answers beside generation: its models, token counts, whether it is alive."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from probes.fake.story import count_words

_CONTEXT_TOKENS: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class _Aside:
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    model: str


def sideline(method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str], model: str) -> object | None:
    """The JSON that such a request is answered with; None if it is none of these.

    Args:
        method: GET or POST.
        path: without its query.
        body: the JSON object that was sent.
        headers: lower-case names.
        model: the name that this endpoint lists.
    """
    for asked_method, pattern, answer in _ROUTES:
        if method == asked_method and (found := pattern.fullmatch(path)) is not None:
            return answer(_Aside(body=body, headers=headers, model=found.groupdict().get("model") or model))
    return None


def _models(aside: _Aside) -> object:
    name = aside.model
    if "anthropic-version" in aside.headers:
        one = {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
        return {"data": [one], "has_more": False, "first_id": name, "last_id": name}
    return {"object": "list", "data": [_model(aside)]}


def _model(aside: _Aside) -> object:
    return {
        "id": aside.model,
        "object": "model",
        "created": 1,
        "owned_by": "megatoken",
        "max_model_len": _CONTEXT_TOKENS,
    }


def _gemini_model(aside: _Aside) -> object:
    return {"name": f"models/{aside.model}", "displayName": aside.model, "inputTokenLimit": _CONTEXT_TOKENS}


def _tokenize(aside: _Aside) -> object:
    """In the forms of vLLM (prompt, messages) and of llama.cpp (content)."""
    count = _words(aside, "prompt", "messages", "content")
    return {"count": count, "max_model_len": _CONTEXT_TOKENS, "tokens": list(range(count))}


def _words(aside: _Aside, *names: str) -> int:
    return sum(count_words(aside.body[name]) for name in names if name in aside.body)


_ROUTES: Final[tuple[tuple[str, re.Pattern[str], Callable[[_Aside], object]], ...]] = (
    ("GET", re.compile(r"/v1/models"), _models),
    ("GET", re.compile(r"/v1/models/(?P<model>[^/:]+)"), _model),
    ("GET", re.compile(r"/v1beta/models"), lambda aside: {"models": [_gemini_model(aside)]}),
    ("GET", re.compile(r"/v1beta/models/(?P<model>[^/:]+)"), _gemini_model),
    ("POST", re.compile(r"/(?:v1/)?tokenize"), _tokenize),
    (
        "POST",
        re.compile(r"/v1/messages/count_tokens"),
        lambda aside: {"input_tokens": _words(aside, "system", "messages")},
    ),
    (
        "POST",
        re.compile(r"/v1(?:beta)?/models/(?P<model>[^/:]+):countTokens"),
        lambda aside: {"totalTokens": _words(aside, "systemInstruction", "contents")},
    ),
    ("GET", re.compile(r"/health|/v1/health|/v2/health/(?:live|ready)"), lambda _: {"status": "ok"}),
    ("GET", re.compile(r"/api/tags"), lambda aside: {"models": [{"name": aside.model, "model": aside.model}]}),
    ("GET", re.compile(r"/api/version"), lambda _: {"version": "0.0.0"}),
    ("GET", re.compile(r"/info"), lambda aside: {"model_id": aside.model, "version": "0.0.0"}),
    ("GET", re.compile(r"/v2/models/(?P<model>[^/]+)"), lambda aside: {"name": aside.model, "versions": ["1"]}),
)
