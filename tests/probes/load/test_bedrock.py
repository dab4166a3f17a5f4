"""Reading Bedrock's ConverseStream, and asking for it: with a key, or signed."""

import base64
import re
import socket
import sys
import threading

import botocore.session
import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from probes.errors import ProbeError
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.origin import parse_origin
from probes.load.prompt import Image, Prompt, Turn
from probes.load.protocols.base import EventClass
from probes.load.protocols.bedrock import BEDROCK, answer_text, has_payload, has_terminator, read_stream
from probes.load.protocols.bedrock_signing import credentials, secret, sign, signer_for
from probes.load.raw import read_raw
from probes.load.requests import RequestSource
from probes.load.rounds import Ahead
from probes.load.session import Session
from probes.load.spec import LoadSpec
from tests.probes.load.test_event_stream import event, exception

USAGE = {"inputTokens": 10, "outputTokens": 7, "totalTokens": 3217}
CACHED = {"cacheReadInputTokens": 3000, "cacheWriteInputTokens": 200}
ACCESS_KEY, SECRET_KEY, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI+planted", "FwoGZXIvYXdzEPlanted"


def delta(**said):
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": said, "p": "abcdefgh"})


def text(words):
    return delta(text=words)


def stop(reason="end_turn"):
    return event("messageStop", {"stopReason": reason})


def metadata(**usage):
    return event("metadata", {"usage": USAGE | usage, "metrics": {"latencyMs": 551}})


START = event("messageStart", {"role": "assistant"})
BLOCK_STOP = event("contentBlockStop", {"contentBlockIndex": 0})


def read(*frames):
    return read_stream(b"".join(frames))


def classes_of(*frames):
    return [EventClass(code).name for code in read(*frames).event_classes]


def test_a_whole_answer_in_the_order_of_the_specification():
    frames = [START, text("Grüße "), text("日本"), BLOCK_STOP, stop(), metadata(**CACHED)]
    facts = read(*frames)
    assert classes_of(*frames) == ["EMPTY", "TEXT", "TEXT", "EMPTY", "FINISH", "USAGE"]
    assert facts.payload_ends == [sum(map(len, frames[:2])), sum(map(len, frames[:3]))]
    assert (facts.terminal, facts.finish_reason, facts.fault) == (True, "end_turn", None)
    assert (facts.first_choice, facts.first_visible) == (0, 0)
    assert answer_text(b"".join(frames)) == "Grüße 日本"
    assert (facts.prompt_tokens, facts.cached_tokens, facts.cache_write_tokens) == (3210, 3000, 200)
    assert (facts.output_tokens, facts.reasoning_tokens) == (7, None)


def test_counts_that_are_not_said_are_unknown():
    facts = read(START, text("a"), stop(), metadata())
    assert (facts.prompt_tokens, facts.cached_tokens, facts.cache_write_tokens) == (10, None, None)
    silent = read(START, text("a"), stop())
    assert (silent.prompt_tokens, silent.output_tokens, silent.terminal) == (None, None, True)
    odd = read(START, text("a"), stop(), metadata(outputTokens=-7))
    assert odd.output_tokens is None
    assert odd.usage_fault == "outputTokens = -7 is no count"


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (text(""), "EMPTY"),
        (delta(reasoningContent={"text": "hm"}), "REASONING"),
        (delta(reasoningContent={"signature": "c2ln"}), "EMPTY"),
        (delta(reasoningContent={"redactedContent": "ZW5j"}), "EMPTY"),
        (delta(toolUse={"input": '{"a'}), "TOOL"),
        (delta(toolUse={"input": ""}), "EMPTY"),
        (delta(citation={"title": "x"}), "EMPTY"),
        (delta(image={"source": {"bytes": "AAAA"}}), "IMAGE"),
        (event("contentBlockDelta", {}), "EMPTY"),
        (event("contentBlockStart", {"start": {"toolUse": {"toolUseId": "t", "name": "f"}}}), "TOOL"),
        (event("contentBlockStart", {"start": {}}), "EMPTY"),
        (event("initial-response", {}), "OTHER"),
        (event("metadata", {"usage": USAGE, "serviceTier": {"type": "priority"}}), "USAGE"),
    ],
)
def test_each_kind_of_event_has_its_class(frame, name):
    assert classes_of(frame) == [name]


