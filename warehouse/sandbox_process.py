"""The process that answers a question, seen from outside: started with nothing of ours, ended with its children."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_START = "import sys; sys.path.append(sys.argv[1]); from warehouse.sandbox_worker import main; main()"


def start(request: Mapping[str, Any], *, folder: str = "/") -> "subprocess.Popen[bytes]":
    """A process that reads `request` as JSON and writes its answer into `stdout`; it works in `folder`.

    It is in a session of its own: Ctrl-C reaches us alone, and `end` all of it.
    """
    # a file in memory and not a pipe: a worker that does not read could keep us from our own deadline
    with os.fdopen(os.memfd_create("question"), "wb+") as question:
        question.write(json.dumps(request).encode())
        question.seek(0)
        return subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", _START, str(_ROOT)],
            stdin=question,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd=folder,
            start_new_session=True,
        )


def end(process: "subprocess.Popen[bytes]") -> None:
    """Nothing of it is left, children included."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def why_ended(code: int | None, *, timeout_s: float, address_space_bytes: int) -> str:
    """Why a process that did not say so itself gave no answer, in a sentence."""
    if code is None or code >= 0:
        return f"the process that answered ended with code {code} and without an answer; ask again"
    name = signal.Signals(-code).name
    if name in ("SIGXCPU", "SIGALRM"):
        return too_long(timeout_s)
    if name == "SIGABRT":
        return (
            f"the query needs more than {address_space_bytes / 1e6:,.0f} MB of memory; aggregate, or ask for fewer rows"
        )
    return f"the process that answered was ended by {name}; ask again"


def too_long(timeout_s: float) -> str:
    """What is said of a question that was ended."""
    return f"the query was ended after {timeout_s:g} s; ask for less, or of fewer trials"
