"""An answer that is one JSON document: all of it comes at once, and what is cut short is told from what is no JSON."""

from dataclasses import replace

import orjson

from probes.load.protocols.base import EventClass, StreamFacts
from probes.load.protocols.reading import EventReader

_UTF8_MOST_BYTES = 4


def is_document(body: bytes) -> bool:
    """Whether a body, of which only the beginning may have come, is no stream of events."""
    return body.lstrip()[:1] in (b"{", b"[")


def as_it_came(body: bytes, facts: StreamFacts) -> StreamFacts:
    """The facts of a body of events, of which a server that ignores `stream` sent only one, bare: a document."""
    if is_document(body) and len(facts.event_ends) == 1 and facts.streamed:
        return replace(facts, streamed=False)
    return facts


def read_document(body: bytes, reader: EventReader) -> StreamFacts:
    """Everything that one JSON document says; it is terminal if it is whole.

    Args:
        body: as received. One that ends in mid-document says nothing, and is not terminal; one that could never have
            become JSON is a parse_error.
        reader: takes the document as its only event.
    """
    reader.streamed = False
    text = body.rstrip()
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if _is_beginning(text, error):
            return reader.facts([], b"")
        reader.fail("parse_error", f"the answer is not JSON: {text[:80].decode('utf-8', 'replace')}")
        return reader.facts([len(text)], bytes([EventClass.OTHER]))
    kind = reader.take(document)
    reader.terminal = kind != EventClass.ERROR
    return reader.facts([len(text)], bytes([kind]))


def _is_beginning(text: bytes, error: orjson.JSONDecodeError) -> bool:
    """Whether it is JSON up to its last byte, the last character perhaps cut."""
    if not is_document(text):
        return not text
    for cut in range(_UTF8_MOST_BYTES):
        if error.msg.startswith("unexpected end of data"):
            return True
        try:
            orjson.loads(text[: len(text) - cut - 1])
        except orjson.JSONDecodeError as shorter:
            if not error.msg.startswith("str is not valid UTF-8"):
                return False
            error = shorter
    return False
