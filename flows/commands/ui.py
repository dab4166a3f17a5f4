"""`megatoken ui`: the pages, on this machine only unless told otherwise."""

import argparse
import contextlib
import ipaddress
import os
import socket
import sys

from flows.errors import ConfigError
from flows.paths import data_dir


def run(options: argparse.Namespace) -> int:
    """Become the Streamlit server; Ctrl-C ends it."""
    if not 1 <= options.port <= 65535:
        raise ConfigError([f"--port {options.port} must be between 1 and 65535"])
    host = _address(options.host)
    family = socket.AF_INET6 if host.version == 6 else socket.AF_INET
    with contextlib.closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((str(host), options.port))
        except OSError as error:
            which = f"--port {options.port}" if host.is_loopback else f"--host {host} --port {options.port}"
            raise ConfigError([f"{which} cannot be used ({error.strerror}); choose another"]) from None
    shown = f"[{host}]" if host.version == 6 else str(host)
    print(f"http://{shown}:{options.port}  (Ctrl-C ends it)", flush=True)
    # Started, not imported: flows knows nothing of the pages.
    where = ("--port", str(options.port), "--data", str(data_dir(options.data)), "--host", str(host))
    os.execv(sys.executable, [sys.executable, "-m", "ui.server", *where])


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address to listen on; a name could come to mean another one."""
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ConfigError(
            [f"--host {host} must be an IP address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them"]
        ) from None
