"""What each wire format promises, as far as a check can ask: where its fields stand, how it refuses, how it ends.

A format that is not listed here is checked for what all have in common.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

Place = tuple[str, ...]  # keys from the top of a JSON body on


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One wire format's standard."""

    generates: bool = True  # text, token by token
    stop: Place = ()  # of a list of stop sequences
    seed: Place = ()
    temperature: Place = ()
    ignore_eos: Place = ()  # known to servers of open models only, so not of the standard
    min_tokens: Place = ()
    needs: str = ""  # a key of the body without which a request is bad
    at_limit: frozenset[str] = frozenset()  # finish reasons of an answer that the limit ended; none: it tells none
    at_end: frozenset[str] = frozenset()  # of one that ended by itself
    counts: bool = True  # usage is part of every answer
    answer_tokens: int | None = None  # the most of an answer, where no field of a request limits it
    unstreamed_path: tuple[str, str] | None = None  # what to write in place of what in the path
    unstreamed_field: bool = False  # "stream": false is needed, with or without another path
    document_key: str = ""  # what an answer in one piece has at its top
    is_error: Callable[[object], bool] = lambda error: bool(_said(error))
    models: tuple[str, str, str] | None = None  # path under the base URL, key of the list, key of a name
    pictures: bool = False
    model_decides: bool = True  # False: what serves it stands in the address, whatever model a request names
    done: bool = False  # the stream ends with [DONE], beside a finish reason


def _said(error: object) -> str:
    """What an error says, in any form."""
    if isinstance(error, dict):
        inner = error.get("error", error)
        if isinstance(inner, dict):
            inner = inner.get("message") or inner.get("detail") or inner.get("msg")
        if isinstance(inner, list) and inner:  # FastAPI's own
            inner = str(inner[0])
        return inner if isinstance(inner, str) else ""
    return ""


def _openai_error(error: object) -> bool:
    inner = error.get("error") if isinstance(error, dict) else None
    return isinstance(inner, dict) and isinstance(inner.get("message"), str) and "type" in inner


def _anthropic_error(error: object) -> bool:
    inner = error.get("error") if isinstance(error, dict) else None
    return (
        isinstance(error, dict)
        and error.get("type") == "error"
        and isinstance(inner, dict)
        and isinstance(inner.get("type"), str)
        and isinstance(inner.get("message"), str)
    )


def _google_error(error: object) -> bool:
    first = error[0] if isinstance(error, list) and error else error
    inner = first.get("error") if isinstance(first, dict) else None
    return isinstance(inner, dict) and isinstance(inner.get("status"), str) and isinstance(inner.get("message"), str)


def _text_error(error: object) -> bool:
    return isinstance(error, dict) and isinstance(error.get("error"), str)


def _typed_error(error: object) -> bool:
    return _text_error(error) and isinstance(error, dict) and isinstance(error.get("error_type"), str)


def _message_error(error: object) -> bool:
    return isinstance(error, dict) and isinstance(error.get("message"), str)


_OPENAI_MODELS: Final = ("/models", "data", "id")
_CHAT: Final = Promise(
    stop=("stop",),
    seed=("seed",),
    temperature=("temperature",),
    ignore_eos=("ignore_eos",),
    min_tokens=("min_tokens",),
    needs="messages",
    at_limit=frozenset({"length"}),
    at_end=frozenset({"stop"}),
    unstreamed_field=True,
    document_key="choices",
    is_error=_openai_error,
    models=_OPENAI_MODELS,
    pictures=True,
    done=True,
)
_GEMINI: Final = Promise(
    stop=("generationConfig", "stopSequences"),
    seed=("generationConfig", "seed"),
    temperature=("generationConfig", "temperature"),
    needs="contents",
    at_limit=frozenset({"MAX_TOKENS"}),
    at_end=frozenset({"STOP"}),
    unstreamed_path=(":streamGenerateContent?alt=sse", ":generateContent"),
    document_key="candidates",
    is_error=_google_error,
    models=("/v1beta/models", "models", "name"),
    pictures=True,
)
_OLLAMA: Final = Promise(
    stop=("options", "stop"),
    seed=("options", "seed"),
    temperature=("options", "temperature"),
    needs="model",
    at_limit=frozenset({"length"}),
    at_end=frozenset({"stop"}),
    unstreamed_field=True,
    document_key="message",
    is_error=_text_error,
    models=("/api/tags", "models", "name"),
)
_DOCUMENT: Final = Promise(
    generates=False, needs="input", is_error=_openai_error, models=_OPENAI_MODELS, answer_tokens=0
)
# Of a few words read aloud at 20 tokens a second or so; of half a second of silence, by Whisper's own limit; of a
# picture of 1024 pixels a side at high quality, which gpt-image-2 counts as 7,024 and gpt-image-1 as 4,160.
_SPOKEN_TOKENS: Final = 600
_HEARD_TOKENS: Final = 448
_DRAWN_TOKENS: Final = 7024

