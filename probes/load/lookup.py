"""Asking for the addresses of a name without waiting: the loop that asks goes on reading what comes from others."""

import contextlib
import socket
import threading
from time import monotonic_ns

from probes.load.origin import Address, Origin


class Lookup:
    """One question to the resolver, begun when this is made. In a thread, since the C library offers no timeout.

    The thread is left behind if the resolver hangs. An address needs no resolver, and no thread.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._lock = threading.Lock()
        self._bells: list[socket.socket] = []
        self._done = threading.Event()
        self.found: list[Address] | str | None = None  # in the resolver's order, or why there are none; None: not yet
        self.took_ns: int | None = None  # by the resolver, until it answered; None where nobody had to ask it
        if _is_address(origin.host):
            self._ask(socket.AI_NUMERICHOST)
        else:
            threading.Thread(target=self._ask, daemon=True, name="resolver").start()

    def _ask(self, flags: int = 0) -> None:
        host, began_ns = self._origin.host, monotonic_ns()
        found: list[Address] | str
        try:
            infos = socket.getaddrinfo(host, self._origin.port, type=socket.SOCK_STREAM, flags=flags)
        except OSError as error:
            found = f"{host}: {error.strerror or error}"
        else:
            found = [Address(family=info[0], sockaddr=info[4]) for info in infos]
        with self._lock:
            self.took_ns = None if flags else monotonic_ns() - began_ns
            self.found = found
            self._done.set()
            for bell in self._bells:
                bell.send(b"\0")

    def ring(self, bell: socket.socket) -> None:
        """Write a byte there once the answer is known, perhaps at once."""
        with self._lock:
            self._bells.append(bell)
            if self.found is not None:
                bell.send(b"\0")

    def forget(self, bell: socket.socket) -> None:
        """Write nothing there any more."""
        with self._lock, contextlib.suppress(ValueError):
            self._bells.remove(bell)

    def wait(self, timeout_s: float) -> list[Address] | str:
        """The answer, for who has nothing else to do; that there is none, after so long."""
        self._done.wait(timeout_s)
        return self.late(timeout_s) if self.found is None else self.found

    def late(self, timeout_s: float) -> str:
        """That there is no answer yet, in words."""
        return f"{self._origin.host}: no answer from the resolver in {timeout_s:g} s"


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            return bool(socket.inet_pton(family, host))
    return False
