"""An endpoint that does all as its standard says, and one mistake at a time."""

import socket
from dataclasses import replace
from itertools import accumulate

import pytest

from probes.capability.answer import as_made
from probes.capability.asks import ASKS, worst_case
from probes.capability.finding import QUESTIONS
from probes.capability.probe import CheckReport, check_endpoint
from probes.capability.promises import promise
from probes.errors import ProbeError
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.recorder import read_attempt
from probes.load.spec import LoadSpec, Timeouts
from tests.probes.capability.server import KEY, Server, Ways, serving
from tests.probes.load.laws import raw_of


@pytest.fixture(scope="module")
def served():
    with serving() as server:
        yield server


@pytest.fixture
def server(served):
    served.ways = Ways()
    return served


@pytest.fixture
def free_port():
    with socket.socket() as nobody:  # bound, so that nobody else gets it, and not listening
        nobody.bind(("127.0.0.1", 0))
        yield nobody.getsockname()[1]


def spec(base_url: str, **changes) -> LoadSpec:
    given = {
        "base_url": base_url,
        "model": "good-model",
        "arrivals": "closed",
        "concurrency": 1,
        "requests": 1,
        "attempt_prefix": "check",
        "timeouts": Timeouts(connect_s=60, first_token_s=60, stall_s=60, total_s=60),
        **changes,
    }
    return LoadSpec(**given)


def check(server: Server, **changes) -> CheckReport:
    return check_endpoint(spec(server.base_url, **changes))


def verdicts(report: CheckReport) -> dict[str, str]:
    return {each.finding_id: each.verdict for each in report.findings}


def evidence(report: CheckReport, finding_id: str) -> str:
    return next(each.evidence for each in report.findings if each.finding_id == finding_id)


def test_an_endpoint_that_does_all_as_its_standard_says_conforms_in_all_that_is_required(server):
    server.ways = Ways(key=KEY, headers={"X-Request-Id": "r1", "x-ratelimit-limit-requests": "60"})
    report = check(server, api_key=KEY)
    assert [each.finding_id for each in report.findings] == list(QUESTIONS)
    said = verdicts(report)
    assert {name for name, verdict in said.items() if verdict != "yes"} == {"tls"}
    assert said["tls"] == "not applicable"
    assert (report.score.conforming, report.score.required, report.score.share) == (13, 13, 1.0)
    assert report.score.deviations == () and report.score.unknown == ()
    assert report.answered and report.advice is None and report.http_version == "1.1"
    assert evidence(report, "rate_limits") == "x-ratelimit-limit-requests: 60"
    assert evidence(report, "stop_sequence") == "asked to stop at 'two': 'one', finish reason stop"
    assert evidence(report, "usage").endswith("+ 8 out, in an event of its own")
    assert evidence(report, "cached_tokens").startswith("1024 of ")
    assert evidence(report, "ignore_eos") == "48 of 48 tokens, 1 without it"
    assert "image dimensions exceed the limit of 8000 pixels" in evidence(report, "large_picture")
    assert evidence(report, "made_up_model").startswith("model_not_found: HTTP 404")


def test_a_check_costs_no_more_calls_and_tokens_than_it_says_beforehand(server):
    report = check(server)
    most = worst_case(generates=True)
    sent = [path for path, _, _ in server.ways.asked]
    assert len(sent) <= most.calls == len(ASKS)
    assert 0 < report.prompt_tokens <= most.prompt_tokens
    assert 0 < report.output_tokens <= most.output_tokens
    assert all(body.get("max_tokens", 0) <= 48 for _, _, body in server.ways.asked)


@pytest.mark.parametrize(
    ("api", "most_tokens"),
    [("openai-images", 12 * 7024), ("openai-transcription", 12 * 448), ("openai-speech", 12 * 600), ("tei-rerank", 0)],
)
def test_a_check_of_what_no_field_limits_costs_no_more_than_it_says_beforehand(api, most_tokens):
    given = promise(api)
    most = worst_case(generates=given.generates, answer_tokens=given.answer_tokens)
    assert most.output_tokens == most_tokens
    with fake_endpoint(FakeScript()) as fake:
        base_url = fake.base_url.removesuffix("/v1") if api == "tei-rerank" else fake.base_url
        report = check_endpoint(spec(base_url, api=api, model="fake"))
    assert report.answered
    assert report.calls <= 12 + 4  # lists of models, too
    assert (report.output_tokens or 0) <= most_tokens


def test_who_takes_connections_and_answers_no_handshake_is_told_from_who_takes_none(free_port):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes connections for it
        port = silent.getsockname()[1]
        report = check_endpoint(spec(f"https://127.0.0.1:{port}/v1", timeouts=Timeouts(connect_s=1)))
    assert evidence(report, "tls") == "no answer to a TLS handshake in 1 s; does it speak plain http?"
    assert (verdicts(report)["tcp"], verdicts(report)["tls"], report.answered) == ("yes", "no", False)
    refused = check_endpoint(spec(f"https://127.0.0.1:{free_port}/v1"))
    assert verdicts(refused)["tcp"] == "no"


