"""Answers that real servers once gave, read again: text, counts, finish reason and events as they were then.

What is expected is what the same server said to the same request without a stream; see `recordings.py`.
"""

import pytest

from probes.load.protocols import protocol
from tests.real_servers.recordings import FOLDER, read_recordings, runs

RECORDINGS = read_recordings()


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_answer_reads_as_it_was_meant(name):
    recording, body = RECORDINGS[name]
    wire = protocol(recording.api)
    facts = wire.read_stream(body)
    assert facts.fault is None
    assert facts.terminal or facts.ends_with_body
    assert wire.answer_text(body) == recording.text
    assert (facts.finish_reason, facts.prompt_tokens, facts.output_tokens) == (
        recording.finish_reason,
        recording.prompt_tokens,
        recording.output_tokens,
    )
    assert runs(bytes(facts.event_classes)) == recording.events
    assert wire.has_payload(body)


def test_every_recording_is_small_and_says_where_it_is_from():
    assert RECORDINGS
    for name, (recording, _) in RECORDINGS.items():
        assert (FOLDER / f"{name}.gz").stat().st_size < 50_000
        assert all((recording.server, recording.version, recording.what, recording.recorded_on)), name
    assert len({recording.server for recording, _ in RECORDINGS.values()}) >= 4
