"""How the server is started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ui.server import DATA_DIR_VARIABLE, command, main


def test_the_server_is_local_quiet_and_told_where_data_lives(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/somewhere")
    argv, environment = command(8123, tmp_path)
    assert argv[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert Path(argv[4]).is_file()
    assert {"--server.address=127.0.0.1", "--server.port=8123", "--browser.gatherUsageStats=false"} <= set(argv)
    assert environment[DATA_DIR_VARIABLE] == str(tmp_path)
    assert environment["PATH"] == "/somewhere"


def test_asking_for_the_command_does_not_load_streamlit():
    code = "import sys, ui.server; sys.exit('streamlit' in sys.modules or 'altair' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("secrets", "host", "warned"),
    [
        (None, "0.0.0.0", True),
        ("[auth]\ncookie_secret = 'x'\n", "0.0.0.0", False),
        ("[other]\n", "::", True),
        ("not toml at all", "0.0.0.0", True),
        (None, "127.0.0.1", False),
        (None, "::1", False),
    ],
)
def test_a_server_that_others_reach_without_a_login_says_so_in_one_sentence(
    tmp_path, monkeypatch, capsys, secrets, host, warned
):
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "nobody")
    monkeypatch.chdir(tmp_path)
    if secrets is not None:
        (tmp_path / ".streamlit").mkdir()
        (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets)
    started = []
    monkeypatch.setattr(os, "execve", lambda path, argv, environment: started.append(argv))
    monkeypatch.setattr(sys, "argv", ["ui.server", "--port", "8123", "--data", str(tmp_path), "--host", host])
    main()
    assert f"--server.address={host}" in started[0]
    said = capsys.readouterr().err
    assert ("the SQL page is off" in said) is warned
    assert ("cannot be read as TOML" in said) is (secrets == "not toml at all")
