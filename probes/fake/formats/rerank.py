"""Rerank in three forms: that of Jina and vLLM, Cohere's, and that of text-embeddings-inference."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from probes.fake.formats.base import Body, Format, Writer, need, tokens_asked, traits
from probes.fake.story import Ask, BadAskError, count_words


def _read(body: Body, documents_name: str, model: str) -> Ask:
    query = need(body, "query", str)
    given = need(body, documents_name, list)
    documents = tuple(str(each.get("text", "")) if isinstance(each, dict) else str(each) for each in given)
    if not documents:
        raise BadAskError(f"{documents_name} is an empty list")
    return Ask(
        model=model,
        prompt_tokens=count_words(query) + sum(map(count_words, documents)),
        stream=False,
        inputs=documents,
        query=query,
        count=tokens_asked(body, "top_n") or len(documents),
    )


def read_documents(body: Body, _: Mapping[str, str]) -> Ask:
    """What a request of Jina's or Cohere's form asks for."""
    return _read(body, "documents", need(body, "model", str))


def read_texts(body: Body, _: Mapping[str, str]) -> Ask:
    """What a request to text-embeddings-inference asks for: it serves one model, and no request names it."""
    return _read(body, "texts", "fake")


class RerankWriter(Writer):
    """`results` and the tokens they took."""

    score_name = "relevance_score"

    @property
    def output_tokens(self) -> int:
        return 0

    def document(self) -> bytes:
        return orjson.dumps({"model": self.story.model, "results": self._results()} | self._usage())

    def _usage(self) -> dict[str, Any]:
        story = self.story
        return {} if story.usage_place == "none" else {"usage": {"total_tokens": story.told(story.prompt_tokens)}}

    def _results(self) -> list[dict[str, Any]]:
        """By the share of the query's words that a document holds; the first of equals stays first."""
        ask = self.ask
        asked = set(ask.query.lower().split())
        scores = [round(len(asked & set(text.lower().split())) / max(len(asked), 1), 4) for text in ask.inputs]
        order = sorted(range(len(scores)), key=lambda n: -scores[n])[: ask.count]
        return [{"index": n, self.score_name: scores[n]} for n in order] if self.story.pieces else []


class CohereWriter(RerankWriter):
    """`results` and the searches that are billed."""

    def document(self) -> bytes:
        return orjson.dumps({"id": "fake", "results": self._results()} | self._usage())

    def _usage(self) -> dict[str, Any]:
        if self.story.usage_place == "none":
            return {}
        return {"meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": self.story.told(1)}}}


class TeiWriter(RerankWriter):
    """The list alone."""

    score_name = "score"

    def document(self) -> bytes:
        return orjson.dumps(self._results())


_TRAITS: Final = traits("document", "json", "zero")

RERANK: Final = Format(
    name="rerank",
    path=re.compile(r"/v1/rerank"),
    base="/v1",
    family="jina",
    traits=_TRAITS | traits("usage"),
    read=read_documents,
    writer=RerankWriter,
)
COHERE_RERANK: Final = Format(
    name="cohere-rerank",
    path=re.compile(r"/v2/rerank"),
    base="",
    family="cohere",
    traits=_TRAITS | traits("usage"),
    read=read_documents,
    writer=CohereWriter,
)
TEI_RERANK: Final = Format(
    name="tei-rerank",
    path=re.compile(r"/rerank"),
    base="",
    family="tgi",
    traits=_TRAITS,
    read=read_texts,
    writer=TeiWriter,
)