def test_reasoning_is_a_first_token_but_not_a_visible_one():
    facts = read(START, delta(reasoningContent={"text": "hm"}), text("Hi"), stop(), metadata())
    assert (len(facts.payload_ends), facts.first_visible, facts.reasoning_streamed) == (2, 1, True)


@pytest.mark.parametrize("reason", ["guardrail_intervened", "content_filtered"])
def test_a_filter_is_a_fault_of_its_own(reason):
    facts = read(START, text("a"), stop(reason), metadata())
    assert facts.fault is not None
    assert (facts.fault[0], facts.finish_reason) == ("filtered", reason)


@pytest.mark.parametrize("before", [b"", START, START + text("Hi")])
def test_an_exception_after_200_is_a_stream_error(before):
    facts = read(before, exception("throttlingException", b'{"message":"Too many requests"}'))
    assert facts.fault == ("stream_error", "throttlingException: Too many requests")
    assert facts.event_classes[-1] == EventClass.ERROR
    assert not facts.terminal


def test_a_damaged_frame_is_a_parse_error_that_keeps_what_came_before():
    damaged = bytearray(text("Hi"))
    damaged[-6] ^= 1
    facts = read(START, text("Hi"), bytes(damaged), stop(), metadata())
    assert facts.fault is not None
    assert facts.fault[0] == "parse_error"
    assert "frame 2 of the event stream" in facts.fault[1]
    assert "checksum" in facts.fault[1]
    assert (classes_of(START, text("Hi"), bytes(damaged), stop()), facts.terminal) == (
        ["EMPTY", "TEXT", "OTHER"],
        False,
    )


def test_an_answer_that_is_cut_says_what_came_and_ends_in_no_half_frame():
    body = b"".join([START, text("Grüße "), text("日本"), BLOCK_STOP, stop(), metadata()])
    whole = read_stream(body)
    before_last = {len(body), whole.event_ends[-2]}
    for place in range(len(body) + 1):
        part = read_stream(body[:place])
        come = sum(end <= place for end in whole.event_ends)
        assert part.fault is None
        assert (part.event_ends, part.event_classes) == (whole.event_ends[:come], whole.event_classes[:come])
        assert "Grüße 日本".startswith(answer_text(body[:place]))
        assert part.terminal == (place in before_last)


def test_a_body_under_way_tells_whether_it_has_a_payload_and_whether_it_is_over():
    assert not has_payload(START)
    assert not has_payload(START + text("Hi")[:-1])
    assert has_payload(START + text("Hi"))
    assert not has_terminator(START + text("metadata") + stop())
    assert has_terminator((START + text("Hi") + stop() + metadata())[33:])
    assert has_terminator(START + exception("internalServerException", b"{}"))
    assert BEDROCK.output_tokens(START + metadata()) == 7
    assert BEDROCK.output_tokens(START) is None


# Requests.


def spec(**given):
    defaults = {"base_url": "http://h", "model": "vendor.model-v1:0", "api": "bedrock", "concurrency": 1, "requests": 1}
    return LoadSpec(**defaults | given, attempt_prefix="t")


def test_the_body_is_in_amazons_words_and_extra_settings_are_merged():
    prompt = Prompt(
        turns=(
            Turn(role="system", text="Be brief."),
            Turn(role="user", text="What is it?", images=(Image(data=b"\xff\xd8", media_type="image/jpeg"),)),
            Turn(role="assistant", text="A dot."),
            Turn(role="user", text="Sure?"),
        )
    )
    extra = {"inferenceConfig": {"topP": 0.5}, "performanceConfig": {"latency": "optimized"}}
    body = orjson.loads(BEDROCK.request_body(spec(output_tokens=5, extra_body=extra), prompt))
    picture = {"format": "jpeg", "source": {"bytes": base64.b64encode(b"\xff\xd8").decode()}}
    assert body == {
        "messages": [
            {"role": "user", "content": [{"image": picture}, {"text": "What is it?"}]},
            {"role": "assistant", "content": [{"text": "A dot."}]},
            {"role": "user", "content": [{"text": "Sure?"}]},
        ],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 5, "temperature": 0.0, "topP": 0.5},
        "performanceConfig": {"latency": "optimized"},
    }
    assert b"temperature" not in BEDROCK.request_body(spec(temperature=None), Prompt.of("Hi"))


