"""What a config or a bench says of prompts: checked before the first request, landed beside the figures."""

import copy
import json
from dataclasses import replace

import pytest

from flows.benchplan import bench_spec
from flows.config import check_config
from flows.errors import ConfigError
from flows.loadspec import load_spec
from flows.spec import plan_columns, read_json, spec_json
from flows.targets import EndpointTarget
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.ingredients import Images
from probes.load.spread import Spread
from tests.flows.nights import megatoken, sql
from tests.flows.test_config import GOOD

TARGET = EndpointTarget(kind="endpoint", id="a", provider="p", model="m", base_url="http://h/v1", api="openai-chat")


def check(folder, target=None, **workload):
    raw = copy.deepcopy(GOOD)
    table = {"id": "w", "arrivals": "closed", "concurrency": 2, "requests": 9, "prompt_tokens": 50, "output_tokens": 10}
    raw["workloads"] = [{key: value for key, value in {**table, **workload}.items() if value is not None}]
    raw["targets"][0] |= target or {}
    return check_config(raw, name="t.toml", folder=folder)


def problem(folder, **workload):
    with pytest.raises(ConfigError) as caught:
        check(folder, **workload)
    [sentence] = caught.value.problems
    return sentence


DRAWN = {"kind": "lognormal", "median": 100, "sigma": 0.5, "min": 20, "max": 600}


def test_drawn_lengths_give_a_mean_and_a_largest(tmp_path):
    [workload] = check(tmp_path, prompt_tokens=None, prompt_lengths=DRAWN).workloads
    assert 100 < workload.prompt_tokens < 120
    assert (workload.prompt_tokens_max, workload.output_tokens_max) == (600, 10)
    assert (workload.most_prompt_tokens, workload.most_output_tokens) == (600, 10)


def test_files_are_found_beside_the_config(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"prompt": "hello there", "output_tokens": 99}\n{"prompt": "why"}\n')
    (tmp_path / "l.csv").write_text("100,10\n200,20\n")
    [workload] = check(tmp_path, prompt_tokens=None, prompts_file="p.jsonl").workloads
    assert (workload.prompts_file, workload.output_tokens_max) == (tmp_path / "p.jsonl", 99)
    pairs = {"kind": "empirical", "file": "l.csv"}
    [drawn] = check(
        tmp_path, prompt_tokens=None, output_tokens=None, prompt_lengths=pairs, output_lengths=pairs
    ).workloads
    assert (drawn.prompt_tokens, drawn.output_tokens, drawn.prompt_tokens_max) == (150, 15, 200)
    assert drawn.prompt_lengths.file == tmp_path / "l.csv"
    config = check(tmp_path, target={"tokenizer": "tokenizer.json"})
    assert config.targets[0].tokenizer == str(tmp_path / "tokenizer.json")


def test_a_pause_may_be_a_plain_number(tmp_path):
    [workload] = check(tmp_path, turns=4, think_s=2.5).workloads
    assert workload.think_s == Spread.always(2.5)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"prompt_lengths": DRAWN}, "prompt_lengths says how long; leave prompt_tokens out"),
        ({"prompt_tokens": None, "prompt_lengths": {"kind": "normal", "mean": 5}}, "needs stdev and max"),
        ({"prompt_tokens": None, "prompt_lengths": {**DRAWN, "mxa": 5}}, "did you mean max?"),
        ({"prompt_tokens_max": 5}, "prompt_tokens_max is worked out"),
        ({"text": "poetry"}, "'prose'"),
        (
            {"turns": 3, "arrivals": "poisson", "concurrency": None, "rate_rps": 2.0},
            'turns = 3 needs arrivals = "closed"',
        ),
        ({"nonce": False}, "nonce = false lets caches answer"),
        ({"prompt_tokens": None, "prompts_file": "gone.jsonl"}, "cannot be read: No such file"),
        ({"images": {"count": 0}}, "images: count = 0 must be 1 to 100"),
        ({"documents": 5}, "go together"),
    ],
)
def test_a_mistake_about_prompts_is_one_sentence(tmp_path, keys, sentence):
    assert sentence in problem(tmp_path, **keys)


def test_a_workload_reaches_the_load_client_whole_through_its_spool(tmp_path):
    (tmp_path / "l.csv").write_text("100\n200\n")
    [workload] = check(
        tmp_path,
        prompt_tokens=None,
        prompt_lengths={"kind": "empirical", "file": "l.csv"},
        turns=3,
        think_s={"kind": "uniform", "min": 1, "max": 2},
        history="recorded",
        images={"count": 2, "width_px": 64, "height_px": 32},
        text="dialogue",
    ).workloads
    spec = bench_spec("run", replace(TARGET, tokenizer="server"), workload, 1)
    again = read_json(json.dumps(spec_json(spec)).encode())
    assert again == spec
    asked = load_spec(again, None)
    assert (asked.turns, asked.history, asked.text, asked.tokenizer) == (3, "recorded", "dialogue", "server")
    assert asked.images == Images(count=2, width_px=64, height_px=32)
    assert asked.prompt_lengths == Spread(kind="empirical", file=tmp_path / "l.csv")
    columns = plan_columns(again)
    assert (columns["prompt_lengths"], columns["think_times"]) == ("empirical(file=l.csv)", "uniform(min=1, max=2)")
    assert (columns["image_size"], columns["conversation_turns"], columns["tokenizer"]) == ("64x32", 3, "server")


def test_a_bench_of_conversations_lands_what_they_were_made_of(tmp_path):
    data = tmp_path / "data"
    with fake_endpoint(FakeScript(ttft_s=0.005)) as server:
        done = megatoken(
            data, "bench", server.base_url, "--model", "m", "--concurrency", "2", "--requests", "6", "--turns", "3",
            "--think-s", "uniform:min=0,max=0.02", "--prompt-tokens", "normal:mean=80,stdev=20,min=60,max=120",
            "--output-tokens", "8", "--json",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["prompt_exact_share"] == 1.0
    [trial] = sql(data, "SELECT * FROM trials")
    assert (trial["prompt_lengths"], trial["conversation_turns"], trial["conversation_history"]) == (
        "normal(mean=80, stdev=20, min=60, max=120)", 3, "answers",
    )  # fmt: skip
    assert (trial["prompt_text"], trial["prompt_nonce"], trial["tokenizer"]) == ("prose", True, "usage")
    assert trial["prompt_tokens_asked_max"] == 3 * 120 + 2 * 8
    turns = sql(data, "SELECT turn_number, attempts, prompt_p50_tokens FROM conversation_turns ORDER BY 1")
    assert [(turn["turn_number"], turn["attempts"]) for turn in turns] == [(1, 2), (2, 2), (3, 2)]
    assert turns[0]["prompt_p50_tokens"] < turns[1]["prompt_p50_tokens"] < turns[2]["prompt_p50_tokens"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--prompt-tokens", "many"), '--prompt-tokens "many" is neither a number nor one of'),
        (("--image-size", "10x10"), "--image-size is of pictures"),
        (("--images", "1", "--image-size", "big"), "must be WIDTHxHEIGHT in pixels"),
        (("--shuffle",), "is of a prompts_file"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(tmp_path, options, sentence):
    done = megatoken(tmp_path, "bench", "http://127.0.0.1:9/v1", "--model", "m", *options)
    assert done.returncode == 2
    assert sentence in done.stderr
