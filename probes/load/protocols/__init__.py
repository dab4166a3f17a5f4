"""The wire formats we speak, one file each."""

import difflib
from typing import Final

from probes.errors import ProbeError
from probes.load.protocols.anthropic import ANTHROPIC
from probes.load.protocols.azure_openai import AZURE_OPENAI
from probes.load.protocols.base import WireProtocol
from probes.load.protocols.bedrock import BEDROCK
from probes.load.protocols.gemini import GEMINI, VERTEX_GEMINI
from probes.load.protocols.ollama import OLLAMA, OLLAMA_GENERATE
from probes.load.protocols.openai_chat import OPENAI_CHAT
from probes.load.protocols.openai_completions import OPENAI_COMPLETIONS
from probes.load.protocols.openai_embeddings import OPENAI_EMBEDDINGS
from probes.load.protocols.openai_images import OPENAI_IMAGES
from probes.load.protocols.openai_responses import OPENAI_RESPONSES
from probes.load.protocols.openai_speech import OPENAI_SPEECH
from probes.load.protocols.openai_transcription import OPENAI_TRANSCRIPTION
from probes.load.protocols.rerank import COHERE_RERANK, RERANK, TEI_RERANK
from probes.load.protocols.tgi import TGI
from probes.load.protocols.triton import TRITON

_WIRES: Final = (
    OPENAI_CHAT,
    AZURE_OPENAI,
    OPENAI_COMPLETIONS,
    OPENAI_RESPONSES,
    OPENAI_EMBEDDINGS,
    OPENAI_IMAGES,
    OPENAI_SPEECH,
    OPENAI_TRANSCRIPTION,
    ANTHROPIC,
    GEMINI,
    VERTEX_GEMINI,
    BEDROCK,
    OLLAMA,
    OLLAMA_GENERATE,
    TGI,
    TRITON,
    RERANK,
    COHERE_RERANK,
    TEI_RERANK,
)

PROTOCOLS: Final[dict[str, WireProtocol]] = {wire.name: wire for wire in _WIRES}


def protocol(api: str) -> WireProtocol:
    """The wire format of that name.

    Raises:
        ProbeError: there is none; suggests the nearest name.
    """
    if api in PROTOCOLS:
        return PROTOCOLS[api]
    near = difflib.get_close_matches(api, PROTOCOLS, n=1, cutoff=0.3)
    hint = f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(sorted(PROTOCOLS))
    raise ProbeError(f'api "{api}" is not a wire format of ours; {hint}')
