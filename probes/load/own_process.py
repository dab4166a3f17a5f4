"""What a trial asks of its own process: descriptors, ports, and to be left alone by the garbage collector."""

import errno
import gc
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from probes.errors import ProbeError

_SPARE_DESCRIPTORS: Final = 64
# Why no connection could be opened when it is not the target's fault; asking again cures none of it.
OURS: Final = {
    errno.EADDRNOTAVAIL: (
        "this machine has no local port left for it; use fewer new connections, wait a minute until closed ones are "
        "free again, or widen net.ipv4.ip_local_port_range"
    ),
    errno.EMFILE: "this process has no file descriptor left; raise the limit with: ulimit -n",
    errno.ENFILE: "this machine has no file descriptor left; raise fs.file-max",
}


def descriptors_for(concurrency: int) -> int:
    """How many connections this process may have; raises its soft limit to the hard one.

    Raises:
        ProbeError: fewer than `concurrency`; says the limit and the command.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = hard if hard != resource.RLIM_INFINITY else 1 << 20
    if concurrency + _SPARE_DESCRIPTORS > most:
        raise ProbeError(
            f"concurrency = {concurrency} needs {concurrency + _SPARE_DESCRIPTORS} file descriptors, the limit is "
            f"{most}; raise it with: ulimit -n {concurrency + _SPARE_DESCRIPTORS}"
        )
    return most - _SPARE_DESCRIPTORS


@contextmanager
def no_collections() -> Iterator[None]:
    """No garbage collection: a full one would stop the loop for tens of milliseconds."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
