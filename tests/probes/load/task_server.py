"""A small server of tasks that are no chat, on a socket: it answers by path, piece by piece."""

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
from contextlib import contextmanager
from http.client import parse_headers

import orjson

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


@contextmanager
def task_server() -> Iterator[str]:
    """Serve on 127.0.0.1; gives the root address."""
    with Tasks(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
