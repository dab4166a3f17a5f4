"""One measuring run per host at a time: a lock on the machine, not on a data folder."""

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flows.errors import NightError

PULSE_PATIENCE_S = 3600.0  # far more than a pulse takes
_ORPHAN_PATIENCE_S = 300.0  # far more than a trial takes to land, on a machine however busy
_PULSE = " (a pulse)"


def host_lock_path() -> Path:
    """The lock file of this machine (`MEGATOKEN_HOST_LOCK` overrides it, for tests and containers)."""
    given = os.environ.get("MEGATOKEN_HOST_LOCK")
    return Path(given) if given else Path(tempfile.gettempdir()) / "megatoken-host.lock"


@contextlib.contextmanager
def host_lock(*, wait_s: float = 20.0, wait_for_pulse_s: float = PULSE_PATIENCE_S) -> Iterator[int]:
    """Hold this machine for measuring; yields the file descriptor.

    A trial inherits the descriptor, so the machine stays taken until a trial whose night was killed has landed and
    ended too: that is waited for, as is a pulse, which is over within minutes and is not worth a night.

    Raises:
        NightError: someone else measures here, or the lock file cannot be used.
    """
    path = host_lock_path()
    descriptor = _opened(path)
    try:
        since = time.monotonic()
        while not _taken(descriptor):
            holder = _holder(descriptor)
            patience_s = wait_for_pulse_s if holder.endswith(_PULSE) else wait_s
            if _is_gone(holder):
                patience_s = max(patience_s, _ORPHAN_PATIENCE_S)
            if time.monotonic() - since > patience_s:
                raise NightError(
                    f"another run is measuring on this machine (process {holder}, lock {path});"
                    " two at once would measure each other: wait for it or end it"
                )
            time.sleep(0.2)
        _sign(descriptor, f"{os.getpid()}")
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def host_lock_if_free() -> Iterator[int | None]:
    """Hold this machine for a pulse; None if someone measures here, who is then not disturbed."""
    descriptor = _opened(host_lock_path())
    try:
        if _taken(descriptor):
            _sign(descriptor, f"{os.getpid()}{_PULSE}")
            yield descriptor
        else:
            yield None
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    """The lock file, made if there is none.

    Raises:
        NightError: it is not ours to use.
    """
    while True:
        try:
            return os.open(path, os.O_RDWR)  # not O_CREAT: in /tmp a kernel may refuse that for another user's file
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):  # made in the meantime
                return _made(path)
        except OSError as error:
            raise _unusable(path, error) from error


def _made(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unusable(path, error) from error
    os.fchmod(descriptor, 0o666)  # whatever the umask: whoever measures on this machine needs it
    return descriptor


def _unusable(path: Path, error: OSError) -> NightError:
    return NightError(
        f"{path}, the lock of this machine, cannot be used: {error.strerror}; if nobody measures here, remove it, or"
        " let MEGATOKEN_HOST_LOCK name a file that all who measure here can write"
    )


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"


def _is_gone(holder: str) -> bool:
    """Whether who signed has ended, so that only what it left behind can still hold the machine."""
    number = holder.partition(" ")[0]
    return number.isdigit() and not Path(f"/proc/{number}").exists()


def _sign(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
