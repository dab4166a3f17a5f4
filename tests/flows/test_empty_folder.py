"""What reads makes no data folder: where nothing has landed yet it says so.

`report` and `ui` become other processes; tests/ui has them.
"""

import pytest

from flows.cli import main


@pytest.mark.parametrize(
    "line",
    [
        "leaderboard", "prices", "prices --drift", "prices --bill 7d", "prices --break-even x", "canary", "watch",
        "sql FROM(trials)", "explain", "account", "account --recompute", "account --recompute --since 2026-11-01",
        "publish", "replay x", "factors --diff",
    ],
)  # fmt: skip
def test_a_command_that_finds_no_data_makes_none_and_says_so_in_one_sentence(tmp_path, monkeypatch, capsys, line):
    monkeypatch.chdir(tmp_path)
    assert main([*line.split(), "--data", "data"]) == 2
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert str(tmp_path / "data") in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["grid", "replay", "factors grid_intensity", "prices openai/gpt-4o"])
def test_a_list_that_needs_no_data_is_shown_and_makes_none_either(tmp_path, monkeypatch, capsys, line):
    monkeypatch.chdir(tmp_path)
    assert main([*line.split(), "--data", "data"]) == 0
    assert capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
