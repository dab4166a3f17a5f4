"""What the endpoint answers beside streams: documents of each format, refusals in each provider's words, and others."""

import http.client
import io
import json
import struct
import wave
from base64 import b64decode

import pytest
from botocore.eventstream import EventStreamBuffer

from probes.errors import ProbeError
from probes.fake.errors import KINDS, refusal
from probes.fake.formats import FORMATS
from probes.fake_endpoint import FakeScript, Play, fake_endpoint
from probes.load.protocols import PROTOCOLS
from tests.probes.fake.expected import ALL

SAID = [{"role": "user", "content": "a b c"}]


@pytest.fixture(scope="module")
def plain():
    with fake_endpoint() as fake:
        yield fake


def send(fake, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(fake.base_url.split("/")[2], timeout=60)
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body)
    connection.request(method, path, raw, headers or {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, text


def post(fake, path, body, headers=None):
    answer, text = send(fake, "POST", path, body, headers)
    assert answer.status == 200, text
    return json.loads(text)


STOPPED = {
    "openai-chat": ("/v1/chat/completions", {"messages": SAID, "stop": " gr"}, "stop"),
    "openai-completions": ("/v1/completions", {"prompt": "a", "stop": ["again", " gr"]}, "stop"),
    "anthropic": ("/v1/messages", {"messages": SAID, "max_tokens": 8, "stop_sequences": [" gr"]}, "stop_sequence"),
    "gemini": (
        "/v1beta/models/m:streamGenerateContent?alt=sse",
        {"contents": [], "generationConfig": {"stopSequences": [" gr"]}},
        "STOP",
    ),
    "ollama": ("/api/chat", {"messages": SAID, "options": {"stop": [" gr"]}}, "stop"),
    "ollama-generate": ("/api/generate", {"prompt": "a", "options": {"stop": [" gr"]}}, "stop"),
    "bedrock": (
        "/model/m/converse-stream", {"messages": [], "inferenceConfig": {"stopSequences": [" gr"]}}, "stop_sequence"
    ),
    "tgi": ("/generate_stream", {"inputs": "a", "parameters": {"stop": [" gr"], "details": True}}, "stop_sequence"),
}  # fmt: skip


@pytest.mark.parametrize("api", STOPPED)
@pytest.mark.parametrize("fixture", ["none", "many-tokens-a-chunk"])
def test_an_answer_ends_before_a_stop_sequence_whether_it_is_cut_there_or_not(api, fixture):
    path, body, reason = STOPPED[api]
    with fake_endpoint(FakeScript(fault=fixture)) as fake:
        answer, raw = send(fake, "POST", path, {"model": "m", "stream": True, **body})
    assert answer.status == 200, raw
    facts = PROTOCOLS[api].read_stream(raw)
    assert (PROTOCOLS[api].answer_text(raw).strip(), facts.finish_reason) == ("the quick", reason)
    assert facts.fault is None
    assert facts.output_tokens == {"tgi": 3, "openai-chat": None, "openai-completions": None}.get(api, 2)


def test_a_stop_sequence_that_never_comes_or_is_none_changes_nothing_or_is_refused(plain):
    whole = post(plain, "/v1/chat/completions", {"model": "m", "messages": SAID, "max_tokens": 8, "stop": ["zebra"]})
    assert whole["choices"][0] | {"message": None} == {"index": 0, "message": None, "finish_reason": "length"}
    first = post(plain, "/v1/chat/completions", {"model": "m", "messages": SAID, "stop": " the"})
    assert (first["choices"][0]["message"]["content"], first["choices"][0]["finish_reason"]) == (None, "stop")
    named = post(plain, "/v1/messages", {"model": "m", "messages": SAID, "max_tokens": 8, "stop_sequences": ["fox"]})
    assert (named["stop_reason"], named["stop_sequence"]) == ("stop_sequence", "fox")
    answer, text = send(plain, "POST", "/v1/chat/completions", {"model": "m", "messages": SAID, "stop": [1]})
    assert answer.status == 400
    assert b"stop = [1] must be a text, or a list of them" in text


def test_each_format_answers_with_one_document_where_it_has_one(plain):
    gemini = {"contents": [{"parts": [{"text": "a b c"}]}], "generationConfig": {"maxOutputTokens": 8}}
    bedrock = {"messages": [{"role": "user", "content": [{"text": "a b c"}]}], "inferenceConfig": {"maxTokens": 8}}
    chat = post(plain, "/v1/chat/completions", {"model": "m", "messages": SAID, "max_tokens": 8})
    text = post(plain, "/v1/completions", {"model": "m", "prompt": "a b c", "max_tokens": 8})
    response = post(plain, "/v1/responses", {"model": "m", "input": "a b c", "max_output_tokens": 8})
    message = post(plain, "/v1/messages", {"model": "m", "messages": SAID, "max_tokens": 8})
    content = post(plain, "/v1beta/models/m:generateContent", gemini)
    converse = post(plain, "/model/m/converse", bedrock)
    ollama = post(plain, "/api/chat", {"model": "m", "messages": SAID, "stream": False, "options": {"num_predict": 8}})
    generate = post(plain, "/api/generate", {"model": "m", "prompt": "a b c", "stream": False})
    tgi = post(plain, "/generate", {"inputs": "a b c", "parameters": {"max_new_tokens": 8, "details": True}})
    triton = post(plain, "/v2/models/m/versions/1/generate", {"text_input": "a b c", "max_tokens": 8})
    assert {
        chat["choices"][0]["message"]["content"],
        text["choices"][0]["text"],
        response["output"][0]["content"][0]["text"],
        message["content"][0]["text"],
        content["candidates"][0]["content"]["parts"][0]["text"],
        converse["output"]["message"]["content"][0]["text"],
        ollama["message"]["content"],
        generate["response"],
        tgi["generated_text"],
        triton["text_output"],
    } == {ALL}
    counted = [
        (chat["usage"]["prompt_tokens"], chat["usage"]["completion_tokens"]),
        (text["usage"]["prompt_tokens"], text["usage"]["completion_tokens"]),
        (response["usage"]["input_tokens"], response["usage"]["output_tokens"]),
        (message["usage"]["input_tokens"], message["usage"]["output_tokens"]),
        (content["usageMetadata"]["promptTokenCount"], content["usageMetadata"]["candidatesTokenCount"]),
        (converse["usage"]["inputTokens"], converse["usage"]["outputTokens"]),
        (ollama["prompt_eval_count"], ollama["eval_count"]),
        (generate["prompt_eval_count"], generate["eval_count"]),
        (tgi["details"]["input_length"], tgi["details"]["generated_tokens"]),
    ]
    assert set(counted) == {(3, 8)}


def test_gemini_streams_one_json_array_unless_events_are_asked_for(plain):
    body = {"contents": [{"parts": [{"text": "a b c"}]}]}
    answer, text = send(plain, "POST", "/v1beta/models/m:streamGenerateContent", body)
    assert answer.headers["content-type"] == "application/json"
    parts = json.loads(text)
    assert "".join(part["candidates"][0]["content"]["parts"][0]["text"] for part in parts) == ALL
    answer, text = send(plain, "POST", "/v1beta/models/m:streamGenerateContent?alt=sse", body)
    assert answer.headers["content-type"] == "text/event-stream"
    assert text.startswith(b"data: {")


def test_frames_are_read_by_another_hand(plain):
    body = {"messages": [{"role": "user", "content": [{"text": "a b c"}]}]}
    _, text = send(plain, "POST", "/model/eu.some.model-v1%3A0/converse-stream", body)
    buffer = EventStreamBuffer()
    buffer.add_data(text)
    frames = [(frame.headers[":event-type"], json.loads(frame.payload)) for frame in buffer]
    assert [name for name, _ in frames[:2]] == ["messageStart", "contentBlockDelta"]
    assert "".join(told["delta"]["text"] for name, told in frames if name == "contentBlockDelta") == ALL
    assert frames[-1][1]["usage"] == {
        "inputTokens": 3, "outputTokens": 8, "totalTokens": 11, "cacheReadInputTokens": 0, "cacheWriteInputTokens": 0
    }  # fmt: skip


def test_vectors_are_the_same_as_numbers_and_as_base64(plain):
    order = {"model": "m", "input": ["a b", "c"], "dimensions": 3}
    numbers = post(plain, "/v1/embeddings", order)
    packed = post(plain, "/v1/embeddings", order | {"encoding_format": "base64"})
    for one, other in zip(numbers["data"], packed["data"], strict=True):
        assert struct.unpack("<3f", b64decode(other["embedding"])) == pytest.approx(one["embedding"])
    assert numbers["data"][0]["embedding"] != numbers["data"][1]["embedding"]
    assert numbers["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_documents_are_ranked_by_the_words_that_they_share_with_the_query(plain):
    documents = ["nothing here", "the fox again", "the fox and the hound"]
    order = {"model": "m", "query": "fox hound", "documents": documents}
    ranked = post(plain, "/v1/rerank", order | {"top_n": 2})
    assert [(each["index"], each["relevance_score"]) for each in ranked["results"]] == [(2, 1.0), (1, 0.5)]
    assert ranked["usage"] == {"total_tokens": 12}
    assert post(plain, "/v2/rerank", order)["meta"]["billed_units"] == {"search_units": 1}
    listed = post(plain, "/rerank", {"query": "fox hound", "texts": documents})
    assert [each["index"] for each in listed] == [2, 1, 0]


def test_sound_has_the_length_that_its_tokens_stand_for(plain):
    order = {"model": "m", "input": "hi", "voice": "alloy"}
    _, pcm = send(plain, "POST", "/v1/audio/speech", order | {"response_format": "pcm"})
    answer, wav = send(plain, "POST", "/v1/audio/speech", order | {"response_format": "wav"})
    assert len(pcm) == 8 * 0.02 * 24_000 * 2
    assert (answer.headers["content-type"], wav[:4], wav[44:]) == ("audio/wav", b"RIFF", pcm)
    _, mp3 = send(plain, "POST", "/v1/audio/speech", order)
    assert (len(mp3), mp3.count(b"\xff\xfb\x90\x00")) == (8 * 417, 8)
    refused, said = send(plain, "POST", "/v1/audio/speech", order | {"response_format": "opus"})
    assert refused.status == 400
    assert b"this endpoint makes wav, pcm and mp3" in said


def test_a_sound_that_is_sent_is_measured(plain):
    sound = io.BytesIO()
    with wave.open(sound, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(16_000))
    fields = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n'
    file = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n%b\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    told = [
        post(plain, "/v1/audio/transcriptions", fields % model + file % sound.getvalue(), headers)
        for model in (b"whisper-1", b"other")
    ]
    assert told[0] == {"text": ALL, "usage": {"type": "duration", "seconds": 1.0}}
    assert told[1]["usage"]["input_tokens"] == 10
    refused, said = send(plain, "POST", "/v1/audio/transcriptions", fields % b"m" + file % b"no sound", headers)
    assert (refused.status, b"no WAV" in said) == (400, True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("api", FORMATS)
def test_every_provider_refuses_in_words_of_its_own(api, kind):
    told = refusal(FORMATS[api].family, kind, model="m")
    assert 400 <= told.status < 600
    assert json.loads(told.body)


@pytest.mark.parametrize("api", FORMATS)
def test_every_provider_may_repeat_a_key(api):
    told = refusal(FORMATS[api].family, "auth", key="sk-1")
    assert told.status in (401, 403)
    assert b"Incorrect API key provided: sk-1" in told.body


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/chat/completions", b"{oops", "the body is not JSON"),
        ("/v1/chat/completions", [], "not a JSON object"),
        ("/v1/chat/completions", {"model": "m"}, "messages is missing"),
        ("/v1/chat/completions", {"model": "m", "messages": "hi"}, "messages = hi cannot be used"),
        ("/v1/chat/completions", {"model": "m", "messages": SAID, "max_tokens": -1}, "max_tokens = -1 must be"),
        ("/v1/messages", {"model": "m", "messages": SAID}, "max_tokens: Field required"),
        ("/v1beta/models/m:generateContent", {"contents": [], "generationConfig": 1}, "generationConfig must be"),
        ("/v1/embeddings", {"model": "m", "input": []}, "input is an empty list"),
        ("/v1/embeddings", {"model": "m", "input": "a", "encoding_format": "hex"}, "must be float or base64"),
        ("/rerank", {"query": "a", "texts": []}, "texts is an empty list"),
        ("/v1/audio/transcriptions", {"model": "m"}, "multipart/form-data"),
    ],
)
def test_a_request_that_cannot_be_served_is_refused_in_one_sentence(plain, path, body, said):
    answer, text = send(plain, "POST", path, body)
    assert answer.status in (400, 422)
    assert said in text.decode()
    assert plain.requests[-1].error_class == "bad_request"


def test_it_says_who_it_is_and_counts_without_generating(plain):
    before = len(plain.requests)
    models = json.loads(send(plain, "GET", "/v1/models")[1])
    theirs = json.loads(send(plain, "GET", "/v1/models", headers={"anthropic-version": "2023-06-01"})[1])
    assert [model["id"] for model in models["data"]] == [model["id"] for model in theirs["data"]] == ["fake"]
    assert theirs["data"][0]["type"] == "model"
    assert post(plain, "/tokenize", {"prompt": "a b c"})["count"] == 3
    assert len(post(plain, "/tokenize", {"content": "a b"})["tokens"]) == 2
    assert post(plain, "/v1/messages/count_tokens", {"system": "d e", "messages": SAID}) == {"input_tokens": 5}
    contents = [{"parts": [{"text": "a b"}]}]
    assert post(plain, "/v1beta/models/m:countTokens", {"contents": contents}) == {"totalTokens": 2}
    assert send(plain, "GET", "/health")[0].status == 200
    assert json.loads(send(plain, "GET", "/api/tags")[1])["models"][0]["name"] == "fake"
    assert json.loads(send(plain, "GET", "/v1beta/models")[1])["models"][0]["name"] == "models/fake"
    assert len(plain.requests) == before


def test_an_endpoint_that_serves_some_models_knows_no_others():
    with fake_endpoint(FakeScript(models=("a",))) as fake:
        order = {"messages": SAID, "max_tokens": 2}
        assert post(fake, "/v1/messages", order | {"model": "a"})["model"] == "a"
        answer, text = send(fake, "POST", "/v1/messages", order | {"model": "b"})
        assert (answer.status, json.loads(text)["error"]["type"]) == (404, "not_found_error")
        assert fake.classes() == {"anthropic": {"ok": 1, "model_not_found": 1}}


def test_what_comes_in_chunks_is_read(plain):
    body = json.dumps({"model": "m", "messages": SAID, "max_tokens": 2}).encode()
    connection = http.client.HTTPConnection(plain.base_url.split("/")[2], timeout=60)
    headers = {"Transfer-Encoding": "chunked"}
    connection.request("POST", "/v1/chat/completions", iter([body[:9], body[9:]]), headers, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["usage"]["completion_tokens"] == 2
    connection.close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fault": "stal"}, 'did you mean "stall"'),
        ({"itl_s": float("inf")}, "itl_s = inf"),
        ({"fault_every": 0}, "fault_every = 0"),
        ({"key": "k.pem"}, "both a certificate and a key"),
    ],
)
def test_a_script_that_cannot_be_is_refused_with_the_value(given, said):
    with pytest.raises(ProbeError, match=said):
        FakeScript(**given)
    with pytest.raises(ProbeError, match="no fixture; give one"):
        Play()
