"""The wire formats that the fake endpoint speaks, one file each, and which of them a request is in."""

from collections.abc import Mapping
from typing import Final

from probes.fake.fixtures import FIXTURES, Fixture
from probes.fake.formats.anthropic import ANTHROPIC
from probes.fake.formats.audio import OPENAI_SPEECH, OPENAI_TRANSCRIPTION
from probes.fake.formats.base import Format, traits
from probes.fake.formats.bedrock import BEDROCK
from probes.fake.formats.embeddings import OPENAI_EMBEDDINGS
from probes.fake.formats.gemini import GEMINI, VERTEX_GEMINI
from probes.fake.formats.images import OPENAI_IMAGES
from probes.fake.formats.ollama import OLLAMA, OLLAMA_GENERATE
from probes.fake.formats.openai_chat import AZURE_OPENAI, OPENAI_CHAT
from probes.fake.formats.openai_completions import OPENAI_COMPLETIONS
from probes.fake.formats.openai_responses import OPENAI_RESPONSES
from probes.fake.formats.rerank import COHERE_RERANK, RERANK, TEI_RERANK
from probes.fake.formats.tgi import TGI
from probes.fake.formats.triton import TRITON

_FORMATS: Final = (
    OPENAI_CHAT, AZURE_OPENAI, OPENAI_COMPLETIONS, OPENAI_RESPONSES, ANTHROPIC, GEMINI, VERTEX_GEMINI, BEDROCK,
    OLLAMA, OLLAMA_GENERATE, TGI, TRITON, OPENAI_EMBEDDINGS, RERANK, COHERE_RERANK, TEI_RERANK, OPENAI_SPEECH,
    OPENAI_TRANSCRIPTION, OPENAI_IMAGES,
)  # fmt: skip
# What only an answer of many events can have.
_OF_STREAMS: Final = traits(
    "stream", "sse", "lines", "ndjson", "frames", "groups", "opening", "role", "pings", "usage-places", "usage-every",
    "list-first", "error-event", "terminal", "so-far",
)  # fmt: skip
FORMATS: Final[Mapping[str, Format]] = {form.name: form for form in _FORMATS}


def find_format(path: str) -> tuple[Format, dict[str, str]] | None:
    """The format that is asked at that path, and what the path itself says; None if there is none."""
    for form in _FORMATS:
        found = form.path.fullmatch(path)
        if found is not None:
            return form, found.groupdict()
    return None


def plays(form: Format, fixture: Fixture, *, stream: bool = True) -> bool:
    """Whether a fixture means anything in a format.

    Args:
        form: the format.
        fixture: the fixture.
        stream: False for an answer that is one document, although the format could stream it.
    """
    return fixture.needs <= (form.traits if stream else form.traits - _OF_STREAMS)


def planned_class(form: Format, fixture: Fixture, *, stream: bool = True) -> str | None:
    """What a client that tells failures apart calls this fixture in this format; None for a success.

    Source: one taxonomy for all formats; TGI's 429 is overload, Bedrock's throttling passes by itself, and a document
    has no first token to wait for.
    """
    if fixture.refusal is not None and fixture.refusal.startswith("rate-"):
        if form.family == "tgi":
            return "overloaded"
        if form.family == "bedrock":
            return "rate_limited"
    is_document = "document" in form.traits or not stream
    if is_document and fixture.error_class == "timeout_first_token":
        return "timeout_total"
    return fixture.error_class


def table() -> dict[str, list[str]]:
    """Names of the formats that have each fixture."""
    return {name: [form.name for form in _FORMATS if plays(form, fixture)] for name, fixture in FIXTURES.items()}
