"""What commands print stands there as it is: names, answers and sentences are no markup."""

import ast
from pathlib import Path

import pytest
from rich.table import Table

import flows
from flows.terminal import board_console, plain_console


@pytest.mark.parametrize("console", [plain_console, board_console])
def test_what_looks_like_markup_or_emoji_is_printed_as_it_is(console, capsys):
    odd = "declare it in [site]: [/b] :fire:"
    table = Table(title=f"title {odd}", box=None)
    table.add_column(f"head {odd}")
    table.add_row(f"cell {odd}")
    printing = console()
    printing.print(f"line {odd}")
    printing.print(table)
    said = " ".join(capsys.readouterr().out.split())
    assert said == f"line {odd} title {odd} head {odd} cell {odd}"


def test_in_a_pipe_a_board_has_120_columns_whatever_the_window_had(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert board_console().width == 120


def test_every_console_of_a_command_is_made_here():
    made = [
        f"{path.name}:{node.lineno}"
        for path in Path(flows.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Console"
    ]
    assert [name.partition(":")[0] for name in made] == ["terminal.py"], made