PROMISES: Final[Mapping[str, Promise]] = {
    "openai-chat": _CHAT,
    "azure-openai": replace(_CHAT, ignore_eos=(), min_tokens=(), models=None, model_decides=False),
    "openai-completions": replace(_CHAT, needs="prompt", pictures=False),
    "openai-responses": Promise(
        temperature=("temperature",),
        needs="input",
        at_limit=frozenset({"max_output_tokens", "max_tokens", "incomplete", "length"}),
        at_end=frozenset({"completed", "stop"}),
        unstreamed_field=True,
        document_key="output",
        is_error=_openai_error,
        models=_OPENAI_MODELS,
        pictures=True,
    ),
    "anthropic": Promise(
        stop=("stop_sequences",),
        temperature=("temperature",),
        needs="max_tokens",
        at_limit=frozenset({"max_tokens"}),
        at_end=frozenset({"end_turn", "stop_sequence"}),
        unstreamed_field=True,
        document_key="content",
        is_error=_anthropic_error,
        models=("/v1/models", "data", "id"),
        pictures=True,
    ),
    "gemini": _GEMINI,
    "vertex-gemini": replace(_GEMINI, models=None),
    "bedrock": Promise(
        stop=("inferenceConfig", "stopSequences"),
        temperature=("inferenceConfig", "temperature"),
        needs="messages",
        at_limit=frozenset({"max_tokens"}),
        at_end=frozenset({"end_turn", "stop_sequence"}),
        unstreamed_path=("/converse-stream", "/converse"),
        document_key="output",
        is_error=_message_error,
        pictures=True,
    ),
    "ollama": _OLLAMA,
    "ollama-generate": replace(_OLLAMA, document_key="response"),
    "tgi": Promise(
        stop=("parameters", "stop"),
        seed=("parameters", "seed"),
        temperature=("parameters", "temperature"),
        needs="inputs",
        at_limit=frozenset({"length"}),
        at_end=frozenset({"eos_token", "stop_sequence"}),
        unstreamed_path=("/generate_stream", "/generate"),
        document_key="generated_text",
        is_error=_typed_error,
    ),
    "triton": Promise(
        needs="text_input",
        counts=False,
        unstreamed_field=True,
        unstreamed_path=("/generate_stream", "/generate"),
        document_key="text_output",
        is_error=_text_error,
    ),
    "openai-embeddings": _DOCUMENT,
    "openai-speech": replace(_DOCUMENT, counts=False, answer_tokens=_SPOKEN_TOKENS),
    "openai-transcription": replace(_DOCUMENT, needs="", counts=False, answer_tokens=_HEARD_TOKENS),
    "openai-images": replace(_DOCUMENT, needs="prompt", counts=False, answer_tokens=_DRAWN_TOKENS),
    "rerank": Promise(generates=False, needs="documents", counts=False, answer_tokens=0),
    "cohere-rerank": Promise(
        generates=False, needs="documents", counts=False, is_error=_message_error, answer_tokens=0
    ),
    "tei-rerank": Promise(generates=False, needs="texts", counts=False, is_error=_typed_error, answer_tokens=0),
}


def promise(api: str) -> Promise:
    """What the wire format of that name promises; next to nothing of one that is not known here."""
    return PROMISES.get(api) or Promise(counts=False)
