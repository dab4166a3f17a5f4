"""Options of the commands, a file for each command that has many; standard library only, so that `--help` is quick."""

import argparse
import os.path
from typing import Final

FIRST_CONFIG: Final = "flows/configs/first-night.toml"
PROVIDERS_CONFIG: Final = "flows/configs/providers.example.toml"


def shipped(config: str) -> str:
    """The path of a config of ours: as it is for one who stands in a checkout, else where it is installed."""
    if os.path.exists(config):  # noqa: PTH110 - `--help` does without pathlib
        return config
    return os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "..", config))  # noqa: PTH118, PTH120


class Parser(argparse.ArgumentParser):
    """Says a mistake in one sentence."""

    def error(self, message: str) -> None:  # type: ignore[override]  # argparse says NoReturn; so is this
        self.exit(2, f"megatoken: {message}; see {self.prog} --help\n")


class Help(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of examples, and makes those of a description as wide as the terminal."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text if "\n" in text else super(argparse.RawDescriptionHelpFormatter, self)._fill_text
        return fill(text, width, indent)


def add_command(
    commands: "argparse._SubParsersAction[Parser]", name: str, summary: str, example: str
) -> argparse.ArgumentParser:
    """Add one command with its summary and an example; every command knows `--data`."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=Help,
    )
    parser.add_argument("--data", metavar="DIR", help="where data lives (default: $MEGATOKEN_DATA, else ./data)")
    return parser
