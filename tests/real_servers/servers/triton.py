"""NVIDIA's Triton, whose binary comes inside the package `nvidia-pytriton`, with llama.cpp behind a Python model."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.real_servers.case import Case
from tests.real_servers.packages import not_there, venv, version_of
from tests.real_servers.process import served
from tests.real_servers.programs import PROGRAMS
from tests.real_servers.servers import llamacpp

NAME = "triton"
WHAT = f"Python backend, decoupled, before llama.cpp with {llamacpp.WHAT}"
_MODEL = "smollm2"
_CONFIG = """backend: "python"
max_batch_size: 0
model_transaction_policy { decoupled: true }
input [
  { name: "text_input", data_type: TYPE_STRING, dims: [ 1 ] },
  { name: "max_tokens", data_type: TYPE_INT32, dims: [ 1 ] },
  { name: "bad_words", data_type: TYPE_STRING, dims: [ 1 ], optional: true },
  { name: "stop_words", data_type: TYPE_STRING, dims: [ 1 ], optional: true },
  { name: "temperature", data_type: TYPE_FP32, dims: [ 1 ], optional: true },
  { name: "stream", data_type: TYPE_BOOL, dims: [ 1 ], optional: true }
]
output [ { name: "text_output", data_type: TYPE_STRING, dims: [ 1 ] } ]
instance_group [ { count: 1, kind: KIND_CPU } ]
"""


def missing(folder: Path) -> str | None:
    """Needs its venv, and llama.cpp."""
    there = version_of(folder, NAME, "nvidia-pytriton")
    return llamacpp.missing(folder) or (None if there else not_there(folder, NAME))


def install(folder: Path) -> None:
    """0.4 GB."""
    venv(folder, NAME, "nvidia-pytriton")


@contextmanager
def start(folder: Path, log_folder: Path) -> Iterator[llamacpp.Running]:
    """Triton with one model, which asks llama.cpp."""
    [packages] = (folder / NAME / "lib").glob("python3*/site-packages")
    shipped = packages / "pytriton" / "tritonserver"
    backends, models = log_folder / "backends", log_folder / "models"
    shutil.copytree(shipped / "backends", backends)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    shutil.copy(shipped / "python_backend_stubs" / python / "triton_python_backend_stub", backends / "python")
    (models / _MODEL / "1").mkdir(parents=True)
    (models / _MODEL / "config.pbtxt").write_text(_CONFIG)
    shutil.copy(PROGRAMS / "triton_model.py", models / _MODEL / "1" / "model.py")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [shipped / "bin" / "tritonserver", "--model-repository", models, "--backend-directory", backends]
    command += ["--http-address", "127.0.0.1", "--http-port", str(port), "--allow-grpc", "false"]
    command += ["--allow-metrics", "false", "--http-thread-count", "1"]
    with llamacpp.engine(log_folder) as engine_url:
        env = {
            "TRITON_MODEL_BACKEND": engine_url.removesuffix("/v1"),
            "TRITON_MODEL_PACKAGES": str(packages),
            "PYTHONHOME": sys.base_prefix,
            "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs"),
        }
        ready_url = f"{url}/v2/models/{_MODEL}/ready"
        with served(command, ready_url=ready_url, log=log_folder / "triton.log", env=env):
            version = version_of(folder, NAME, "nvidia-pytriton")
            yield llamacpp.Running(version=f"nvidia-pytriton {version}", cases=_cases(url))


def _cases(url: str) -> list[Case]:
    notes = ("nothing is counted, nothing says that the answer is at its end", "an error of /generate is HTTP 200")
    return [Case(api="triton", base_url=url, model=_MODEL, notes=notes)]
