"""The processes of the sandbox that are children of this one; other tests of this process may have left others."""

import psutil


def sandbox_workers() -> list[psutil.Process]:
    """Those that have begun and not ended."""
    return [child for child in psutil.Process().children() if _is_worker(child)]


def _is_worker(child: psutil.Process) -> bool:
    try:
        return "sandbox_worker" in " ".join(child.cmdline())
    except psutil.NoSuchProcess:  # it ended just now, or waits to be reaped
        return False
