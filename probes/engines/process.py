"""What all engines share: a server in a process of its own, waited for, watched, and gone when it is not needed."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import psutil

from probes.errors import ProbeError

POLL_S = 0.1
_END_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """What to serve and how."""

    model_path: Path  # a .gguf file for llama.cpp, a folder for transformers
    threads: int  # fewer than cores on a shared machine: a thread that is descheduled stops all the others
    slots: int  # requests decoded at once
    context_tokens_per_slot: int
    port: int = 0  # 0: a free one
    device: Literal["cpu", "cuda"] = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A running engine."""

    base_url: str  # "http://127.0.0.1:PORT/v1"
    pid: int
    version: str  # of the package that brought it
    ready_s: float  # from its start to the loaded model

    def cpu_s(self) -> float:
        """CPU seconds that its process has used, all threads; ProbeError when it has ended."""
        times = self._process().cpu_times()
        return times.user + times.system

    def rss_bytes(self) -> int:
        """Resident memory of its process, mapped weights included; ProbeError when it has ended."""
        return self._process().memory_info().rss

    def _process(self) -> psutil.Process:
        try:
            process = psutil.Process(self.pid)
            ended = process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            ended = True
        if ended:
            raise ProbeError(f"the engine (process {self.pid}) has ended; see its log for why")
        return process


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How long to wait for a model that loads, and whom to ask whether to go on."""

    log_path: Path
    ready_timeout_s: float
    should_stop: Callable[[], bool] | None


def check_sizes(spec: EngineSpec) -> None:
    """ProbeError unless there are threads, slots and context."""
    if min(spec.threads, spec.slots, spec.context_tokens_per_slot) < 1:
        raise ProbeError(
            f"an engine needs threads, slots and context tokens >= 1, got {spec.threads}, {spec.slots} and "
            f"{spec.context_tokens_per_slot}"
        )


def check_port(port: int) -> None:
    """ProbeError when a port that was asked for is taken; 0 asks for none."""
    if port == 0:
        return
    with socket.socket() as probe:
        # As the server does: a port whose last connection is still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ProbeError(
                f"port {port} on 127.0.0.1 cannot be had ({error.strerror}); end what listens there, "
                "or set port = 0 for a free one"
            ) from error


@contextmanager
def child(command: list[str], stderr: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as the `with` lasts, its standard output a pipe; reaped afterwards, whatever happened."""
    process = subprocess.Popen(
        [*command, "--parent", str(os.getpid())], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr
    )
    try:
        yield process
    finally:
        if process.stdout is not None:
            process.stdout.close()
        process.terminate()
        try:
            process.wait(timeout=_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_ready(poll: Callable[[], str | None], name: str, loading: Loading) -> str:
    """The first answer of `poll`, which blocks for about `POLL_S` and raises ProbeError when the engine has ended.

    Raises:
        ProbeError: asked to stop, or not ready in time; says so of `name`.
    """
    deadline_s = time.monotonic() + loading.ready_timeout_s
    while True:
        if loading.should_stop is not None and loading.should_stop():
            raise ProbeError(f"asked to stop while {name} was loading")
        if time.monotonic() > deadline_s:
            raise ProbeError(
                f"{name} was not loaded within {loading.ready_timeout_s:g} s; its log ends: "
                f"{last_words(loading.log_path)}; allow more time, or use fewer threads if this machine is shared"
            )
        answer = poll()
        if answer is not None:
            return answer


def last_words(log_path: Path) -> str:
    """What the engine last complained about: its first line marked as an error, else its last line."""
    with log_path.open("rb") as log:
        log.seek(max(0, log_path.stat().st_size - 8192))
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    if not lines:
        return "it said nothing"
    # llama.cpp's lines read "0.00.007.796 E srv    load_model: ...": the first error is the cause, later ones follow.
    complaints = [line.split(" E ", 1)[1] for line in lines if " E " in line[:20]]
    return " ".join(complaints[0].split()) if complaints else lines[-1]
