"""One response under way: HTTP/1.1 framing by httptools, and a stamp for every read.

While it comes, only pieces of body and stamps are appended here; nothing is looked into.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Final

import httptools

from probes.load.errors import KEPT_HEADERS

INSPECT_BYTES: Final = 1 << 20
_READ_OVERHEAD_BYTES: Final = 160  # of a read: its bytes object, its stamp, its places in lists


class Response:
    """One response under way; also httptools' callback interface.

    `parts` collects pieces of body; for read i, `stamps[i]` is its instant and `part_counts[i]` how many parts there
    were after it (a read that brought only headers repeats the count before it). A long body leaves memory in pieces
    (`spill`); then all three hold only what came since.
    """

    __slots__ = (
        "_declares_length",
        "_keep_alive",
        "_parser",
        "bytes_received",
        "checked_parts",
        "complete",
        "feed",
        "headers",
        "inspect_at_bytes",
        "kept_bytes",
        "last_stamp_ns",
        "on_body",
        "part_counts",
        "parts",
        "payload_seen",
        "read_stamped",
        "spilled_bytes",
        "stamps",
        "status",
        "unbroken_bytes",
    )

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.stamps: list[int] = []
        self.part_counts: list[int] = []
        self.headers: dict[str, str] = {}  # those of KEPT_HEADERS
        self.status: int | None = None
        self.complete = False
        self.read_stamped = False  # at least one stamp is not the kernel's
        self.payload_seen = False
        self.checked_parts = 0  # how many parts there were when a payload was last looked for
        self.bytes_received = 0  # framing included
        self.last_stamp_ns = 0  # 0: nothing heard yet
        self.inspect_at_bytes = INSPECT_BYTES  # when to have a look at how long it has become
        self.unbroken_bytes = 0  # at the last look: body bytes since the last line break, at least
        self.spilled_bytes = 0  # of the body, on disk already
        self.kept_bytes = 0  # of the first part: bytes kept in memory by the last spill, whose read is on disk
        self._declares_length = False
        self._keep_alive = False
        self.on_body = self.parts.append  # what httptools calls for each piece: no Python frame
        # A parser costs a microsecond, so none is used for a second response: no state can leak into it.
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self.feed: Callable[[bytes | memoryview], None] = self._parser.feed_data

    def on_message_begin(self) -> None:
        if self.complete:  # nobody asked for another answer, such as a 408 for the request that did not follow in time
            raise httptools.HttpParserError("bytes after the end of the response")

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower().decode("latin-1")
        if key in ("content-length", "transfer-encoding"):
            self._declares_length = True
        elif key in KEPT_HEADERS:
            self.headers[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        # Asked here: once the message is complete llhttp has forgotten the flags that decide about keep-alive.
        if self._parser is not None:
            self.status = self._parser.get_status_code()
            self._keep_alive = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        if self.status is not None and self.status < 200:  # 100 Continue, 103 Early Hints: the answer is still to come
            self.status = None
            self.headers.clear()
            self._declares_length = False
        else:
            self.complete = True

    def keeps_alive(self) -> bool:
        """Whether another request may follow on the same connection."""
        return self.complete and self._keep_alive

    def ends_with_connection(self) -> bool:
        """Whether the end of the connection is the regular end of this response (no length, not chunked)."""
        return self.status is not None and not self._declares_length

    def release(self) -> None:
        """Let go of the parser. It and this object hold each other, and nobody collects cycles during a trial."""
        self._parser = None
        self.feed = _refuse

    @property
    def held_bytes(self) -> int:
        """Memory it stands for, about: bodies come in small pieces, and a piece costs as much again as itself."""
        return self.bytes_received - self.spilled_bytes + _READ_OVERHEAD_BYTES * len(self.stamps)

    def body_reads(self) -> tuple[list[int], list[int]]:
        """Stamps of the reads that brought body bytes, and how many body bytes there were after each.

        Of those since the last spill; the bytes spilled are counted.
        """
        sizes = list(accumulate(map(len, self.parts), initial=self.spilled_bytes))
        ends = list(map(sizes.__getitem__, self.part_counts))
        stamps = self.stamps
        start = self.spilled_bytes + self.kept_bytes
        if ends and (ends[0] == start or len(set(ends)) < len(ends)):  # some reads brought only headers or framing
            kept = [n for n, (before, after) in enumerate(pairwise([start, *ends])) if after > before]
            stamps, ends = [stamps[n] for n in kept], [ends[n] for n in kept]
        return stamps, ends

    def spill(self, keep_bytes: int, secrets: Sequence[bytes]) -> tuple[list[int], list[int], bytes]:
        """Give up what came so far but for the last bytes: stamps and ends of its reads, and the body itself.

        Args:
            keep_bytes: how much of the end to keep at least, for those who look at it later.
            secrets: none of them is cut in two.
        """
        stamps, ends = self.body_reads()
        body = b"".join(self.parts)
        cut = max(len(body) - keep_bytes, 0)
        whole = 0
        while whole < len(secrets):
            secret = secrets[whole]
            split = body.find(secret, max(cut - len(secret) + 1, 0), cut + len(secret) - 1)
            cut, whole = (split, 0) if 0 <= split < cut else (cut, whole + 1)  # what is whole here may be cut there
        self.parts[:] = [body[cut:]]  # the same list: the parser appends to it
        self.stamps, self.part_counts = [], []
        self.spilled_bytes += cut
        self.kept_bytes = len(body) - cut
        self.checked_parts = 0
        return stamps, ends, body[:cut]


def _refuse(_data: bytes | memoryview) -> None:
    raise httptools.HttpParserError("bytes after the end of the response")
