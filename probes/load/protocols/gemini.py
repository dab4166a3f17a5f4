"""Google's generateContent, streamed: of Gemini with an API key, of Vertex AI with a bearer token.

Each event is a whole response with a piece of the answer; none opens or ends the stream but the finish reason in the
last. Events are coarse, tens of tokens, and carry the counts so far. What each of them says is in gemini_events.
"""

import re
from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote

from probes.load.json_array import cut_array, guess_objects, split_objects, value_end
from probes.load.prompt import Prompt, Turn
from probes.load.protocols.base import StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer, dump_body, system_text
from probes.load.protocols.gemini_events import GeminiReader, visible_texts
from probes.load.protocols.molds import read_alike, read_sse, text_mold
from probes.load.protocols.reading import last_count, parse_json_events, payload_in, read_json_events
from probes.load.spec import LoadSpec
from probes.load.sse import SseEvents, cut_events

_ARRAY: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[").match
_DOCUMENT: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{").match
_BARE: Final = re.compile(rb"^[\[{]", re.MULTILINE)  # at the start of a line of a stream: JSON without `data:`
_BARE_BELOW: Final = re.compile(rb"\n[\[{]")  # the same but in the first line; five times as quick to search for
_LAST_WORDS: Final = re.compile(rb'"(?:finishReason|blockReason)"\s*:\s*"|"error"\s*:\s*\{')
_END: Final = re.compile(rb"\}(?:(?>\r\n|\n|\r){2}|\s*\]\s*)\Z")
_TAIL_BYTES: Final = 4096


def gemini_path(spec: LoadSpec) -> str:
    """Path of a model; "x" and "models/x" are the same, "tunedModels/x" is another."""
    model = spec.model if spec.model.startswith(("models/", "tunedModels/")) else f"models/{spec.model}"
    kind, _, name = model.partition("/")
    return f"/v1beta/{kind}/{quote(name, safe='')}:streamGenerateContent?alt=sse"


def vertex_path(spec: LoadSpec) -> str:
    """The same below a base URL that ends in ".../publishers/google", or another publisher."""
    return f"/models/{quote(spec.model.removeprefix('models/'), safe='')}:streamGenerateContent?alt=sse"


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; `spec.extra_body` wins, its `generationConfig` key by key."""
    config: dict[str, object] = {"maxOutputTokens": spec.output_tokens}
    if spec.temperature is not None:
        config["temperature"] = spec.temperature
    body: dict[str, object] = {
        "contents": [
            {"role": "model" if turn.role == "assistant" else "user", "parts": _parts(turn)}
            for turn in prompt.turns
            if turn.role != "system"
        ],
        "generationConfig": config,
    }
    system = system_text(prompt)
    if system is not None:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    return dump_body(body, spec.extra_body)


def _parts(turn: Turn) -> list[dict[str, Any]]:
    pictures: list[dict[str, Any]] = [
        {"inlineData": {"mimeType": image.media_type, "data": b64encode(image.data).decode()}} for image in turn.images
    ]
    return [*pictures, {"text": turn.text}] if turn.text or not pictures else pictures


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says, as events, as an array or as one document. Faults are reported, never raised."""
    if not _ARRAY(body):
        streamed = _DOCUMENT(body) is None

        def with_bare(blocks: list[bytes]) -> StreamFacts | None:
            bare = any(map(_BARE.search, blocks))
            return read_json_events(_cut(body), GeminiReader(streamed=streamed)) if bare else None

        return read_sse(body, GeminiReader(streamed=streamed), _MOLD, instead=with_bare)
    for guess in (split_objects, guess_objects):
        events, reader = guess(body), GeminiReader()
        if events is not None:
            facts = read_alike(events, reader, _MOLD)
            if not reader.misread:
                return facts
    return read_json_events(cut_array(body), GeminiReader())


_MOLD: Final = text_mold(GeminiReader, ("text",), numbers_vary=True)


def _cut(body: bytes) -> SseEvents:
    if _ARRAY(body):
        return cut_array(body)
    if _BARE_BELOW.search(body) or body.startswith(b"{"):
        return _cut_mixed(body)
    return cut_events(body)


def _cut_mixed(body: bytes) -> SseEvents:
    """Events, and between them JSON that stands there without `data:`, over several lines: an error, as a rule."""
    data: list[bytes] = []
    ends: list[int] = []
    errors: set[int] = set()
    at = 0
    while True:
        bare = _BARE.search(body, at)
        part = cut_events(body[at : bare.start() if bare else len(body)])
        errors.update(len(data) + n for n in part.errors)
        unfinished = None if part.unfinished is None else len(data) + part.unfinished
        data += part.data
        ends += [at + end for end in part.ends]
        if bare is None:
            break
        end = value_end(body, bare.start())
        data.append(body[bare.start() : end])
        at = len(body) if end is None else end
        ends.append(at)
        if end is None:
            unfinished = len(data) - 1
            break
    return SseEvents(data=data, ends=ends, errors=frozenset(errors), unfinished=unfinished)


has_payload: Final = payload_in(read_stream)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with a whole event that says why the answer ended; its beginning may be missing."""
    if _END.search(body[-_TAIL_BYTES:]) is None:
        return False
    last = max(body.rfind(b"\ndata:"), 0)
    return _LAST_WORDS.search(body, last) is not None


output_tokens: Final = last_count("candidatesTokenCount", tail_bytes=_TAIL_BYTES)


def answer_text(body: bytes) -> str:
    """The visible text of the first candidate, without thoughts; as far as the stream is JSON."""
    events, _ = parse_json_events(_cut(body).data)
    return "".join(text for event in events for text in visible_texts(event))


GEMINI: Final = WireProtocol(
    name="gemini",
    path=gemini_path,
    accept="text/event-stream",
    key_headers=lambda key: {"x-goog-api-key": key},
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
    end="a finishReason",
)

VERTEX_GEMINI: Final = WireProtocol(
    name="vertex-gemini",
    path=vertex_path,
    accept="text/event-stream",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
    end="a finishReason",
)
