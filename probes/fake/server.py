"""The server: one asyncio loop on the loopback interface that reads requests, chooses fixtures and plays answers."""

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import orjson

from probes.errors import ProbeError
from probes.fake.errors import refusal
from probes.fake.fixtures import FIXTURES, Fixture
from probes.fake.formats import FORMATS, find_format, planned_class, plays
from probes.fake.formats.base import Format
from probes.fake.incoming import Incoming, receive
from probes.fake.playing import Player, refuse, write_document
from probes.fake.script import FakeScript, Selector
from probes.fake.sidelines import sideline
from probes.fake.steps import build_answer, make_answer
from probes.fake.story import Ask, BadAskError
from probes.fake.truth import FakeEndpoint, FakeRequest

_STOP_S: Final = 10.0


@contextmanager
def fake_endpoint(script: FakeScript | None = None, *, port: int = 0) -> Iterator[FakeEndpoint]:
    """Serve in a thread of this process; the endpoint is gone when the block ends.

    Raises:
        ProbeError: the port is taken, or the certificate cannot be read.
    """
    loop = asyncio.new_event_loop()
    try:
        server = FakeServer(script or FakeScript())
        loop.run_until_complete(server.start(port))
        thread = threading.Thread(target=loop.run_forever, name="fake-endpoint", daemon=True)
        thread.start()
        try:
            yield server.endpoint
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(_STOP_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_STOP_S)
    finally:
        loop.close()


class FakeServer:
    """Plays a script to whoever connects."""

    def __init__(self, script: FakeScript) -> None:
        self.script = script
        self.endpoint = FakeEndpoint(base_url="")
        self._selector = Selector(script)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> None:
        """Listen; 0 takes a free port.

        Raises:
            ProbeError: the port is taken, or the certificate cannot be read.
        """
        tls = None
        try:
            if self.script.certificate is not None:
                tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                tls.load_cert_chain(self.script.certificate, self.script.key)
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", port, ssl=tls, backlog=4096)
        except (OSError, OverflowError) as error:
            raise ProbeError(f"the fake endpoint cannot start on port {port}: {error}; give another --port") from error
        scheme, host = ("http", "127.0.0.1") if tls is None else ("https", "localhost")
        origin = f"{scheme}://{host}:{self._server.sockets[0].getsockname()[1]}"
        self.endpoint.base_urls = {name: origin + form.base for name, form in FORMATS.items()}
        self.endpoint.base_url = self.endpoint.base_urls["openai-chat"]

    async def stop(self) -> None:
        """End all connections."""
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
        served = 0
        try:
            while await self._serve_one(reader, writer, served):
                served += 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the client left, or this endpoint is being stopped
        except ValueError:
            pass  # it does not speak HTTP: there is no answer that it would understand
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, served: int) -> bool:
        """Answer the next request of a connection; False when the connection is to be closed."""
        incoming = await receive(reader)
        recv_ns = time.monotonic_ns()
        found = find_format(incoming.path)
        if found is None or incoming.method != "POST":
            return await self._aside(incoming, writer, recv_ns)
        form, said = found
        request = FakeRequest(
            request_id=incoming.headers.get("x-request-id", ""),
            recv_ns=recv_ns,
            fault="none",
            api=form.name,
            path=incoming.path,
            headers=incoming.headers,
        )
        self.endpoint.requests.append(request)
        try:
            incoming.read_fields(multipart=form.multipart)
            request.body = incoming.fields
            ask = form.read(incoming.fields, incoming.query | {n: text for n, text in said.items() if text})
        except BadAskError as error:
            return await refuse(writer, request, refusal(form.family, "bad-request", says=str(error)), "bad_request")
        request.prompt_tokens = ask.prompt_tokens
        wanted = FIXTURES[self._selector.choose(form.name, incoming.path, ask.model)]
        if self.script.models and ask.model not in self.script.models:
            wanted = FIXTURES["http-404-model"]
        fixture = wanted if plays(form, wanted, stream=ask.stream) else FIXTURES["none"]
        request.fault = fixture.name
        request.error_class = planned_class(form, fixture, stream=ask.stream)
        if fixture.instead == "drop" and served:  # which is what a connection looks like that was closed in between
            request.error_class = "stale_connection"
        return await self._play(form, ask, fixture, incoming, request, writer)

    async def _play(
        self,
        form: Format,
        ask: Ask,
        fixture: Fixture,
        incoming: Incoming,
        request: FakeRequest,
        writer: asyncio.StreamWriter,
    ) -> bool:
        script = self.script
        key = incoming.key if fixture.echo else ""
        if fixture.refusal is not None:
            await asyncio.sleep(script.ttft_s)
            told = refusal(form.family, fixture.refusal, model=ask.model, key=key)
            return await refuse(writer, request, told, request.error_class, key=key)
        if fixture.instead == "bad-http":
            writer.write(b"SMTP/1.1 twohundred fine\r\n\r\n")
            return False
        if fixture.instead == "drop":
            writer.transport.abort()
            return False
        if fixture.instead == "silence":
            await asyncio.sleep(script.hold_s)
        if fixture.echo:
            answer = build_answer(form, ask, fixture, script.tokens, script.framing, script.line_end, key=key)
        else:
            answer = make_answer(form.name, ask, fixture.name, script.tokens, script.framing, script.line_end)
        player = Player(script, fixture, request, writer)
        return await player.play(answer)

    async def _aside(self, incoming: Incoming, writer: asyncio.StreamWriter, recv_ns: int) -> bool:
        """What is no generation: a list of models, a count of tokens, or no route at all."""
        try:
            if incoming.method == "POST":
                incoming.read_fields(multipart=False)
            told = sideline(incoming.method, incoming.path, incoming.fields, incoming.headers, self.script.model)
        except BadAskError as error:
            told, says = None, str(error)
        else:
            says = f"no such route: {incoming.method} {incoming.path}"
        if told is not None:
            await write_document(writer, 200, {}, orjson.dumps(told))
            return True
        request = FakeRequest(
            request_id=incoming.headers.get("x-request-id", ""),
            recv_ns=recv_ns,
            fault="none",
            path=incoming.path,
            headers=incoming.headers,
        )
        self.endpoint.requests.append(request)
        return await refuse(writer, request, refusal("openai", "route", says=says), "model_not_found")
