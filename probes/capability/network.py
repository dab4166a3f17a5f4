"""The way to an endpoint, before anything is asked: its name, connections, TLS, and how long a round takes."""

import ssl
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from probes.capability.finding import Finding, found, spelled
from probes.capability.wire import Failure, Link, connect
from probes.errors import ProbeError
from probes.load.lookup import Lookup
from probes.load.origin import Address, Origin
from probes.load.spec import Timeouts
from probes.load.tls import client_context

_CONNECTIONS: Final = 3  # of whose times the median is told


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFacts:
    """What one handshake said."""

    version: str  # such as "TLSv1.3"
    cipher: str
    issuer: str | None  # of the certificate
    expires_at: datetime | None
    handshake_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The way to an endpoint. `link` is open and belongs to who asked; None where none could be made."""

    findings: tuple[Finding, ...]
    addresses: tuple[Address, ...]
    context: ssl.SSLContext | None  # None without TLS
    link: Link | None
    connect_p50_s: float | None
    tls: TlsFacts | None
    alpn: str | None  # what it chose when offered HTTP/2 and HTTP/1.1
    failure: Failure | None


def look(origin: Origin, timeouts: Timeouts, ca_file: str | None) -> Network:
    """Resolve, connect three times and shake hands.

    Raises:
        ProbeError: `ca_file` cannot be read.
    """
    try:
        context = client_context(ca_file) if origin.tls else None
    except OSError as error:
        raise ProbeError(f"ca_file {ca_file} cannot be read: {error.strerror or error}") from error
    began = monotonic()
    found_addresses = Lookup(origin).wait(timeouts.connect_s)
    resolved_s = monotonic() - began
    if isinstance(found_addresses, str):
        return _unreached((found("name", "no", found_addresses, resolved_s),), ("dns", found_addresses), context)
    name = found("name", "yes", _address_words(found_addresses, resolved_s), resolved_s)
    links: list[Link] = []
    for _ in range(_CONNECTIONS):
        link = connect(origin, found_addresses, timeouts, context)
        if isinstance(link, Link):
            links.append(link)
            continue
        for open_link in links:
            open_link.close()
        kind, said = link
        way = "tls" if kind == "tls" else "tcp"
        if kind == "connect_timeout" and context is not None and _takes_tcp(origin, found_addresses, timeouts):
            way, said = "tls", f"no answer to a TLS handshake in {timeouts.connect_s:g} s; does it speak plain http?"
        reached = (found("tcp", "yes", "a connection is made"),) if way == "tls" else ()
        return _unreached((name, *reached, found(way, "no", said)), (kind, said), context, addresses=found_addresses)
    for spare in links[1:]:
        spare.close()
    connect_s = statistics.median(link.connect_s for link in links)
    facts = _tls_facts(links[0])
    alpn = _alpn(origin, found_addresses, timeouts, ca_file) if context is not None else None
    tcp = found("tcp", "yes", f"connected in {spelled(connect_s)}, median of {_CONNECTIONS} connections", connect_s)
    return Network(
        findings=(name, tcp, _tls_finding(facts)),
        addresses=tuple(found_addresses),
        context=context,
        link=links[0],
        connect_p50_s=connect_s,
        tls=facts,
        alpn=alpn,
        failure=None,
    )


def _takes_tcp(origin: Origin, addresses: Sequence[Address], timeouts: Timeouts) -> bool:
    link = connect(origin, addresses, timeouts, None)
    if isinstance(link, Link):
        link.close()
        return True
    return False


def http_finding(network: Network, answered_version: str | None) -> Finding:
    """Which HTTP it offers, and which one our figures are of."""
    spoken = f"it answers us in HTTP/{answered_version}" if answered_version else "it has not answered"
    if network.context is None:
        return found("http", "yes" if answered_version else "unknown", f"{spoken}; without TLS no other is negotiated")
    offers = {
        "h2": "it prefers HTTP/2; we measure over HTTP/1.1, a connection for each request in flight",
        "http/1.1": "it prefers HTTP/1.1",
    }.get(network.alpn or "", "it names no protocol (no ALPN)")
    return found("http", "yes" if answered_version else "unknown", f"{offers}; {spoken}")


def round_trip_finding(network: Network, seconds: Sequence[float], asked: str) -> Finding:
    """Connect time beside the time of a small exchange: the second holds the server's own work too."""
    if network.connect_p50_s is None:
        return found("round_trip", "unknown", "it was not reached")
    parts = [f"TCP connect {spelled(network.connect_p50_s)} (median of {_CONNECTIONS})"]
    if network.tls is not None:
        parts.append(f"TLS handshake {spelled(network.tls.handshake_s)}")
    if seconds:
        parts.append(f"{asked} answered in {spelled(statistics.median(seconds))} (median of {len(seconds)})")
    return found("round_trip", "yes", ", ".join(parts), sum(seconds) or None)


def _unreached(
    findings: tuple[Finding, ...],
    failure: Failure,
    context: ssl.SSLContext | None,
    *,
    addresses: Sequence[Address] = (),
) -> Network:
    return Network(
        findings=findings,
        addresses=tuple(addresses),
        context=context,
        link=None,
        connect_p50_s=None,
        tls=None,
        alpn=None,
        failure=failure,
    )


def _address_words(addresses: Sequence[Address], seconds: float) -> str:
    names = list(dict.fromkeys(str(address.sockaddr[0]) for address in addresses))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}, in {spelled(seconds)}"


def _tls_facts(link: Link) -> TlsFacts | None:
    if not isinstance(link.sock, ssl.SSLSocket) or link.handshake_s is None:
        return None
    cipher = link.sock.cipher()
    certificate = link.sock.getpeercert() or {}
    names = {key: value for part in _parts(certificate.get("issuer")) for key, value in part}
    until = certificate.get("notAfter")
    return TlsFacts(
        version=link.sock.version() or "unknown",
        cipher=cipher[0] if cipher else "unknown",
        issuer=names.get("organizationName") or names.get("commonName"),
        expires_at=datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if isinstance(until, str) else None,
        handshake_s=link.handshake_s,
    )


def _parts(issuer: object) -> list[list[tuple[str, str]]]:
    # ((("countryName", "US"),), (("organizationName", "..."),)), as `SSLSocket.getpeercert` gives it
    return [list(part) for part in issuer] if isinstance(issuer, tuple) else []


def _tls_finding(facts: TlsFacts | None) -> Finding:
    if facts is None:
        return found("tls", "not applicable", "plain http: whoever is on the way reads prompts and keys")
    said = [f"{facts.version}, {facts.cipher}", f"certificate of {facts.issuer or 'an unnamed issuer'}"]
    if facts.expires_at is not None:
        said.append(f"good for {(facts.expires_at - datetime.now(UTC)).days} days more")
    return found("tls", "yes", ", ".join(said), facts.handshake_s)


def _alpn(origin: Origin, addresses: Sequence[Address], timeouts: Timeouts, ca_file: str | None) -> str | None:
    """What it chooses when both are offered. Nothing is sent on that connection."""
    context = client_context(ca_file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    link = connect(origin, addresses, timeouts, context)
    if not isinstance(link, Link):
        return None
    chosen = link.sock.selected_alpn_protocol() if isinstance(link.sock, ssl.SSLSocket) else None
    link.close()
    return chosen
