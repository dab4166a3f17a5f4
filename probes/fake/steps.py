"""From a fixture and what was asked to the steps of an answer: bytes as they go on the wire, and when each goes.

All of it is made before the first byte is sent, so that what is played is the clock's business alone.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from probes.fake.fixtures import FIXTURES, Fixture
from probes.fake.formats import FORMATS
from probes.fake.formats.base import Format, Writer
from probes.fake.formats.bedrock import ConverseWriter
from probes.fake.ratelimits import limit_headers
from probes.fake.story import HIDDEN_TOKENS, Ask, Finish, Story, make_pieces, until_stop

Framing = Literal["usual", "chunked", "length", "close"]
LineEnd = Literal["lf", "crlf"]
Then = Literal["go on", "hold", "drop", "end"]

AT_ONCE: Final = -2
AT_START: Final = -1
_GZIP: Final = 16 + zlib.MAX_WBITS


class Step(NamedTuple):
    """One write. `due` is the token that it waits for: the 0th comes at `ttft_s`, the n-th n * `itl_s` later."""

    data: bytes
    due: int = AT_ONCE
    tokens: int = 0  # payload in it
    chunks: int = 0  # events with payload in it
    cuts: tuple[int, ...] = ()  # offsets at which the write is cut
    then: Then = "go on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer as writes; `closes` if the connection ends with it."""

    steps: tuple[Step, ...]
    closes: bool
    output_tokens: int


@lru_cache(maxsize=512)
def make_answer(name: str, ask: Ask, fixture_name: str, tokens: int, framing: Framing, line_end: LineEnd) -> Answer:
    """The answer of a 200, without the key that a fixture may echo.

    Args:
        name: of the format.
        ask: what was asked.
        fixture_name: what to play.
        tokens: how many, when the request does not say.
        framing: of the HTTP body; "usual" is chunked for a stream, a length for a document.
        line_end: of the events, where a fixture says nothing else.
    """
    return build_answer(FORMATS[name], ask, FIXTURES[fixture_name], tokens, framing, line_end, key="")


def build_answer(
    form: Format, ask: Ask, fixture: Fixture, tokens: int, framing: Framing, line_end: LineEnd, *, key: str
) -> Answer:
    """The same, made anew; `key` is what the client sent, for fixtures that repeat it."""
    streams = ask.stream and fixture.instead != "document" and "document" not in form.traits
    writer = form.writer(ask, tell_story(ask, fixture, tokens))
    body = list(_stream(writer, fixture, key) if streams else _document(writer, fixture))
    if streams and "lines" in form.traits and (fixture.crlf or line_end == "crlf"):
        body = [step._replace(data=step.data.replace(b"\n", b"\r\n")) for step in body]
    if fixture.cut != "none":
        body = [step._replace(cuts=_cuts(step.data, fixture)) if step.tokens else step for step in body]
    if fixture.gzip:
        body = _zipped(body)
    if framing == "usual":
        framing = "chunked" if streams else "length"
    if fixture.framing == "close":
        framing = "close"
    headers = {"content-type": writer.content_type if streams else "application/json", **writer.headers}
    if fixture.limits:
        headers |= limit_headers(form.family)
    if fixture.echo and key:
        headers |= {"x-echo-authorization": f"Bearer {key}", "x-echo-key": key}
    if fixture.gzip:
        headers["content-encoding"] = "gzip"
    steps, closes = _framed(body, headers, framing, fixture)
    if fixture.last == "close":
        closes = True
    return Answer(steps=tuple(_joined(steps, fixture)), closes=closes, output_tokens=writer.output_tokens)


def tell_story(ask: Ask, fixture: Fixture, tokens: int) -> Story:
    """What the answer says: as many tokens as were asked for, or those of the fixture."""
    count = fixture.tokens if fixture.tokens is not None else ask.tokens or tokens
    pieces = make_pieces(
        count,
        per_piece=fixture.per_piece,
        reasoning=fixture.reasoning == "shown",
        tool=fixture.tool,
        big=fixture.big,
    )
    finish: Finish = "length" if ask.tokens is not None and count >= ask.tokens else "stop"
    pieces, stopped_at = until_stop(pieces, ask.stops)
    if stopped_at is not None:
        finish = "sequence"
    if fixture.tool:
        finish = "tool"
    if fixture.filtered:
        finish = "filter"
    return Story(
        model=ask.model,
        prompt_tokens=ask.prompt_tokens,
        pieces=pieces,
        hidden_tokens=HIDDEN_TOKENS if fixture.reasoning == "hidden" else 0,
        finish=finish,
        stopped_at=stopped_at,
        role=fixture.role != "none",
        usage_place=fixture.usage_place,
        usage_fault=fixture.usage_fault,
        text_so_far=fixture.text_so_far,
    )


