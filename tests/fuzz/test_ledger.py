"""An hour of search counts for the parser, and for the code, that was searched."""

import argparse
import ast
import json
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from probes.load.protocols import PROTOCOLS
from tests.fuzz import ledger, parsers, run

AT = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def searched(parser="tgi", *, minutes=10.0, code=None, seed=0, broken=0):
    return ledger.Search(
        ended_at=AT, parser=parser, code=code or parsers.code_of(parser), seed=seed, is_guided=False,
        cpu_minutes=minutes, inputs=1000, input_bytes=5_000_000, slowest_cpu_s=0.04, memory_growth_mb=None,
        broken_inputs=broken,
    )  # fmt: skip


def test_nineteen_formats_are_read_by_fourteen_parsers():
    assert len(PROTOCOLS) == 19
    dialects = {name: apis[1:] for name, apis in parsers.parsers().items()}
    assert len(dialects) == 14
    assert {name: others for name, others in dialects.items() if others} == {
        "openai-chat": ("azure-openai",),
        "gemini": ("vertex-gemini",),
        "ollama": ("ollama-generate",),
        "rerank": ("cohere-rerank", "tei-rerank"),
    }


def test_the_code_of_a_parser_is_what_reads_and_not_what_asks():
    reached = {f"{module}.{name}" for module, name in parsers.reached("openai-chat")}
    assert {
        "probes.load.protocols.openai_events.ChatReader",
        "probes.load.protocols.base.PAYLOAD_FLAGS",
        "probes.load.sse.cut_blocks",
        "probes.load.alike.sort_texts",
    } <= reached
    asks = ("request_body", "stream_options", "bearer", "LoadSpec", "Prompt", "read_attempt")
    assert not [place for place in reached if place.endswith(asks)]


@pytest.mark.parametrize("parser", ["anthropic", "bedrock", "rerank"])
def test_every_function_of_ours_that_reads_the_samples_is_code_of_the_parser(parser):
    ran = set()

    def note(frame, event, _argument):
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("probes."):
            ran.add((module, frame.f_code.co_qualname.split(".")[0]))

    wire = PROTOCOLS[parser]
    readers = [getattr(wire, name) for name in parsers.READERS]
    sys.setprofile(note)
    try:
        for body in run._samples(parser):
            for reader in readers:
                reader(body)
                reader(body[: len(body) // 2])
    finally:
        sys.setprofile(None)
    written = {place for place in ran if place[1] not in ("__create_fn__", "_wire")}  # not what dataclass made
    assert written <= set(parsers.reached(parser))
    assert len(written) >= 5


def test_comments_docstrings_and_line_breaks_are_no_code():
    before = ast.parse('def f(x):\n    """What it does."""\n    return {"a": x, "b": None}\n')
    after = ast.parse('def f(x):\n    # why\n    return {\n        "a": x,\n        "b": None,\n    }\n')
    other = ast.parse('def f(x):\n    return {"a": x, "b": 0}\n')
    assert parsers._dump(before) == parsers._dump(after) != parsers._dump(other)


def test_minutes_of_older_code_are_told_and_are_missing(tmp_path):
    book = tmp_path / "ledger.csv"
    for row in (searched(minutes=50), searched(minutes=20, seed=1), searched(minutes=30, code="0" * 12, seed=2)):
        ledger.append(book, row)
    rows = ledger.searches(book)
    assert rows[0] == searched(minutes=50)
    tgi = next(line.split() for line in ledger.table(rows).splitlines() if line.startswith("tgi"))
    assert tgi == ["tgi", parsers.code_of("tgi"), "70.0", "100.0", "0.0", "2,000", "10", "0.04", "-", "0"]
    assert "780.0 of 840 are missing" in ledger.table(rows)
    assert ledger.next_seed(rows, "tgi") == 3
    assert ledger.next_seed(rows, "gemini") == 0


def test_several_may_add_rows_at_once_and_the_heading_stands_there_once(tmp_path):
    book = tmp_path / "deeper" / "ledger.csv"
    writers = [threading.Thread(target=ledger.append, args=(book, searched(seed=seed))) for seed in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(row.seed for row in ledger.searches(book)) == list(range(20))


def test_lanes_take_the_parsers_with_the_fewest_minutes_and_not_the_same(tmp_path):
    book = tmp_path / "ledger.csv"
    for name in parsers.parsers():
        if name not in ("tgi", "rerank", "ollama"):
            ledger.append(book, searched(name, minutes=60))
    ledger.append(book, searched("tgi", minutes=0.5))
    options = argparse.Namespace(ledger=book, rounds=5, until_ledger=60.0, keep=tmp_path)
    lanes = [run._taken(list(parsers.parsers()), options) for _ in range(3)]
    taken = [next(one) for one in lanes]
    assert taken == ["ollama", "rerank", "tgi"]
    assert list(run._taken(list(parsers.parsers()), options)) == []  # what is missing is held by others
    for name in taken:
        ledger.append(book, searched(name, minutes=60))
    assert [list(one) for one in lanes] == [[], [], []]


def test_a_lane_writes_down_what_it_searched(tmp_path):
    book = tmp_path / "ledger.csv"
    ledger.append(book, searched("rerank", minutes=59.999, seed=6))
    asked = ("--ledger", book, "--rounds", 2, "--until-ledger", 60, "--keep", tmp_path, "cohere-rerank")
    lane = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", *map(str, asked)], capture_output=True, text=True, check=False
    )
    assert (lane.returncode, lane.stderr) == (0, "")
    _, row = ledger.searches(book)
    assert (row.parser, row.seed, row.code, row.broken_inputs) == ("rerank", 7, parsers.code_of("rerank"), 0)
    assert 0.0009 < row.cpu_minutes < 0.5
    assert row.inputs > 0
    assert lane.stdout.startswith(f"rerank: {row.inputs:,} inputs, ")


KEEPER = """
import json, os, signal
from tests.fuzz.keeper import keep

def told_to_end(tally):
    tally.start()
    while True:
        tally.add(7, 0.25)
        if tally.inputs == 3:
            os.kill(os.getppid(), signal.SIGTERM)

def dies(tally):
    tally.start()
    tally.add(7, 0.0)
    os.kill(os.getpid(), signal.SIGKILL)

for search in (told_to_end, dies, lambda tally: False, lambda tally: True):
    kept = keep(search)
    tally = kept.tally
    print(json.dumps([kept.stopped_by, kept.fault, tally.inputs, tally.input_bytes, tally.slowest_cpu_s]))
keep(lambda tally: 1 / 0)
"""


def test_however_a_search_ends_it_is_known_what_it_did():
    # In a process of its own: a keeper forks, and this one may have threads.
    done = subprocess.run([sys.executable, "-c", KEEPER], capture_output=True, text=True, check=False)
    ended, died, found, through = map(json.loads, done.stdout.splitlines())
    assert (ended[0], ended[1], ended[4]) == (signal.SIGTERM, None, 0.25)
    assert ended[3] == 7 * ended[2] >= 7 * 3
    assert died == [None, "died by SIGKILL at input 2; the same seed leads there", 1, 7, 0.0]
    assert found == [None, "the search ended with 3; what it found is said above", 0, 0, 0.0]
    assert through == [None, None, 0, 0, 0.0]
    assert "ZeroDivisionError" in done.stderr
    assert "RuntimeError: the search itself ended with 1; why is said above" in done.stderr
