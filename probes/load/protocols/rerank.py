"""Rerank in three dialects: Jina's (vLLM, SGLang), Cohere's and Text Embeddings Inference's. One JSON document each.

The documents of a prompt are ranked against its text. The base URL is the server's root, with or without the version.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import orjson

from probes.errors import ProbeError
from probes.load.document import read_document
from probes.load.prompt import Prompt
from probes.load.protocols.base import EventClass, StreamFacts, WireProtocol
from probes.load.protocols.bodies import bearer
from probes.load.protocols.reading import EventReader, text_or_none
from probes.load.spec import LoadSpec


def jina_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The JSON of one request to /v1/rerank; `spec.extra_body` wins. The documents are not sent back."""
    asked = {"model": spec.model, "query": prompt.text, "documents": _documents(prompt), "return_documents": False}
    return orjson.dumps(asked | dict(spec.extra_body))


def cohere_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The same to /v2/rerank, which sends none back anyway."""
    asked = {"model": spec.model, "query": prompt.text, "documents": _documents(prompt)}
    return orjson.dumps(asked | dict(spec.extra_body))


def tei_body(spec: LoadSpec, prompt: Prompt) -> bytes:
    """The same to /rerank; the server has one model and is not told which."""
    return orjson.dumps({"query": prompt.text, "texts": _documents(prompt)} | dict(spec.extra_body))


def _documents(prompt: Prompt) -> list[str]:
    if not prompt.documents:
        raise ProbeError("a rerank api ranks documents, and the prompt has none; give the workload documents to rank")
    return list(prompt.documents)


@dataclass(slots=True)
class RerankReader(EventReader):
    """Reads the document of either dialect: a list of results, or an object around it."""

    def take(self, event: object) -> int:
        """Note what the document says; returns its class."""
        results, score = event, "score"
        if isinstance(event, dict):
            if event.get("error"):
                return self.take_error(event)
            results, score = event.get("results"), "relevance_score"
            self.model_returned = text_or_none(event.get("model"))
            self._take_usage(event)
        if not isinstance(results, list):
            said = sorted(event)[:8] if isinstance(event, dict) else event
            self.fail("parse_error", f"the answer has no list of results but {said}")
            return int(EventClass.OTHER)
        self.input_items = len(results)
        wrong = _wrong_with(results, score)
        if wrong is not None:
            self.fail("parse_error", wrong)
        return int(EventClass.RESULT if results else EventClass.EMPTY)

    def _take_usage(self, event: dict[str, Any]) -> None:
        """Tokens of Jina's dialect; Cohere counts searches, and tokens beside them at times."""
        usage, meta = event.get("usage"), event.get("meta")
        if isinstance(usage, dict):
            total = self.count("total_tokens", usage.get("total_tokens"))
            read = self.count("prompt_tokens", usage.get("prompt_tokens"))
            self.prompt_tokens = total if read is None else read  # scores are not generated: all tokens are read
            if total is not None and self.prompt_tokens is not None and total >= self.prompt_tokens:
                self.output_tokens = total - self.prompt_tokens
        elif isinstance(meta, dict):
            units, tokens = meta.get("billed_units"), meta.get("tokens")
            if isinstance(units, dict):
                self.search_units = self.count("search_units", units.get("search_units"))
            if isinstance(tokens, dict):
                self.prompt_tokens = self.count("input_tokens", tokens.get("input_tokens"))
                self.output_tokens = self.count("output_tokens", tokens.get("output_tokens"))


def _wrong_with(results: list[object], score: str) -> str | None:
    """What is wrong with a list of results; None if nothing is."""
    places = set()
    for n, result in enumerate(results):
        place = result.get("index") if isinstance(result, dict) else None
        value = result.get(score) if isinstance(result, dict) else None
        if type(place) is not int or place < 0 or place in places:
            return f"result {n} has the index {place!r}, which is none or stood before"
        if not isinstance(value, float | int) or isinstance(value, bool) or not isfinite(value):
            return f"result {n} has the {score} {value!r}, which is no number"
        places.add(place)
    return None


def read_stream(body: bytes) -> StreamFacts:
    """Everything an answer says. Faults are reported, never raised."""
    return read_document(body, RerankReader())


def _wire(name: str, path: str, request_body: Callable[[LoadSpec, Prompt], bytes]) -> WireProtocol:
    return WireProtocol(
        name=name,
        converses=False,
        path=lambda _: path,
        accept="application/json",
        key_headers=bearer,
        request_body=request_body,
        read_stream=read_stream,
        has_payload=bool,
        has_terminator=lambda _: False,
        output_tokens=lambda _: None,
        answer_text=lambda _: "",
        end="the end of its JSON",
        streams=False,
        has_lines=False,
    )


RERANK: Final = _wire("rerank", "/v1/rerank", jina_body)
COHERE_RERANK: Final = _wire("cohere-rerank", "/v2/rerank", cohere_body)
TEI_RERANK: Final = _wire("tei-rerank", "/rerank", tei_body)
