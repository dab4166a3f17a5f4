"""Playing one answer by the clock, and keeping the times at which it was played."""

import asyncio
import socket
import struct
import time
from typing import Final

from probes.fake.errors import Refusal
from probes.fake.fixtures import Fixture
from probes.fake.script import FakeScript
from probes.fake.steps import AT_ONCE, Answer, Step
from probes.fake.truth import FakeRequest

_CUT_S: Final = 0.002  # between two parts of a write, so that they are two reads
_CLOSE_S: Final = 0.005  # between an answer and a silent close or a reset: a client may have begun to send
_MOST_BUFFERED_BYTES: Final = 1 << 18


class Player:
    """Plays the steps of one answer by the clock."""

    def __init__(
        self, script: FakeScript, fixture: Fixture, request: FakeRequest, writer: asyncio.StreamWriter
    ) -> None:
        self._script = script
        self._request = request
        self._writer = writer
        first_s = max(script.ttft_s, script.gap_s) if fixture.silence else script.ttft_s
        self._first_ns = request.recv_ns + round(first_s * 1e9)
        self._itl_ns = script.itl_s * 1e9
        self._closes_silently = fixture.last == "close"

    async def play(self, answer: Answer) -> bool:
        """Write it; False when the connection is to be closed."""
        request, writer = self._request, self._writer
        request.output_tokens = answer.output_tokens
        for step in answer.steps:
            if step.due != AT_ONCE:
                await self._wait(step.due)
            if step.tokens:
                now_ns = time.monotonic_ns()
                request.first_ns = request.first_ns or now_ns
                request.last_ns = now_ns
                request.tokens += step.tokens
                request.chunks += step.chunks
                request.chunk_ns.append(now_ns)
            if step.cuts:
                await self._write_cut(step)
            else:
                writer.write(step.data)
            if writer.transport.get_write_buffer_size() > _MOST_BUFFERED_BYTES:
                await writer.drain()
            if step.then == "hold":
                await writer.drain()
                await asyncio.sleep(self._script.hold_s)
            elif step.then == "drop":
                await self._drop()
                return False
        request.done_ns = time.monotonic_ns()
        await writer.drain()
        if self._closes_silently:
            await asyncio.sleep(_CLOSE_S)
        return not answer.closes

    async def _drop(self) -> None:
        """Reset the connection, after what was sent has come: a plain end could be that of the answer."""
        await self._writer.drain()
        await asyncio.sleep(_CLOSE_S)
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def _wait(self, due: int) -> None:
        left_s = (self._first_ns + due * self._itl_ns - time.monotonic_ns()) / 1e9
        if left_s > 0:
            await asyncio.sleep(left_s)

    async def _write_cut(self, step: Step) -> None:
        """Each part by itself: without a pause the kernel might join them, as it may on real networks."""
        ends = (*step.cuts, len(step.data))
        start = 0
        for end in ends:
            if start:
                await asyncio.sleep(_CUT_S)
            self._writer.write(step.data[start:end])
            start = end


async def refuse(
    writer: asyncio.StreamWriter, request: FakeRequest, told: Refusal, error_class: str | None, *, key: str = ""
) -> bool:
    """Write an answer that is no 2xx; True: the connection stays."""
    request.status = told.status
    request.error_class = error_class
    echoed = {"x-echo-authorization": f"Bearer {key}"} if key else {}
    await write_document(writer, told.status, told.headers | echoed, told.body)
    request.done_ns = time.monotonic_ns()
    return True


async def write_document(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> None:
    """Write a whole JSON answer."""
    lines = [f"HTTP/1.1 {status} Told", "content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    await writer.drain()
