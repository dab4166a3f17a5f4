"""What a fake endpoint knows of the requests that it served: its own times, and what each should be called."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class FakeRequest:
    """What the endpoint knows of one request. `*_ns` is CLOCK_MONOTONIC, taken just before the write."""

    request_id: str
    recv_ns: int
    fault: str  # the fixture that was played
    api: str = ""  # the format; "" where there is none at that path
    path: str = ""
    error_class: str | None = None  # what a client should call it, if it waits less long than `hold_s`
    status: int = 200
    first_ns: int | None = None  # write with the first payload
    last_ns: int | None = None  # write with the last payload
    done_ns: int | None = None  # last write of the answer
    prompt_tokens: int | None = None  # as counted here, whatever the answer tells
    output_tokens: int | None = None  # what a whole answer takes, hidden reasoning included, whatever it tells
    tokens: int = 0  # payload that was sent
    chunks: int = 0  # events with payload that were sent
    chunk_ns: list[int] = field(default_factory=list)  # writes with payload
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(slots=True, kw_only=True)
class FakeEndpoint:
    """A running endpoint."""

    base_url: str  # of openai-chat; `base_urls` has those of all formats
    base_urls: dict[str, str] = field(default_factory=dict)
    requests: list[FakeRequest] = field(default_factory=list)
    connections: int = 0

    def truth(self) -> list[dict[str, Any]]:
        """One dict a request, without its headers and body: they may hold a key."""
        rows = [asdict(request) for request in self.requests]
        return [{name: value for name, value in row.items() if name not in ("headers", "body")} for row in rows]

    def classes(self) -> dict[str, Counter[str]]:
        """Of each format, how many requests should be called what; "ok" for successes."""
        counts: dict[str, Counter[str]] = {}
        for request in list(self.requests):
            counts.setdefault(request.api or request.path, Counter())[request.error_class or "ok"] += 1
        return counts
