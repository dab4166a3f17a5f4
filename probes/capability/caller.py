"""Requests of a check, one after another, each as the load client would send it, or as it must not be sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from secrets import token_hex
from time import monotonic_ns
from types import TracebackType
from typing import Any, Final, Self

import orjson

from probes.capability.asks import ASKS, prompt_of
from probes.capability.network import Network
from probes.capability.promises import Place, Promise, promise
from probes.capability.reply import Reply
from probes.capability.wire import Exchange, Link, connect, unanswered
from probes.load.clock import WallClock
from probes.load.errors import KEPT_HEADERS
from probes.load.head import fixed_head
from probes.load.origin import parse_origin
from probes.load.protocols import protocol
from probes.load.protocols.base import WireProtocol
from probes.load.raw import RawAttempt
from probes.load.recorder import record_of
from probes.load.redaction import Secrets, secret_values
from probes.load.spec import LoadSpec

_MADE_UP_KEY: Final = "megatoken-check-made-up-key"
MADE_UP_MODEL: Final = "megatoken-check-no-such-model"


class Caller:
    """Sends calls to one endpoint. A context manager; it takes the network's open connection and opens more.

    Args:
        spec: the endpoint; its load is not used.
        network: the way to it.
        on_call: told the name of each call before it is sent.
    """

    def __init__(self, spec: LoadSpec, network: Network, on_call: Callable[[str], None]) -> None:
        self.spec = spec
        self.wire: WireProtocol = protocol(spec.api)
        self.promise: Promise = promise(spec.api)
        self.origin = parse_origin(spec.base_url, self.wire.path(spec))
        self.calls = 0
        self.prompt_tokens: int | None = None  # as far as the server counted them
        self.output_tokens: int | None = None
        self._network = network
        self._link: Link | None = network.link
        self._on_call = on_call
        self._clock = WallClock()
        self._secrets = Secrets(*secret_values(spec))
        self._nonce = token_hex(4)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._link is not None:
            self._link.close()

    def send(
        self,
        name: str,
        *,
        fields: Mapping[Place, object] | None = None,
        without: Sequence[str] = (),
        spec: LoadSpec | None = None,
        path: tuple[str, str] | None = None,
        wrong_key: bool = False,
    ) -> Reply:
        """One POST.

        Args:
            name: one of `ASKS`, which gives its prompt and its limit.
            fields: what to set in the JSON body, each at its place.
            without: keys to take from the top of the body.
            spec: in place of the check's own: another model, another base URL.
            path: what to write in place of what in the request target.
            wrong_key: send a made-up key.
        """
        asked = replace(spec or self.spec, output_tokens=ASKS[name].output_tokens)
        body = self.wire.request_body(asked, prompt_of(ASKS[name].says, nonce=self._nonce))
        if fields or without:
            body = _edited(body, fields or {}, without)
        origin = parse_origin(asked.base_url, self.wire.path(asked))
        if path is not None:
            origin = replace(origin, target=origin.target.replace(*path))
        if wrong_key:
            asked = replace(asked, api_key=_MADE_UP_KEY)
        own = {"X-Request-Id": f"{asked.attempt_prefix}.{name}", "Content-Length": str(len(body))}
        if self.wire.sign is not None:
            own |= self.wire.sign(asked, origin.url, body)
        tail = "".join(f"{header}: {value}\r\n" for header, value in own.items()).encode("ascii")
        request = fixed_head(asked, self.wire, origin) + tail + b"\r\n" + body
        exchange = self._exchange(name, request, self.wire.has_terminator)
        reply = self._reply(name, exchange, origin.url)
        self._count(reply)
        return reply

    def get(self, path: str) -> Exchange:
        """One GET under the base URL, with the key."""
        origin = parse_origin(self.spec.base_url, path)
        spec = replace(self.spec, extra_headers={**self.spec.extra_headers, "Accept": "application/json"})
        head = fixed_head(spec, self.wire, origin).replace(b"POST ", b"GET ", 1)
        return self._exchange("list of models", head + b"\r\n", lambda _: False)

    @property
    def names_model(self) -> bool:
        """Whether a request says which model it wants."""
        asked = replace(self.spec, model=MADE_UP_MODEL)
        body = self.wire.request_body(asked, prompt_of("short", nonce=self._nonce))
        return MADE_UP_MODEL in self.wire.path(asked) or MADE_UP_MODEL.encode() in body

    @property
    def speaks_json(self) -> bool:
        """Whether the body of a request is JSON, which can be changed at will."""
        return self.wire.content_type == "application/json"

    def _exchange(self, name: str, request: bytes, is_over: Callable[[bytes], bool]) -> Exchange:
        self._on_call(name)
        self.calls += 1
        timeouts = self.spec.timeouts
        exchange = None
        if self._link is not None and self._link.open:
            exchange = self._link.ask(request, timeouts, is_over)
            closed_meanwhile = exchange.reused and exchange.status is None and exchange.cut_short is not None
            if not closed_meanwhile:  # else it had been closed before we sent: no answer of the server's
                return self._hidden(exchange)
        if self._link is not None:
            self._link.close()
        began_ns = monotonic_ns()
        link = connect(self.origin, self._network.addresses, timeouts, self._network.context)
        if not isinstance(link, Link):
            self._link = None
            return unanswered(link, began_ns)  # it took connections a moment ago
        self._link = link
        return self._hidden(link.ask(request, timeouts, is_over))

    def _hidden(self, exchange: Exchange) -> Exchange:
        """The exchange with our key starred out, wherever the server has echoed it; lengths stay."""
        if not self.spec.api_key:
            return exchange
        return replace(
            exchange,
            headers=tuple((name, self._secrets.star_text(value)) for name, value in exchange.headers),
            body=self._secrets.star(exchange.body, thorough=True),
        )

    def _reply(self, name: str, exchange: Exchange, url: str) -> Reply:
        record = record_of(self._raw(name, exchange))
        answered = exchange.status is not None and 200 <= exchange.status < 300
        return Reply(
            name=name,
            exchange=exchange,
            record=record,
            facts=self.wire.read_stream(exchange.body) if answered else None,
            text=self.wire.answer_text(exchange.body) if answered else None,
            url=url,
            asked_as=f"{self.spec.attempt_prefix}.{name}",
        )

    def _raw(self, name: str, exchange: Exchange) -> RawAttempt:
        failure = exchange.failure
        return RawAttempt(
            attempt_id=name,
            seq=0,
            phase="measured",
            api=self.spec.api,
            t_sched_ns=None,
            t_start_ns=exchange.start_ns,
            t_conn_ns=None,
            t_sent_ns=exchange.start_ns,
            t_end_ns=exchange.end_ns,
            wall_offset_ns=self._clock.offset_ns,
            stamp_source="read",
            connection_reused=exchange.reused,
            http_status=exchange.status,
            # the body is decompressed already
            headers={key: value for key, value in exchange.headers if key in KEPT_HEADERS - {"content-encoding"}},
            failure_class=failure[0] if failure else None,
            failure_message=failure[1] if failure else None,
            cut_short=exchange.cut_short,
            body=exchange.body,
            read_stamps_ns=exchange.read_stamps_ns,
            read_ends=exchange.read_ends,
        )

    def _count(self, reply: Reply) -> None:
        if reply.record.prompt_tokens is not None:
            self.prompt_tokens = (self.prompt_tokens or 0) + reply.record.prompt_tokens
        if reply.record.output_tokens is not None:
            self.output_tokens = (self.output_tokens or 0) + reply.record.output_tokens


def _edited(body: bytes, fields: Mapping[Place, object], without: Sequence[str]) -> bytes:
    document: dict[str, Any] = orjson.loads(body)
    for place, value in fields.items():
        here = document
        for key in place[:-1]:
            here = here.setdefault(key, {})
        here[place[-1]] = value
    for key in without:
        document.pop(key, None)
    return orjson.dumps(document)
