"""Opening connections to one origin: its name, its addresses one after the other, the TLS handshake."""

import errno
import os
import select
import socket
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from probes.load.errors import ErrorClass
from probes.load.flight import Flight
from probes.load.lookup import Lookup
from probes.load.origin import Address, Origin
from probes.load.own_process import OURS
from probes.load.pool import Pool
from probes.load.transport import LISTEN, READ_BYTES, Connection, State, connecting_socket

if TYPE_CHECKING:
    import ssl

    from probes.load.lane import Lane

_S: Final = 1_000_000_000
_DIAL_BATCH: Final = 128  # connections being opened at one time: inside usual listen backlogs
_SETTLED = select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP


class Opener:
    """Opens connections, for a request or to have one.

    Args:
        lane: whose connections they are.
        pool: keeps them, and closes those that are not to be.
        epoll: where sockets are registered.
        origin: where to connect.
        tls_context: for https.
        connect_s: limit of the name resolution, in words; the loop keeps it.
        on_ready: called with a connection whose flight can be sent now.
        on_failed: called with a flight for which no connection could be had, the class and a message.
    """

    def __init__(
        self,
        *,
        lane: "Lane",
        pool: Pool,
        epoll: select.epoll,
        origin: Origin,
        tls_context: "ssl.SSLContext | None",
        connect_s: float,
        on_ready: Callable[[Connection], None],
        on_failed: Callable[[Flight, ErrorClass, str], None],
    ) -> None:
        self._lane = lane
        self._pool = pool
        self._epoll = epoll
        self._origin = origin
        self._place = f"{origin.host}:{origin.port}"
        self._tls_context = tls_context
        self._connect_s = connect_s
        self._on_ready = on_ready
        self._on_failed = on_failed
        self._lookup: Lookup | None = Lookup(origin)  # from now on: while the first requests are built
        self.name_lookup_ns: int | None = None  # None: nobody had to ask for its addresses, or none came
        self._addresses: list[Address] = []
        self._good_address = 0
        self.opening = 0  # spares under way: connections for no request in particular
        self.spare_failed = False  # and no attempt has succeeded since: better go one by one

    def open_some(self, count: int, most: int) -> int:
        """Begin to open what idle connections are missing of `count`, at most so many; returns how many."""
        idle = len(self._pool.idle)
        # The first one alone: a target that refuses is asked once, not a thousand times.
        at_once = _DIAL_BATCH if idle else 1
        dials = 0
        for _ in range(min(count - idle - self.opening, most, at_once - self.opening)):
            if self.spare_failed:
                break
            self.dial(None)
            dials += 1
        return dials

    def dial(self, flight: Flight | None) -> None:
        """Open a connection for a flight, or a spare one."""
        if flight is None:
            self.opening += 1
        if self._addresses:
            self._try(flight, self._good_address, len(self._addresses) - 1, monotonic_ns())
            return
        lookup = self._lookup = self._lookup or Lookup(self._origin)
        if lookup.found is None:
            self._await_name(flight, lookup)
        else:
            self._take_name(flight, lookup.found, lookup)

    def _await_name(self, flight: Flight | None, lookup: Lookup) -> None:
        """Go on once the resolver has answered: a socket that the loop watches tells, so nothing is waited for."""
        try:
            ear, bell = socket.socketpair()
        except OSError as error:
            self._give_up(flight, "aborted", f"{self._place}: {OURS.get(error.errno or 0, error.strerror)}")
            return
        connection = Connection(
            ear, lane=self._lane, address_index=0, tries_left=0, opened_ns=monotonic_ns(), flight=flight
        )
        connection.naming = lookup, bell
        self._pool.by_fd[connection.fd] = connection
        self._epoll.register(connection.fd, select.EPOLLIN)
        lookup.ring(bell)

    def _take_name(self, flight: Flight | None, found: list[Address] | str, lookup: Lookup) -> None:
        """The resolver has answered: go on, or give up. Who comes after a failure asks anew."""
        if isinstance(found, str):
            if self._lookup is lookup:
                self._lookup = None
            self._give_up(flight, "dns", found)
        else:
            self._addresses, self.name_lookup_ns = found, lookup.took_ns
            self._try(flight, self._good_address, len(found) - 1, monotonic_ns())

    def _try(self, flight: Flight | None, index: int, tries_left: int, opened_ns: int) -> None:
        try:
            sock = connecting_socket(self._addresses[index])
        except OSError as error:
            if error.errno in OURS:
                self._give_up(flight, "aborted", f"{self._place}: {OURS[error.errno]}")
            elif tries_left:
                self._try(flight, (index + 1) % len(self._addresses), tries_left - 1, opened_ns)
            else:
                self._give_up(flight, "connect_refused", f"{self._place}: {error.strerror}")
            return
        connection = Connection(
            sock,
            lane=self._lane,
            address_index=index,
            tries_left=tries_left,
            opened_ns=opened_ns,
            flight=flight,
        )
        self._pool.by_fd[connection.fd] = connection
        self._epoll.register(connection.fd, select.EPOLLOUT)

    def _try_next(self, connection: Connection) -> None:
        """Go on to the next address: this one does not answer."""
        flight, index = connection.flight, (connection.address_index + 1) % len(self._addresses)
        connection.flight = None
        self._pool.close(connection)
        self._try(flight, index, connection.tries_left - 1, connection.opened_ns)

    def expire(self, connection: Connection, now_ns: int) -> None:
        """Look at the time of a connection that is being opened.

        All addresses together have `connect_s`. One that swallows what is sent to it, as that of IPv6 does where IPv6
        leads nowhere, may use its own share and what earlier ones left of theirs.
        """
        waited_s = (now_ns - connection.opened_ns) / _S
        tried_share = 1 - connection.tries_left / max(len(self._addresses), 1)
        if waited_s > self._connect_s:
            self.fail(connection, "connect_timeout", f"no connection in {self._connect_s:g} s")
        elif connection.state is State.CONNECTING and waited_s > self._connect_s * tried_share:
            self._try_next(connection)

    def _give_up(self, flight: Flight | None, kind: ErrorClass, message: str) -> None:
        if flight is None:
            self.opening -= 1
            self.spare_failed = True
        else:
            self._on_failed(flight, kind, message)

    def fail(self, connection: Connection, kind: ErrorClass, message: str) -> None:
        """A connection that was being opened is not to be."""
        flight, naming = connection.flight, connection.naming
        connection.flight = None
        self._pool.close(connection)
        if naming is None:
            self._give_up(flight, kind, f"{self._place}: {message}")
        else:
            self._give_up(flight, "dns", naming[0].late(self._connect_s))

    def advance(self, connection: Connection, mask: int) -> None:
        """Go on opening a connection, after an event on its socket."""
        if connection.naming is not None and connection.naming[0].found is not None:
            flight, lookup = connection.flight, connection.naming[0]
            connection.flight = None
            self._pool.close(connection)
            self._take_name(flight, connection.naming[0].found, lookup)
        elif connection.state is State.CONNECTING:
            self._connected(connection, mask)
        else:
            self._handshake(connection)

    def _connected(self, connection: Connection, mask: int) -> None:
        if not mask & _SETTLED:
            return
        number = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            if connection.tries_left:
                self._try_next(connection)
            else:
                kind: ErrorClass = "connect_timeout" if number == errno.ETIMEDOUT else "connect_refused"
                self.fail(connection, kind, os.strerror(number))
            return
        self._good_address = connection.address_index
        self._epoll.modify(connection.fd, LISTEN)
        if self._tls_context is None:
            self._ready(connection)
        else:
            connection.start_tls(self._tls_context, self._origin.host)
            self._shake(connection, b"")

    def _handshake(self, connection: Connection) -> None:
        try:
            received = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(connection, "tls", f"during the TLS handshake: {error.strerror}")
            return
        if received:
            self._shake(connection, received)
        else:
            self.fail(connection, "tls", "the server closed the connection during the TLS handshake")

    def _shake(self, connection: Connection, received: bytes) -> None:
        tls = connection.tls
        if tls is None:
            return
        try:
            done = tls.handshake(received)
            pending = tls.pending()
            if pending:  # some hundred bytes into an empty socket buffer: taken whole
                connection.sock.send(pending)
        except OSError as error:  # ssl.SSLError is one
            self.fail(connection, "tls", str(getattr(error, "verify_message", "") or error))
            return
        if done:
            self._ready(connection)

    def _ready(self, connection: Connection) -> None:
        if connection.flight is None:
            self.opening -= 1
            self._pool.rest(connection)
        else:
            self._on_ready(connection)
