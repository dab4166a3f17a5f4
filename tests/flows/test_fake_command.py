"""`megatoken fake` as a person meets it."""

import json
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from probes.fake.fixtures import FIXTURES
from probes.fake.formats import FORMATS

COMMAND = [sys.executable, "-m", "flows.cli", "fake"]


def fake(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_the_list_shows_every_fixture_and_which_formats_have_it():
    done = fake("--list")
    assert done.returncode == 0
    shown = re.findall(r"^ *(?:\d+ )? +([a-z0-9-]+) .* ([a-s·]{19}) *$", done.stdout, re.M)
    assert [name for name, _ in shown[1:]] == list(FIXTURES)  # the first is the head of the table
    assert dict(shown)["none"] == "abcdefghijklmnopqrs"
    assert dict(shown)["bad-crc"] == "·······h···········"
    assert "silent is timeout_total in openai-embeddings, rerank, cohere-rerank, tei-rerank" in done.stdout


def test_the_list_is_there_for_machines_too():
    rows = {row["fixture"]: row for row in json.loads(fake("--list", "--json").stdout)}
    assert set(rows) == set(FIXTURES)
    assert set(rows["none"]["formats"]) == set(FORMATS)
    assert rows["http-429-no-delay"]["formats"]["bedrock"] == "rate_limited"
    assert {row["number"] for row in rows.values()} - {None} == set(range(1, 28))


def test_it_serves_until_it_is_interrupted_and_says_what_it_served(tmp_path):
    log = tmp_path / "truth.jsonl"
    options = ["--port", "0", "--fixture", "http-429", "--every", "2", "--ttft-ms", "0", "--itl-ms", "0"]
    with subprocess.Popen([*COMMAND, *options, "--log", log], stdout=subprocess.PIPE, text=True) as process:
        head = ""
        while "Ctrl-C" not in head:
            head += process.stdout.readline()
        url = re.search(r"anthropic +(\S+)", head)[1]
        body = json.dumps({"model": "m", "max_tokens": 3, "messages": [{"role": "user", "content": "hi"}]}).encode()
        request = urllib.request.Request(f"{url}/v1/messages", body)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        refused.value.close()
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.load(answer)["usage"]["output_tokens"] == 3
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.search(r"anthropic +ok +1 *\n +rate_limited +1 *\n", rest)
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(row["fault"], row["error_class"], row["tokens"]) for row in rows] == [
        ("http-429", "rate_limited", 0),
        ("none", None, 3),
    ]


def test_the_fast_one_is_behind_one_option():
    with subprocess.Popen([*COMMAND, "--fast", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fixture", "stal"], 'megatoken: "stal" is not a fixture; did you mean "stall"?'),
        (["--fast", "--fixture", "stall"], "megatoken: --fixture does not go with --fast; leave one of them out"),
        (["--slots", "3"], "megatoken: --slots goes with --fast"),
        (["--every", "3"], "megatoken: --every goes with --fixture"),
        (["--script", "none.toml"], "megatoken: the script none.toml cannot be read: No such file or directory"),
        (["--log", "/nowhere/t.jsonl"], "megatoken: the log /nowhere/t.jsonl cannot be written"),
        (["--port", "99999"], "megatoken: the fake endpoint cannot start on port 99999"),
        (["--tokens", "0"], "megatoken: tokens = 0 must be 1 to 1000000"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(arguments, said, capsys):
    from flows.cli import main

    assert main(["fake", *arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
