"""Ollama's own API, streamed as NDJSON: /api/chat and /api/generate. The base URL is the server's root.

The last line has `done: true`, the counts, and how long the server took for what, in nanoseconds. Loading the model
hides inside the time to first token and stands beside it as `server_load_s`. `prompt_eval_count` may be missing or
small where the prompt was cached; it is taken as it is said.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from probes.load.ndjson import cut_lines
from probes.load.prompt import Prompt, Turn
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer, dump_body, system_text
from probes.load.protocols.reading import (
    EventReader,
    last_count,
    parse_json_events,
    payload_in,
    read_json_events,
    seconds,
    text_or_none,
)
from probes.load.spec import LoadSpec

_OTHER, _EMPTY, _FINISH = int(EventClass.OTHER), int(EventClass.EMPTY), int(EventClass.FINISH)
_REASONING, _TOOL, _TEXT = int(EventClass.REASONING), int(EventClass.TOOL), int(EventClass.TEXT)
_NS: Final = 1e9


def chat_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request to /api/chat; `spec.extra_body` wins, its `options` one by one."""
    return _body(spec, {"messages": [_message(turn) for turn in prompt.turns]})


def generate_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The same to /api/generate, which knows no turns but the system's; the server puts its template around it."""
    asked: dict[str, object] = {"prompt": "\n\n".join(turn.text for turn in prompt.turns if turn.role != "system")}
    system = system_text(prompt)
    images = [picture for turn in prompt.turns for picture in _pictures(turn)]
    return _body(spec, asked | ({"system": system} if system else {}) | ({"images": images} if images else {}))


def _body(spec: LoadSpec, asked: dict[str, object]) -> bytes:
    options: dict[str, object] = {"num_predict": spec.output_tokens}
    if spec.temperature is not None:
        options["temperature"] = spec.temperature
    return dump_body({"model": spec.model, **asked, "stream": True, "options": options}, spec.extra_body)


def _message(turn: Turn) -> dict[str, object]:
    message: dict[str, object] = {"role": turn.role, "content": turn.text}
    return message | {"images": _pictures(turn)} if turn.images else message


def _pictures(turn: Turn) -> list[str]:
    return [b64encode(image.data).decode() for image in turn.images]


@dataclass(slots=True)
class OllamaReader(EventReader):
    """Reads the lines of either route: a chat says in `message` what generate says beside `done`."""

    _lines: int = 0

    def take(self, event: object) -> int:
        """Note what one line says; returns its class."""
        if type(event) is not dict:
            return self.take_stranger(event)
        if event.get("error"):
            return self.take_error(event)
        self._lines += 1
        said = event.get("message")
        if type(said) is dict:
            text = said.get("content")
        else:
            said, text = event, event.get("response")
        kind = _TEXT if text else _EMPTY
        if said.get("thinking"):
            self.reasoned = True
            kind = kind if text else _REASONING
        elif not text and said.get("tool_calls"):
            kind = _TOOL
        if event.get("done"):
            self._end(event)
            # Text and end in one and the only line: that is what stream=false answers.
            self.streamed = self._lines > 1 or kind == _EMPTY
            return _FINISH if kind == _EMPTY else kind
        return kind if "message" in event or "response" in event else _OTHER

    def _end(self, event: dict[str, Any]) -> None:
        self.terminal = True
        self.finish_reason = text_or_none(event.get("done_reason"))
        self.model_returned = text_or_none(event.get("model"))
        self.prompt_tokens = self.count("prompt_eval_count", event.get("prompt_eval_count"))
        self.output_tokens = self.count("eval_count", event.get("eval_count"))
        self.server_load_s = seconds(event.get("load_duration"), per=_NS)
        self.server_prefill_s = seconds(event.get("prompt_eval_duration"), per=_NS)
        self.server_decode_s = seconds(event.get("eval_duration"), per=_NS)


def read_stream(body: bytes) -> StreamFacts:
    """Everything a streamed answer says. Faults are reported, never raised."""
    return read_json_events(cut_lines(body), OllamaReader())


has_payload: Final = payload_in(read_stream)


def has_terminator(body: bytes) -> bool:
    """Whether the last line of a body under way is whole and says `done`."""
    try:
        last = orjson.loads(body[body.rstrip().rfind(b"\n") + 1 :])
    except orjson.JSONDecodeError:
        return False
    return isinstance(last, dict) and bool(last.get("done"))


output_tokens: Final = last_count("eval_count")


def answer_text(body: bytes) -> str:
    """The visible text, without thinking; as far as the stream is JSON."""
    events, _ = parse_json_events(cut_lines(body).data)
    return "".join(_text(event) for event in events if isinstance(event, dict))


def _text(event: dict[str, Any]) -> str:
    message = event.get("message")
    text = message.get("content") if isinstance(message, dict) else event.get("response")
    return text if isinstance(text, str) else ""


def _wire(name: str, path: str, request_body: Callable[[LoadSpec, Prompt], bytes]) -> WireProtocol:
    return WireProtocol(
        name=name,
        path=lambda _: path,
        accept="application/x-ndjson",
        key_headers=bearer,  # of a proxy before it, or of Ollama's cloud
        request_body=request_body,
        read_stream=read_stream,
        has_payload=has_payload,
        has_terminator=has_terminator,
        output_tokens=output_tokens,
        answer_text=answer_text,
        end="an object with done: true",
    )


OLLAMA: Final = _wire("ollama", "/api/chat", chat_body)
OLLAMA_GENERATE: Final = _wire("ollama-generate", "/api/generate", generate_body)
