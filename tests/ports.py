"""Ports for servers that cannot be asked which one they got."""

import random
import socket
from pathlib import Path

_OWN_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A port that is free, and outside the range from which the kernel gives ports to whoever asks for any.

    Of that range, a connection or a server of another test takes what was free a moment ago, long before a slow server
    has bound it.
    """
    low, high = map(int, _OWN_RANGE.read_text().split())
    ours = [*range(10_000, low), *range(high + 1, 65_536)]
    while True:
        port = random.SystemRandom().choice(ours)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue  # somebody's server
            return port
