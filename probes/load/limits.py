"""The client's own limits on an attempt, asked some times a second of every request in flight."""

from typing import Final

from probes.load.compression import content_encoding, plain_body
from probes.load.errors import ErrorClass
from probes.load.flight import Flight
from probes.load.protocols.base import WireProtocol
from probes.load.response import Response
from probes.load.spec import Timeouts

_S: Final = 1_000_000_000
_LINGER_S: Final = 0.5  # a server that said its last word but holds the response open is left after this


def overdue(
    flight: Flight, response: Response, now_ns: int, limits: Timeouts, protocol: WireProtocol
) -> tuple[ErrorClass, str] | None:
    """The limit that an attempt has passed, if any.

    The body is looked into only when a limit hangs on whether a payload has come, and only if it has grown since.
    """
    if now_ns - flight.t_start_ns > limits.total_s * _S:
        return "timeout_total", f"not complete in {limits.total_s:g} s"
    waited_ns = now_ns - (flight.t_conn_ns or flight.t_start_ns)
    silent_ns = now_ns - response.last_stamp_ns if response.last_stamp_ns else 0
    late, silent = waited_ns > limits.first_token_s * _S, silent_ns > limits.stall_s * _S
    if (late or silent) and not response.payload_seen and response.checked_parts != len(response.parts):
        response.checked_parts = len(response.parts)
        body = plain_body(response.headers, b"".join(response.parts))
        # What is compressed cannot be read once its beginning has left memory; then much has come.
        is_opaque = response.spilled_bytes > 0 and content_encoding(response.headers) is not None
        response.payload_seen = is_opaque or protocol.has_payload(body)
    if late and protocol.streams and not response.payload_seen:  # a document has the whole time for itself
        return "timeout_first_token", f"no token in {limits.first_token_s:g} s"
    # Silence before the first payload is a long prefill, not a stall.
    if silent and response.payload_seen:
        return "stall", f"no byte for {limits.stall_s:g} s in mid-answer"
    return None


def shortest_silence_s(limits: Timeouts) -> float:
    """A connection that was heard within this time cannot be silent for too long."""
    return min(_LINGER_S, limits.stall_s / 2)


def has_said_all(response: Response, now_ns: int, limits: Timeouts, protocol: WireProtocol) -> bool:
    """Whether the server sent its terminator and since then neither ended the response nor sent anything else."""
    if not response.parts or now_ns - response.last_stamp_ns < shortest_silence_s(limits) * _S:
        return False
    return protocol.has_terminator(b"".join(response.parts[-4:]))