# What is changed, which finding it shows in, and what that says.
MISTAKES = {
    "stop passed over": (Ways(keeps_stop=False), "stop_sequence", "deviates", "asked to stop at 'two'"),
    "limit passed over": (Ways(keeps_limit=False), "max_tokens", "deviates", "asked for 8, counted 10"),
    "any model": (Ways(knows_model=False), "made_up_model", "deviates", "it answers under any name"),
    "no usage": (Ways(usage="none"), "usage", "deviates", "no counts"),
    "usage at the finish": (Ways(usage="finish"), "usage", "yes", "with the finish reason"),
    "a count below zero": (Ways(counts=-1), "usage_right", "deviates", "-1"),
    "counts of zero": (Ways(counts=0), "usage", "deviates", "0 tokens counted of 8 events with payload"),
    "more events than tokens": (Ways(counts=3), "usage_right", "deviates", "3 tokens counted, 8 events"),
    "a model that ends at once": (Ways(speechless=True), "answers", "unknown", "carried no payload"),
    "the wrong reason": (Ways(finish="stop"), "finish_reason", "deviates", '"stop" of an answer that its limit of 8'),
    "a reason of its own": (Ways(finish="done"), "finish_reason", "deviates", '"done" is none of its standard'),
    "no terminator": (Ways(done=False), "terminator", "deviates", "a finish reason, but no [DONE]"),
    "no role": (Ways(role_first=False), "role_first", "no", "holds payload already"),
    "held back": (Ways(at_once=True), "as_made", "deviates", "something on the way holds them back"),
    "gzip": (Ways(gzip=True), "identity", "deviates", "gzip"),
    "another form of errors": (Ways(error_form="fastapi"), "bad_request", "deviates", "not in the form"),
    "its own fault": (Ways(bad_status=500), "bad_request", "deviates", "its own fault"),
    "one request a connection": (Ways(keeps_alive=False), "keep_alive", "no", "a new connection"),
    "no list": (Ways(models=(), knows_model=False), "model_listed", "unknown", "HTTP 404"),
    "a picture too large breaks it": (
        Ways(picture_status=500),
        "large_picture",
        "deviates",
        "9,000 pixels wide: HTTP 500",
    ),
    "no ignore_eos": (Ways(knows_ignore_eos=False), "ignore_eos", "no", "1 of 48 tokens"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_shows_in_the_finding_it_belongs_to(server, name):
    ways, finding_id, verdict, said = MISTAKES[name]
    ways.asked, ways.prefixes = [], set()
    server.ways = ways
    report = check(server)
    assert verdicts(report)[finding_id] == verdict
    assert said in evidence(report, finding_id)
    required = next(each.required for each in report.findings if each.finding_id == finding_id)
    assert (finding_id in report.score.deviations) == (verdict == "deviates" and required)


def test_a_document_in_place_of_a_stream_is_said(server):
    server.ways = Ways(streams=False)
    report = check(server)
    assert evidence(report, "streams") == "one document, although a stream was asked for"
    assert "streams" in report.score.deviations
    assert "answers" not in report.score.deviations
    assert verdicts(report)["unstreamed"] == "yes"


def test_a_request_that_is_refused_is_tried_without_what_servers_refuse_and_the_remedy_is_named(server):
    server.ways = Ways(limit_field="max_completion_tokens", temperatures=(1,))
    report = check(server)
    assert report.score.share == 1.0  # it is the config that must be changed
    assert report.advice == 'it takes no temperature of 0; set max_tokens_field = "max_completion_tokens"'
    assert verdicts(report)["max_tokens"] == "yes"  # the rest is asked the way that works
    assert verdicts(report)["repeats"] == "not applicable"


def test_a_base_url_without_its_version_is_found_out(server):
    bare = server.base_url.removesuffix("/v1")
    report = check_endpoint(spec(bare))
    assert report.advice == (
        f"it answers at {bare}/v1/chat/completions, not at {bare}/chat/completions: set base_url to {bare}/v1"
    )
    assert not report.answered and verdicts(report)["answers"] == "no"


def test_a_base_url_with_a_path_that_is_none_is_found_out():
    with fake_endpoint(FakeScript()) as fake:
        root = fake.base_url.removesuffix("/v1")
        report = check_endpoint(spec(f"{root}/gemini", api="gemini", model="fake"))
    asked = "v1beta/models/fake:streamGenerateContent?alt=sse"
    assert report.advice == f"it answers at {root}/{asked}, not at {root}/gemini/{asked}: set base_url to {root}"


def test_a_rerank_that_counts_searches_says_so():
    with fake_endpoint(FakeScript()) as fake:
        report = check_endpoint(spec(fake.base_url.removesuffix("/v1"), api="cohere-rerank", model="fake"))
    assert evidence(report, "usage") == "none, but what it bills by: searches, 1"


@pytest.mark.parametrize(
    ("stamps_ms", "verdict"),
    [
        ((200, 205, 210, 215, 220), "yes"),
        ((200, 200, 210, 210, 220), "yes"),
        ((200, 200, 200, 200, 200), "deviates"),
        ((200, 200, 200, 200.1, 200.1), "deviates"),  # held back, and too much for one read
        ((20, 20, 20, 20.1, 20.1), "unknown"),
        ((200, 205), "unknown"),
    ],
)
def test_events_that_come_at_once_are_not_as_they_were_made(stamps_ms, verdict):
    events = [b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'] * len(stamps_ms)
    ends = list(accumulate(map(len, events)))
    reads = {round(at * 1e6): end for at, end in zip(stamps_ms, ends, strict=True)}
    raw = raw_of("openai-chat", b"".join(events), list(reads.values()))
    finding = as_made(read_attempt(replace(raw, read_stamps_ns=list(reads))).record)
    assert finding.verdict == verdict


@pytest.mark.parametrize("given", ["/v1/chat/completions", "/v1/v1"])
def test_a_base_url_with_too_much_at_its_end_is_found_out(server, given):
    bare = server.base_url.removesuffix("/v1")
    report = check_endpoint(spec(bare + given))
    assert report.advice.endswith(f": set base_url to {bare}/v1")


def test_a_base_url_with_a_version_too_many_is_found_out(server):
    server.ways = Ways(path="/chat/completions")
    bare = server.base_url.removesuffix("/v1")
    assert check(server).advice.endswith(f": set base_url to {bare}")


def test_a_model_that_does_not_exist_is_named_with_the_nearest_one_and_what_there_is(server):
    report = check(server, model="good-modle")
    assert report.advice == (
        'there is no model "good-modle"; did you mean "good-model"? It lists good-model, other-model, whisper-1'
    )
    assert report.score.share == 0.0
    assert verdicts(report)["usage"] == "unknown"


def test_an_audio_model_asked_for_chat_is_told_from_one_that_does_not_exist(server):
    report = check(server, model="whisper-1")
    assert report.advice == (
        'it has the model "whisper-1", but not for openai-chat (HTTP 400: invalid_request_error: This is not a chat'
        ' model); set api = "openai-transcription"'
    )


def test_a_key_that_is_missing_or_wrong_is_the_first_thing_said(server):
    server.ways = Ways(key=KEY)
    assert check(server).advice.startswith("it wants a key; name its variable in api_key_env: HTTP 401")
    assert check(server, api_key="another-key-0000").advice.startswith("the key was refused: HTTP 401")


def test_the_key_is_in_nothing_that_is_found_however_loudly_it_is_echoed(server):
    server.ways = Ways(key=KEY, echo=True, status=None)
    report = check(server, api_key=KEY)
    assert verdicts(report)["wrong_key"] == "yes"
    assert KEY not in repr(report)
    assert "Bearer ***" in evidence(report, "rate_limits")
    keys = {key for _, key, _ in server.ways.asked}
    assert keys == {f"Bearer {KEY}", "Bearer megatoken-check-made-up-key"}


def test_what_a_rate_limit_kept_from_being_asked_is_unknown_and_no_verdict_on_the_endpoint(server):
    server.ways = Ways(status=429, headers={"Retry-After": "7"})
    report = check(server)
    assert "HTTP 429" in report.advice
    assert set(verdicts(report).values()) <= {"yes", "no", "unknown", "not applicable"}


def test_an_endpoint_that_breaks_down_in_the_middle_keeps_what_was_found_until_then(server):
    server.ways = Ways(gone_after=3)
    report = check(server)
    said = verdicts(report)
    assert (said["answers"], said["usage"], said["terminator"]) == ("yes", "yes", "yes")
    assert said["made_up_model"] == "deviates"
    assert "before it answered" in evidence(report, "made_up_model")


def test_one_that_never_answers_is_waited_for_once(server):
    server.ways = Ways(silent=True)
    timeouts = Timeouts(connect_s=60, first_token_s=0.2, stall_s=60, total_s=60)
    report = check(server, timeouts=timeouts)
    assert report.advice == "nothing came for 0.2 s" and report.calls == 1
    assert verdicts(report)["max_tokens"] == "unknown"


def test_an_endpoint_that_is_not_there_is_said_in_one_sentence(free_port):
    report = check_endpoint(spec(f"http://127.0.0.1:{free_port}/v1"))
    assert report.advice == (f"not reached (connect_refused): 127.0.0.1 port {free_port}: Connection refused")
    assert verdicts(report)["name"] == "yes" and verdicts(report)["tcp"] == "no"
    assert report.score.conforming == 0 and report.calls == 0


def test_an_api_that_does_not_exist_is_an_error_with_the_nearest_name(server):
    with pytest.raises(ProbeError, match='did you mean "openai-chat"'):
        check(server, api="openai-chats")


def test_what_passes_is_no_word_on_what_an_endpoint_can_do():
    with fake_endpoint(FakeScript(fault="http-429")) as fake:
        report = check_endpoint(spec(fake.base_url, model="fake"))
    assert not report.answered
    assert report.advice.endswith("check it again later")
    assert "another kind" not in report.advice
