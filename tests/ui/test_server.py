"""How the server is started."""

import subprocess
import sys
from pathlib import Path

from ui.server import DATA_DIR_VARIABLE, command


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
