"""ollama-proxy-plus in front of llama.cpp: it speaks Ollama's API to whom asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.real_servers.case import Case
from tests.real_servers.packages import not_there, venv, version_of
from tests.real_servers.process import served
from tests.real_servers.servers import llamacpp

NAME = "ollama-proxy"
WHAT = f"in front of llama.cpp with {llamacpp.WHAT}"
_PACKAGE = "ollama-proxy-plus"
_MODEL = f"llamacpp/{llamacpp.MODEL}"


def missing(folder: Path) -> str | None:
    """Needs its venv, and llama.cpp."""
    return llamacpp.missing(folder) or (None if version_of(folder, NAME, _PACKAGE) else not_there(folder, NAME))


def install(folder: Path) -> None:
    """60 MB."""
    venv(folder, NAME, _PACKAGE)


@contextmanager
def start(folder: Path, log_folder: Path) -> Iterator[llamacpp.Running]:
    """The proxy and what it stands before."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [folder / NAME / "bin" / "ollama-proxy", "serve", "--host", "127.0.0.1", "--port", str(port)]
    with llamacpp.engine(log_folder) as engine_url:
        env = {"PROVIDERS_LLAMACPP_API_KEY": "none", "PROVIDERS_LLAMACPP_BASE_URL": engine_url}
        log = log_folder / "ollama-proxy.log"
        with served(command, ready_url=f"{url}/api/tags", log=log, env=env, cwd=log_folder):
            version = f"{_PACKAGE} {version_of(folder, NAME, _PACKAGE)}"
            yield llamacpp.Running(version=version, cases=_cases(url))


def _cases(url: str) -> list[Case]:
    words = "it counts words between spaces, of each piece in a stream and of the whole otherwise, not tokens"
    counts = {"prompt_tokens": words, "output_tokens": words}
    notes = ("done_reason is stop where num_predict was reached", "load and prompt_eval durations are always 0")
    forgotten = "its OpenAI route hands on neither stream_options nor temperature"
    return [
        Case(api="ollama", base_url=url, model=_MODEL, incomparable=counts, notes=notes),
        Case(api="ollama-generate", base_url=url, model=_MODEL, incomparable=counts, notes=notes),
        Case(
            api="openai-chat",
            base_url=f"{url}/v1",
            model=_MODEL,
            known={"prompt_tokens": forgotten, "output_tokens": forgotten},
            incomparable={"text": forgotten},
        ),
    ]
