"""One measuring run per host at a time: a lock on the machine, not on a data folder."""

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flows.errors import NightError


def host_lock_path() -> Path:
    """The lock file of this machine (`MEGATOKEN_HOST_LOCK` overrides it, for tests and containers)."""
    given = os.environ.get("MEGATOKEN_HOST_LOCK")
    return Path(given) if given else Path(tempfile.gettempdir()) / "megatoken-host.lock"


@contextlib.contextmanager
def host_lock(*, wait_s: float = 20.0) -> Iterator[int]:
    """Hold this machine for measuring; yields the file descriptor.

    A trial inherits the descriptor, so the machine stays taken until a trial whose night was killed has landed and
    ended too. That takes a few seconds: hence the wait.

    Raises:
        NightError: someone else measures here.
    """
    path = host_lock_path()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                    raise NightError(
                        f"another run is measuring on this machine (process {holder}, lock {path});"
                        " two at once would measure each other: wait for it or end it"
                    ) from None
                time.sleep(0.2)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)
