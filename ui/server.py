"""How the pages are served: the command line and the environment of the Streamlit server, for whoever starts it."""

import argparse
import ipaddress
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

from ui import login_setup

APP = Path(__file__).with_name("app.py")
DATA_DIR_VARIABLE = "MEGATOKEN_DATA"
LOCAL = "127.0.0.1"


def command(port: int, data_dir: Path, host: str = LOCAL) -> tuple[list[str], dict[str, str]]:
    """What to start, so that a caller only has to exec it: local unless told otherwise, quiet, without telemetry.

    Look and manners are in `ui/.streamlit/config.toml`, which Streamlit finds beside `app.py` from any directory.
    What must hold whatever a user's own Streamlit configuration says is repeated here: flags win over every file.

    Args:
        port: TCP port.
        data_dir: where snapshots are published.
        host: IP address to listen on; where others reach it, SQL wants a log-in (`ui.access`).

    Returns:
        argv, and the whole environment to run it with.
    """
    argv = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(APP),
        f"--server.address={host}",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        "--server.fileWatcherType=none",
    ]
    return argv, {**os.environ, DATA_DIR_VARIABLE: str(data_dir)}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server on that address."""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def login_trouble(folder: Path) -> str | None:
    """What is wrong with log-in as the secrets files of Streamlit set it up: "" if nothing, None if they do not.

    Args:
        folder: the working directory of the server.
    """
    secrets: dict[str, Any] = {}
    for place in (Path.home(), folder, APP.parent):
        path = place / ".streamlit" / "secrets.toml"
        try:
            secrets.update(tomllib.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            return f"{path} cannot be read as TOML ({error}); log-in is off"
    if "auth" not in secrets:
        return None
    wrong = login_setup.problem(secrets["auth"])
    return f"log-in is off: in .streamlit/secrets.toml {wrong} (README, Log-in)" if wrong else ""


def main() -> None:
    """`python -m ui.server --port P --data DIR [--host ADDRESS]`: become the server."""
    options = argparse.ArgumentParser(prog="python -m ui.server", description="Serve the pages.")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--host", default=LOCAL)
    asked = options.parse_args()
    trouble = login_trouble(Path.cwd())
    if trouble:
        print(f"megatoken: {trouble}", file=sys.stderr)
    elif trouble is None and not is_loopback(asked.host):
        print(
            f"megatoken: {asked.host} can be reached by others and no log-in is set up: whoever reaches it sees every"
            " published figure, and the SQL page is off; put an [auth] section into .streamlit/secrets.toml",
            file=sys.stderr,
        )
    argv, environment = command(asked.port, asked.data, asked.host)
    os.execve(argv[0], argv, environment)


if __name__ == "__main__":
    main()
