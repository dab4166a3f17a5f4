"""The loop of the fast endpoint: one thread, one epoll, one timer, and answers that keep their schedule."""

import gc
import resource
import select
import socket
import ssl
from collections import deque
from time import monotonic_ns
from typing import Any, Final

import orjson

from probes.endpoint.answer import MODEL, Answers, plain
from probes.endpoint.connection import SO_TIMESTAMPNS, Connection, Left, Request
from probes.endpoint.spec import MOST_TOKENS, EndpointSpec
from probes.endpoint.stream import Stream
from probes.endpoint.truth import Truth, TruthLog
from probes.errors import ProbeError
from probes.load.timer import Timer

_S: Final = 1_000_000_000
_BACKLOG: Final = 4096
# Writes due within one grain leave together: at 50,000 a second 25 share a wake-up, and each is at most 0.5 ms late.
_GRAIN_NS: Final = 500_000
_WRITES_A_TURN: Final = 256  # then the sockets are looked at again
_EVENTS: Final = 64  # requests read before the schedule is looked at again


class Server:
    """Serves on 127.0.0.1 from `with` on; `run` until it is told to stop.

    Args:
        spec: how to answer.
        port: 0 takes a free one.
        log: where the truth goes.

    Raises:
        ProbeError: the port is taken, or the certificate cannot be used.
    """

    def __init__(self, spec: EndpointSpec, *, port: int, log: TruthLog) -> None:
        self._spec = spec
        self._log = log
        self._burst = spec.burst
        self._chats, self._texts = Answers(spec.burst), Answers(spec.burst, chat=False)
        self._ttft_ns = round(spec.ttft_s * _S)
        self._step_ns = round(spec.itl_s * _S) * spec.burst
        self._service_ns = round(_S / spec.capacity_rps) if spec.capacity_rps else 0
        self._last_start_ns = 0
        self._in_service = 0
        # All answers share one pace, so each of these queues is in the order of due times by itself: no heap is needed.
        self._waiting: deque[Stream] = deque()  # for the first write
        self._flowing: deque[Stream] = deque()  # for another one
        self._queued: deque[Stream] = deque()  # for a slot
        self._connections: dict[int, Connection] = {}
        try:
            self._tls = _server_context(spec)
            self._listener = _listener(port)
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except OSError as error:
            raise ProbeError(f"the endpoint cannot start on port {port}: {error}; give another --port") from error
        self.port: int = self._listener.getsockname()[1]
        self._epoll = select.epoll()
        self._timer = Timer()

    @property
    def base_url(self) -> str:
        """For `megatoken bench`."""
        return f"http://127.0.0.1:{self.port}/v1" if self._tls is None else f"https://localhost:{self.port}/v1"

    def run(self, *stop_fds: int) -> None:
        """Serve until one of `stop_fds` is readable or closed at its other end."""
        epoll, timer = self._epoll, self._timer
        epoll.register(self._listener.fileno(), select.EPOLLIN)
        epoll.register(timer.fd, select.EPOLLIN | select.EPOLLET)  # edges: each expiry tells once, nothing to read
        for stop_fd in stop_fds:
            epoll.register(stop_fd, select.EPOLLIN)
        gc.collect()
        gc.disable()  # nothing here makes cycles; a full collection would stop the pace for milliseconds
        while True:
            more = self._write_due()
            if not more and (due_ns := self._next_due_ns()) is not None:
                timer.arm(-(-due_ns // _GRAIN_NS) * _GRAIN_NS)
            for fd, mask in epoll.poll(0 if more else -1, _EVENTS):
                connection = self._connections.get(fd)
                if connection is not None:
                    self._hear(connection, mask)
                elif fd == self._listener.fileno():
                    self._accept()
                elif fd in stop_fds:
                    return

    # Writing.

    def _next_due_ns(self) -> int | None:
        return min((queue[0].due_ns for queue in (self._waiting, self._flowing) if queue), default=None)

    def _write_due(self) -> bool:
        """Write what is due, in the order in which it is due; True if there is more of it than one turn takes."""
        waiting, flowing, now_ns = self._waiting, self._flowing, monotonic_ns()
        for _ in range(_WRITES_A_TURN):
            queue = flowing if flowing and not (waiting and waiting[0].due_ns < flowing[0].due_ns) else waiting
            if not queue or queue[0].due_ns > now_ns:
                return False
            stream = queue.popleft()
            connection = stream.connection
            if connection.closed:
                continue
            try:
                if connection.send(self._next_write(stream)):
                    self._go_on(stream)
            except Left:
                self._close(connection)
        return True

    def _next_write(self, stream: Stream) -> bytes:
        """What to write now; counts it as written."""
        sent = stream.sent
        data = stream.answers.write(sent, stream.tokens, stream.prompt_tokens)
        stream.sent = min(sent + self._burst, stream.tokens)
        stream.last_ns = now_ns = monotonic_ns()
        if not sent:
            stream.truth.first_mono_ns = now_ns
        if not sent or self._step_ns:  # without a pace only the first write has an instant to be late for
            late_ns = now_ns - stream.due_ns
            stream.writes += 1
            stream.late_sum_ns += late_ns
            stream.late_max_ns = max(stream.late_max_ns, late_ns)
        stream.due_ns = stream.due_ns + self._step_ns if self._step_ns else now_ns
        return data

    def _go_on(self, stream: Stream) -> None:
        """All that was written is with the kernel: what follows, or the end."""
        if stream.sent < stream.tokens:
            self._flowing.append(stream)
        else:
            stream.truth.done_mono_ns = monotonic_ns()
            stream.connection.stream = None
            self._end(stream)

    def _end(self, stream: Stream) -> None:
        truth = stream.truth
        truth.n_sent = stream.sent
        truth.last_mono_ns = stream.last_ns
        truth.mean_late_ns = stream.late_sum_ns // stream.writes if stream.writes else 0
        truth.max_late_ns = stream.late_max_ns
        self._log.add(truth)
        if truth.start_mono_ns:
            self._in_service -= 1
            while self._queued and self._spec.slots is not None and self._in_service < self._spec.slots:
                following = self._queued.popleft()
                if not following.connection.closed:
                    self._start(following, monotonic_ns())

    # Reading.

    def _accept(self) -> None:
        for _ in range(_WRITES_A_TURN):
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                held = len(self._connections)
                raise ProbeError(f"{held} connections, no more: {error.strerror}; see ulimit -n") from error
            connection = Connection(sock, self._epoll, self._tls)
            self._connections[connection.fd] = connection
            self._epoll.register(connection.fd, select.EPOLLIN)

    def _hear(self, connection: Connection, mask: int) -> None:
        try:
            if mask & select.EPOLLOUT and connection.flush() and connection.stream is not None:
                stream = connection.stream
                stream.due_ns = monotonic_ns() + self._step_ns  # its schedule moves: the client did not read
                self._go_on(stream)
            if mask & ~select.EPOLLOUT and (request := connection.receive()) is not None:
                self._answer(connection, request)
        except Left:
            self._close(connection)

    def _answer(self, connection: Connection, request: Request) -> None:
        if connection.stream is not None:  # pipelining: no client of these APIs does it
            raise Left
        if request.method == b"GET":
            body = {"object": "list", "data": [{"id": MODEL, "object": "model"}]} if b"/models" in request.path else {}
            connection.send(plain(200, body))
            return
        truth = Truth(request_id=_request_id(request))
        try:
            stream = self._stream(connection, truth, request.path, orjson.loads(request.body))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            connection.send(plain(400, {"error": {"message": str(error), "type": "invalid_request_error"}}))
            return
        truth.recv_real_ns, truth.recv_mono_ns = connection.recv_real_ns, connection.recv_mono_ns
        truth.recv_kern_real_ns = connection.recv_kern_real_ns
        connection.stream = stream
        if self._spec.slots is not None and self._in_service >= self._spec.slots:
            self._queued.append(stream)
        else:
            self._start(stream, connection.recv_mono_ns)

    def _stream(self, connection: Connection, truth: Truth, path: bytes, body: dict[str, Any]) -> Stream:
        chat = path.endswith(b"/chat/completions")
        if not chat and not path.endswith(b"/completions"):
            raise ValueError(
                f"no such route: {path.decode('latin-1')}; there are /v1/chat/completions, /v1/completions"
            )
        if not body.get("stream"):
            raise ValueError("this endpoint only streams; ask with stream = true")
        tokens = int(body.get("max_completion_tokens") or body.get("max_tokens") or self._spec.tokens)
        if not 1 <= tokens <= MOST_TOKENS:
            raise ValueError(f"max_tokens = {tokens} must be 1 to {MOST_TOKENS}")
        truth.n_tokens = tokens
        said = [message.get("content") for message in body["messages"]] if chat else [body["prompt"]]
        return Stream(
            connection=connection,
            answers=self._chats if chat else self._texts,
            truth=truth,
            tokens=tokens,
            prompt_tokens=sum(len(str(text).split()) for text in said),
        )

    def _start(self, stream: Stream, now_ns: int) -> None:
        """Its service begins, at once or when the queue of a capacity has come to it."""
        self._in_service += 1
        start_ns = max(now_ns, self._last_start_ns + self._service_ns)
        self._last_start_ns = start_ns
        stream.truth.start_mono_ns = start_ns
        stream.due_ns = start_ns + self._ttft_ns
        self._waiting.append(stream)

    def _close(self, connection: Connection) -> None:
        del self._connections[connection.fd]
        stream, connection.stream = connection.stream, None
        connection.close()
        if stream is not None:
            stream.truth.status = 499
            self._end(stream)

    def close(self) -> None:
        """Close every connection; answers under way are logged as not finished."""
        self._queued.clear()
        for connection in list(self._connections.values()):
            self._close(connection)
        self._listener.close()
        self._timer.__exit__(None, None, None)
        self._epoll.close()
        gc.enable()


def _request_id(request: Request) -> str:
    return (request.headers.get(b"x-request-id") or request.headers.get(b"x-correlation-id") or b"").decode("latin-1")


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Set here, the accepted sockets have both from their first byte on.
        listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setblocking(False)
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _server_context(spec: EndpointSpec) -> ssl.SSLContext | None:
    if spec.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(spec.certificate, spec.key)
    return context
