"""Tasks without text: vectors and scores, each one JSON document."""

import base64
import struct

import orjson
import pytest

from probes.errors import ProbeError
from probes.load.origin import parse_origin
from probes.load.prompt import Prompt, Turn
from probes.load.protocols import PROTOCOLS
from probes.load.protocols.base import EventClass
from probes.load.recorder import record_of
from probes.load.spec import LoadSpec
from tests.probes.load.cuts import check_cuts
from tests.probes.load.laws import raw_of

PROMPT = Prompt(turns=(Turn(role="user", text="which?"),), documents=("one", "two"))
USAGE = {"prompt_tokens": 8, "total_tokens": 8}


def packed(*numbers):
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def vectors(*embeddings, **more):
    data = [{"object": "embedding", "index": n, "embedding": one} for n, one in enumerate(embeddings)]
    return orjson.dumps({"object": "list", "data": data, "model": "m", "usage": USAGE} | more)


def scores(*pairs):
    return orjson.dumps({"results": [{"index": n, "relevance_score": score} for n, score in pairs], "usage": USAGE})


def record(api, body, **more):
    return record_of(raw_of(api, body, **more))


def request(api, prompt=PROMPT, **given):
    given = {"base_url": "http://h", "model": "m", "concurrency": 1, "requests": 1, "attempt_prefix": "t"} | given
    return orjson.loads(PROTOCOLS[api].request_body(LoadSpec(**given), prompt))


def test_vectors_are_a_document_without_a_first_token_but_with_an_end():
    seen = record("openai-embeddings", vectors(packed(0.1, -0.2), packed(0.3, 0.4)))
    assert seen.error_class is None
    assert (seen.answer_streamed, seen.t_first_ns, seen.t_visible_ns, seen.t_choice_ns) == (False, None, None, None)
    assert (seen.t_last_ns, seen.chunks, seen.input_items, seen.model_returned) == (2, 1, 2, "m")


def test_nothing_is_generated_and_the_servers_total_says_so():
    assert record("openai-embeddings", vectors(packed(1.0))).output_tokens == 0
    only_read = record("openai-embeddings", vectors(packed(1.0), usage={"prompt_tokens": 8}))
    assert (only_read.prompt_tokens, only_read.output_tokens) == (8, None)


def test_json_numbers_are_read_as_well():
    assert record("openai-embeddings", vectors([0.1, 2], [0.3, 0.4])).error_class is None


@pytest.mark.parametrize(
    ("embeddings", "wrong"),
    [
        (("not base64!",), "embedding 0 is not base64"),
        (("AAA",), "embedding 0 is not base64"),
        ((packed(1.0), "AAAA"), "embedding 1 is 3 bytes of base64, which are no float32"),
        (("",), "embedding 0 is 0 bytes of base64, which are no float32"),
        (([],), "embedding 0 is neither base64 nor a list of numbers"),
        (([None],), "embedding 0 is neither base64 nor a list of numbers"),
        ((None,), "embedding 0 is neither base64 nor a list of numbers"),
        ((packed(1.0, 2.0), packed(1.0)), "embedding 1 has 1 dimensions and the first 2"),
        ((packed(1.0), packed(float("nan"))), "embedding 1 holds a number that is not finite"),
        ((packed(1.0, float("inf")),), "embedding 0 holds a number that is not finite"),
    ],
)
def test_what_is_no_vector_is_a_fault(embeddings, wrong):
    seen = record("openai-embeddings", vectors(*embeddings))
    assert (seen.error_class, seen.error_message) == ("parse_error", wrong)


def test_each_text_has_its_vector_once_in_any_order():
    twice = [{"index": 0, "embedding": packed(1.0)}] * 2
    seen = record("openai-embeddings", vectors(data=twice))
    assert seen.error_message == "the embeddings have the indexes [0, 0], not 0 to 1 once each"
    turned = [{"index": 1, "embedding": packed(1.0)}, {"index": 0, "embedding": packed(1.0)}]
    assert record("openai-embeddings", vectors(data=turned)).error_class is None


def test_no_vectors_at_all_are_an_empty_answer():
    assert record("openai-embeddings", vectors()).error_class == "empty"
    assert record("rerank", scores()).error_class == "empty"


