"""TLS over memory buffers: the socket stays ours, so a kernel stamp belongs to the bytes of the record it came with."""

import ssl
from typing import cast


def client_context(ca_file: str | None) -> ssl.SSLContext:
    """Certificates and host names are verified, against the system's authorities and those of `ca_file`.

    Raises:
        OSError: `ca_file` cannot be read or holds no certificate (`ssl.SSLError` is an OSError).
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


class TlsChannel:
    """One connection's TLS state. Its methods raise `ssl.SSLError`, an OSError, when the peer breaks the protocol."""

    __slots__ = ("_in", "_out", "_ssl", "closed")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._in, self._out, server_hostname=host)
        self.closed = False  # the peer said goodbye (close_notify)

    def handshake(self, received: bytes) -> bool:
        """Go on with the handshake; True once it is done. What must be sent is in `pending()`."""
        self._in.write(received)
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def encrypt(self, data: bytes) -> bytes:
        """Records that carry `data`."""
        self._ssl.write(data)
        return self._out.read()

    def decrypt(self, received: bytes | memoryview, buffer: memoryview) -> bytes:
        """The plain bytes that have become readable with `received`; may be none.

        Args:
            received: as it came.
            buffer: overwritten, a record at a time; may be the one that `received` is in.
        """
        self._in.write(received)
        plain: list[bytes] = []
        try:
            # with a buffer it tells how many bytes; typeshed says otherwise
            while count := cast("int", self._ssl.read(len(buffer), buffer)):
                plain.append(buffer[:count].tobytes())
            self.closed = True
        except ssl.SSLWantReadError:
            pass  # the rest of the record is still under way
        except ssl.SSLZeroReturnError:
            self.closed = True
        return plain[0] if len(plain) == 1 else b"".join(plain)

    def pending(self) -> bytes:
        """Bytes that the protocol wants sent: handshake messages, key updates."""
        return self._out.read()
