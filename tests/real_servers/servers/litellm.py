"""litellm's proxy in front of llama.cpp: it translates to and from three vendors' formats."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.real_servers.case import Case
from tests.real_servers.packages import not_there, venv, version_of
from tests.real_servers.process import served
from tests.real_servers.servers import llamacpp

NAME = "litellm"
WHAT = f"in front of llama.cpp with {llamacpp.WHAT}"
_ENV = {
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it fetches its price list
    "DISABLE_ADMIN_UI": "True",
}
_ZEROS = "a stream's usageMetadata is all zeros, so there is none"


def missing(folder: Path) -> str | None:
    """Needs its venv, and llama.cpp."""
    return llamacpp.missing(folder) or (None if version_of(folder, NAME, "litellm") else not_there(folder, NAME))


def install(folder: Path) -> None:
    """0.7 GB."""
    venv(folder, NAME, "litellm[proxy]")


@contextmanager
def start(folder: Path, log_folder: Path) -> Iterator[llamacpp.Running]:
    """The proxy and what it stands before, with a key of its own."""
    key, port = f"sk-{secrets.token_hex(16)}", free_port()
    with llamacpp.engine(log_folder) as chat_url, llamacpp.embedder(log_folder) as embeddings_url:
        config = log_folder / "litellm.json"  # JSON is YAML
        config.write_text(json.dumps(_config(chat_url, embeddings_url)))
        command = [folder / NAME / "bin" / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port)]
        url = f"http://127.0.0.1:{port}"
        env = _ENV | {"LITELLM_MASTER_KEY": key}
        with served(command, ready_url=f"{url}/health/liveliness", log=log_folder / "litellm.log", env=env):
            version = version_of(folder, NAME, "litellm")
            yield llamacpp.Running(version=f"litellm {version}", cases=_cases(url, key))


def _config(chat_url: str, embeddings_url: str) -> dict:
    backends = {"smollm2": chat_url, "smollm2-embeddings": embeddings_url}
    return {
        "model_list": [
            {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_base": url, "api_key": "none"}}
            for name, url in backends.items()
        ],
        "litellm_settings": {"telemetry": False, "num_retries": 0, "drop_params": True},
    }


def _cases(url: str, key: str) -> list[Case]:
    def case(api: str, *notes: str, model: str = "smollm2", **known: str) -> Case:
        return Case(api=api, base_url=url, model=model, api_key=key, notes=notes, known=known)

    return [
        Case(
            api="openai-chat",
            base_url=f"{url}/v1",
            model="smollm2",
            api_key=key,
            notes=("the usage chunk has a choice with an empty delta",),
        ),
        Case(
            api="azure-openai",
            base_url=f"{url}/openai/deployments/smollm2?api-version=2024-10-21",
            model="smollm2",
            api_key=key,
        ),
        case("openai-completions", "the finish chunk has a choice without text"),
        case(
            "openai-responses",
            "no event lines, no sequence_number, [DONE] at the end",
            "asks for 16 tokens where fewer were asked of it",
        ),
        case(
            "anthropic",
            "message_start counts 0 input tokens, only message_delta has them",
            "stop_reason is end_turn where max_tokens was reached",
        ),
        case("gemini", "server-sent events also without alt=sse", prompt_tokens=_ZEROS, output_tokens=_ZEROS),
        case("openai-embeddings", model="smollm2-embeddings"),
    ]
