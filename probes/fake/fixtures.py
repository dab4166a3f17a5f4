"""The fixtures by name: what each changes about an answer, and which formats have it.

A fixture is data. `needs` are traits that a format must have for the fixture to mean anything there; the rest says what
differs from the plain answer. The number is that of the list that all formats share; ours beyond that list have none.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from probes.errors import ProbeError
from probes.fake.story import UsageFault, UsagePlace

Trait = Literal[
    "stream",  # answers event by event
    "document",  # answers with one JSON document only
    "sse",
    "lines",  # its events end in line ends
    "ndjson",
    "frames",  # binary, with checksums
    "text",  # events hold words in UTF-8
    "groups",  # several tokens may share an event
    "opening",  # an event before the first payload
    "role",  # that event may be left out
    "pings",  # says that it is alive before it says anything
    "usage",
    "usage-places",  # usage stands in one of several places
    "usage-every",  # or in all of them
    "reasoning",
    "hidden-reasoning",  # tells apart what it does not show
    "tools",
    "filter",
    "list-first",  # a list of choices or candidates, which may be empty
    "json",  # what it says is JSON
    "error-event",  # can tell an error after 200
    "terminal",  # says that it is at its end
    "zero",  # can say nothing and say so
    "limits",  # tells its rate limits in headers
    "big",
    "so-far",  # may repeat the text so far
]
Middle = Literal["none", "error", "bare-error", "not-json", "end", "end-in-event", "drop", "hold", "bad-crc", "hollow"]
Cut = Literal["none", "character", "line-end", "middle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """One way to answer."""

    name: str
    number: int | None  # in the list of fixtures that every fake server should play
    says: str
    error_class: str | None = None  # what a client that tells failures apart calls it; None: a success
    needs: frozenset[Trait] = frozenset()
    refusal: str | None = None  # an HTTP error instead of an answer: its kind in `errors`
    tokens: int | None = None  # so many, whatever was asked
    per_piece: int = 1
    role: Literal["usual", "early", "none"] = "usual"
    silence: bool = False  # the first payload comes no earlier than `gap_s`
    pings: bool = False
    hollow_first: bool = False
    usage_place: UsagePlace = "usual"
    usage_fault: UsageFault = "none"
    reasoning: Literal["none", "shown", "hidden"] = "none"
    tool: bool = False
    big: bool = False
    filtered: bool = False
    text_so_far: bool = False
    first: Literal["none", "error", "hold"] = "none"  # what comes in place of the first payload
    middle: Middle = "none"  # what comes when half was said
    last: Literal["none", "hold", "close"] = "none"  # what comes after the last byte
    cut: Cut = "none"
    crlf: bool = False
    joined: Literal["none", "body", "all"] = "none"  # one write: the body, or the head with it
    gzip: bool = False
    framing: Literal["usual", "close"] = "usual"
    close: bool = False  # says that it closes, and does
    echo: bool = False  # the client's key comes back
    limits: bool = False
    hints: bool = False
    instead: Literal["none", "bad-http", "drop", "silence", "document"] = "none"


def _needs(*traits: Trait) -> frozenset[Trait]:
    return frozenset(traits)


_STREAM: Final = _needs("stream")
_FIXTURES: Final[tuple[Fixture, ...]] = (
    Fixture(name="none", number=None, says="the plain answer"),
    Fixture(name="role-early", number=1, says="an event that only opens, a gap, then content", role="early",
            silence=True, needs=_needs("opening")),
    Fixture(name="no-role", number=2, says="no event that only opens", role="none", needs=_needs("role")),
    Fixture(name="many-tokens-a-chunk", number=3, says="three tokens an event", per_piece=3, needs=_needs("groups")),
    Fixture(name="one-write", number=4, says="all events in one write", joined="body", needs=_STREAM),
    Fixture(name="cut-in-character", number=5, says="an event in three writes, cut inside a UTF-8 character",
            cut="character", needs=_needs("text")),
    Fixture(name="crlf", number=6, says="lines end in CR LF", crlf=True, needs=_needs("lines")),
    Fixture(name="crlf-cut", number=6, says="and writes end between CR and LF", crlf=True, cut="line-end",
            needs=_needs("lines")),
    Fixture(name="comments", number=7, says="comments or pings before the first token", pings=True,
            needs=_needs("pings")),
    Fixture(name="usage-own-chunk", number=8, says="usage in an event of its own", usage_place="own",
            needs=_needs("usage-places")),
    Fixture(name="usage-in-finish", number=8, says="usage beside the finish reason", usage_place="finish",
            needs=_needs("usage-places")),
    Fixture(name="usage-on-every-chunk", number=8, says="a running usage on every event", usage_place="every",
            needs=_needs("usage-every")),
    Fixture(name="no-usage", number=8, says="no usage at all", usage_place="none", needs=_needs("usage")),
    Fixture(name="reasoning", number=9, says="thinking first, then content", reasoning="shown",
            needs=_needs("reasoning")),
    Fixture(name="hidden-reasoning", number=9, says="thinking that is counted and never shown", reasoning="hidden",
            silence=True, needs=_needs("hidden-reasoning")),
    Fixture(name="empty-choices-first", number=10, says="first an event whose list is empty", hollow_first=True,
            needs=_needs("list-first")),
    Fixture(name="choice-without-delta", number=11, says="an event in the middle with a choice that says nothing",
            middle="hollow", needs=_needs("list-first")),
    Fixture(name="error-before-first-token", number=12, says="200, then an error and no token", first="error",
            error_class="stream_error", needs=_needs("error-event")),
    Fixture(name="error-after-200", number=12, says="200, some tokens, then an error", middle="error",
            error_class="stream_error", needs=_needs("error-event")),
    Fixture(name="bare-json-error", number=13, says="an error as bare JSON of many lines among the events",
            middle="bare-error", error_class="stream_error", needs=_needs("sse", "error-event")),
    Fixture(name="truncated", number=14, says="ends between two events, without its end", middle="end",
            error_class="truncated", needs=_needs("terminal")),
    Fixture(name="truncated-in-event", number=14, says="ends in the middle of an event", middle="end-in-event",
            error_class="truncated", needs=_needs("terminal")),
    Fixture(name="hold-open", number=15, says="the response stays open after its end", last="hold",
            needs=_needs("terminal")),
    Fixture(name="http-429", number=16, says="429 that says how many seconds to wait", refusal="rate-seconds",
            error_class="rate_limited"),
    Fixture(name="http-429-ms", number=16, says="429 that says how many milliseconds to wait", refusal="rate-ms",
            error_class="rate_limited"),
    Fixture(name="http-429-date", number=16, says="429 that says until when to wait", refusal="rate-date",
            error_class="rate_limited"),
    Fixture(name="http-429-no-delay", number=16, says="429 that waiting does not help", refusal="rate-none",
            error_class="quota_or_spend"),
    Fixture(name="http-401", number=17, says="the key is refused", refusal="auth", error_class="auth"),
    Fixture(name="http-404-model", number=17, says="there is no such model", refusal="model",
            error_class="model_not_found"),
    Fixture(name="http-500", number=17, says="it broke", refusal="server", error_class="server_error"),
    Fixture(name="http-503", number=17, says="not now", refusal="unavailable", error_class="overloaded"),
    Fixture(name="http-529", number=17, says="overloaded", refusal="overloaded", error_class="overloaded"),
    Fixture(name="stall", number=18, says="silence of `hold_s` in mid-answer", middle="hold", error_class="stall",
            needs=_STREAM),
    Fixture(name="one-token", number=19, says="an answer of one token", tokens=1, needs=_needs("text")),
    Fixture(name="empty", number=20, says="an answer of no token", tokens=0, error_class="empty",
            needs=_needs("zero")),
    Fixture(name="gzip", number=21, says="gzip, although identity was asked for", gzip=True),
    Fixture(name="big-event", number=22, says="one event of more than 64 KiB", big=True, needs=_needs("big")),
    Fixture(name="tool-calls", number=23, says="arguments of a call and no text", tool=True, needs=_needs("tools")),
    Fixture(name="cut-in-line", number=24, says="every line in two writes", cut="middle", needs=_needs("ndjson")),
    Fixture(name="bad-crc", number=25, says="a frame whose checksum is wrong", middle="bad-crc",
            error_class="parse_error", needs=_needs("frames")),
    Fixture(name="exception-frame", number=25, says="an exception frame after some tokens", middle="error",
            error_class="stream_error", needs=_needs("frames")),
    Fixture(name="slow-headers", number=26, says="headers come late, and everything with them", joined="all"),
    Fixture(name="close-silently", number=27, says="the connection is closed between two requests", last="close"),
    # Beyond the list.
    Fixture(name="http-400-context", number=None, says="the prompt is too long", refusal="context",
            error_class="context_length"),
    Fixture(name="http-402", number=None, says="payment required", refusal="payment", error_class="quota_or_spend"),
    Fixture(name="http-403", number=None, says="forbidden", refusal="forbidden", error_class="auth"),
    Fixture(name="http-424", number=None, says="the model failed behind the server", refusal="model-failed",
            error_class="server_error"),
    Fixture(name="echo-key-401", number=None, says="an error body that repeats the key", refusal="auth", echo=True,
            error_class="auth"),
    Fixture(name="echo-key", number=None, says="the key in headers, then in an error after 200", echo=True,
            middle="error", error_class="stream_error", needs=_needs("error-event")),
    Fixture(name="bad-http", number=None, says="what is not HTTP", instead="bad-http", error_class="parse_error"),
    Fixture(name="json-answer", number=None, says="a document where a stream was asked for", instead="document",
            needs=_needs("sse", "text")),
    Fixture(name="not-json", number=None, says="an event that is not JSON", middle="not-json",
            error_class="parse_error", needs=_needs("json")),
    Fixture(name="drop", number=None, says="the connection breaks in mid-answer", middle="drop",
            error_class="truncated"),
    Fixture(name="drop-unanswered", number=None, says="the connection breaks before any answer", instead="drop",
            error_class="truncated"),
    Fixture(name="silent", number=None, says="no answer for `hold_s`", instead="silence",
            error_class="timeout_first_token"),
    Fixture(name="role-then-silent", number=None, says="it opens, then silence of `hold_s`", role="early",
            first="hold", error_class="timeout_first_token", needs=_needs("opening")),
    Fixture(name="filtered", number=None, says="stopped by a content filter", filtered=True, error_class="filtered",
            needs=_needs("filter")),
    Fixture(name="no-length", number=None, says="neither length nor chunks: the end is the connection's",
            framing="close"),
    Fixture(name="connection-close", number=None, says="says that it closes, and does", close=True),
    Fixture(name="early-hints", number=None, says="103 before 200", hints=True),
    Fixture(name="usage-negative", number=None, says="a negative count of tokens", usage_fault="negative",
            needs=_needs("usage")),
    Fixture(name="usage-text", number=None, says="a word for a count of tokens", usage_fault="text",
            needs=_needs("usage")),
    Fixture(name="usage-tenfold", number=None, says="ten times the tokens that were sent", usage_fault="tenfold",
            needs=_needs("usage")),
    Fixture(name="rate-limits", number=None, says="headers that tell the rate limits", limits=True,
            needs=_needs("limits")),
    Fixture(name="text-so-far", number=None, says="each event repeats the text before it", text_so_far=True,
            needs=_needs("so-far")),
)  # fmt: skip

FIXTURES: Final[dict[str, Fixture]] = {fixture.name: fixture for fixture in _FIXTURES}


def fixture_named(name: str) -> Fixture:
    """The fixture of that name.

    Raises:
        ProbeError: there is none; suggests the nearest name.
    """
    if name in FIXTURES:
        return FIXTURES[name]
    raise ProbeError(f'"{name}" is not a fixture{nearest(name, FIXTURES) or "; megatoken fake --list shows all"}')


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, or nothing where no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f'; did you mean "{near[0]}"?' if near else ""
