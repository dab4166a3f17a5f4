"""Which fixture meets which request: by number, in turn, by weights, by format, path and model; and from a file."""

from collections import Counter

import pytest

from probes.errors import ProbeError
from probes.fake.command import make_script
from probes.fake.planfile import read_script
from probes.fake.script import Selector
from probes.fake_endpoint import FakeScript, Play, fake_endpoint, forecast
from probes.load.client import LoadSpec, run_load

CHAT = ("openai-chat", "/v1/chat/completions", "m")


def chosen(count, *plays, **script):
    selector = Selector(FakeScript(plays=plays, **script))
    return [selector.choose(*CHAT) for _ in range(count)]


def test_a_rule_hits_every_nth_request():
    assert chosen(7, Play(fixture="gzip", every=3)) == ["none", "none", "gzip", "none", "none", "gzip", "none"]
    assert chosen(5, Play(fixture="gzip", every=3, start=1)) == ["gzip", "none", "none", "gzip", "none"]


def test_a_rule_hits_the_requests_that_it_names():
    assert chosen(4, Play(fixture="drop", requests=(2, 4))) == ["none", "drop", "none", "drop"]


def test_a_cycle_plays_each_in_turn():
    assert chosen(5, Play(cycle=("none", "gzip", "crlf"))) == ["none", "gzip", "crlf", "none", "gzip"]


def test_the_first_rule_that_has_something_wins_and_the_others_count_on():
    played = chosen(6, Play(fixture="drop", requests=(3,)), Play(fixture="gzip", every=3))
    assert played == ["none", "none", "drop", "none", "none", "gzip"]


def test_the_fault_of_a_script_comes_before_its_rules():
    assert chosen(3, Play(fixture="gzip"), fault="drop", fault_every=2) == ["drop", "gzip", "drop"]


def test_weights_are_drawn_alike_by_everybody_with_the_same_seed_and_come_out_as_asked():
    rule = Play(weights={"none": 80, "http-429": 15, "truncated": 5})
    assert chosen(200, rule, seed=1) == chosen(200, rule, seed=1) != chosen(200, rule, seed=2)
    counts = Counter(chosen(4000, rule))
    assert counts["none"] == pytest.approx(3200, abs=100)
    assert counts["http-429"] == pytest.approx(600, abs=80)
    assert counts["truncated"] == pytest.approx(200, abs=50)


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ({"api": "anthropic"}, [False, True, False]),
        ({"path": "/v1/m"}, [False, True, False]),
        ({"model": "b"}, [False, False, True]),
        ({}, [True, True, True]),
    ],
)
def test_a_rule_is_for_requests_of_its_kind(rule, hit):
    asked = [CHAT, ("anthropic", "/v1/messages", "m"), ("openai-chat", "/v1/chat/completions", "b")]
    selector = Selector(FakeScript(plays=(Play(fixture="gzip", **rule),)))
    assert [selector.choose(*each) == "gzip" for each in asked] == hit


def test_a_forecast_is_what_is_then_played_and_told(tmp_path):
    weights = {"none": 3, "truncated": 1, "http-529": 1}
    script = FakeScript(plays=(Play(fixture="bad-crc", every=7), Play(weights=weights)), seed=3)
    plan = forecast(script, "openai-chat", 40)
    assert "bad-crc" not in plan  # it means nothing in a chat, so a plain answer is given
    order = {"model": "m", "concurrency": 4, "requests": 40, "output_tokens": 4, "attempt_prefix": "t"}
    with fake_endpoint(script) as fake:
        result = run_load(LoadSpec(base_url=fake.base_url, **order), spool_path=tmp_path / "spool")
        told = fake.classes()["openai-chat"]
    assert Counter(row["fault"] for row in fake.truth()) == plan
    assert told == Counter(attempt.error_class or "ok" for attempt in result.attempts)
    assert told == {"ok": plan["none"], "truncated": plan["truncated"], "overloaded": plan["http-529"]}


FILE = """
ttft_ms = 250
itl_ms = 1.5
tokens = 9
framing = "close"
line_end = "crlf"
models = ["a", "b"]

[[play]]
api = "anthropic"
fixture = "stall"
requests = [3, 7]

[[play]]
weights = { none = 9, http-529 = 1 }
"""


def test_a_file_says_all_that_a_script_can(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(FILE)
    script = FakeScript(**read_script(path))
    assert (script.ttft_s, script.itl_s, script.tokens) == (0.25, 0.0015, 9)
    assert (script.framing, script.line_end, script.models) == ("close", "crlf", ("a", "b"))
    assert script.plays == (
        Play(api="anthropic", fixture="stall", requests=(3, 7)),
        Play(weights={"none": 9, "http-529": 1}),
    )


def test_what_is_asked_beside_a_file_wins_over_it_and_the_file_over_what_is_usual(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(FILE)
    script = make_script(path, ttft_s=0.5, tokens=None, fault="gzip")
    assert (script.ttft_s, script.itl_s, script.tokens, script.fault) == (0.5, 0.0015, 9, "gzip")
    assert make_script(None).ttft_s == 0.05


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ttft = 5", 'plan.toml: "ttft" is not a key here; did you mean "ttft_ms"?'),
        ("tokens = 'many'", "plan.toml: tokens = 'many' must be a whole number"),
        ("tokens = 0", "plan.toml: tokens = 0 must be 1 to 1000000"),
        ("ttft_ms = -1", "plan.toml: ttft_s = -0.001 must be 0 or more seconds"),
        ("framing = 'brotli'", 'must be "usual" or "chunked" or "length" or "close"'),
        ("play = 3", "plan.toml: play must be a list of tables: write [[play]] before each rule"),
        ("[[play]]\nevery = 2", "plan.toml: [[play]] 1: a rule has no fixture; give one of fixture, cycle and weights"),
        ("[[play]]\nfixture = 'gzip'\n[[play]]\nfixture = 'stal'", '[[play]] 2: "stal" is not a fixture; did you mean'),
        ("[[play]]\nfixture = 'bad-crc'\napi = 'gemini'", 'gemini has no fixture "bad-crc"'),
        ("[[play]]\nfixture = 'gzip'\napi = 'anthropics'", 'did you mean "anthropic"?'),
        ("[[play]]\nfixture = 'gzip'\nevery = 0", "every = 0 must be 1 or more"),
        ("[[play]]\nfixture = 'gzip'\nevery = 2\nrequests = [1]", "both requests and every"),
        ("[[play]]\nfixture = 'gzip'\nstart = 2", "start = 2 goes with every"),
        ("[[play]]\nfixture = 'gzip'\ncycle = ['none']", "a rule has fixture and cycle"),
        ("[[play]]\nweights = { none = -1 }", "weights: none = -1 must be 0 or more"),
        ("[[play]]\nweights = { none = 0 }", "weights: all are 0"),
        ("[[play]]\nweights = []", "weights = [] must be a table of fixtures"),
        ("ttft_ms = ", "plan.toml is not TOML"),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence_that_says_what_would_be_right(text, said, tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(ProbeError) as told:
        read_script(path)
    assert said in str(told.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProbeError, match=r"the script .*none\.toml cannot be read: No such file"):
        read_script(tmp_path / "none.toml")
