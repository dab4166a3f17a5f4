"""Options of `megatoken ui`."""

import argparse


def add_ui_options(ui: argparse.ArgumentParser) -> None:
    """Where to listen."""
    ui.add_argument("--port", type=int, default=8501, metavar="P", help="default: 8501")
    ui.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="IP address to listen on (default: 127.0.0.1, this machine only); elsewhere the SQL page wants a log-in",
    )
