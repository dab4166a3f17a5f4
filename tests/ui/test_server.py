"""How the server is started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ui.server import DATA_DIR_VARIABLE, command, main

RIGHT = """
[auth]
redirect_uri = "http://localhost:8501/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "megatoken"
client_secret = "known to the provider"
server_metadata_url = "https://login.example.org/.well-known/openid-configuration"
"""


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
    ("secrets", "host", "said"),
    [
        (None, "0.0.0.0", "the SQL page is off"),
        (RIGHT, "0.0.0.0", ""),
        ("[auth]\ncookie_secret = 'x'\n", "0.0.0.0", "log-in is off: in .streamlit/secrets.toml [auth] redirect_uri, "),
        ("[other]\n", "::", "the SQL page is off"),
        ("not toml at all", "127.0.0.1", "cannot be read as TOML"),
        (None, "127.0.0.1", ""),
        (None, "::1", ""),
    ],
)
def test_a_server_without_a_login_that_others_reach_or_with_a_wrong_one_says_so_in_one_sentence(
    tmp_path, monkeypatch, capsys, secrets, host, said
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
    warned = capsys.readouterr().err
    assert said in warned
    assert bool(warned) is bool(said)
    assert len(warned.splitlines()) <= 1
