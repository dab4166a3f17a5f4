"""`megatoken` as copies of one process that has its modules already: a command's own work, without its start.

To start Python and import the same 900 modules takes half a second of CPU, for a night one second, and the tests run
some two hundred commands. A copy is a process of its own all the same: its environment, folder, output, children,
exit code and end are real. Starts are tested where a command begins as a shell begins it (`nights.command`): nights
that are killed or interrupted, questions that are, the commands of the README and all of tests/test_house.py.
"""

import atexit
import functools
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Not Polars: it starts a thread when it is imported, and a copy has none of the threads of what it was copied from.
MODULES = (
    *(f"flows.commands.{name}" for name in ("account", "bench", "canary", "explain", "leaderboard", "night", "sql")),
    "duckdb",
    "genai_prices",
    "warehouse.decision",
)
_LARGEST_REQUEST_BYTES = 1 << 18
_one_at_a_time = threading.Lock()


def run(
    arguments: tuple[str, ...], *, cwd: Path, env: Mapping[str, str], limit_s: float
) -> subprocess.CompletedProcess[str]:
    """Run one command line to its end.

    Raises:
        TimeoutExpired: it was killed after `limit_s`.
    """
    request = json.dumps({"arguments": arguments, "cwd": str(cwd), "env": dict(env), "limit_s": limit_s}).encode()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        with _one_at_a_time:
            control = _process()
            socket.send_fds(control, [request], [out.fileno(), err.fileno()])
            answer = json.loads(control.recv(_LARGEST_REQUEST_BYTES))
        out.seek(0)
        err.seek(0)
        said = {"stdout": out.read(), "stderr": err.read()}
    if answer["timed_out"]:
        raise subprocess.TimeoutExpired(arguments, limit_s, output=said["stdout"], stderr=said["stderr"])
    return subprocess.CompletedProcess(arguments, answer["code"], **said)


@functools.cache
def _process() -> socket.socket:
    """Start the process to be copied, once; it ends when this one has closed its end, whatever the reason."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.prepared", str(theirs.fileno())],
            cwd=Path(__file__).parents[2], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve(control: socket.socket) -> None:
    """Copy this process for each request; only a copy leaves this by an exception, the end of its command."""
    for name in MODULES:
        importlib.import_module(name)
    from flows.cli import console

    while True:
        message, fds, _, _ = socket.recv_fds(control, _LARGEST_REQUEST_BYTES, 2)
        if not message:
            return
        request = json.loads(message)
        pid = os.fork()
        if pid == 0:
            control.close()
            _become(request, *fds)
            console()
        for fd in fds:
            os.close(fd)
        control.send(json.dumps(_ended(pid, request["limit_s"])).encode())


def _become(request: dict[str, Any], out: int, err: int) -> None:
    for fd, to in ((out, 1), (err, 2)):
        os.dup2(fd, to)
        os.close(fd)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    sys.argv = ["megatoken", *request["arguments"]]


def _ended(pid: int, limit_s: float) -> dict[str, Any]:
    end = os.pidfd_open(pid)
    try:
        timed_out = not select.select([end], [], [], limit_s)[0]
    finally:
        os.close(end)
    if timed_out:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return {"code": os.waitstatus_to_exitcode(status), "timed_out": timed_out}


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as its_end:
        _serve(its_end)
