"""The README's commands work, its facts are those of the code, and its leaderboard is one that the code prints."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from flows.cli import build_parser
from flows.leaderboard import HEADS, SHOWN
from probes.load.prompt import Prompt
from probes.load.protocols import PROTOCOLS
from probes.load.protocols.base import EventClass, WireProtocol
from probes.load.protocols.reading import EventReader, read_json_events
from probes.load.spec import LoadSpec
from probes.load.sse import cut_events
from tests.flows.nights import ROOT, megatoken
from tests.warehouse.synthetic import copy_synthetic

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
OURS = [shlex.split(c)[1:] for c in COMMANDS if c.startswith(".venv/bin/megatoken")]
# What only reads, or only plans, is run here; CI runs the make targets, and the Prefect test the Prefect ones.
READERS = ("leaderboard", "sql", "doctor", "footprint", "factors", "prices")
QUICK = [c for c in OURS if c[0] in READERS or "--dry-run" in c]


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("readme") / "data"
    copy_synthetic(data, nights=2, seed=1)
    return data


def test_the_readme_shows_commands_of_each_kind():
    assert len(OURS) >= 6
    assert len(QUICK) >= 4


@pytest.mark.parametrize("command", OURS, ids=" ".join)
def test_every_command_in_the_readme_is_one_that_we_have(command):
    assert build_parser().parse_args(command).command == command[0]


@pytest.mark.parametrize("command", QUICK, ids=" ".join)
def test_what_reads_runs(command, published):
    done = megatoken(published, *command)
    assert done.returncode == 0, done.stderr


def test_every_make_target_in_the_readme_is_in_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {shlex.split(c)[1] for c in COMMANDS if c.startswith("make ")} <= targets


def test_ci_runs_the_make_targets_that_the_readme_promises():
    ci = (ROOT / ".ci" / "run").read_text()
    for target in ("setup", "check", "night", "test", "bench"):
        assert f"make {target}" in ci


def test_the_readmes_leaderboard_has_the_heads_that_are_printed_today():
    board = README.split("```")[1]
    for metric_id in SHOWN:
        for word in HEADS[metric_id].split():
            assert word in board, f"{word} of {metric_id} is not in the README's leaderboard"


def test_links_in_the_readme_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_readmes_wire_format_reads_what_it_says():
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {
        "dataclass": dataclass, "orjson": orjson, "cut_events": cut_events, "read_json_events": read_json_events,
        "EventClass": EventClass, "EventReader": EventReader, "WireProtocol": WireProtocol,
    }  # fmt: skip
    exec(code, names)
    wire = names["PIECES"]
    body = b'data: {"piece": "Hello"}\n\ndata: {"piece": " you"}\n\ndata: {"end": true, "tokens": 2}\n\n'
    facts = wire.read_stream(body)
    assert (len(facts.payload_ends), facts.output_tokens, facts.terminal, facts.fault) == (2, 2, True, None)
    assert wire.answer_text(body) == "Hello you"
    assert wire.has_payload(body) and wire.has_terminator(body)
    assert not wire.read_stream(body[:50]).terminal
    spec = LoadSpec(base_url="http://h", model="m", concurrency=1, requests=1, attempt_prefix="p")
    assert orjson.loads(wire.request_body(spec, Prompt.of("hi"))) == {"text": "hi", "most": 128}


def test_every_wire_format_stands_in_the_readme():
    for api in PROTOCOLS:
        assert f"`{api}`" in README
