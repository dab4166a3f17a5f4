"""A scripted OpenAI-compatible endpoint on the loopback interface that keeps its own times, for tests and for users.

    python -m probes.fake_endpoint --port 0 --ttft-ms 50 --itl-ms 5 --tokens 64 --fault stall --log truth.jsonl

It prints its base URL as its first line and serves until it is interrupted. It plays the trouble that real servers make
(`--fault`, on every request or every n-th). It is honest, not fast: for thousands of streams take a faster server.
"""

import argparse
import asyncio
import json
import signal
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from probes.errors import ProbeError

Fault = Literal[
    "none",
    "http-400-context",
    "http-401",
    "http-402",
    "http-404-model",
    "http-429",
    "http-429-no-delay",
    "http-500",
    "http-503",
    "http-529",
    "echo-key-401",
    "bad-http",
    "json-answer",
    "error-after-200",
    "bare-json-error",
    "not-json",
    "truncated",
    "drop",
    "drop-unanswered",
    "stall",
    "silent",
    "role-then-silent",
    "hold-open",
    "empty",
    "filtered",
    "cut-in-character",
    "one-write",
    "crlf",
    "comments",
    "role-early",
    "reasoning",
    "hidden-reasoning",
    "tool-calls",
    "no-usage",
    "no-length",
    "connection-close",
    "close-silently",
    "early-hints",
]
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)

_WORDS: Final = ("the", "quick", "grüne", "fox", "über", "tokens", "日本", "again")
_RETRY_AFTER_S: Final = 2
_HOLD_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeScript:
    """How the endpoint answers."""

    ttft_s: float = 0.0
    itl_s: float = 0.0
    tokens: int = 8  # when the request asks for none
    model: str = "fake"
    fault: Fault = "none"
    fault_every: int = 1  # the fault hits request 1, 1 + n, 1 + 2n, ...
    certificate: Path | None = None  # PEM; with it the endpoint speaks TLS
    key: Path | None = None


@dataclass(slots=True, kw_only=True)
class FakeRequest:
    """What the endpoint knows of one request. `*_ns` is CLOCK_MONOTONIC, taken just before the write."""

    request_id: str
    recv_ns: int
    fault: Fault
    status: int = 200
    first_ns: int | None = None  # write with the first payload
    last_ns: int | None = None  # write with the last payload
    done_ns: int | None = None  # last write of the answer
    tokens: int = 0
    chunk_ns: list[int] = field(default_factory=list)  # writes with payload
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(slots=True, kw_only=True)
class FakeEndpoint:
    """A running endpoint."""

    base_url: str
    requests: list[FakeRequest] = field(default_factory=list)
    connections: int = 0

    def truth(self) -> list[dict[str, Any]]:
        """One dict a request, without its headers and body: they may hold a key."""
        rows = [asdict(request) for request in self.requests]
        return [{name: value for name, value in row.items() if name not in ("headers", "body")} for row in rows]


@contextmanager
def fake_endpoint(script: FakeScript | None = None, *, port: int = 0) -> Iterator[FakeEndpoint]:
    """Serve in a thread of this process; the endpoint is gone when the block ends.

    Raises:
        ProbeError: the port is taken, or the certificate cannot be read.
    """
    script = script or FakeScript()
    loop = asyncio.new_event_loop()
    try:
        server = _Server(script)
        loop.run_until_complete(server.start(port))
        thread = threading.Thread(target=loop.run_forever, name="fake-endpoint", daemon=True)
        thread.start()
        try:
            yield server.endpoint
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
    finally:
        loop.close()


class _Server:
    def __init__(self, script: FakeScript) -> None:
        self.script = script
        self.endpoint = FakeEndpoint(base_url="")
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> None:
        tls = None
        try:
            if self.script.certificate is not None:
                tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                tls.load_cert_chain(self.script.certificate, self.script.key)
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", port, ssl=tls, backlog=4096)
        except OSError as error:
            raise ProbeError(f"the fake endpoint cannot start on port {port}: {error}; give another --port") from error
        scheme = "http" if tls is None else "https"
        host = "127.0.0.1" if tls is None else "localhost"
        self.endpoint.base_url = f"{scheme}://{host}:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.endpoint.connections += 1
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or this endpoint is being stopped
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is to be closed."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        every = self.script.fault_every
        fault = self.script.fault if len(self.endpoint.requests) % every == 0 else "none"
        request = FakeRequest(
            request_id=headers.get("x-request-id", ""),
            recv_ns=time.monotonic_ns(),
            fault=fault,
            headers=headers,
            body=json.loads(raw) if raw else {},
        )
        self.endpoint.requests.append(request)
        if not head[0].startswith("POST ") or "/chat/completions" not in head[0]:
            request.status = 404
            _write_json(writer, 404, {"error": {"message": f"no such route: {head[0]}", "type": "not_found"}})
            return True
        answer = _Answer(self.script, request, writer)
        keep = await answer.play()
        await writer.drain()
        return keep


