"""OpenAI chat completions, streamed, and the dialects of compatible servers.

Stream order: role chunk, content chunks, finish chunk, usage chunk (`choices: []`), `[DONE]`. Servers leave out, merge
and repeat nearly all of these, so every event is read for all of them.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from probes.load.prompt import Prompt, Turn
from probes.load.protocols.base import StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer, dump_body
from probes.load.protocols.molds import read_sse, text_mold
from probes.load.protocols.openai_events import ChatReader
from probes.load.protocols.openai_hosts import stream_options
from probes.load.protocols.openai_stream import Choice, first_choices, has_terminator, output_tokens
from probes.load.protocols.reading import payload_in
from probes.load.spec import LoadSpec

_MOLD: Final = text_mold(ChatReader, ("content", "reasoning_content", "reasoning"))


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; what `spec.extra_body` says wins, and its objects are merged with ours."""
    body: dict[str, object] = {
        "model": spec.model,
        "messages": [{"role": turn.role, "content": _content(turn)} for turn in prompt.turns],
        "stream": True,
        "stream_options": stream_options(spec.base_url, include_usage=True),
        spec.max_tokens_field: spec.output_tokens,
    }
    if spec.temperature is not None:
        body["temperature"] = spec.temperature
    return dump_body(body, spec.extra_body)


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
    return read_sse(body, ChatReader(), _MOLD)


has_payload: Final = payload_in(read_stream)


def answer_text(body: bytes) -> str:
    """The visible text of the first choice, without reasoning; as far as the stream is JSON."""
    return "".join(text for choice in first_choices(body) for text in _texts(choice))


def _texts(choice: Choice) -> Iterator[str]:
    delta = choice.get("delta") or choice.get("message")  # that of one document
    content = delta.get("content") if isinstance(delta, dict) else None
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part  # Mistral sends content as parts
        if isinstance(text, str):
            yield text


OPENAI_CHAT: Final = WireProtocol(
    name="openai-chat",
    path=lambda _: "/chat/completions",
    accept="text/event-stream",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
)
