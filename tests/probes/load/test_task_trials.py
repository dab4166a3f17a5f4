"""Whole trials of tasks that are no chat, against a server on a socket."""

import base64
import email
import email.policy
import io
import socketserver
import struct
import threading
import time
import wave
from collections.abc import Iterator
from http.client import parse_headers

import orjson
import pytest

from probes.load.wav import wav_of_tones

JSON, SSE, WAV = "application/json", "text/event-stream", "audio/wav"
VECTOR = base64.b64encode(struct.pack("<3f", 1, 2, 3)).decode()
SOUND = wav_of_tones(seconds=1, seed="answer")
TEXT = b'data: {"model_name":"m","text_output":"Hi"}\n\n'
LOST = b""  # in the place of a piece: the connection is closed in mid-answer

# Pieces of an answer, each sent by itself, some time (s) after the one before.
ANSWERS: dict[str, tuple[str, list[tuple[float, bytes]]]] = {
    "/v1/embeddings": (
        JSON,
        [
            (0.6, b'{"object":"list","data":[{"index":0,"embedding":"'),
            (0, VECTOR.encode() + b'"}],"usage":{"prompt_tokens":8,"total_tokens":8}}'),
        ],
    ),
    "/v1/audio/speech": (WAV, [(0, SOUND[:44]), (0.1, SOUND[44:2000]), (0.1, SOUND[2000:])]),
    "/v1/images/generations": (JSON, [(0, b'{"data":[{"b64_json":"' + b"A" * (9 << 20)), (0, b'"}]}')]),
    "/v2/models/whole/generate_stream": (SSE, [(0, TEXT), (0.02, TEXT)]),
    "/v2/models/lost/generate_stream": (SSE, [(0, TEXT), (0.02, TEXT), (0, LOST)]),
}


class Tasks(socketserver.ThreadingTCPServer):
    daemon_threads = True


class Handler(socketserver.StreamRequestHandler):
    """Answers by path."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            path = line.split()[1].decode()
            headers = parse_headers(self.rfile)
            body = self.rfile.read(int(headers["content-length"]))
            if path == "/v1/audio/transcriptions":
                kind, pieces = JSON, [(0.0, transcribed(headers["content-type"], body))]
            else:
                kind, pieces = ANSWERS[path]
            self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            for wait_s, piece in pieces:
                time.sleep(wait_s)
                if piece == LOST:
                    return
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")


def transcribed(content_type: str, body: bytes) -> bytes:
    """How long the sound in the form is."""
    form = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=email.policy.HTTP)
    [sound] = [part for part in form.iter_parts() if part.get_filename()]
    with wave.open(io.BytesIO(sound.get_payload(decode=True))) as file:
        seconds = file.getnframes() / file.getframerate()
    return orjson.dumps({"text": "tones", "usage": {"type": "duration", "seconds": seconds}})


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    with Tasks(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


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