class _Answer:
    """One answer being played."""

    def __init__(self, script: FakeScript, request: FakeRequest, writer: asyncio.StreamWriter) -> None:
        self._script = script
        self._request = request
        self._writer = writer
        self._held: list[bytes] | None = [] if request.fault == "one-write" else None
        self._id = f"chatcmpl-{request.request_id or 'fake'}"

    async def play(self) -> bool:
        fault = self._request.fault
        if fault.startswith("http-") or fault == "echo-key-401":
            await asyncio.sleep(self._script.ttft_s)
            return self._refuse(fault)
        if fault == "bad-http":
            self._writer.write(b"SMTP/1.1 twohundred fine\r\n\r\n")
            return False
        if fault == "drop-unanswered":
            self._writer.transport.abort()
            return False
        if fault == "json-answer":
            message = {"role": "assistant", "content": "all at once"}
            _write_json(self._writer, 200, {"choices": [{"message": message, "finish_reason": "stop"}]})
            return True
        if fault == "silent":
            await asyncio.sleep(_HOLD_S)
        if fault == "early-hints":
            self._writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n")
        self._head()
        return await self._stream()

    def _refuse(self, fault: Fault) -> bool:
        key = self._request.headers.get("authorization", "").removeprefix("Bearer ")
        model = self._request.body.get("model")
        status, extra, error = {
            "http-400-context": (400, {}, {"message": "maximum context length is 8 tokens", "code": "context"}),
            "http-401": (401, {}, {"message": "no such key", "code": "invalid_api_key"}),
            "echo-key-401": (401, {}, {"message": f"Incorrect API key provided: {key}", "code": "invalid_api_key"}),
            "http-402": (402, {}, {"message": "payment required"}),
            "http-404-model": (404, {}, {"message": f"model {model} does not exist", "code": "model_not_found"}),
            "http-429": (429, {"retry-after": str(_RETRY_AFTER_S)}, {"message": "slow down"}),
            "http-429-no-delay": (429, {}, {"message": "you have reached a limit"}),
            "http-500": (500, {}, {"message": "it broke"}),
            "http-503": (503, {}, {"message": "loading model"}),
            "http-529": (529, {}, {"message": "overloaded"}),
        }[fault]
        self._request.status = status
        _write_json(self._writer, status, {"error": error}, extra)
        return True

    def _head(self) -> None:
        fault = self._request.fault
        lines = ["HTTP/1.1 200 OK", "content-type: text/event-stream"]
        if fault != "no-length":
            lines.append("transfer-encoding: chunked")
        if fault in ("connection-close", "no-length"):
            lines.append("connection: close")
        self._writer.write("\r\n".join([*lines, "", ""]).encode())

    async def _stream(self) -> bool:
        script, request, fault = self._script, self._request, self._request.fault
        asked = request.body.get("max_tokens") or request.body.get("max_completion_tokens")
        tokens = 0 if fault in ("empty",) else int(asked or script.tokens)
        if fault == "comments":
            self._send(b": PROCESSING\n\n")
        if fault in ("role-early", "role-then-silent"):
            self._event({"role": "assistant", "content": ""})
        if fault == "role-then-silent":
            await asyncio.sleep(_HOLD_S)
        due_ns = request.recv_ns + round(script.ttft_s * 1e9)
        for n in range(tokens):
            await _sleep_until(due_ns + round(n * script.itl_s * 1e9))
            if n == 0 and fault not in ("role-early", "no-length"):
                self._event({"role": "assistant", "content": ""})
            if n == tokens // 2 and not await self._trouble():
                return False
            self._payload(n, tokens)
        return await self._finish(tokens)

    async def _trouble(self) -> bool:
        """What goes wrong in the middle; False when nothing more is to be sent."""
        fault = self._request.fault
        if fault == "error-after-200":
            self._send(b'data: {"error":{"message":"the engine died","code":500}}\n\n')
        elif fault == "bare-json-error":
            self._send(b'{"error": {"message": "the quota is gone",\n  "code": 429}}\n\n')
        elif fault == "not-json":
            self._send(b"data: {oops\n\n")
        elif fault == "drop":
            await self._writer.drain()
            self._writer.write(b"f0\r\ndata: {")  # the head of a chunk that never comes
            await self._writer.drain()
            return False
        elif fault == "truncated":
            self._end()
            return False
        elif fault == "stall":
            await asyncio.sleep(_HOLD_S)
        return True

    def _payload(self, n: int, tokens: int) -> None:
        request = self._request
        text = " " + _WORDS[n % len(_WORDS)]
        delta: dict[str, Any] = {"content": text}
        if request.fault == "reasoning" and n < tokens // 2:
            delta = {"reasoning_content": text}
        elif request.fault == "tool-calls":
            delta = {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
        now_ns = time.monotonic_ns()
        request.first_ns = request.first_ns or now_ns
        request.last_ns = now_ns
        request.tokens += 1
        request.chunk_ns.append(now_ns)
        self._event(delta)

    async def _finish(self, tokens: int) -> bool:
        fault = self._request.fault
        reason = {"filtered": "content_filter", "tool-calls": "tool_calls"}.get(fault, "length")
        self._event({}, finish_reason=reason)
        if fault != "no-usage":
            hidden = 5 if fault == "hidden-reasoning" else 0
            reasoning = tokens // 2 if fault == "reasoning" else hidden
            prompt = sum(len(str(message.get("content", "")).split()) for message in self._request.body["messages"])
            usage = {
                "prompt_tokens": prompt,
                "completion_tokens": tokens + hidden,
                "total_tokens": prompt + tokens + hidden,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": reasoning},
            }
            self._send(b"data: " + _dumps({**self._envelope(), "choices": [], "usage": usage}) + b"\n\n")
        self._send(b"data: [DONE]\n\n")
        if self._held is not None:
            held, self._held = b"".join(self._held), None
            self._send(held)
        if fault == "hold-open":
            await self._writer.drain()
            await asyncio.sleep(_HOLD_S)
        self._end()
        await self._writer.drain()
        if fault == "close-silently":
            await asyncio.sleep(0.005)
        return fault not in ("connection-close", "no-length", "close-silently")

    def _end(self) -> None:
        self._request.done_ns = time.monotonic_ns()
        if self._request.fault != "no-length":
            self._writer.write(b"0\r\n\r\n")

    def _envelope(self) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": 1,
            "model": self._script.model,
            "system_fingerprint": "fp_fake",
        }

    def _event(self, delta: dict[str, Any], *, finish_reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        self._send(b"data: " + _dumps({**self._envelope(), "choices": [choice]}) + b"\n\n")

    def _send(self, event: bytes) -> None:
        if self._request.fault == "crlf":
            event = event.replace(b"\n", b"\r\n")
        if self._held is not None:
            self._held.append(event)
            return
        coded = event if self._request.fault == "no-length" else b"%x\r\n%b\r\n" % (len(event), event)
        cut = next((n for n, byte in enumerate(coded) if byte >= 0xC0), None)
        if self._request.fault == "cut-in-character" and cut is not None:
            # Two segments: without a pause the kernel may still join them, which is as true of real networks.
            self._writer.write(coded[: cut + 1])
            time.sleep(0.002)
            self._writer.write(coded[cut + 1 :])
        else:
            self._writer.write(coded)


def _dumps(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _write_json(
    writer: asyncio.StreamWriter, status: int, value: dict[str, Any], headers: dict[str, str] | None = None
) -> None:
    body = json.dumps(value).encode()
    lines = [f"HTTP/1.1 {status} Told", "content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"{name}: {text}" for name, text in (headers or {}).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)


async def _sleep_until(instant_ns: int) -> None:
    left_s = (instant_ns - time.monotonic_ns()) / 1e9
    if left_s > 0:
        await asyncio.sleep(left_s)


async def _serve(script: FakeScript, port: int, log: Path | None) -> None:
    server = _Server(script)
    await server.start(port)
    print(server.endpoint.base_url, flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await server.stop()
    if log is not None:
        log.write_text("".join(json.dumps(row) + "\n" for row in server.endpoint.truth()), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m probes.fake_endpoint",
        description="A scripted OpenAI-compatible endpoint that keeps its times. Prints its base URL, serves until ^C.",
    )
    parser.add_argument("--port", type=int, default=8100, help="0 takes a free one")
    parser.add_argument("--ttft-ms", type=float, default=50.0)
    parser.add_argument("--itl-ms", type=float, default=5.0)
    parser.add_argument("--tokens", type=int, default=64, help="when the request asks for no number")
    parser.add_argument("--model", default="fake", help="the name it gives itself")
    parser.add_argument("--fault", choices=FAULTS, default="none")
    parser.add_argument("--fault-every", type=int, default=1, metavar="N", help="only request 1, 1+N, 1+2N, ...")
    parser.add_argument("--certificate", type=Path, help="PEM; with --key the endpoint speaks TLS")
    parser.add_argument("--key", type=Path)
    parser.add_argument("--log", type=Path, help="JSON lines with the times of every request, written at the end")
    asked = parser.parse_args(arguments)
    script = FakeScript(
        ttft_s=asked.ttft_ms / 1e3,
        itl_s=asked.itl_ms / 1e3,
        tokens=asked.tokens,
        model=asked.model,
        fault=asked.fault,
        fault_every=asked.fault_every,
        certificate=asked.certificate,
        key=asked.key,
    )
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(script, asked.port, asked.log))
    except ProbeError as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
