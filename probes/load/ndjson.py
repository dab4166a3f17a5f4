"""One JSON object a line, as Ollama streams it, cut from a whole body after the last byte."""

from itertools import accumulate

from probes.load.sse import SseEvents


def cut_lines(body: bytes) -> SseEvents:
    """All lines of a body that has ended, or of as much of it as has come; blank ones are left out.

    Args:
        body: response bytes with the transfer coding removed. A last line without its line feed is `unfinished`; it is
            read if it is JSON all the same, since nothing but the line feed is then missing.
    """
    lines = body.split(b"\n")
    ends = list(accumulate(len(line) + 1 for line in lines))
    last = lines.pop()
    unfinished = None
    if last.strip():
        lines.append(last)
        ends[-1] -= 1
    else:
        ends.pop()
    if b"" in lines or not all(map(bytes.strip, lines)):
        kept = [(line, end) for line, end in zip(lines, ends, strict=True) if line.strip()]
        lines, ends = [line for line, _ in kept], [end for _, end in kept]
    if last.strip():
        unfinished = len(lines) - 1
    return SseEvents(data=lines, ends=ends, errors=frozenset(), unfinished=unfinished)
