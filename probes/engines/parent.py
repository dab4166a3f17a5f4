"""A child that never outlives its parent, however the parent ends."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int) -> None:
    """Make the kernel kill this process when its parent ends; where it cannot (not Linux), look once a second.

    On Linux the signal comes when the *thread* that started this process ends, so start it from one that stays.

    Args:
        parent_pid: the parent as it named itself when it started this process.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    else:
        threading.Thread(target=_watch, args=(parent_pid,), daemon=True).start()
    # It may have ended before the kernel knew whom to watch.
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGKILL)
