"""Servers that others wrote end when we do."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.ports import free_port
from tests.real_servers.process import served


def http_server(port):
    return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]


def test_a_server_is_there_as_long_as_it_is_needed_and_no_longer(tmp_path):
    port = free_port()
    ready = f"http://127.0.0.1:{port}/"
    with served(http_server(port), ready_url=ready, log=tmp_path / "log", env={}, cwd=tmp_path) as pid:
        assert psutil.Process(pid).is_running()
    assert not psutil.pid_exists(pid)


def test_a_server_that_cannot_start_is_told_with_its_last_words(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no weights here')"]
    with (
        pytest.raises(RuntimeError, match=r"ended with exit code 1; its log ends: no weights here"),
        served(command, ready_url="http://127.0.0.1:9/", log=tmp_path / "log", env={}),
    ):
        pass


def test_a_server_dies_with_us_even_if_we_are_killed(tmp_path):
    port = free_port()
    script = (
        "import sys, time; from pathlib import Path; from tests.real_servers.process import served\n"
        "with served(sys.argv[3:], ready_url=sys.argv[1], log=Path(sys.argv[2]), env={}) as pid:\n"
        "    print(pid, flush=True); time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, f"http://127.0.0.1:{port}/", str(tmp_path / "log"), *http_server(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
        for _ in range(1200):
            if not server.is_running() or server.status() == psutil.STATUS_ZOMBIE:
                break
            time.sleep(0.05)
        else:
            pytest.fail("the server outlived us")
