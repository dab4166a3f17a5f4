"""Hugging Face transformers on this machine: its own server (`transformers serve`), with continuous batching.

It has a process of its own, so that its CPU time is its own, and serves a local folder of safetensors; it never fetches
anything. Its KV cache holds `slots` whole contexts: that many requests fit at their longest, more if they are shorter.
"""

import http.client
import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version as package_version
from pathlib import Path

import psutil

from probes.engines.process import (
    POLL_S,
    Engine,
    EngineSpec,
    Loading,
    check_port,
    check_sizes,
    child,
    last_words,
    wait_ready,
)
from probes.errors import ProbeError
from probes.power import nvml

_PACKAGES = ("transformers", "torch", "accelerate", "fastapi", "uvicorn", "openai")


@contextmanager
def start_transformers(
    spec: EngineSpec,
    *,
    log_path: Path,
    ready_timeout_s: float,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Engine]:
    """Serve one model for as long as the `with` lasts; its process is gone afterwards, whatever happened.

    Start it from a thread that outlives it: the kernel ends it with the thread that started it. Requests must name the
    model by `str(spec.model_path)`, the only one that the server answers for.

    Args:
        spec: what to serve and how; `model_path` is a folder with config.json, safetensors and a tokenizer that has a
            chat template.
        log_path: file for everything that the server says; replaced.
        ready_timeout_s: longest wait for the loaded model, seconds.
        should_stop: asked ten times a second while the model loads; True gives up.

    Yields:
        The engine, ready for requests. It builds its KV cache with the first one: warm it up.

    Raises:
        ProbeError: a package is missing, no such folder, port taken, no card for `cuda`, the server ended while it
            loaded (with its last words), it was not ready in time, or `should_stop` asked for the end.
    """
    check_spec(spec)
    started_s = time.monotonic()
    command = [sys.executable, "-m", "probes.engines.transformers_server", "--model", str(spec.model_path)]
    command += ["--device", spec.device, "--threads", str(spec.threads)]
    command += ["--slots", str(spec.slots), "--context-tokens-per-slot", str(spec.context_tokens_per_slot)]
    loading = Loading(log_path=log_path, ready_timeout_s=ready_timeout_s, should_stop=should_stop)
    with (
        held_port(spec.port) as port,
        log_path.open("wb") as log,
        child([*command, "--port", str(port)], log) as process,
    ):
        address = wait_ready(lambda: _healthy(process, port, spec, log_path), spec.model_path.name, loading)
        yield Engine(
            base_url=f"{address}/v1",
            pid=process.pid,
            version=package_version("transformers"),
            ready_s=time.monotonic() - started_s,
        )


def check_spec(spec: EngineSpec) -> None:
    """Everything that can be known wrong before a process is started; ProbeError names the first."""
    missing = missing_packages()
    if missing:
        raise ProbeError(
            f"the transformers engine needs {', '.join(missing)}, not installed here; "
            "pip install 'transformers[serving]' with the torch build for this machine"
        )
    if not (spec.model_path / "config.json").is_file():
        raise ProbeError(
            f"{spec.model_path} holds no config.json; give a folder as transformers' save_pretrained makes"
        )
    if "@" in str(spec.model_path) or ":" in str(spec.model_path):
        raise ProbeError(
            f"transformers' server reads @ and : in {spec.model_path} as a revision or a file; move the folder"
        )
    check_sizes(spec)
    if spec.device == "cuda" and not nvml.card_names():
        raise ProbeError("device = 'cuda' cannot be used: NVML finds no card here; use device = 'cpu'")
    check_port(spec.port)


def missing_packages() -> list[str]:
    """What would have to be installed before this engine can start."""
    return [name for name in _PACKAGES if importlib.util.find_spec(name) is None]


@contextmanager
def held_port(port: int) -> Iterator[int]:
    """Keep a port of 127.0.0.1 for a server that binds it later; 0 takes a free one.

    It is bound here and not listened on. The kernel gives it to nobody who asks for any port, to listen or to connect,
    and to those who ask for this one only if they say SO_REUSEADDR, as servers do.

    Raises:
        ProbeError: taken.
    """
    check_port(port)
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        yield holder.getsockname()[1]


def _healthy(process: subprocess.Popen[bytes], port: int, spec: EngineSpec, log_path: Path) -> str | None:
    """The server's address once it says that it is well: it listens only when its model is loaded."""
    if process.poll() is not None:
        raise ProbeError(
            f"transformers ended with exit code {process.returncode} while it loaded {spec.model_path.name}: "
            f"{last_words(log_path)}"
        )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=POLL_S * 10)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        time.sleep(POLL_S)
        return None
    finally:
        connection.close()
    if not _listens(process, port):
        raise ProbeError(
            f"port {port} on 127.0.0.1 was taken by another server while {spec.model_path.name} was loading; "
            "end that one, or set port = 0 for a free port"
        )
    if answer != http.client.OK:
        time.sleep(POLL_S)
        return None
    return f"http://127.0.0.1:{port}"


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether it is this process that answers on the port; True if it has ended, which is seen at the next look."""
    try:
        sockets = psutil.Process(process.pid).net_connections("tcp4")
    except psutil.NoSuchProcess:
        return True
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets)
