"""What a wire format is to the fake endpoint: where it is asked, how it asks, and what writes its events."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from probes.fake.errors import Family
from probes.fake.fixtures import Trait
from probes.fake.story import Ask, BadAskError, Piece, Story, count_words

Body = Mapping[str, Any]


class Writer:
    """Writes one answer: each call returns the events that come next, each as whole bytes. Lines end in LF."""

    content_type: str = "text/event-stream"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, ask: Ask, story: Story) -> None:
        self.ask = ask
        self.story = story

    @property
    def output_tokens(self) -> int:
        """What the whole answer takes, whatever it tells."""
        return self.story.output_tokens

    def opening(self) -> list[bytes]:
        """What comes before the first payload and says nothing."""
        return []

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        """One payload; the last of the events carries it."""
        raise NotImplementedError

    def ending(self) -> list[bytes]:
        """What comes after the last payload; also that of an answer without any."""
        return []

    def error(self, message: str) -> bytes:
        """An error among the events."""
        raise NotImplementedError

    def bare_error(self, message: str) -> bytes:
        """The same as JSON of many lines, without the form of an event."""
        return orjson.dumps({"error": {"message": message, "code": 429}}, option=orjson.OPT_INDENT_2) + b"\n\n"

    def broken(self) -> bytes:
        """An event that is not JSON."""
        return b"data: {oops\n\n"

    def ping(self) -> list[bytes]:
        """What says only that the server is alive."""
        return [b": PROCESSING\n\n"] * 2

    def hollow_first(self) -> bytes:
        """An event whose list of choices is empty."""
        raise NotImplementedError

    def hollow(self) -> bytes:
        """An event with a choice that says nothing."""
        raise NotImplementedError

    def document(self) -> bytes:
        """All of it at once."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One wire format."""

    name: str  # as `api` in a config
    path: re.Pattern[str]  # of the URL without its query; a group `model` where the path names it
    base: str  # what a config gives as base_url, after scheme, host and port
    family: Family  # whose error bodies
    traits: frozenset[Trait]
    read: Callable[[Body, Mapping[str, str]], Ask]  # body, what the path and query say; raises BadAskError
    writer: Callable[[Ask, Story], Writer]
    multipart: bool = False


def traits(*names: Trait) -> frozenset[Trait]:
    """Traits as a set."""
    return frozenset(names)


SSE: frozenset[Trait] = traits(
    "stream", "sse", "lines", "json", "text", "pings", "error-event", "terminal", "groups", "zero", "big"
)


def sse(value: object, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = b"" if name is None else b"event: %b\n" % name.encode()
    return b"%bdata: %b\n\n" % (head, orjson.dumps(value))


def words_of(body: Body, *names: str) -> int:
    """Words of all the texts under those keys."""
    return sum(count_words(body[name]) for name in names if name in body)


def need(body: Body, name: str, kind: type[Any] | tuple[type[Any], ...]) -> Any:  # noqa: ANN401 - JSON
    """A value that the request must have.

    Raises:
        BadAskError: it is missing or of another kind.
    """
    value = body.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadAskError(f"{name} is missing" if value is None else f"{name} = {str(value)[:60]} cannot be used")
    return value


def stops_asked(body: Body, name: str) -> tuple[str, ...]:
    """The texts before which an answer is to end: one, or a list of them.

    Raises:
        BadAskError: they are no texts, or empty ones.
    """
    value = body.get(name) or []
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) and text for text in found):
        raise BadAskError(f"{name} = {str(value)[:60]} must be a text, or a list of them")
    return tuple(found)


def tokens_asked(body: Body, *names: str) -> int | None:
    """The first of those keys that says how many tokens may come.

    Raises:
        BadAskError: it is no count of 1 or more.
    """
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise BadAskError(f"{name} = {str(value)[:60]} must be a whole number of 1 or more")
        return value
    return None
