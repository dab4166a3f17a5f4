"""Hugging Face's `transformers serve`, on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from probes.engines.weights import shipped_smollm2
from tests.ports import free_port
from tests.real_servers.case import Case
from tests.real_servers.packages import not_there, run, venv, version_of
from tests.real_servers.process import served
from tests.real_servers.programs import PROGRAMS
from tests.real_servers.servers.llamacpp import Running

NAME = "transformers"
WHAT = "SmolLM2-135M-Instruct in bfloat16 (widened from Q4_1), one thread"
SMOLLM2 = "smollm2"  # the folder of safetensors, which vllm shares
_NO_DONE = "no [DONE]"


def missing(folder: Path) -> str | None:
    """Needs its venv, and the weights as safetensors."""
    there = version_of(folder, NAME, "transformers") and (folder / SMOLLM2 / "config.json").exists()
    return None if there else not_there(folder, NAME)


def install(folder: Path) -> None:
    """1.4 GB with a torch for CPUs, and a quarter for the weights. Asks for whatever torch the index offers."""
    venv(folder, NAME, "torch<2.14", "transformers[serving]", "accelerate", "gguf")
    python = str(folder / NAME / "bin" / "python")
    run([python, str(PROGRAMS / "smollm2_folder.py"), str(shipped_smollm2()), str(folder / SMOLLM2)])


@contextmanager
def start(folder: Path, log_folder: Path) -> Iterator[Running]:
    """Serve SmolLM2. The model is called by its path, so it is started where that is short."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [folder / NAME / "bin" / "transformers", "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--device", "cpu", SMOLLM2]
    with served(command, ready_url=f"{url}/health", log=log_folder / "transformers.log", env={}, cwd=folder):
        version = version_of(folder, NAME, "transformers")
        yield Running(version=f"transformers {version}", cases=_cases(f"{url}/v1"))


def _cases(url: str) -> list[Case]:
    chat = (_NO_DONE, "usage is in the finish chunk", "it answers with the model's name and @main")
    responses = ("no event lines", "an answer cut off by its length ends with response.completed, status completed")
    return [
        Case(api="openai-chat", base_url=url, model=SMOLLM2, notes=chat),
        Case(api="openai-completions", base_url=url, model=SMOLLM2, notes=(_NO_DONE, "usage is in the finish chunk")),
        Case(api="openai-responses", base_url=url, model=SMOLLM2, notes=responses),
    ]
