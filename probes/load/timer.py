"""A timer that epoll can wait for with nanosecond precision (Linux timerfd).

`epoll.poll` rounds its timeout up to milliseconds and `os.timerfd_create` exists only from Python 3.13, so this calls
the C library.
"""

import ctypes
import os
from types import TracebackType
from typing import Self

_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class Timer:
    """A one-shot timer on CLOCK_MONOTONIC; its descriptor turns readable when the instant comes.

    Raises:
        OSError: the kernel has no timerfd, or no descriptor is left.
    """

    __slots__ = ("_settime", "_spec", "armed_ns", "fd")

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._settime = libc.timerfd_settime
        self._spec = _Itimerspec()
        self.armed_ns = 0
        self.fd: int = libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"timerfd_create: {os.strerror(number)}")

    def arm(self, at_ns: int) -> None:
        """Fire once at a CLOCK_MONOTONIC instant; at once if it has passed."""
        if at_ns == self.armed_ns:
            return
        self.armed_ns = at_ns
        self._spec.it_value.tv_sec, self._spec.it_value.tv_nsec = divmod(max(at_ns, 1), 1_000_000_000)
        if self._settime(self.fd, _TFD_TIMER_ABSTIME, ctypes.byref(self._spec), None):
            number = ctypes.get_errno()
            raise OSError(number, f"timerfd_settime: {os.strerror(number)}")

    def acknowledge(self) -> None:
        """Make the descriptor unreadable again, after it fired."""
        self.armed_ns = 0
        try:
            os.read(self.fd, 8)
        except BlockingIOError:
            return  # armed anew since it fired

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.fd)
