"""OpenAI's legacy completions, streamed: a text goes on, so there are no turns and no role chunk.

The first event is the first token. Usage and the end are those of chat.
"""

from typing import Final

from probes.load.document import as_it_came
from probes.load.prompt import Prompt
from probes.load.protocols.base import StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer, dump_body
from probes.load.protocols.molds import read_sse, text_mold
from probes.load.protocols.openai_events import CompletionsReader
from probes.load.protocols.openai_hosts import stream_options
from probes.load.protocols.openai_stream import first_choices, has_terminator, output_tokens
from probes.load.protocols.reading import payload_in
from probes.load.spec import LoadSpec

_MOLD: Final = text_mold(CompletionsReader, ("text",))


def request_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request; what `spec.extra_body` says wins, and its objects are merged with ours."""
    body: dict[str, object] = {
        "model": spec.model,
        "prompt": prompt.text,
        "stream": True,
        "stream_options": stream_options(spec.base_url, include_usage=True),
        "max_tokens": spec.output_tokens,  # this format knows no other name
    }
    if spec.temperature is not None:
        body["temperature"] = spec.temperature
    return dump_body(body, spec.extra_body)


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says, streamed or in one document of that form. Faults are reported, never raised."""
    return as_it_came(body, read_sse(body, CompletionsReader(), _MOLD))


has_payload: Final = payload_in(read_stream)


def answer_text(body: bytes) -> str:
    """The text of the first choice; as far as the stream is JSON."""
    texts = (choice.get("text") for choice in first_choices(body))
    return "".join(text for text in texts if isinstance(text, str))


OPENAI_COMPLETIONS: Final = WireProtocol(
    name="openai-completions",
    path=lambda _: "/completions",
    accept="text/event-stream",
    key_headers=bearer,
    request_body=request_body,
    read_stream=read_stream,
    has_payload=has_payload,
    has_terminator=has_terminator,
    output_tokens=output_tokens,
    answer_text=answer_text,
)
