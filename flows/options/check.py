"""Options of `megatoken check`."""

import argparse

from flows.options import FIRST_CONFIG, shipped


def add_check_options(check: argparse.ArgumentParser) -> None:
    """Whom to ask, and what it may cost."""
    check.add_argument("target", nargs="?", metavar="TARGET", help="a target of the config, by its id")
    check.add_argument(
        "--config", default=shipped(FIRST_CONFIG), metavar="FILE", help=f"where TARGET is (default: {FIRST_CONFIG})"
    )
    check.add_argument(
        "--max-usd", type=float, metavar="X", help="ask nothing if it could cost more (default: config's)"
    )
    check.add_argument("--no-land", action="store_true", help="print only; keep nothing")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    alone = check.add_argument_group("without a config")
    alone.add_argument("--url", metavar="URL", help="base address, such as https://api.example.com/v1")
    alone.add_argument("--api", metavar="NAME", help="wire format (default: openai-chat)")
    alone.add_argument("--model", metavar="M", help="model name to ask for")
    alone.add_argument("--api-key-env", metavar="NAME", help="environment variable that holds the key")
    alone.add_argument("--provider", metavar="P", help="whose prices hold (default: unknown prices)")
    alone.add_argument("--id", metavar="ID", help="name to keep it under (default: of host and model)")