def test_the_path_encodes_a_model_or_an_arn():
    assert BEDROCK.path(spec()) == "/model/vendor.model-v1%3A0/converse-stream"
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.vendor.model"
    wanted = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.vendor.model/converse-stream"
    assert BEDROCK.path(spec(model=arn)) == wanted


def request_of(wanted):
    return RequestSource(wanted, BEDROCK, parse_origin(wanted.base_url, BEDROCK.path(wanted))).warmup(0).request


def test_with_a_key_a_request_bears_it_and_is_not_signed():
    request = request_of(spec(api_key="bedrock-api-key"))
    assert request.count(b"Authorization:") == 1
    assert b"\r\nAuthorization: Bearer bedrock-api-key\r\n" in request
    assert b"X-Amz-Date" not in request
    assert b"X-Amz-Date" not in request_of(spec(extra_headers={"authorization": "Own abc"}))


def forget():
    signer_for.cache_clear()
    credentials.cache_clear()


@pytest.fixture
def aws(monkeypatch, tmp_path):
    """An environment of ours in which botocore finds credentials, and nothing of this machine's."""
    forget()
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    yield monkeypatch
    forget()


def verified(request, *, region, token=None):
    """Whether botocore, given what arrived and the secret, comes to the same signature. Returns the signed names."""
    head, body = request.split(b"\r\n\r\n", 1)
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})", headers["authorization"]
    )
    assert found is not None
    credential, names, signature = found.groups()
    assert credential == f"{ACCESS_KEY}/{headers['x-amz-date'][:8]}/{region}/bedrock/aws4_request"
    signed = {name: headers[name] for name in names.split(";")}
    arrived = AWSRequest(
        method=line.split()[0], url=f"http://{headers['host']}{line.split()[1]}", headers=signed, data=body
    )
    arrived.context["timestamp"] = headers["x-amz-date"]
    verifier = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY, token), "bedrock", region)
    to_sign = verifier.string_to_sign(arrived, verifier.canonical_request(arrived))
    assert verifier.signature(to_sign, arrived) == signature
    return set(signed)


