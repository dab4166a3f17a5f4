"""`megatoken ui`: what is wrong with an address is said before a server is started."""

import socket

import pytest

from flows.cli import main


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "board.example.org"], "must be an IP address of this machine"),
        (["--host", "203.0.113.7"], "--host 203.0.113.7 --port 8501 cannot be used"),
        (["--port", "0"], "must be between 1 and 65535"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_one_sentence(tmp_path, capsys, options, said):
    assert main(["ui", "--data", str(tmp_path), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_sentence(tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["ui", "--data", str(tmp_path), "--port", str(port)]) == 2
    assert f"--port {port} cannot be used" in capsys.readouterr().err
