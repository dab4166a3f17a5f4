"""The same request without a stream, by hand: what a server says once is what its stream must add up to.

Nothing here uses our parsers: the fields are picked from the one JSON document where the wire format has them.
"""

import http.client
import io
import json
import wave
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainAnswer:
    """What one unstreamed answer says; None where it says nothing."""

    text: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    output_tokens: int | None
    items: int | None = None  # vectors or scores
    audio_s: float | None = None  # of the sound that was made


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainForm:
    """How a streamed request of one wire format is asked for in one piece, and where its answer says what."""

    read: Callable[[dict], PlainAnswer] | None = None  # None: a sound, not JSON
    path: Callable[[str], str] = str
    body: Callable[[dict], dict] = dict


def ask_plainly(api: str, url: str, request: bytes) -> PlainAnswer:
    """Send the HTTP request that our client sends, changed to one without a stream, and read the answer.

    Args:
        api: a name of `FORMS`.
        url: scheme, host and port are used.
        request: head and body as our client writes them.

    Raises:
        RuntimeError: any status but 200, with what the server said.
    """
    form = FORMS[api]
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.decode("ascii").split("\r\n")
    headers = dict(header.split(": ", 1) for header in lines)
    target = form.path(line.split(" ")[1])
    if headers["Content-Type"] == "application/json":
        body = json.dumps(form.body(json.loads(body))).encode()
    headers |= {"Content-Length": str(len(body)), "Accept": "*/*"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("POST", target, body, headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"HTTP {answer.status} to the same request without a stream: {said[:300]!r}")
    return _speech(said) if form.read is None else form.read(json.loads(said))


def _unstreamed(body: dict) -> dict:
    return {name: value for name, value in body.items() if name != "stream_options"} | {"stream": False}


def _chat(said: dict) -> PlainAnswer:
    choice, usage = said["choices"][0], said.get("usage") or {}
    return PlainAnswer(
        text=choice["message"].get("content") or "",
        finish_reason=choice["finish_reason"],
        prompt_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
    )


def _completions(said: dict) -> PlainAnswer:
    choice, usage = said["choices"][0], said.get("usage") or {}
    return PlainAnswer(
        text=choice["text"],
        finish_reason=choice["finish_reason"],
        prompt_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
    )


def _responses(said: dict) -> PlainAnswer:
    messages = [item for item in said["output"] if item["type"] == "message"]
    usage = said.get("usage") or {}
    return PlainAnswer(
        text="".join(part["text"] for item in messages for part in item["content"] if part["type"] == "output_text"),
        finish_reason=(said.get("incomplete_details") or {}).get("reason") or said["status"],
        prompt_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
    )


def _anthropic(said: dict) -> PlainAnswer:
    usage = said["usage"]
    inputs = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return PlainAnswer(
        text="".join(block["text"] for block in said["content"] if block["type"] == "text"),
        finish_reason=said["stop_reason"],
        prompt_tokens=sum(usage.get(name) or 0 for name in inputs),
        output_tokens=usage["output_tokens"],
    )


def _gemini(said: dict) -> PlainAnswer:
    candidate, usage = said["candidates"][0], said.get("usageMetadata") or {}
    return PlainAnswer(
        text="".join(part["text"] for part in candidate["content"]["parts"]),
        finish_reason=candidate["finishReason"],
        prompt_tokens=usage.get("promptTokenCount"),
        output_tokens=usage.get("candidatesTokenCount"),
    )


def _ollama(said: dict) -> PlainAnswer:
    return PlainAnswer(
        text=said["message"]["content"] if "message" in said else said["response"],
        finish_reason=said.get("done_reason"),
        prompt_tokens=said.get("prompt_eval_count"),
        output_tokens=said.get("eval_count"),
    )


def _triton(said: dict) -> PlainAnswer:
    return PlainAnswer(text=said["text_output"], finish_reason=None, prompt_tokens=None, output_tokens=None)


def _speech(said: bytes) -> PlainAnswer:
    with wave.open(io.BytesIO(said)) as sound:
        length_s = sound.getnframes() / sound.getframerate()
    return PlainAnswer(text=None, finish_reason=None, prompt_tokens=None, output_tokens=None, audio_s=length_s)


def _transcription(said: dict) -> PlainAnswer:
    usage = said.get("usage") or {}
    return PlainAnswer(
        text=said["text"],
        finish_reason=None,
        prompt_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
    )


def _embeddings(said: dict) -> PlainAnswer:
    return _unwritten(said.get("usage") or {}, len(said["data"]))


def _rerank(said: dict) -> PlainAnswer:
    return _unwritten(said.get("usage") or {}, len(said["results"]))


def _unwritten(usage: dict, items: int) -> PlainAnswer:
    """Vectors or scores: all tokens that were counted were read, none was written."""
    total = usage.get("total_tokens")
    read = usage.get("prompt_tokens", total)
    written = None if total is None else total - read
    return PlainAnswer(text=None, finish_reason=None, prompt_tokens=read, output_tokens=written, items=items)


FORMS = {
    "openai-chat": PlainForm(read=_chat, body=_unstreamed),
    "azure-openai": PlainForm(read=_chat, body=_unstreamed),
    "openai-completions": PlainForm(read=_completions, body=_unstreamed),
    "openai-responses": PlainForm(read=_responses, body=_unstreamed),
    "anthropic": PlainForm(read=_anthropic, body=_unstreamed),
    "gemini": PlainForm(
        read=_gemini, path=lambda path: path.replace(":streamGenerateContent?alt=sse", ":generateContent")
    ),
    "ollama": PlainForm(read=_ollama, body=_unstreamed),
    "ollama-generate": PlainForm(read=_ollama, body=_unstreamed),
    "triton": PlainForm(
        read=_triton, path=lambda path: path.replace("/generate_stream", "/generate"), body=_unstreamed
    ),
    "openai-speech": PlainForm(body=lambda body: body | {"stream": False}),
    "openai-transcription": PlainForm(read=_transcription),
    "openai-embeddings": PlainForm(read=_embeddings),
    "rerank": PlainForm(read=_rerank),
    "cohere-rerank": PlainForm(read=_rerank),
}  # fmt: skip
