"""The outputs of a small command, within a time and a size; and its end, with all that it started."""

import os
import selectors
import signal
import subprocess
import time

MOST_BYTES = 64 * 1024


def outputs(process: subprocess.Popen[bytes], deadline_s: float) -> tuple[str, str]:
    """What a command writes until its end: output and error output, of the latter the last.

    Raises:
        TimeoutError, subprocess.TimeoutExpired: it has not ended by the deadline.
        OverflowError: it writes without an end, and would fill our memory until the deadline.
    """
    assert process.stdout is not None and process.stderr is not None  # opened as pipes
    kept = {stream.fileno(): bytearray() for stream in (process.stdout, process.stderr)}
    out = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        for number in kept:
            selector.register(number, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(deadline_s - time.monotonic(), 0.0))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                data = os.read(key.fd, MOST_BYTES)
                if not data:
                    selector.unregister(key.fd)
                kept[key.fd] += data
                if len(kept[key.fd]) > MOST_BYTES:
                    if key.fd == out:
                        raise OverflowError
                    del kept[key.fd][:-MOST_BYTES]
    process.wait(max(deadline_s - time.monotonic(), 0.0))
    written, errors = (text.decode("utf-8", errors="replace") for text in kept.values())
    return written, errors


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a command that leads a session of its own, and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has just ended
        return
