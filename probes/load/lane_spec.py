"""What a spec makes of its lane: limits, secrets, pacing and certificates, and a process's share of the load."""

from typing import TYPE_CHECKING

from probes.errors import ProbeError
from probes.load.lane import Lane
from probes.load.origin import Origin
from probes.load.pacing import Pacer
from probes.load.protocols.base import WireProtocol
from probes.load.redaction import Secrets, secret_values
from probes.load.spec import LoadSpec
from probes.load.spool import SpoolWriter

if TYPE_CHECKING:
    import ssl


def lane_of(
    spec: LoadSpec,
    wire: WireProtocol,
    origin: Origin,
    context: "ssl.SSLContext | None",
    spool: SpoolWriter,
    *,
    parts: int,
) -> Lane:
    """The lane of a spec; `parts` is how many processes share its load."""
    return Lane(
        origin=origin,
        protocol=wire,
        timeouts=spec.timeouts,
        spool=spool,
        secrets=Secrets(*secret_values(spec), wire.secret(spec) if wire.secret else ""),
        tls_context=context,
        cold=spec.connections == "cold",
        pacer=_pacer(spec, parts),
    )


def _pacer(spec: LoadSpec, parts: int) -> Pacer | None:
    """What holds sends back; None where nothing does. An open loop never waits: its rate has been checked."""
    if not spec.is_paced or spec.arrivals != "closed":
        return None
    return Pacer(
        max_rps=spec.max_rps,
        max_tokens_per_minute=spec.max_tokens_per_minute,
        by_headers=spec.pace == "headers",
        parts=parts,
    )


def part_of(count: int | None, share: tuple[int, int]) -> int | None:
    """A process's share of a count; what does not divide goes to the first ones."""
    if count is None:
        return None
    return count // share[1] + (share[0] < count % share[1])


def tls_context(spec: LoadSpec) -> "ssl.SSLContext":
    """What verifies the target's certificate.

    Raises:
        ProbeError: `ca_file` cannot be read, or holds no certificate.
    """
    # Here, because ssl is slow to import and local targets need none.
    from probes.load.tls import client_context

    try:
        return client_context(spec.ca_file)
    except OSError as error:
        raise ProbeError(f"ca_file {spec.ca_file} cannot be used: {error}; it must be a PEM certificate") from error
