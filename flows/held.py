"""A folder that its owner holds while it lives: who finds one that nobody holds may land what was left in it."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

_LOCK = "lock"


@contextlib.contextmanager
def held_folder(folder: Path, fill: Callable[[Path], None]) -> Iterator[Path]:
    """A new folder, held within the block; nobody else sees it before it is filled and held.

    Args:
        folder: must not exist yet.
        fill: puts into it what must be there from the first moment on.
    """
    unready = folder.with_name(f".{folder.name}")
    unready.mkdir(parents=True)
    with (unready / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fill(unready)
        unready.rename(folder)
        yield folder


@contextlib.contextmanager
def unheld(folder: Path) -> Iterator[bool]:
    """Whether nobody holds a folder any more; while the block runs nobody else finds so."""
    try:
        lock = (folder / _LOCK).open("a")
    except (FileNotFoundError, NotADirectoryError):
        yield False  # landed in the meantime
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield folder.is_dir()
