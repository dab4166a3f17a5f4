"""What is wrong where nothing answers: the base URL, the model, or the kind of model. One sentence each."""

import difflib
import re
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import orjson

from probes.capability.caller import Caller
from probes.capability.finding import Finding, found
from probes.capability.reply import Reply
from probes.capability.wire import Exchange

_SHOWN: Final = 5
_MOST_PLACES: Final = 3
_ELSEWHERE: Final = (301, 302, 307, 308, 404, 405)
# By the names that such models have everywhere.
_KINDS: Final = (
    (re.compile(r"whisper|transcri", re.I), "openai-transcription"),
    (re.compile(r"(^|[-/_])tts|speech", re.I), "openai-speech"),
    (re.compile(r"embed|(^|[-/_])(bge|e5|gte)[-_]", re.I), "openai-embeddings"),
    (re.compile(r"dall-?e|gpt-image|(^|[-/_])flux|stable-?diffusion|imagen", re.I), "openai-images"),
    (re.compile(r"rerank", re.I), "rerank"),
    (re.compile(r"davinci-002|babbage-002|instruct$", re.I), "openai-completions"),
)


# What another hour may answer otherwise.
_PASSING: Final = ("rate_limited", "overloaded", "server_error")


def listed_models(caller: Caller) -> tuple[list[str] | None, Exchange | None]:
    """Names of the models that it lists, None without a list; and the exchange that told."""
    place = caller.promise.models
    if place is None:
        return None, None
    path, list_key, name_key = place
    exchange = caller.get(path)
    if exchange.status is None or not 200 <= exchange.status < 300:
        return None, exchange
    try:
        document = orjson.loads(exchange.body)
    except orjson.JSONDecodeError:
        return None, exchange
    entries = document.get(list_key) if isinstance(document, dict) else document
    if not isinstance(entries, list):
        return None, exchange
    names = [entry.get(name_key) for entry in entries if isinstance(entry, dict)]
    return [name.removeprefix("models/") for name in names if isinstance(name, str)], exchange


def listed_finding(caller: Caller, names: list[str] | None, exchange: Exchange | None) -> Finding:
    """Whether the model is in the list."""
    if exchange is None:
        return found("model_listed", "not applicable", "its wire format has no list of models")
    if names is None:
        return found("model_listed", "unknown", f"no list of models (HTTP {exchange.status})", exchange.took_s)
    model = caller.spec.model
    if model in names:
        return found("model_listed", "yes", f"{model} is one of {len(names)}", exchange.took_s)
    return found("model_listed", "no", f"{model} is not among {_listed(names)}", exchange.took_s)


def what_is_wrong(caller: Caller, reply: Reply, names: list[str] | None) -> str | None:
    """A sentence on why the plain request was not answered, and what to set; None if there is none to give."""
    other = _other_place(caller, reply)
    if other is not None:
        return other
    model = caller.spec.model
    if reply.error_class == "auth":
        sent = "the key was refused" if caller.spec.api_key else "it wants a key; name its variable in api_key_env"
        return f"{sent}: {reply.said}"
    if reply.error_class in _PASSING:
        return f"{reply.said}; that is not what it can do: check it again later"
    if names is not None and model in names and reply.refused:
        kind = next((api for pattern, api in _KINDS if pattern.search(model) and api != caller.spec.api), None)
        hint = f'set api = "{kind}"' if kind else "it may be a model of another kind: see api"
        return f'it has the model "{model}", but not for {caller.spec.api} ({reply.said}); {hint}'
    if reply.error_class == "model_not_found":
        return f'there is no model "{model}"{_nearest(model, names)}'
    return None


def _other_place(caller: Caller, reply: Reply) -> str | None:
    """Where the wire format answers, if that is another base URL than the one given."""
    answered_oddly = reply.answered and reply.facts is not None and not reply.facts.event_ends
    if reply.status not in _ELSEWHERE and not answered_oddly:
        return None
    if reply.status == 404 and _speaks_of_model(reply):
        return None  # the right place, which does not have it
    for n, base_url in enumerate(_places(caller.spec.base_url)[:_MOST_PLACES]):
        tried = caller.send("address" if n == 0 else f"address-{n + 1}", spec=replace(caller.spec, base_url=base_url))
        if _is_the_place(tried):
            return f"it answers at {tried.url}, not at {reply.url}: set base_url to {base_url}"
    moved_to = reply.exchange.header("location")
    if moved_to:
        return f"{reply.url} has moved to {moved_to}; set base_url to where it is now"
    return f"nothing answers at {reply.url} ({reply.said}); see base_url and api"


def _is_the_place(reply: Reply) -> bool:
    if reply.answered:
        return bool(reply.facts is not None and reply.facts.event_ends)
    return reply.refused and (reply.status not in _ELSEWHERE or _speaks_of_model(reply))


def _speaks_of_model(reply: Reply) -> bool:
    """Whether an error is about the model; a server that only gives the path back, in which it may stand, is not."""
    return "model" in reply.said.replace(urlsplit(reply.url).path, "").lower()


def _places(base_url: str) -> list[str]:
    """Base URLs that may have been meant, the likeliest first."""
    parts = urlsplit(base_url)
    path = parts.path.rstrip("/")
    whole = re.sub(r"/(chat/completions|completions|responses|messages|embeddings|api/(chat|generate))$", "", path)
    paths = [whole] if whole != path else []
    version = re.search(r"/v[0-9][0-9a-z]*$", whole)
    if version:
        paths.append(whole[: version.start()])
    else:  # of a host with a path that is none, the root is likelier than one more path
        paths += [f"{whole}/v1", "" if whole else "/api/v1"]
    paths.append("/v1")
    return [
        urlunsplit((parts.scheme, parts.netloc, place, parts.query, ""))
        for place in dict.fromkeys(paths)
        if place != path
    ]


def _nearest(model: str, names: list[str] | None) -> str:
    if not names:
        return ""
    near = difflib.get_close_matches(model, names, n=1, cutoff=0.4)
    return (f'; did you mean "{near[0]}"?' if near else ";") + f" It lists {_listed(names)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
