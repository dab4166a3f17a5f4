"""One HTTP/1.1 request as it came: its head, and its body as fields."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson

from probes.fake.story import BadAskError

_MOST_BODY_BYTES: Final = 256 << 20
_KEY_HEADERS: Final = ("x-api-key", "x-goog-api-key", "api-key")


@dataclass(slots=True, kw_only=True)
class Incoming:
    """What a client sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # lower-case names
    raw: bytes
    fields: dict[str, Any] = field(default_factory=dict)

    def read_fields(self, *, multipart: bool) -> None:
        """Parse the body.

        Raises:
            BadAskError: it is not what that route takes.
        """
        self.fields = _multipart(self.headers, self.raw) if multipart else _json_object(self.raw)

    @property
    def key(self) -> str:
        """The API key that came, by whichever header; "" without any."""
        for name in _KEY_HEADERS:
            if name in self.headers:
                return self.headers[name]
        return self.headers.get("authorization", "").removeprefix("Bearer ")


async def receive(reader: asyncio.StreamReader) -> Incoming:
    """The next request of a connection.

    Raises:
        asyncio.IncompleteReadError: the connection ended first.
        ValueError: what came is not HTTP.
    """
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, _, rest = lines[0].partition(" ")
    target, _, version = rest.rpartition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(f"not HTTP: {lines[0][:80]}")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    if headers.get("transfer-encoding") == "chunked":
        raw = await _chunks(reader)
    else:
        size = int(headers.get("content-length", "0"))
        if not 0 <= size <= _MOST_BODY_BYTES:
            raise ValueError(f"a body of {size} bytes")
        raw = await reader.readexactly(size)
    url = urlsplit(target)
    return Incoming(method=method, path=url.path, query=dict(parse_qsl(url.query)), headers=headers, raw=raw)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        if len(body) + size > _MOST_BODY_BYTES:
            raise ValueError("a body without end")
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadAskError(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadAskError("the body is not a JSON object")
    return value


def _multipart(headers: Mapping[str, str], raw: bytes) -> dict[str, Any]:
    """Fields of a form: text as text, a file as its bytes."""
    kind = headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        raise BadAskError(f"the body is {kind or 'of no type'}; this route takes multipart/form-data")
    form = BytesParser().parsebytes(b"Content-Type: %b\r\n\r\n%b" % (kind.encode("latin-1"), raw))
    if not form.is_multipart():
        raise BadAskError("the form has no parts")
    fields: dict[str, Any] = {}
    for part in form.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)  # so for a part that has no parts
            fields[name] = data if part.get_filename() is not None else data.decode("utf-8", "replace")
    return fields
