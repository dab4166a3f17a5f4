"""How the pages are served: the command line and the environment of the Streamlit server, for whoever starts it."""

import argparse
import os
import sys
from pathlib import Path

APP = Path(__file__).with_name("app.py")
DATA_DIR_VARIABLE = "MEGATOKEN_DATA"


def command(port: int, data_dir: Path) -> tuple[list[str], dict[str, str]]:
    """What to start, so that a caller only has to exec it: local, quiet, without telemetry.

    Look and manners are in `ui/.streamlit/config.toml`, which Streamlit finds beside `app.py` from any directory.
    What must hold whatever a user's own Streamlit configuration says is repeated here: flags win over every file.

    Args:
        port: TCP port on 127.0.0.1.
        data_dir: where snapshots are published.

    Returns:
        argv, and the whole environment to run it with.
    """
    argv = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(APP),
        "--server.address=127.0.0.1",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        "--server.fileWatcherType=none",
    ]
    return argv, {**os.environ, DATA_DIR_VARIABLE: str(data_dir)}


def main() -> None:
    """`python -m ui.server --port P --data DIR`: become the server."""
    options = argparse.ArgumentParser(prog="python -m ui.server", description="Serve the pages on 127.0.0.1.")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--data", type=Path, required=True)
    asked = options.parse_args()
    argv, environment = command(asked.port, asked.data)
    os.execve(argv[0], argv, environment)


if __name__ == "__main__":
    main()
