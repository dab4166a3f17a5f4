"""The terminal as commands write to it: what a model is called or has answered is text there, never markup or emoji."""

from rich.console import Console


def plain_console(*, stderr: bool = False, soft_wrap: bool = False) -> Console:
    """A console that prints each text as it is: `[site]` is a table of a config, `:fire:` the name of a model."""
    return Console(stderr=stderr, soft_wrap=soft_wrap, markup=False, emoji=False)


def board_console() -> Console:
    """A console wide enough for the board where nobody's window says otherwise: in a pipe, a log, a file."""
    console = plain_console()
    if not console.is_terminal:
        console.width = 120
    return console
