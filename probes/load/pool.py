"""The connections of a trial: kept while they rest, heard while they do, closed. Knows nothing of what they are for."""

import select
from typing import TYPE_CHECKING

from probes.load.transport import READ_BYTES, Connection, State

if TYPE_CHECKING:
    from probes.load.lane import Lane


class Pool:
    """Keeps and closes connections to one origin, in the loop's epoll.

    Args:
        lane: whose connections they are.
        epoll: where sockets are registered.
        by_fd: all connections of the loop, by descriptor; its pools keep it together.
    """

    def __init__(self, *, lane: "Lane", epoll: select.epoll, by_fd: dict[int, Connection]) -> None:
        self._lane = lane
        self._epoll = epoll
        self._graveyard: list[Connection] = []
        self.by_fd = by_fd
        self.idle: list[Connection] = []

    def rest(self, connection: Connection) -> None:
        """A connection has nothing to do now."""
        connection.state = State.IDLE
        self.idle.append(connection)

    def hear(self, connection: Connection) -> None:
        """Something came on an idle connection: its end, TLS housekeeping, or bytes nobody asked for."""
        try:
            received = connection.sock.recv(READ_BYTES)
            if received and connection.tls is not None:
                unasked = connection.tls.decrypt(received, memoryview(bytearray(READ_BYTES)))
                received = b"" if unasked or connection.tls.closed else b"kept"
            elif received:
                received = b""  # unasked bytes: what follows on this connection could not be trusted
        except BlockingIOError:
            return
        except OSError:
            received = b""  # reset or broken TLS: gone, as good as closed
        if not received:
            self.idle.remove(connection)
            self.close(connection)

    def close(self, connection: Connection) -> None:
        """Take a connection out of service. Its descriptor is freed in `bury()`, after the events already in hand."""
        if connection.state is State.CLOSED:
            return
        connection.state = State.CLOSED
        connection.response.release()
        if connection.naming is not None:
            lookup, bell = connection.naming
            lookup.forget(bell)
            bell.close()
        del self.by_fd[connection.fd]
        self._epoll.unregister(connection.fd)
        self._graveyard.append(connection)

    def bury(self) -> None:
        """Free the descriptors of closed connections. Earlier, a new socket could get the number of a pending event."""
        for connection in self._graveyard:
            connection.sock.close()
        self._graveyard.clear()

    def close_all(self) -> None:
        for connection in list(self.by_fd.values()):
            if connection.lane is self._lane:
                self.close(connection)
        self.idle.clear()
        self.bury()
