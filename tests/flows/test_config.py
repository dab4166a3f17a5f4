"""A config's mistakes: all of them at once, each with where, what and what is allowed."""

import copy
import tomllib
from pathlib import Path

import pytest

from flows.config import api_key, check_config, load_config
from flows.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "flows" / "configs"

GOOD = tomllib.loads(
    """
    [night]
    name = "t"
    max_usd = 1.0
    [[targets]]
    kind = "endpoint"
    id = "a"
    provider = "p"
    model = "m"
    base_url = "http://127.0.0.1:1/v1"
    api = "openai-chat"
    api_key_env = "A_KEY"
    [[workloads]]
    id = "w"
    arrivals = "closed"
    concurrency = 1
    requests = 3
    prompt_tokens = 10
    output_tokens = 10
    """
)


def problems(**changes):
    """The sentences for GOOD with changed values; a key is a dotted path, None removes."""
    raw = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *steps, last = path.split("__")
        here = raw
        for step in steps:
            here = here[int(step)] if step.isdigit() else here[step]
        if value is None:
            del here[last]
        else:
            here[last] = value
    with pytest.raises(ConfigError) as caught:
        check_config(raw, name="t.toml")
    return caught.value.problems


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.name)
def test_every_config_that_comes_along_is_valid(path):
    assert load_config(path).config.targets


def test_all_mistakes_are_reported_at_once():
    found = problems(night__max_usd=-1, night__nmae="x", targets__0__base_url="ftp://x", workloads__0__requests=0)
    assert len(found) == 4
    assert all(sentence.startswith("t.toml: ") for sentence in found)


def test_an_unknown_key_names_the_nearest_known_one():
    assert problems(targets__0__base_ulr="x") == [
        't.toml: targets[0] "a" base_ulr is not a known key; did you mean base_url?'
    ]


def test_a_missing_key_says_so():
    assert problems(targets__0__model=None) == ['t.toml: targets[0] "a" model is missing and has no default']


@pytest.mark.parametrize("url", ["x", "ftp://h/v1", "http://", "http://h:99999/v1", "https://user:pw@h/v1"])
def test_a_bad_url_is_refused_before_the_first_request(url):
    (sentence,) = problems(targets__0__base_url=url)
    assert 'targets[0] "a" base_url' in sentence


def test_a_key_pasted_for_its_name_is_refused_and_not_repeated():
    (sentence,) = problems(targets__0__api_key_env="sk-live-1234567890")
    assert "NAME of an environment variable" in sentence
    assert "1234567890" not in sentence


def test_a_number_out_of_range_says_what_is_allowed():
    assert problems(night__max_usd=-1) == ["t.toml: night max_usd = -1: must be >= 0"]


def test_closed_and_open_loops_need_what_they_need():
    assert "needs concurrency" in problems(workloads__0__concurrency=None)[0]
    assert "needs rate_rps" in problems(workloads__0__arrivals="poisson")[0]


def test_a_local_target_needs_a_site_and_room_for_the_workload():
    local = {
        "kind": "local", "id": "l", "engine": "llama.cpp", "model": "m", "device": "cpu", "threads": 1, "slots": 1,
    }  # fmt: skip
    raw = copy.deepcopy(GOOD)
    raw["targets"].append(local)
    with pytest.raises(ConfigError, match=r"local targets need a \[site\] table"):
        check_config(raw, name="t.toml")
    raw = tomllib.loads((CONFIGS / "small.toml").read_text())
    raw["workloads"][0]["prompt_tokens"] = 5000
    with pytest.raises(ConfigError, match=r"needs 5016 tokens, target .* has context_tokens = 2048"):
        check_config(raw, name="t.toml")


def test_no_such_engine_says_which_there_are():
    raw = tomllib.loads((CONFIGS / "small.toml").read_text())
    raw["targets"][0]["engine"] = "llama.ccp"
    with pytest.raises(ConfigError, match=r"engine = 'llama.ccp': must be 'llama.cpp' or 'transformers'"):
        check_config(raw, name="t.toml")


def test_an_unknown_kind_says_which_there_are():
    assert "'endpoint', 'local'" in problems(targets__0__kind="remote")[0]


def test_two_targets_with_one_id_are_refused():
    raw = copy.deepcopy(GOOD)
    raw["targets"].append(dict(raw["targets"][0]))
    with pytest.raises(ConfigError, match="targets share the id 'a'"):
        check_config(raw, name="t.toml")


def test_a_range_must_rise_and_a_pue_is_at_least_one():
    raw = tomllib.loads((CONFIGS / "small.toml").read_text())
    raw["site"]["pue"] = {"low": 0.9, "central": 1.0}
    raw["site"]["hardware"]["price_usd"] = {"low": 5, "central": 4}
    with pytest.raises(ConfigError) as caught:
        check_config(raw, name="t.toml")
    assert any("PUE must be >= 1" in s for s in caught.value.problems)
    assert any("low <= central <= high" in s for s in caught.value.problems)


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "no such file"), (b"[night", "is not TOML"), (b"\xff", "cannot be read")]
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "c.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=sentence):
        load_config(path)


def test_an_empty_key_counts_as_none(monkeypatch):
    (target,) = check_config(GOOD, name="t.toml").targets
    monkeypatch.setenv("A_KEY", "")
    assert api_key(target) is None
    monkeypatch.setenv("A_KEY", "k")
    assert api_key(target) == "k"


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"max_tokens": 4096}, 'target "a" extra_body must not say max_tokens, by which max_usd could not be kept'),
        ({"generationConfig": {"maxOutputTokens": 4096}}, "must not say maxOutputTokens"),
        ({"n": 4}, "must not say n = 4"),
        ({"model": "a-dearer-one"}, "must not say model"),
    ],
)
def test_what_would_pass_the_worst_case_is_no_part_of_a_body(extra, says):
    [problem] = problems(targets__0__extra_body=extra)
    assert says in problem


def test_what_costs_no_more_may_be_part_of_a_body():
    raw = copy.deepcopy(GOOD)
    raw["targets"][0]["extra_body"] = {"n": 1, "ignore_eos": True, "generationConfig": {"topK": 1}}
    assert check_config(raw, name="t.toml").targets[0].extra_body["n"] == 1
