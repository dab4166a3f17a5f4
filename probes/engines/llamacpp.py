"""llama.cpp on this machine, by the xllamacpp wheel: a server in a process of its own, so its CPU time is its own."""

import importlib
import importlib.util
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Literal

import psutil

from probes.errors import ProbeError

_POLL_S = 0.1
_END_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """What to serve and how."""

    model_path: Path
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
    version: str  # of xllamacpp
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


@contextmanager
def start_llamacpp(
    spec: EngineSpec,
    *,
    log_path: Path,
    ready_timeout_s: float,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Engine]:
    """Serve one model for as long as the `with` lasts; its process is gone afterwards, whatever happened.

    Start it from a thread that outlives it: the kernel ends it with the thread that started it.

    Args:
        spec: what to serve and how.
        log_path: file for everything that llama.cpp says; replaced.
        ready_timeout_s: longest wait for the loaded model, seconds.
        should_stop: asked ten times a second while the model loads; True gives up.

    Yields:
        The engine, ready for requests.

    Raises:
        ProbeError: no xllamacpp, no such weights, port taken, no CUDA in the wheel, the engine ended while it loaded
            (with its last words), it was not ready in time, or `should_stop` asked for the end.
    """
    check_spec(spec)
    started_s = time.monotonic()
    command = [sys.executable, "-m", "probes.engines.llamacpp_server", "--model", str(spec.model_path)]
    command += ["--alias", spec.model_path.stem, "--device", spec.device, "--port", str(spec.port)]
    command += ["--threads", str(spec.threads), "--slots", str(spec.slots)]
    command += ["--context-tokens-per-slot", str(spec.context_tokens_per_slot), "--parent", str(os.getpid())]
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
    try:
        address = _wait_ready(process, spec, log_path, started_s + ready_timeout_s, ready_timeout_s, should_stop)
        yield Engine(
            base_url=f"{address}/v1",
            pid=process.pid,
            version=package_version("xllamacpp"),
            ready_s=time.monotonic() - started_s,
        )
    finally:
        _end(process)


def check_spec(spec: EngineSpec) -> None:
    """Everything that can be known wrong before a process is started; ProbeError names the first."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise ProbeError("xllamacpp, the engine for local models, is not installed; pip install 'megatoken[local]'")
    if not spec.model_path.is_file():
        raise ProbeError(f"there are no weights at {spec.model_path}; give the path of a .gguf file")
    if min(spec.threads, spec.slots, spec.context_tokens_per_slot) < 1:
        raise ProbeError(
            f"an engine needs threads, slots and context tokens >= 1, got {spec.threads}, {spec.slots} and "
            f"{spec.context_tokens_per_slot}"
        )
    if spec.device == "cuda" and not cuda_devices():
        raise ProbeError(
            "device = 'cuda' cannot be used: this xllamacpp wheel has no CUDA build, or finds no card; use "
            "device = 'cpu', install xllamacpp's CUDA wheel, or serve by vLLM and measure that as an endpoint"
        )
    if spec.port != 0:
        _check_port(spec.port)


def cuda_devices() -> list[str]:
    """Names of the cards that this wheel of xllamacpp can use; ProbeError when there is no xllamacpp."""
    try:
        xllamacpp = importlib.import_module("xllamacpp")  # 0.1 s and 100 MB of library, without types
    except ModuleNotFoundError as error:
        raise ProbeError("xllamacpp is not installed; pip install 'megatoken[local]'") from error
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    return [device["description"] for device in xllamacpp.get_device_info() if device["type"] != cpu]


def _check_port(port: int) -> None:
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


def _wait_ready(
    process: subprocess.Popen[bytes],
    spec: EngineSpec,
    log_path: Path,
    deadline_s: float,
    timeout_s: float,
    should_stop: Callable[[], bool] | None,
) -> str:
    assert process.stdout is not None  # opened as a pipe above
    while True:
        if should_stop is not None and should_stop():
            raise ProbeError(f"asked to stop while {spec.model_path.name} was loading")
        if time.monotonic() > deadline_s:
            raise ProbeError(
                f"{spec.model_path.name} was not loaded within {timeout_s:g} s; its log ends: {last_words(log_path)}; "
                "allow more time, or use fewer threads if this machine is shared"
            )
        if select.select([process.stdout], [], [], _POLL_S)[0]:
            break
    line = process.stdout.readline().decode()
    if not line.startswith("READY "):
        code = process.wait()
        raise ProbeError(
            f"llama.cpp ended with exit code {code} while it loaded {spec.model_path.name}: {last_words(log_path)}"
        )
    return line.removeprefix("READY ").strip()


def last_words(log_path: Path) -> str:
    """What the engine last complained about: its last line marked as an error, else its last line."""
    with log_path.open("rb") as log:
        log.seek(max(0, log_path.stat().st_size - 8192))
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    if not lines:
        return "it said nothing"
    # llama.cpp's lines read "0.00.007.796 E srv    load_model: ...": the first error is the cause, later ones follow.
    complaints = [line.split(" E ", 1)[1] for line in lines if " E " in line[:20]]
    return " ".join(complaints[0].split()) if complaints else lines[-1]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdout is not None:
        process.stdout.close()
    process.terminate()
    try:
        process.wait(timeout=_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
