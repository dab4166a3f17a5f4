"""`megatoken ui`: the pages, on this machine only."""

import argparse
import contextlib
import os
import socket
import sys

from flows.errors import ConfigError
from flows.paths import data_dir


def run(options: argparse.Namespace) -> int:
    """Become the Streamlit server; Ctrl-C ends it."""
    if not 1 <= options.port <= 65535:
        raise ConfigError([f"--port {options.port} must be between 1 and 65535"])
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", options.port))
        except OSError as error:
            raise ConfigError([f"--port {options.port} cannot be used ({error.strerror}); choose another"]) from None
    print(f"http://127.0.0.1:{options.port}  (Ctrl-C ends it)", flush=True)
    # Started, not imported: flows knows nothing of the pages.
    where = ("--port", str(options.port), "--data", str(data_dir(options.data)))
    os.execv(sys.executable, [sys.executable, "-m", "ui.server", *where])
