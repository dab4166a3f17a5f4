"""Serving until ^C, and the short command line of `python -m probes.fake_endpoint`."""

import argparse
import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from probes.errors import ProbeError
from probes.fake.planfile import read_script
from probes.fake.script import FakeScript
from probes.fake.server import FakeServer
from probes.fake.truth import FakeEndpoint

_PACE: Final[dict[str, Any]] = {"ttft_s": 0.05, "itl_s": 0.005, "tokens": 64}  # a small model on one GPU


def serve(script: FakeScript, *, port: int, log: Path | None, started: Callable[[FakeEndpoint], None]) -> FakeEndpoint:
    """Serve until SIGINT or SIGTERM; returns the endpoint with all that it saw.

    Args:
        script: what to play.
        port: 0 takes a free one.
        log: JSON lines with the times of every request, written at the end; None: nowhere.
        started: called once it listens.

    Raises:
        ProbeError: the port is taken, the certificate cannot be read, or the log cannot be written.
    """
    if log is not None:
        _write(log, b"")  # a wrong path is told before anything is served
    endpoint = asyncio.run(_serve(script, port, started))
    if log is not None:
        _write(log, b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in endpoint.truth()))
    return endpoint


async def _serve(script: FakeScript, port: int, started: Callable[[FakeEndpoint], None]) -> FakeEndpoint:
    server = FakeServer(script)
    await server.start(port)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    started(server.endpoint)
    await stopped.wait()
    await server.stop()
    return server.endpoint


def _write(log: Path, text: bytes) -> None:
    try:
        log.write_bytes(text)
    except OSError as error:
        raise ProbeError(f"the log {log} cannot be written: {error.strerror}; give another --log") from error


def make_script(file: Path | None, **asked: Any) -> FakeScript:  # noqa: ANN401 - fields of FakeScript
    """A script from a file, if there is one, and what was asked for beside it, which wins; None is not asked.

    Raises:
        ProbeError: the file, a name or a value cannot be used.
    """
    fields = _PACE | (read_script(file) if file is not None else {})
    return FakeScript(**fields | {name: value for name, value in asked.items() if value is not None})


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m probes.fake_endpoint",
        description="A scripted endpoint that keeps its times. Prints its base URL, serves until ^C.",
    )
    parser.add_argument("--port", type=int, default=8100, help="0 takes a free one")
    parser.add_argument(
        "--script", type=Path, help="TOML: what to play, to which requests; see probes/fake/planfile.py"
    )
    parser.add_argument("--ttft-ms", type=float, help="default: the script's, else 50")
    parser.add_argument("--itl-ms", type=float, help="default: the script's, else 5")
    parser.add_argument(
        "--tokens", type=int, help="when the request asks for no number (default: the script's, else 64)"
    )
    parser.add_argument("--model", help="the name it lists")
    parser.add_argument("--fault", metavar="FIXTURE", help="play this one before the script's rules")
    parser.add_argument("--fault-every", type=int, metavar="N", help="only to request 1, 1+N, 1+2N, ...")
    parser.add_argument("--certificate", type=Path, help="PEM; with --key the endpoint speaks TLS")
    parser.add_argument("--key", type=Path)
    parser.add_argument("--log", type=Path, help="JSON lines with the times of every request, written at the end")
    asked = parser.parse_args(arguments)
    try:
        script = make_script(
            asked.script,
            ttft_s=None if asked.ttft_ms is None else asked.ttft_ms / 1e3,
            itl_s=None if asked.itl_ms is None else asked.itl_ms / 1e3,
            tokens=asked.tokens,
            model=asked.model,
            fault=asked.fault,
            fault_every=asked.fault_every,
            certificate=asked.certificate,
            key=asked.key,
        )
        with suppress(KeyboardInterrupt):
            serve(script, port=asked.port, log=asked.log, started=lambda fake: print(fake.base_url, flush=True))
    except ProbeError as error:
        parser.exit(2, f"{error}\n")
    return 0
