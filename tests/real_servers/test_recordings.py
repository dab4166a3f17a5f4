"""Answers that real servers once gave, read again: text, counts, finish reason and events as they were then.

What is expected is what the same server said to the same request without a stream; see `recordings.py`.
"""

import pytest

from probes.load.plausible import plausible_counts
from probes.load.protocols import protocol
from tests.real_servers.recordings import FOLDER, read_recordings, runs

RECORDINGS = read_recordings()


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_answer_reads_as_it_was_meant(name):
    recording, body = RECORDINGS[name]
    wire = protocol(recording.api)
    facts = plausible_counts(wire.read_stream(body), body, wire)
    assert facts.fault is None
    assert facts.terminal or facts.ends_with_body
    assert wire.answer_text(body) == recording.text
    assert (facts.finish_reason, facts.prompt_tokens, facts.output_tokens) == (
        recording.finish_reason,
        recording.prompt_tokens,
        recording.output_tokens,
    )
    assert (facts.input_items, facts.output_audio_s) == (recording.items, recording.audio_s)
    assert runs(bytes(facts.event_classes)) == recording.events
    assert wire.has_payload(body)


def test_counts_of_zero_where_there_was_text_are_unknown_and_said_to_be():
    """litellm's proxy sends a stream of Gemini's format with a usageMetadata that is all zeros."""
    _, body = RECORDINGS["litellm-gemini"]
    wire = protocol("gemini")
    said = wire.read_stream(body)
    assert (said.prompt_tokens, said.output_tokens) == (0, 0)
    facts = plausible_counts(said, body, wire)
    assert (facts.prompt_tokens, facts.output_tokens) == (None, None)
    assert facts.usage_fault == "0 prompt tokens cannot be: something was asked"


def test_every_recording_is_small_and_says_where_it_is_from():
    assert RECORDINGS
    for name, (recording, _) in RECORDINGS.items():
        assert (FOLDER / f"{name}.gz").stat().st_size < 50_000
        assert all((recording.server, recording.version, recording.what, recording.recorded_on)), name
    assert len({recording.server for recording, _ in RECORDINGS.values()}) >= 4
