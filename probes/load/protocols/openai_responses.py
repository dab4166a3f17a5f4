"""OpenAI Responses, streamed: events with a type of their own each, no `[DONE]`, usage in the last event only.

The padding of events is asked off on OpenAI's own hosts only (`openai_hosts`), since others refuse fields that they do
not know; `extra_body = { stream_options = { include_obfuscation = false } }` asks anybody else. OpenAI refuses a
`max_output_tokens` under 16, and keeps answers unless `extra_body = { store = false }`.
"""

import re
from base64 import b64encode
from typing import Final

from probes.load.prompt import Prompt, Turn
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer, dump_body
from probes.load.protocols.molds import read_sse, text_mold
from probes.load.protocols.openai_hosts import stream_options
from probes.load.protocols.openai_responses_events import TEXT_DELTA, TEXT_DONE, ResponsesReader, shown
from probes.load.protocols.reading import last_count, parse_json_events, payload_in
from probes.load.spec import LoadSpec
from probes.load.sse import cut_events

_TERMINAL: Final = re.compile(
    rb'"type"\s*:\s*"response\.(?:completed|incomplete|failed)"|\A\s*\{\s*"type"\s*:\s*"error"|\A\[DONE\]'
).search  # the last is not in the standard, but sent by some that serve chat too


_MOLD: Final = text_mold(ResponsesReader, ("delta",), numbers_vary=True)


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; what `spec.extra_body` says wins, and its objects are merged with ours.

    One turn of a user is sent as a text, which every server takes; several turns, or pictures, as items.
    """
    turns = prompt.turns
    is_plain = len(turns) == 1 and turns[0].role == "user" and not turns[0].images
    body: dict[str, object] = {
        "model": spec.model,
        "input": turns[0].text if is_plain else [{"role": turn.role, "content": _content(turn)} for turn in turns],
        "stream": True,
        "max_output_tokens": spec.output_tokens,  # this format knows no other name
    }
    options = stream_options(spec.base_url)
    if options:
        body["stream_options"] = options
    if spec.temperature is not None:
        body["temperature"] = spec.temperature
    return dump_body(body, spec.extra_body)


def _content(turn: Turn) -> str | list[dict[str, object]]:
    if not turn.images:
        return turn.text
    parts: list[dict[str, object]] = [{"type": "input_text", "text": turn.text}]
    for image in turn.images:
        url = f"data:{image.media_type};base64,{b64encode(image.data).decode()}"
        parts.append({"type": "input_image", "image_url": url, "detail": "auto"})
    return parts


def read_stream(body: bytes) -> StreamFacts:
    """Everything a streamed answer says. Faults are reported, never raised."""
    return read_sse(body, ResponsesReader(), _MOLD)


has_payload: Final = payload_in(read_stream)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with an event after which nothing comes."""
    events = cut_events(body)
    if not events.data or events.unfinished is not None or events.ends[-1] != len(body):
        return False
    return len(events.data) - 1 in events.errors or _TERMINAL(events.data[-1]) is not None


output_tokens: Final = last_count("output_tokens")


def answer_text(body: bytes) -> str:
    """The visible text, without reasoning; as far as the stream is JSON."""
    parsed, _ = parse_json_events(cut_events(body).data)
    events = [event for event in parsed if isinstance(event, dict)]
    for kind, name in ((TEXT_DELTA, "delta"), (TEXT_DONE, "text")):
        texts = [str(event.get(name) or "") for event in events if event.get("type") == kind]
        if texts:
            return "".join(texts)
    wholes = [event.get("response", event) for event in events]
    wholes = [whole for whole in wholes if isinstance(whole, dict) and whole.get("output")]
    return "".join(text for kind, text in shown(wholes[-1]) if kind == EventClass.TEXT) if wholes else ""


OPENAI_RESPONSES: Final = WireProtocol(
    name="openai-responses",
    path=lambda _: "/responses",
    accept="text/event-stream",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
    end="response.completed or another last event",
)
