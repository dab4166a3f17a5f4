"""One request sent once more, byte for byte but for its id and its key: to look at a failure, not to measure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from probes.errors import ProbeError
from probes.load.client import check_platform
from probes.load.flight import Planned
from probes.load.head import fixed_head
from probes.load.origin import parse_origin
from probes.load.protocols import protocol
from probes.load.raw import RawAttempt, read_raw
from probes.load.record import AttemptRecord
from probes.load.recorder import record_of
from probes.load.redaction import Secrets, secret_values
from probes.load.rounds import Ahead
from probes.load.session import Session
from probes.load.spec import LoadSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAgain:
    """What came of it."""

    raw: RawAttempt
    record: AttemptRecord


def send_again(
    spec: LoadSpec, body: bytes, *, spool_path: Path, stop: Callable[[], str | None] = lambda: None
) -> SentAgain:
    """Send a request of that very body, through the load client itself.

    Args:
        spec: the endpoint, and `attempt_prefix` as the id of the request; its load is not used.
        body: of the request.
        spool_path: a file that does not exist yet.
        stop: polled four times a second; a reason ends it.

    Raises:
        ProbeError: a bad URL, an unknown api, a spool that cannot be written.
    """
    check_platform()
    alone = replace(spec, arrivals="closed", concurrency=1, requests=1, warmup_requests=0)
    wire = protocol(alone.api)
    origin = parse_origin(alone.base_url, wire.path(alone))
    tail = f"X-Request-Id: {alone.attempt_prefix}\r\nContent-Length: {len(body)}\r\n\r\n"
    if wire.sign is not None:
        signed = wire.sign(alone, origin.url, body)
        tail = "".join(f"{name}: {value}\r\n" for name, value in signed.items()) + tail
    planned = Planned(
        attempt_id=alone.attempt_prefix,
        seq=0,
        phase="measured",
        t_sched_ns=None,
        request=fixed_head(alone, wire, origin) + tail.encode("ascii") + body,
    )
    with Session([alone], [spool_path], stop=stop, on_progress=None) as session:
        session.loop.run(Ahead(iter([[planned]]), 0), limit=1)
    found = [raw for raw in read_raw(spool_path) if raw.attempt_id == alone.attempt_prefix]
    if not found:
        raise ProbeError(f"the request was not sent: {stop() or 'the client was stopped'}")
    raw = Secrets(*secret_values(spec)).cleansed(found[0])
    return SentAgain(raw=raw, record=record_of(raw))
