"""The `megatoken` command. Until a command is chosen only the standard library is imported, so `--help` is quick."""

import argparse
import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Collection, Sequence
from typing import Final, NoReturn

from flows.commandlist import COMMANDS, WITHOUT_OPTIONS
from flows.errors import ConfigError, NightError
from flows.options import Parser, add_command
from flows.version import VERSION

NAMES: Final = tuple(name for name, _, _ in COMMANDS)


def build_parser(chosen: Collection[str] = NAMES) -> argparse.ArgumentParser:
    """Every command with a help text and an example.

    Args:
        chosen: commands that get their options; the others are only listed.
    """
    parser = Parser(
        prog="megatoken",
        description="What a million tokens cost: in seconds, in dollars and in grams of CO2e, at each provider"
        " and on each machine.",
        epilog="example:\n  megatoken night && megatoken leaderboard",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"megatoken {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)

    for name, summary, example in COMMANDS:
        command = add_command(commands, name, summary, example)
        if name in chosen and name != WITHOUT_OPTIONS:
            getattr(importlib.import_module(f"flows.options.{name}"), f"add_{name}_options")(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0; 1 for a night in which targets failed; 2 for a mistake of the user's."""
    typed = sys.argv[1:] if arguments is None else arguments
    # what follows a command is its own: no other one's options need be known
    command_name = next((word for word in typed if not word.startswith("-")), "")
    options = build_parser({command_name}).parse_args(typed)
    gc.disable()  # what a module brings is no garbage: not to look for any spares a twentieth of the start
    command = importlib.import_module(f"flows.commands.{options.command}")
    gc.enable()
    try:
        code: int = command.run(options)
    except ConfigError as error:
        for problem in error.problems:
            print(f"megatoken: {problem}", file=sys.stderr)
        return 2
    except NightError as error:
        print(f"megatoken: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("megatoken: ended by Ctrl-C", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left (`| head`): nobody to tell
        return 0
    return code


def console() -> NoReturn:
    """The program: `main` on what was typed, and its code for the shell."""
    code = main()
    if "flows.commands.bench" in sys.modules:
        # All that it measured is on the disk. To take its objects apart one by one before the process ends takes a
        # twentieth of the CPU of a short bench.
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    console()
