"""The benchmark of parsers: it measures what it says, of every format that streams."""

import pytest

from probes.load.protocols import PROTOCOLS
from tests.benchmarks.parsing_speed import main, stretched
from tests.probes.load.long_answers import NAMES
from tests.probes.load.streams import STREAMS

STREAMED = [api for api in sorted(PROTOCOLS) if STREAMS[api].payloads > 1]


@pytest.mark.parametrize("api", STREAMED)
def test_a_sample_is_made_longer_and_is_read_whole(api):
    body, count = stretched(api, 300)
    facts = PROTOCOLS[api].read_stream(body)
    assert facts.fault is None
    assert len(facts.event_ends) == count > 290
    assert len(facts.payload_ends) > 290


def test_a_line_a_format_and_an_exit_code_that_tells_of_the_floor(capsys, monkeypatch):
    assert main(["--events", "600", "--rounds", "1"]) in (0, 1)
    assert len(capsys.readouterr().out.splitlines()) == len(STREAMED) + len(NAMES)
    monkeypatch.setattr("tests.benchmarks.parsing_speed.FLOOR_CPU_S", 0.0)
    assert main(["--events", "600", "--rounds", "1", "openai-chat"]) == 1
    assert "over the floor" in capsys.readouterr().out
