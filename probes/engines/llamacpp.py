"""llama.cpp on this machine, by the xllamacpp wheel: a server in a process of its own, so its CPU time is its own."""

import importlib
import importlib.util
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version as package_version
from pathlib import Path

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
    command += ["--context-tokens-per-slot", str(spec.context_tokens_per_slot)]
    loading = Loading(log_path=log_path, ready_timeout_s=ready_timeout_s, should_stop=should_stop)
    with log_path.open("wb") as log, child(command, log) as process:
        address = wait_ready(lambda: _first_line(process, spec, log_path), spec.model_path.name, loading)
        yield Engine(
            base_url=f"{address}/v1",
            pid=process.pid,
            version=package_version("xllamacpp"),
            ready_s=time.monotonic() - started_s,
        )


def check_spec(spec: EngineSpec) -> None:
    """Everything that can be known wrong before a process is started; ProbeError names the first."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise ProbeError("xllamacpp, the engine for local models, is not installed; pip install 'megatoken[local]'")
    if not spec.model_path.is_file():
        raise ProbeError(f"there are no weights at {spec.model_path}; give the path of a .gguf file")
    check_sizes(spec)
    if spec.device == "cuda" and not cuda_devices():
        raise ProbeError(
            "device = 'cuda' cannot be used: this xllamacpp wheel has no CUDA build, or finds no card; use "
            "device = 'cpu', install xllamacpp's CUDA wheel, or serve by vLLM and measure that as an endpoint"
        )
    check_port(spec.port)


def cuda_devices() -> list[str]:
    """Names of the cards that this wheel of xllamacpp can use; ProbeError when there is no xllamacpp."""
    try:
        xllamacpp = importlib.import_module("xllamacpp")  # 0.1 s and 100 MB of library, without types
    except ModuleNotFoundError as error:
        raise ProbeError("xllamacpp is not installed; pip install 'megatoken[local]'") from error
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    return [device["description"] for device in xllamacpp.get_device_info() if device["type"] != cpu]


def _first_line(process: subprocess.Popen[bytes], spec: EngineSpec, log_path: Path) -> str | None:
    assert process.stdout is not None  # opened as a pipe
    if not select.select([process.stdout], [], [], POLL_S)[0]:
        return None
    line = process.stdout.readline().decode()
    if not line.startswith("READY "):
        code = process.wait()
        raise ProbeError(
            f"llama.cpp ended with exit code {code} while it loaded {spec.model_path.name}: {last_words(log_path)}"
        )
    return line.removeprefix("READY ").strip()
