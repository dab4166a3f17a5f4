"""Whole trials of tasks that are no chat, against a server on a socket."""

from collections.abc import Iterator

import pytest

from tests.probes.load.task_server import task_server


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    with task_server() as address:
        yield address


def test_a_document_may_take_longer_than_a_first_token_and_has_none(root, load):
    result = load(f"{root}/v1", api="openai-embeddings", requests=2)
    for attempt in result.attempts:
        assert (attempt.error_class, attempt.answer_streamed, attempt.input_items) == (None, False, 1)
        assert (attempt.t_first_ns, attempt.t_visible_ns, attempt.chunk_gap_max_ns) == (None, None, None)
        assert attempt.t_last_ns - attempt.t_start_ns > 600_000_000
        assert (attempt.prompt_tokens, attempt.output_tokens) == (8, 0)


def test_the_first_token_of_a_sound_is_not_its_header(root, load):
    result = load(f"{root}/v1", api="openai-speech", requests=2)
    for attempt in result.attempts:
        assert (attempt.error_class, attempt.output_audio_s) == (None, 1.0)
        assert attempt.t_first_ns - attempt.t_byte_ns >= 90_000_000
        assert attempt.t_last_ns - attempt.t_first_ns >= 90_000_000
        assert attempt.chunk_gap_max_ns >= 90_000_000


def test_a_picture_of_megabytes_without_a_line_break_is_no_fault(root, load):
    [attempt] = load(f"{root}/v1", api="openai-images", requests=1).attempts
    assert (attempt.error_class, attempt.output_images) == (None, 1)
    assert attempt.response_bytes > 9 << 20


def test_a_sound_goes_out_as_a_form_and_its_length_comes_back(root, load):
    result = load(f"{root}/v1", api="openai-transcription", requests=2, prompt_tokens=128)
    for attempt in result.attempts:
        assert attempt.error_class is None
        assert attempt.input_audio_s > 10  # as long as reading some hundred words takes


@pytest.mark.parametrize(("model", "failure"), [("whole", None), ("lost", "truncated")])
def test_a_stream_without_a_terminator_is_whole_if_the_server_ended_it(root, load, model, failure):
    [attempt] = load(root, api="triton", model=model, requests=1).attempts
    assert (attempt.error_class, attempt.chunks) == (failure, 2)
