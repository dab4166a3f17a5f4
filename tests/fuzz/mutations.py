"""Structure-aware damage to an answer: bytes, lines, events, and values inside their JSON."""

import json
import random
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

_EVENT_END = re.compile(rb"(?:\r?\n){1,2}")
_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 10**30, 1.5, -0.0, "", "x", "[DONE]", "\ud800", "\u2028", "日本" * 50, [], [None], {},
    {"text": {}}, [[[[]]]], {"error": None}, {"error": "overloaded"}, "error", "stop", 1e308, "9" * 400,
)  # fmt: skip
_PIECES = (
    b"\n", b"\r", b"\r\n", b"\n\n", b": ping\n\n", b"data:\n\n", b"data: [DONE]\n\n", b"event: error\n", b"data: {\n\n",
    b"[", b"]", b",", b"{}", b"\x00", b"\xef\xbb\xbf", b"\xff", b"\xe6\x97", b'{"error":{"message":"m"}}', b"null",
    b'data: {"choices":[{}]}\n\n', b"retry: 5\n", b"id: \n", b"RIFF", b"\x00\x00\x00\x10\x00\x00\x00\x00",
)  # fmt: skip


def mutated(body: bytes, generator: random.Random) -> bytes:
    """A body after one to four mutations."""
    for _ in range(generator.randint(1, 4)):
        body = generator.choice(_MUTATIONS)(body, generator)
        if len(body) > 1 << 20:
            body = body[: 1 << 20]
    return body


def _flip(body: bytes, generator: random.Random) -> bytes:
    damaged = bytearray(body)
    for _ in range(generator.randint(1, 8)):
        if damaged:
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
    return bytes(damaged)


def _cut(body: bytes, generator: random.Random) -> bytes:
    a, b = sorted((generator.randint(0, len(body)), generator.randint(0, len(body))))
    return generator.choice((body[:a], body[a:], body[:a] + body[b:]))


def _insert(body: bytes, generator: random.Random) -> bytes:
    place = generator.randint(0, len(body))
    return body[:place] + generator.choice(_PIECES) * generator.choice((1, 1, 1, 100)) + body[place:]


def _shuffle(body: bytes, generator: random.Random) -> bytes:
    """Events in another order, twice, or not at all."""
    ends = [0, *(found.end() for found in _EVENT_END.finditer(body)), len(body)]
    events = [body[a:b] for a, b in pairwise(ends)]
    match generator.randrange(4):
        case 0:
            generator.shuffle(events)
        case 1:
            events.insert(generator.randint(0, len(events)), generator.choice(events))
        case 2:
            del events[generator.randrange(len(events))]
        case _:
            # A list of millions would be our own memory, and it is the parser's that we look at.
            events = events * (generator.randint(2, 30) if len(events) < 10_000 else 2)
    return b"".join(events)


def _change_json(body: bytes, generator: random.Random) -> bytes:
    """One value inside one JSON object is another, gone, or under another name."""
    starts = [found.start() for found in re.finditer(rb"[{\[]", body)]
    generator.shuffle(starts)
    decoder = json.JSONDecoder()
    for start in starts[:4]:
        text = body[start:].decode("utf-8", "replace")
        try:
            value, end = decoder.raw_decode(text)
        except (ValueError, RecursionError):
            continue
        changed = _changed(value, generator, depth=0)
        new = json.dumps(changed, ensure_ascii=generator.random() < 0.5).encode("utf-8", "surrogatepass")
        return body[:start] + new + body[start + len(text[:end].encode("utf-8", "surrogatepass")) :]
    return body


def _changed(value: Any, generator: random.Random, *, depth: int) -> Any:
    inside = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not inside or generator.random() < 0.15 or depth > 8:
        return generator.choice(_ODD_VALUES)
    key = generator.choice(inside)
    if isinstance(value, dict) and generator.random() < 0.2:
        return {name: member for name, member in value.items() if name != key}
    if isinstance(value, dict) and generator.random() < 0.1:
        return {("other" if name == key else name): member for name, member in value.items()}
    copy = value.copy()
    copy[key] = _changed(value[key], generator, depth=depth + 1)
    return copy


_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _cut, _insert, _shuffle, _change_json, _change_json, _change_json,
)  # fmt: skip
