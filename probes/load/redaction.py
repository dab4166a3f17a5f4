"""Taking a key out of what a server sent back: some repeat it, in headers, error bodies or mid-stream.

Stars take the place of the key, as many as it had characters, so that no offset moves.
"""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from probes.load.raw import RawAttempt

_SHORTEST: Final = 8  # a shorter key would be found in ordinary words, and its encoded forms in anything


class Secrets:
    """One key, "" for none, and the forms in which a server may repeat it.

    The key as it is is looked for everywhere. In any case, percent-encoded, in hexadecimal and inside base64 it is
    looked for where something failed (`thorough`): in a million chunks that went well it would cost half a second.
    """

    def __init__(self, key: str) -> None:
        self._text = key
        self._plain = key.encode()
        self._forms = re.compile(b"|".join(re.escape(form) for form in dict.fromkeys(_forms(key))), re.I)

    def star(self, body: bytes, *, thorough: bool) -> bytes:
        """A body without the key, its length kept. Unless `thorough`, a key of under eight characters is left."""
        if not self._plain:
            return body
        if thorough:
            return self._forms.sub(lambda found: b"*" * len(found[0]), body)
        if len(self._plain) >= _SHORTEST and self._plain in body:
            return body.replace(self._plain, b"*" * len(self._plain))
        return body

    def star_text(self, text: str) -> str:
        """The same of a text, thoroughly."""
        if not self._plain:
            return text
        return self._forms.sub(lambda found: b"*" * len(found[0]), text.encode("utf-8", "surrogateescape")).decode(
            "utf-8", "surrogateescape"
        )

    def cleansed(self, raw: "RawAttempt") -> "RawAttempt":
        """An attempt whose answer is shown or kept for its words: thoroughly, whatever became of it."""
        return raw if not self._plain else replace(raw, body=self.star(raw.body, thorough=True))

    def star_headers(self, headers: dict[str, str], *, thorough: bool) -> dict[str, str]:
        """Headers without the key; the same ones if they do not hold it."""
        if not self._plain or (not thorough and not any(self._text in value for value in headers.values())):
            return headers
        return {name: self.star_text(value) for name, value in headers.items()}


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
