"""The headers that every request of a trial has, as they are sent and as they may be shown."""

from probes.load.origin import Origin, request_head
from probes.load.protocols.base import WireProtocol
from probes.load.spec import LoadSpec

_USER_AGENT = "megatoken"
_HIDDEN = "***"


def fixed_head(spec: LoadSpec, wire: WireProtocol, origin: Origin) -> bytes:
    """The head up to what each request has of its own: X-Request-Id, Content-Length, a signature."""
    headers = _plain(wire)
    if spec.api_key:
        headers |= wire.key_headers(spec.api_key)
    return request_head(origin, headers | dict(spec.extra_headers))


def shown_head(spec: LoadSpec, wire: WireProtocol, origin: Origin, *, attempt_id: str, body_bytes: int) -> str:
    """The whole head of one request, one header a line, without the value of any that may be a secret.

    Those are the key's, all that the user added, and signatures.
    """
    hidden = [*wire.key_headers(_HIDDEN)] if spec.api_key else []
    hidden += [*spec.extra_headers, *(["Authorization"] if wire.sign is not None else [])]
    head = request_head(origin, _plain(wire) | dict.fromkeys(hidden, _HIDDEN))
    own = f"X-Request-Id: {attempt_id}\r\nContent-Length: {body_bytes}\r\n"
    return (head.decode("ascii") + own).replace("\r\n", "\n").rstrip("\n")


def _plain(wire: WireProtocol) -> dict[str, str]:
    return {
        "User-Agent": _USER_AGENT,
        "Accept": wire.accept,
        "Accept-Encoding": "identity",
        "Content-Type": wire.content_type,
    } | dict(wire.headers)