@pytest.mark.parametrize("api", ["openai-embeddings", "rerank", "cohere-rerank", "tei-rerank"])
def test_an_error_a_page_and_another_document_are_told_apart(api):
    error = record(api, b'{"error":{"message":"busy","code":503}}')
    assert (error.error_class, error.error_message) == ("stream_error", "503: busy")
    assert record(api, b"<html>502</html>").error_class == "parse_error"
    assert record(api, b'{"object": "list" "data"').error_class == "parse_error"
    assert record(api, b'{"object": "other"}').error_class == "parse_error"
    assert record(api, b'"text"').error_class == "parse_error"
    assert record(api, b'{"da', cut_short="the server closed").error_class == "truncated"


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai-embeddings", vectors(packed(0.1), packed(0.2), model="Grüße 日本 \U0001f600")),
        ("rerank", scores((1, 0.9), (0, -1.5e-3))),
        ("tei-rerank", b'[{"index":0,"score":1e-05},{"index":1,"score":true}]'.replace(b"true", b"0")),
    ],
)
def test_a_document_cut_anywhere_says_nothing_and_is_no_success(api, body):
    check_cuts(PROTOCOLS[api], body)
    check_cuts(PROTOCOLS[api], body + b"\n")


def test_scores_of_each_dialect_are_counted():
    jina = record("rerank", scores((2, 0.9), (0, 0.1), (1, 0)))
    assert (jina.error_class, jina.input_items, jina.prompt_tokens, jina.output_tokens) == (None, 3, 8, 0)
    total = orjson.dumps({"results": [{"index": 0, "relevance_score": 1}], "usage": {"total_tokens": 57}})
    assert (record("rerank", total).prompt_tokens, record("rerank", total).output_tokens) == (57, 0)
    cohere = {"results": [{"index": 0, "relevance_score": 1.0}], "meta": {"billed_units": {"search_units": 1}}}
    seen = record("cohere-rerank", orjson.dumps(cohere))
    assert (seen.error_class, seen.input_items, seen.prompt_tokens, seen.usage_fault) == (None, 1, None, None)
    assert seen.search_units == 1
    tokens = {"billed_units": {"search_units": -1}, "tokens": {"input_tokens": 7, "output_tokens": 0}}
    odd = record("cohere-rerank", orjson.dumps(cohere | {"meta": tokens}))
    assert (odd.prompt_tokens, odd.output_tokens, odd.usage_fault) == (7, 0, "search_units = -1 is no count")
    assert odd.search_units is None
    tei = record("tei-rerank", b'[{"index":1,"score":0.9},{"index":0,"score":0.1}]')
    assert (tei.error_class, tei.input_items, tei.chunks, tei.answer_streamed) == (None, 2, 1, False)


@pytest.mark.parametrize(
    "result",
    [{"index": -1, "relevance_score": 1}, {"relevance_score": 1}, {"index": 0}, {"index": True, "relevance_score": 1},
     {"index": 0, "relevance_score": "high"}, {"index": 0, "relevance_score": None}, "x"],
)  # fmt: skip
def test_what_is_no_score_is_a_fault(result):
    seen = record("rerank", orjson.dumps({"results": [result]}))
    assert seen.error_class == "parse_error"
    assert seen.error_message.startswith("result 0 has the ")


def test_a_document_that_is_ranked_twice_is_a_fault():
    assert record("rerank", scores((0, 1.0), (0, 0.5))).error_class == "parse_error"


def test_a_result_is_an_event_class_of_its_own():
    assert PROTOCOLS["rerank"].read_stream(scores((0, 1.0))).event_classes == bytes([EventClass.RESULT])


def test_embeddings_are_asked_for_documents_or_else_the_text_in_base64():
    assert request("openai-embeddings") == {"model": "m", "input": ["one", "two"], "encoding_format": "base64"}
    asked = request("openai-embeddings", Prompt.of("Hi"), extra_body={"encoding_format": "float", "dimensions": 256})
    assert asked == {"model": "m", "input": "Hi", "encoding_format": "float", "dimensions": 256}


def test_each_dialect_of_rerank_has_its_request_and_its_path():
    assert request("rerank") == {
        "model": "m", "query": "which?", "documents": ["one", "two"], "return_documents": False,
    }  # fmt: skip
    cohere = request("cohere-rerank", extra_body={"top_n": 1})
    assert cohere == {"model": "m", "query": "which?", "documents": ["one", "two"], "top_n": 1}
    assert request("tei-rerank") == {"query": "which?", "texts": ["one", "two"]}
    spec = LoadSpec(base_url="http://h", model="m", concurrency=1, requests=1, attempt_prefix="t")
    for api, path in (("rerank", "/v1/rerank"), ("cohere-rerank", "/v2/rerank"), ("tei-rerank", "/rerank")):
        assert parse_origin("http://h/", PROTOCOLS[api].path(spec)).target == path
    assert parse_origin("http://h/v1", PROTOCOLS["rerank"].path(spec)).target == "/v1/rerank"
    assert parse_origin("http://h/v2", PROTOCOLS["cohere-rerank"].path(spec)).target == "/v2/rerank"


@pytest.mark.parametrize("api", ["rerank", "cohere-rerank", "tei-rerank"])
def test_a_prompt_without_documents_cannot_be_ranked(api):
    with pytest.raises(ProbeError, match="give the workload documents to rank"):
        request(api, Prompt.of("which?"))
