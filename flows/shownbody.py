"""The body of a request or an answer as a person can read it in a terminal: nothing of it may steer the terminal."""

import re
from typing import Final

from probes.load.event_stream import cut_frames

_FRAMES: Final = "application/vnd.amazon.eventstream"
_PARTS: Final = "multipart/form-data"
_NO_TEXT: Final = ("audio/", "image/", "application/octet-stream")
_CONTENT_TYPE: Final = re.compile(r"^content-type:\s*([^;\s]+)", re.IGNORECASE | re.MULTILINE)


def content_type(head: str) -> str:
    """What the lines of a head say that the body is; empty if they do not."""
    found = _CONTENT_TYPE.search(head)
    return found[1].lower() if found else ""


def readable(body: bytes, kind: str) -> str:
    """Text as it is, frames of Amazon's event stream as the JSON they hold, sound and pictures by how long they are.

    Args:
        body: may be broken, or end anywhere.
        kind: its content type.
    """
    if kind.startswith(_NO_TEXT):
        return f"({len(body):,} bytes of {kind})"
    if kind == _PARTS and (boundary := body.partition(b"\r\n")[0]):
        return printable(boundary.decode("utf-8", "backslashreplace")).join(map(_part, body.split(boundary)))
    if kind != _FRAMES:
        return printable(body.decode("utf-8", "backslashreplace"))
    return _frames(body)


def _part(part: bytes) -> str:
    """A field of a form with its head; of a file its length."""
    head, between, value = part.partition(b"\r\n\r\n")
    try:
        return printable(part.decode())
    except UnicodeDecodeError:
        said = f"{printable((head + between).decode('utf-8', 'backslashreplace'))}({len(value) - 2:,} bytes)"
        return f"{said}\n"


def _frames(body: bytes) -> str:
    cut = cut_frames(body)
    whole = cut.events.data[:-1] if cut.broken else cut.events.data
    lines = [printable(event.decode("utf-8", "backslashreplace")) for event in whole]
    if cut.broken:
        lines.append(f"({cut.broken}; what follows is not shown)")
    elif cut.torn:
        lines.append(f"(and {len(body) - (cut.events.ends[-1] if cut.events.ends else 0):,} bytes of a frame)")
    return "\n".join(lines)


def printable(text: str) -> str:
    """Without what a terminal would obey: control characters are spelled."""
    return "".join(
        char if char.isprintable() or char == "\n" else "" if char == "\r" else f"\\x{ord(char):02x}" for char in text
    )
