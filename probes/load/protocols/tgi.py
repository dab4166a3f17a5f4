"""Text Generation Inference's own route, /generate_stream. The base URL is the server's root.

One event a token; the last has the whole text and, since we ask for them, the details. There is no `[DONE]`. A special
token (the end of a sequence) is generated and counted, but nobody sees it: it is no payload.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final

from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer, dump_body
from probes.load.protocols.reading import (
    EventReader,
    last_count,
    parse_json_events,
    payload_in,
    read_json_events,
    text_or_none,
)
from probes.load.spec import LoadSpec
from probes.load.sse import cut_events

_OTHER, _EMPTY, _FINISH, _TEXT = map(int, (EventClass.OTHER, EventClass.EMPTY, EventClass.FINISH, EventClass.TEXT))
_WHOLE_TEXT: Final = re.compile(rb'"generated_text"\s*:\s*"')


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; `spec.extra_body` wins, its `parameters` one by one.

    There is no chat template on this route: the turns are sent as one text, pictures before it as markdown.
    """
    parameters: dict[str, object] = {"max_new_tokens": spec.output_tokens, "details": True}
    if spec.temperature is not None:
        # The server refuses a temperature of 0; greedy has its own name.
        parameters |= {"do_sample": True, "temperature": spec.temperature} if spec.temperature else {"do_sample": False}
    pictures = "".join(
        f"![](data:{image.media_type};base64,{b64encode(image.data).decode()})"
        for turn in prompt.turns
        for image in turn.images
    )
    return dump_body({"inputs": pictures + prompt.text, "parameters": parameters}, spec.extra_body)


@dataclass(slots=True)
class TgiReader(EventReader):
    """Reads the events of a stream."""

    def take(self, event: object) -> int:
        """Note what one event says; returns its class."""
        if type(event) is not dict:
            return self.take_stranger(event)
        if event.get("error"):
            self.fail("stream_error", ": ".join(str(event[key]) for key in ("error_type", "error") if event.get(key)))
            return int(EventClass.ERROR)
        token = event.get("token")
        shown = type(token) is dict and token.get("text") and not token.get("special")
        if event.get("generated_text") is None:
            return _TEXT if shown else _EMPTY if token else _OTHER
        self.terminal = True
        details = event.get("details")
        if isinstance(details, dict):
            self._take_details(details)
        if "token" not in event:  # one document, although a stream was asked for
            self.streamed = False
            shown = event["generated_text"]
        return _TEXT if shown else _FINISH

    def _take_details(self, details: dict[str, Any]) -> None:
        if details.get("finish_reason"):
            self.finish(details["finish_reason"])
        self.prompt_tokens = self.count("input_length", details.get("input_length"))
        self.output_tokens = self.count("generated_tokens", details.get("generated_tokens"))


def read_stream(body: bytes) -> StreamFacts:
    """Everything a streamed answer says. Faults are reported, never raised."""
    return read_json_events(cut_events(body), TgiReader())


has_payload: Final = payload_in(read_stream)


def has_terminator(body: bytes) -> bool:
    """Whether a body under way ends with the event that has the whole text."""
    ended = body.rstrip(b"\r\n")
    return ended != body and _WHOLE_TEXT.search(ended, ended.rfind(b"\n") + 1) is not None


output_tokens: Final = last_count("generated_tokens")


def answer_text(body: bytes) -> str:
    """The text of all tokens but the special ones; as far as the stream is JSON."""
    events, _ = parse_json_events(cut_events(body).data)
    if len(events) == 1 and isinstance(events[0], dict) and "token" not in events[0]:  # one document
        return text_or_none(events[0].get("generated_text")) or ""
    tokens = [event.get("token") for event in events if isinstance(event, dict)]
    shown = [token.get("text") for token in tokens if isinstance(token, dict) and not token.get("special")]
    return "".join(text for text in shown if isinstance(text, str))


TGI: Final = WireProtocol(
    name="tgi",
    path=lambda _: "/generate_stream",
    accept="text/event-stream",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
    end="an event with generated_text",
)
