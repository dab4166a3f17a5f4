"""OpenAI chat completions, streamed, and the dialects of compatible servers.

Stream order: role chunk, content chunks, finish chunk, usage chunk (`choices: []`), `[DONE]`. Servers leave out, merge
and repeat nearly all of these, so every event is read for all of them.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final

import orjson

from probes.load.prompt import Prompt, Turn
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.molds import SortedEvents, sort_events
from probes.load.protocols.openai_events import ChatReader
from probes.load.protocols.reading import parse_json_events, read_json_events
from probes.load.spec import LoadSpec
from probes.load.sse import cut_events

_COMPLETION_TOKENS: Final = re.compile(rb'"completion_tokens"\s*:\s*(\d+)')
_TAIL_BYTES: Final = 2048
# Where the text of a delta begins. Inside a string the quotes would have backslashes, so this is a key and its value.
_MOLD_KEYS: Final = {
    key: re.compile(rb'"%b"\s*:\s*"' % key.encode()) for key in ("content", "reasoning_content", "reasoning")
}
# Without one of them there is no text to stand between two ends; looking is quicker than parsing.
_MOLD_TEXT: Final = re.compile(rb'"(?:content|reasoning_content|reasoning)"\s*:\s*"[^"]').search


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; `spec.extra_body` wins over everything but the messages."""
    body: dict[str, object] = {
        "model": spec.model,
        "messages": [{"role": turn.role, "content": _content(turn)} for turn in prompt.turns],
        "stream": True,
        "stream_options": {"include_usage": True},
        spec.max_tokens_field: spec.output_tokens,
    }
    if spec.temperature is not None:
        body["temperature"] = spec.temperature
    return orjson.dumps(body | dict(spec.extra_body))


def _content(turn: Turn) -> str | list[dict[str, object]]:
    """The text of a turn, or its parts if it has pictures."""
    if not turn.images:
        return turn.text
    parts: list[dict[str, object]] = [{"type": "text", "text": turn.text}]
    for image in turn.images:
        url = f"data:{image.media_type};base64,{b64encode(image.data).decode()}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return parts


def read_stream(body: bytes) -> StreamFacts:
    """Everything a streamed answer says. Faults are reported, never raised."""
    alike = sort_events(body, _mold)
    return read_json_events(cut_events(body), ChatReader()) if alike is None else _read_sorted(alike)


def _read_sorted(events: SortedEvents) -> StreamFacts:
    """The same where most events have their class already: what is left is read in its order."""
    reader = ChatReader()
    classes = events.classes
    parsed, broken = parse_json_events(events.texts)
    for n, event in zip(events.unread, parsed, strict=False):  # as far as it is JSON
        classes[n] = reader.take(event)
    if broken is not None:
        place = events.unread[broken]
        del classes[place + 1 :]
        classes[place] = EventClass.OTHER
        reader.fail_json(place, events.texts[broken])
    return reader.facts(events.ends[: len(classes)], bytes(classes))


def _mold(text: bytes) -> tuple[int, int, int] | None:
    """An event of one choice that brings a piece of text, and nothing that the next of its kind may say otherwise."""
    if _MOLD_TEXT(text) is None:
        return None
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    reader = ChatReader()
    kind = reader.take(event)
    if kind not in (EventClass.TEXT, EventClass.REASONING) or reader.says_more or len(event["choices"]) != 1:
        return None
    for key, beginning in _MOLD_KEYS.items():
        value = event["choices"][0]["delta"].get(key)
        if type(value) is str and value and len(found := list(beginning.finditer(text))) == 1:
            start = found[0].end()
            end = start + len(value.encode())
            if text[start:end] == value.encode() and text[end : end + 1] == b'"':
                return kind, start, end
    return None


def has_payload(body: bytes) -> bool:
    """Whether a body under way holds any generated payload."""
    return bool(read_stream(body).payload_ends)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with the terminator event."""
    return body[-32:].rstrip(b"\r\n").endswith(b"data: [DONE]")


def output_tokens(body: bytes) -> int | None:
    """The last completion_tokens near the end of a body."""
    found = _COMPLETION_TOKENS.findall(body[-_TAIL_BYTES:])
    return int(found[-1]) if found else None


def answer_text(body: bytes) -> str:
    """The visible text of the first choice, without reasoning; as far as the stream is JSON."""
    events, _ = parse_json_events(cut_events(body).data)
    return "".join(text for event in events for text in _texts(event))


def _texts(event: object) -> Iterator[str]:
    choices = event.get("choices") if isinstance(event, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    delta = first.get("delta") if isinstance(first, dict) else None
    content = delta.get("content") if isinstance(delta, dict) else None
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part  # Mistral sends content as parts
        if isinstance(text, str):
            yield text


OPENAI_CHAT: Final = WireProtocol(
    name="openai-chat",
    path=lambda _: "/chat/completions",
    accept="text/event-stream",
    key_headers=lambda key: {"Authorization": f"Bearer {key}"},
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
)
