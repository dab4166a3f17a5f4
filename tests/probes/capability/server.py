"""An endpoint for OpenAI chat that does what its standard says, unless a test tells it otherwise."""

import base64
import contextlib
import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

WORDS: Final = [f"{word} " for word in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")]
KEY: Final = "sk-a-real-looking-key-0123456789"


@dataclass
class Ways:
    """What it does; as they stand, all is right."""

    path: str = "/v1/chat/completions"
    models: tuple[str, ...] = ("good-model", "other-model", "whisper-1")
    key: str | None = None
    knows_model: bool = True  # refuses others
    streams: bool = True
    keeps_stop: bool = True
    keeps_limit: bool = True
    knows_ignore_eos: bool = True
    limit_field: str = "max_tokens"
    temperatures: tuple[float, ...] | None = None
    usage: str = "own"  # own, finish, none
    counts: int | None = None  # in place of the right number of output tokens
    finish: str | None = None  # in place of the right one
    done: bool = True
    picture_status: int = 400  # of one that is too large
    role_first: bool = True
    at_once: bool = False
    gzip: bool = False
    error_form: str = "openai"
    bad_status: int = 400
    status: int | None = None  # of every answer
    headers: dict[str, str] = field(default_factory=dict)
    keeps_alive: bool = True
    gone_after: int = 1000  # requests; then it hangs up on everybody
    silent: bool = False
    speechless: bool = False  # ends each answer at once
    echo: bool = False  # the key, in headers and errors
    asked: list[tuple[str, str | None, dict[str, Any]]] = field(default_factory=list)  # path, key, body
    prefixes: set[str] = field(default_factory=set)


def _picture_width(body: dict[str, Any]) -> int:
    """Pixels, by the head of the PNG that a request holds; 0 without one."""
    parts = body["messages"][-1]["content"]
    if isinstance(parts, str):
        return 0
    url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
    return int.from_bytes(base64.b64decode(url.partition(",")[2])[16:20], "big")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def ways(self) -> Ways:
        assert isinstance(self.server, Server)
        return self.server.ways

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/v1/models" and self.ways.models:
            self._document(200, {"object": "list", "data": [{"id": name} for name in self.ways.models]})
        else:
            self._document(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        ways = self.ways
        if len(ways.asked) >= ways.gone_after:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        authorization = self.headers.get("Authorization")
        ways.asked.append((self.path, authorization, body))
        if ways.silent:
            self.rfile.read(1)  # until the client has had enough
            self.close_connection = True
            return
        refusal = self._refusal(body, authorization)
        if refusal is not None:
            self._document(refusal[0], self._error(*refusal))
        elif body.get("stream") and ways.streams:
            self._stream(body)
        else:
            text, reason, usage = self._answer(body)
            choice = {"index": 0, "message": {"role": "assistant", "content": "".join(text)}, "finish_reason": reason}
            self._document(200, {"id": "c", "model": body["model"], "choices": [choice], "usage": usage})

    def _refusal(  # noqa: PLR0911 - a list of reasons
        self, body: dict[str, Any], authorization: str | None
    ) -> tuple[int, str] | None:
        ways = self.ways
        if self.path != ways.path:
            return 404, "Not Found"
        if ways.status is not None:
            return ways.status, "no"
        if ways.key is not None and authorization != f"Bearer {ways.key}":
            return 401, "Incorrect API key provided"
        if "messages" not in body:
            return ways.bad_status, "messages is required"
        if ways.knows_model and body["model"] not in ways.models:
            return 404, f"The model {body['model']} does not exist"
        if _picture_width(body) > 8000:
            return ways.picture_status, "image dimensions exceed the limit of 8000 pixels"
        if body["model"] == "whisper-1":
            return 400, "This is not a chat model"
        if ways.limit_field not in body:
            return 400, f"use {ways.limit_field}"
        if ways.temperatures is not None and body.get("temperature", 1) not in ways.temperatures:
            return 400, "temperature is not supported"
        return None

    def _error(self, status: int, message: str) -> object:
        if self.ways.error_form == "fastapi":
            return {"detail": message}
        echo = f" {self.headers.get('Authorization')}" if self.ways.echo else ""
        code = "model_not_found" if status == 404 and "model" in message else None
        return {"error": {"message": message + echo, "type": "invalid_request_error", "param": None, "code": code}}

    def _answer(self, body: dict[str, Any]) -> tuple[list[str], str, dict[str, Any]]:
        ways = self.ways
        content = body["messages"][-1]["content"]
        limit = body[ways.limit_field] if ways.keeps_limit else len(WORDS)
        natural = WORDS if isinstance(content, str) and content.startswith("Count") else ["OK"]
        if isinstance(content, list):
            natural = ["red"]
        if ways.knows_ignore_eos and (body.get("ignore_eos") or body.get("min_tokens")):
            natural = natural + ["."] * 100
        if ways.speechless:
            natural = []
        words, reason = natural[:limit], "length" if len(natural) > limit else "stop"
        for stop in body.get("stop", []) if ways.keeps_stop else []:
            text = "".join(words)
            if stop in text:
                words, reason = [text[: text.index(stop)]], "stop"
        text = content if isinstance(content, str) else "a picture"
        cached = 1024 if len(text) > 1024 and text in ways.prefixes else 0
        ways.prefixes.add(text)
        usage = {
            "prompt_tokens": 0 if ways.counts == 0 else len(text) // 4 + 5,
            "completion_tokens": len(words) if ways.counts is None else ways.counts,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        return words, ways.finish or reason, usage

    def _stream(self, body: dict[str, Any]) -> None:
        ways = self.ways
        words, reason, usage = self._answer(body)
        head: dict[str, Any] = {"id": "c", "model": body["model"]}
        events: list[dict[str, Any]] = []
        if ways.role_first:
            events.append({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        events += [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in words]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        if ways.usage == "own":
            events.append({"choices": [], "usage": usage})
        elif ways.usage == "finish":
            events[-1]["usage"] = usage
        parts = [b"data: " + json.dumps(head | event).encode() + b"\n\n" for event in events]
        parts += [b"data: [DONE]\n\n"] if ways.done else []
        if ways.at_once:
            time.sleep(0.06)
            parts = [b"".join(parts)]
        headers = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
        if ways.gzip:
            parts = [gzip.compress(b"".join(parts))]
            headers["Content-Encoding"] = "gzip"
        self._head(200, headers)
        for n, part in enumerate(parts):
            if n == 2 and len(ways.asked) == 1:  # the plain answer, in whose times we look
                time.sleep(0.08)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _document(self, status: int, document: object) -> None:
        content = json.dumps(document).encode()
        self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(content))})
        self.wfile.write(content)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in (headers | self.ways.headers).items():
            self.send_header(name, value)
        if self.ways.echo:
            self.send_header("X-Ratelimit-Echo", self.headers.get("Authorization", ""))
        if not self.ways.keeps_alive:
            self.send_header("Connection", "close")
        self.end_headers()


class Server(ThreadingHTTPServer):
    """Holds the ways that its next answers follow."""

    daemon_threads = True
    block_on_close = False
    ways: Ways

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that has what it wanted and leaves


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server on a port of its own."""
    with Server(("127.0.0.1", 0), _Handler) as server:
        server.ways = Ways()
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
