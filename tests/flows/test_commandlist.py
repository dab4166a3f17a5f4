"""The list of commands: each has its options and its work in a file of its own, and only the chosen one's are read."""

import importlib
import subprocess
import sys

import pytest

from flows.cli import NAMES, build_parser
from flows.commandlist import COMMANDS, WITHOUT_OPTIONS


@pytest.mark.parametrize("name", NAMES)
def test_a_command_has_its_options_and_its_work_in_files_of_its_name(name):
    assert callable(importlib.import_module(f"flows.commands.{name}").run)
    if name != WITHOUT_OPTIONS:
        assert callable(getattr(importlib.import_module(f"flows.options.{name}"), f"add_{name}_options"))


def test_help_lists_every_command_and_reads_the_options_of_none():
    code = "import sys, flows.cli as c; t = c.build_parser(set()).format_help(); print(t, *sys.modules, sep='\\n')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for name, _, _ in COMMANDS:
        assert f"\n    {name}" in said
    assert "flows.options\n" in said
    assert "flows.options." not in said


def test_each_command_is_followed_by_what_it_knows_and_by_nothing_else(capsys):
    assert build_parser({"explain"}).parse_args(["explain", "a", "--json"]).trial == "a"
    with pytest.raises(SystemExit):
        build_parser({"explain"}).parse_args(["explain", "--no-such-option"])
    assert "unrecognized arguments: --no-such-option" in capsys.readouterr().err