class OneServer(threading.Thread):
    """Answers every request on one port with an event stream, and keeps what it received."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.received = []

    def run(self):
        connection, _ = self._listener.accept()
        with connection, self._listener:
            come = b""
            while data := connection.recv(65536):
                come += data
                head, end, body = come.partition(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", head)
                if not end or length is None or len(body) < int(length[1]):
                    continue
                self.received.append(come)
                come = b""
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
                connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(self._answer) + self._answer)


def test_what_arrives_is_what_was_signed(load, aws):
    aws.setenv("AWS_REGION", "eu-central-1")
    aws.setenv("AWS_SESSION_TOKEN", TOKEN)
    server = OneServer(START + text(f"You are {TOKEN}.") + stop() + metadata())
    server.start()
    result = load(
        f"http://127.0.0.1:{server.port}",
        api="bedrock",
        model="vendor.model-v1:0",
        concurrency=1,
        requests=3,
        extra_headers={"X-Amzn-Bedrock-Trace": "ENABLED", "X-Team": "a", "content-type": "application/json;v=1"},
    )
    server.join(5)
    assert [attempt.error_class for attempt in result.attempts] == [None] * 3
    assert [attempt.output_tokens for attempt in result.attempts] == [7] * 3
    assert len(server.received) == 3
    for request in server.received:
        assert b"\r\nX-Request-Id: t.0000" in request
        assert b"\r\ncontent-type: application/json;v=1\r\n" in request
        assert verified(request, region="eu-central-1", token=TOKEN) == {
            *("host", "content-type", "x-amz-date", "x-amz-security-token", "x-amzn-bedrock-trace"),
        }
        assert SECRET_KEY.encode() not in request
    kept = result.spool_path.read_bytes()
    assert SECRET_KEY.encode() not in kept
    assert TOKEN.encode() not in kept


def test_amazons_own_client_reads_of_the_same_endpoint_what_we_read(load, aws):
    aws.setenv("AWS_REGION", "us-east-1")
    with fake_endpoint(FakeScript(ttft_s=0.001, itl_s=0.001)) as fake:
        base_url = fake.base_url.removesuffix("/v1")
        once = Config(retries={"max_attempts": 0})
        session = botocore.session.Session()
        client = session.create_client("bedrock-runtime", "us-east-1", endpoint_url=base_url, config=once)
        asked = {"messages": [{"role": "user", "content": [{"text": "how many roads"}]}]}
        answer = client.converse_stream(modelId="fake", inferenceConfig={"maxTokens": 8}, **asked)
        events = list(answer["stream"])
        client.close()
        result = load(base_url, api="bedrock", requests=1, concurrency=1, output_tokens=8)
    theirs = {kind: said for event in events for kind, said in event.items()}
    [raw], [record] = read_raw(result.spool_path), result.attempts
    text = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert text == answer_text(raw.body)
    assert theirs["metadata"]["usage"]["outputTokens"] == record.output_tokens == 8
    assert theirs["messageStop"]["stopReason"] == record.finish_reason
    assert record.error_class is None


@pytest.mark.parametrize(
    ("base_url", "region"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://vpce-1.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com", "ap-southeast-2"),
        ("http://localhost:8443/proxy", "sa-east-1"),
    ],
)
def test_the_region_is_that_of_the_host_else_that_of_the_environment(aws, base_url, region):
    aws.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    request = request_of(spec(base_url=base_url))
    assert verified(request, region=region) == {"host", "content-type", "x-amz-date"}


def test_what_is_never_to_be_written_is_the_token_of_temporary_credentials(aws):
    aws.setenv("AWS_REGION", "us-east-1")
    assert secret(spec()) == ""
    forget()
    aws.setenv("AWS_SESSION_TOKEN", TOKEN)
    assert secret(spec()) == TOKEN
    assert secret(spec(api_key="a key of its own")) == ""


def test_a_request_that_waited_is_signed_anew_when_it_is_sent(aws, tmp_path):
    aws.setenv("AWS_REGION", "eu-central-1")
    server = OneServer(START + text("Hi") + stop() + metadata())
    server.start()
    wanted = spec(base_url=f"http://127.0.0.1:{server.port}")
    with Session([wanted], [tmp_path / "spool"], stop=lambda: None, on_progress=None) as session:
        late, early = (session.requests[0].given(f"t.{n}", n, "Hello", wanted) for n in range(2))
        for planned in (late, early):
            planned.request = re.sub(rb"X-Amz-Date: \d+T\d+Z", b"X-Amz-Date: 20200101T000000Z", planned.request)
        late.signed_ns -= 5 * 60 * 10**9
        session.loop.run(Ahead(iter([[late], [early]]), 0), limit=1)
    server.join(5)
    verified(server.received[0], region="eu-central-1")
    assert b"X-Amz-Date: 2020" not in server.received[0]
    assert b"X-Amz-Date: 2020" in server.received[1]  # signed a moment ago: nothing was made anew


def test_each_request_is_signed_for_its_own_body(aws):
    aws.setenv("AWS_REGION", "us-east-1")
    source = RequestSource(spec(), BEDROCK, parse_origin("http://h", BEDROCK.path(spec())))
    signatures = {re.search(rb"Signature=(\w+)", source.warmup(n).request)[1] for n in range(3)}
    assert len(signatures) == 3


def test_without_credentials_or_a_region_one_sentence_says_what_to_set(aws):
    with pytest.raises(ProbeError, match="names no region to sign for; set AWS_REGION"):
        request_of(spec())
    forget()
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ProbeError, match="no credentials for Amazon Bedrock; set AWS_ACCESS_KEY_ID"):
        request_of(spec(base_url="https://bedrock-runtime.us-east-1.amazonaws.com"))
    forget()
    aws.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(ProbeError, match="nowhere"):
        sign(spec(), "https://bedrock-runtime.us-east-2.amazonaws.com/model/m/converse-stream", b"{}")


def test_without_botocore_one_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore", None)
    forget()
    with pytest.raises(ProbeError, match=r"botocore.*not installed; pip install 'megatoken\[bedrock\]'"):
        sign(spec(), "http://h/model/m/converse-stream", b"{}")
