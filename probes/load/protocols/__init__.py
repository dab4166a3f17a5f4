"""The wire formats we speak, one file each, loaded when it is first asked for: a bench waits for its own only."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from probes.errors import ProbeError
from probes.load.protocols.base import WireProtocol

# api -> the file, and the name that it has there
_PLACES: Final[dict[str, tuple[str, str]]] = {
    "openai-chat": ("openai_chat", "OPENAI_CHAT"),
    "azure-openai": ("azure_openai", "AZURE_OPENAI"),
    "openai-completions": ("openai_completions", "OPENAI_COMPLETIONS"),
    "openai-responses": ("openai_responses", "OPENAI_RESPONSES"),
    "openai-embeddings": ("openai_embeddings", "OPENAI_EMBEDDINGS"),
    "openai-images": ("openai_images", "OPENAI_IMAGES"),
    "openai-speech": ("openai_speech", "OPENAI_SPEECH"),
    "openai-transcription": ("openai_transcription", "OPENAI_TRANSCRIPTION"),
    "anthropic": ("anthropic", "ANTHROPIC"),
    "gemini": ("gemini", "GEMINI"),
    "vertex-gemini": ("gemini", "VERTEX_GEMINI"),
    "bedrock": ("bedrock", "BEDROCK"),
    "ollama": ("ollama", "OLLAMA"),
    "ollama-generate": ("ollama", "OLLAMA_GENERATE"),
    "tgi": ("tgi", "TGI"),
    "triton": ("triton", "TRITON"),
    "rerank": ("rerank", "RERANK"),
    "cohere-rerank": ("rerank", "COHERE_RERANK"),
    "tei-rerank": ("rerank", "TEI_RERANK"),
}


class _Protocols(Mapping[str, WireProtocol]):
    """All of them by name."""

    def __init__(self) -> None:
        self._loaded: dict[str, WireProtocol] = {}

    def __getitem__(self, api: str) -> WireProtocol:
        wire = self._loaded.get(api)
        if wire is None:
            file, name = _PLACES[api]
            wire = self._loaded[api] = getattr(import_module(f"{__name__}.{file}"), name)
            assert wire.name == api
        return wire

    def __contains__(self, api: object) -> bool:
        return api in _PLACES

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


PROTOCOLS: Final[Mapping[str, WireProtocol]] = _Protocols()


def protocol(api: str) -> WireProtocol:
    """The wire format of that name.

    Raises:
        ProbeError: there is none; suggests the nearest name.
    """
    if api in PROTOCOLS:
        return PROTOCOLS[api]
    import difflib

    near = difflib.get_close_matches(api, PROTOCOLS, n=1, cutoff=0.5)
    hint = f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(sorted(PROTOCOLS))
    raise ProbeError(f'api "{api}" is not a wire format of ours; {hint}')
