"""What is made once in a test run, by whichever of its processes needs it first: the others read it, or copy it."""

import atexit
import fcntl
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

SHARED = "MEGATOKEN_TESTS_SHARED"


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder of that name, which `make` filled: never to be changed. Who wants it while it is made waits."""
    place = _place()
    made, part = place / name, place / f"{name}.part"
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(part, ignore_errors=True)  # of one that failed
            make(part)
            part.rename(made)
    return made


@functools.cache
def _place() -> Path:
    """The folder that the processes of a test run share; outside a test run, this process's own."""
    if SHARED in os.environ:
        return Path(os.environ[SHARED])
    own = tempfile.mkdtemp(prefix="megatoken-tests-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)
