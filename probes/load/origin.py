"""The place a base URL names, and the bytes of a request to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from probes.errors import ProbeError

_VERSION: Final = re.compile(r"/v[0-9][0-9a-z]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where requests go: host and port to connect to, and the request target."""

    tls: bool
    host: str  # as connected to and as verified in the certificate
    port: int
    target: str  # path and query of the request line

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{'https' if self.tls else 'http'}://{self.host_header}{self.target}"

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One resolved address of an origin."""

    family: int
    sockaddr: tuple[Any, ...]


def parse_origin(base_url: str, path: str) -> Origin:
    """Read a base URL; the request target is its path + `path`, and the queries of both.

    A version that ends the one and begins the other ("/v1") stands there once.

    Raises:
        ProbeError: not http or https, no host, a bad port, or a password in the URL.
    """
    try:
        url = urlsplit(base_url)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise ProbeError(f'base_url "{base_url}" cannot be read: {error}; write it like http://host:8000/v1') from error
    if url.username is not None or url.password is not None:
        raise ProbeError("base_url holds a user name or password; give the key through the environment instead")
    if url.scheme not in ("http", "https") or not host:
        raise ProbeError(f'base_url "{base_url}" must start with http:// or https:// and name a host')
    if not base_url.isprintable() or " " in base_url:
        raise ProbeError(f"base_url {base_url!r} has a space or a line break in it; remove it")
    try:
        ascii_host = host if ":" in host else host.encode("idna").decode()
        target = _target(url.path.rstrip("/"), url.query, path).encode("ascii").decode()
    except UnicodeError as error:
        raise ProbeError(f'base_url "{base_url}" has a character that no URL may have; percent-encode it') from error
    tls = url.scheme == "https"
    return Origin(tls=tls, host=ascii_host, port=port or (443 if tls else 80), target=target)


def _target(base_path: str, base_query: str, path: str) -> str:
    path, _, query = path.partition("?")
    first = path[: path.find("/", 1)] if path.count("/") > 1 else ""
    if _VERSION.fullmatch(first) and base_path.endswith(first):
        path = path[len(first) :]
    queries = "&".join(part for part in (query, base_query) if part)
    return base_path + path + (f"?{queries}" if queries else "")


def request_head(origin: Origin, headers: Mapping[str, str]) -> bytes:
    """The head of a POST up to where X-Request-Id and Content-Length follow; later names win, whatever their case."""
    merged: dict[str, tuple[str, str]] = {}
    for name, value in headers.items():
        merged[name.lower()] = (name, value)
    lines = [f"POST {origin.target} HTTP/1.1", f"Host: {origin.host_header}"]
    lines += [f"{name}: {value}" for name, value in merged.values()]
    return ("\r\n".join(lines) + "\r\n").encode("ascii")
