"""Taking keys out of what a server sent back: some repeat them, in headers, error bodies or mid-stream.

Stars take the place of a key, as many as it had characters, so that no offset moves.
"""

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from probes.load.raw import RawAttempt
    from probes.load.spec import LoadSpec

_SHORTEST: Final = 8  # a shorter key would be found in ordinary words, and its encoded forms in anything
_SECRET_NAME: Final = re.compile(r"key|token|secret|passw|pwd|auth|cred|cookie|session|signature", re.I)
_LOOKS_SECRET: Final = re.compile(r"(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[!-~]{20,}")
_PAIR: Final = re.compile(r"[A-Za-z0-9_.-]+=[^=]")


class Secrets:
    """Keys, "" for none, and the forms in which a server may repeat them.

    A key as it is is looked for everywhere. In any case, percent-encoded, in hexadecimal and inside base64 it is
    looked for where something failed (`thorough`): in a million chunks that went well it would cost half a second.
    """

    def __init__(self, *keys: str) -> None:
        # The longest first: a key may be the beginning of another.
        self._texts = tuple(sorted(set(filter(None, keys)), key=len, reverse=True))
        self.plain = tuple(text.encode() for text in self._texts)
        forms = {form: None for key in self._texts for form in _forms(key)}
        self._forms = re.compile(b"|".join(map(re.escape, sorted(forms, key=len, reverse=True))), re.I)

    def star(self, body: bytes, *, thorough: bool) -> bytes:
        """A body without the key, its length kept. Unless `thorough`, a key of under eight characters is left."""
        if not self.plain:
            return body
        if thorough:
            return self._forms.sub(lambda found: b"*" * len(found[0]), body)
        for key in self.plain:
            if len(key) >= _SHORTEST and key in body:
                body = body.replace(key, b"*" * len(key))
        return body

    def star_text(self, text: str) -> str:
        """The same of a text, thoroughly."""
        if not self.plain:
            return text
        return self._forms.sub(lambda found: b"*" * len(found[0]), text.encode("utf-8", "surrogateescape")).decode(
            "utf-8", "surrogateescape"
        )

    def cleansed(self, raw: "RawAttempt") -> "RawAttempt":
        """An attempt whose answer is shown or kept for its words: thoroughly, whatever became of it."""
        return raw if not self.plain else replace(raw, body=self.star(raw.body, thorough=True))

    def star_headers(self, headers: dict[str, str], *, thorough: bool) -> dict[str, str]:
        """Headers without the key; the same ones if they do not hold it."""
        said = list(headers.values())
        if not self.plain or (not thorough and not any(key in value for key in self._texts for value in said)):
            return headers
        return {name: self.star_text(value) for name, value in headers.items()}


def secret_values(spec: "LoadSpec") -> tuple[str, ...]:
    """What a request carries that proves who asks: the API key, and what stands in headers of the user's own.

    Of those, what is named like a secret (Authorization, X-Api-Key, Cookie) or looks like one: long, without a space,
    letters and digits mixed. Of "Bearer KEY" it is the key, of "Basic BASE64" what is packed there too.
    """
    headers = spec.extra_headers.items()
    return (*filter(None, [spec.api_key]), *(part for name, value in headers for part in _secret_parts(name, value)))


def _secret_parts(name: str, value: str) -> Iterator[str]:
    named = _SECRET_NAME.search(name) is not None
    parts = re.split(r"[\s;,]+", value)
    if name.lower().endswith("authorization"):
        parts = parts[1:] or parts  # the first is how it is proved
    for part in parts:
        secret = part.partition("=")[2] if named and _PAIR.match(part) else part  # a cookie
        if len(secret) >= _SHORTEST and (named or _LOOKS_SECRET.fullmatch(secret)):
            yield secret
        if value.startswith("Basic ") and part == value[6:].strip():
            yield from _unpacked(part)


def _unpacked(packed: str) -> Iterator[str]:
    """The password of a Basic authorization."""
    try:
        password = b64decode(packed, validate=True).decode().partition(":")[2]
    except ValueError:
        return
    if len(password) >= _SHORTEST:
        yield password


def _forms(key: str) -> Iterator[bytes]:
    plain = key.encode()
    yield plain
    if len(plain) < _SHORTEST:
        return
    yield quote(key, safe="").encode()
    yield plain.hex().encode()
    # Inside base64 a text looks one of three ways, by what stands before it; its first and last letters depend on that.
    for before in range(3):
        start = -(-before * 8 // 6)
        end = (before + len(plain)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(before) + plain)[start:end]