def _stream(writer: Writer, fixture: Fixture, key: str) -> Iterator[Step]:
    message = f"the engine died{f' while it served {key}' if fixture.echo and key else ''}"
    pieces = writer.story.pieces
    for ping in writer.ping() if fixture.pings else ():
        yield Step(ping)
    if fixture.hollow_first:
        yield Step(writer.hollow_first())
    for event in writer.opening():
        yield Step(event, due=AT_ONCE if fixture.role == "early" else 0)
    if fixture.first == "hold":
        yield Step(b"", then="hold")
    if fixture.first == "error":
        yield Step(writer.error(message), due=0)
        return
    sent = 0
    for n, piece in enumerate(pieces):
        if n == len(pieces) // 2:
            trouble, ends = _trouble(writer, fixture, message, due=sent)
            yield from trouble
            if ends:
                return
        *before, last = writer.piece(piece, last=n == len(pieces) - 1)
        yield from (Step(event, due=sent) for event in before)
        yield Step(last, due=sent, tokens=piece.tokens, chunks=1)
        sent += piece.tokens
    yield from (Step(event, due=0) for event in writer.ending())


def _trouble(writer: Writer, fixture: Fixture, message: str, *, due: int) -> tuple[list[Step], bool]:
    """What comes when half was said, and whether it ends the answer."""
    middle = fixture.middle
    event = b""
    then: Then = "go on"
    if middle in ("hold", "drop"):
        then = middle
    elif middle == "hollow":
        event = writer.hollow()
    elif middle == "end-in-event":
        whole = writer.piece(writer.story.pieces[-1], last=False)[-1]
        event = whole[: len(whole) // 2]
    elif middle == "bad-crc":
        assert isinstance(writer, ConverseWriter)  # its trait is what the fixture needs
        event = writer.spoilt()
    elif middle == "not-json":
        event = writer.broken()
    elif middle in ("error", "bare-error"):
        event = writer.bare_error(message) if middle == "bare-error" else writer.error(message)
    ends = middle in ("drop", "end", "end-in-event", "error", "bare-error")
    return [Step(event, due=due, then=then)] if event or then != "go on" else [], ends


def _document(writer: Writer, fixture: Fixture) -> Iterator[Step]:
    story = writer.story
    whole = b"{oops" if fixture.middle == "not-json" else writer.document()
    due, half = max(story.output_tokens - 1, 0), len(whole) // 2
    if fixture.middle in ("drop", "hold"):
        yield Step(whole[:half], due=due, then="drop" if fixture.middle == "drop" else "hold")
        whole = whole[half:]
    yield Step(whole, due=due, tokens=sum(piece.tokens for piece in story.pieces), chunks=1)


def _cuts(data: bytes, fixture: Fixture) -> tuple[int, ...]:
    """Where the write of an event is cut, offsets into it."""
    if fixture.cut == "middle":
        return (len(data) // 2,)
    if fixture.cut == "line-end":
        ends = [at + 1 for at, byte in enumerate(data) if byte == 0x0D]
        return tuple(ends[-2:])
    if fixture.cut == "character":
        starts = [at for at, byte in enumerate(data) if byte >= 0xC0]
        if starts:
            wide = data[starts[0]] >= 0xE0  # three bytes: cut it twice
            return (starts[0] + 1, starts[0] + 2) if wide else (starts[0] - 1, starts[0] + 1)
    return ()


def _zipped(body: list[Step]) -> list[Step]:
    """The same steps through one compressor, flushed at each: what a proxy does to a stream."""
    press = zlib.compressobj(wbits=_GZIP)
    zipped = [step._replace(data=press.compress(step.data) + press.flush(zlib.Z_SYNC_FLUSH)) for step in body]
    return [*zipped, Step(press.flush())]


def _framed(body: list[Step], headers: dict[str, str], framing: Framing, fixture: Fixture) -> tuple[list[Step], bool]:
    """Head and body as HTTP/1.1, and whether the connection ends with it."""
    drops = any(step.then == "drop" for step in body)
    closes = framing == "close" or fixture.close
    if framing == "chunked":
        headers["transfer-encoding"] = "chunked"
        body = [_chunk(step) for step in body]
        body.append(Step(b"", then="hold") if fixture.last == "hold" else Step(b""))
        body.append(Step(b"" if drops else b"0\r\n\r\n"))
    elif framing == "length":
        headers["content-length"] = str(sum(len(step.data) for step in body) + drops)
    elif fixture.last == "hold":  # with a length the answer is over, whatever the connection does
        body.append(Step(b"", then="hold"))
    if closes:
        headers["connection"] = "close"
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join([*lines, "", ""]).encode()
    if fixture.hints:
        head = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n" + head
    return [Step(head, due=AT_ONCE), *body], closes


def _chunk(step: Step) -> Step:
    if step.then == "drop":
        return step._replace(data=b"%x\r\n%b" % (len(step.data) + 240, step.data or b"data: {"), cuts=())
    if not step.data:
        return step
    start = b"%x\r\n" % len(step.data)
    data = b"%b%b\r\n" % (start, step.data)
    cuts = tuple(at + len(start) for at in step.cuts) if step.cuts else ()
    return Step(data, step.due, step.tokens, step.chunks, cuts, step.then)


def _joined(steps: list[Step], fixture: Fixture) -> Iterator[Step]:
    """The steps, or their bytes in one write at the time of the last."""
    if fixture.joined == "none":
        yield from (step for step in steps if step.data or step.then != "go on")
        return
    if fixture.joined == "body":
        yield steps[0]
        steps = steps[1:]
    due = max(step.due + step.tokens - (step.tokens > 0) for step in steps)
    tokens, chunks = sum(step.tokens for step in steps), sum(step.chunks for step in steps)
    yield Step(b"".join(step.data for step in steps), due=due, tokens=tokens, chunks=chunks)
