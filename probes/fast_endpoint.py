"""A fast OpenAI-compatible endpoint that keeps its schedule and logs the truth; one process, one core, some 50,000
tokens a second.

    python -m probes.fast_endpoint --port 0 --ttft-ms 200 --itl-ms 20 --tokens 64 --log truth.csv

It prints its base URL and serves until ^C. For what goes wrong on the way, take `probes.fake_endpoint`: it has the
faults, this one has the pace.
"""

import argparse
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from probes.endpoint.server import Server
from probes.endpoint.spec import EndpointSpec
from probes.endpoint.truth import Truth, TruthLog, read_truth
from probes.errors import ProbeError

__all__ = ["EndpointSpec", "FastEndpoint", "Truth", "fast_endpoint", "read_truth"]

_START_S: Final = 20.0
_STOP_S: Final = 20.0


class FastEndpoint:
    """An endpoint in a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", base_url: str, log: Path) -> None:
        self._process = process
        self.base_url = base_url
        self.pid = process.pid
        self._log = log

    def stop(self) -> None:
        """End it; its log is whole when this returns. Nothing if it has ended."""
        assert self._process.stdin is not None  # opened as a pipe below
        self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def truth(self) -> list[Truth]:
        """End it, and what it did: one entry a request, in the order in which they ended."""
        self.stop()
        return read_truth(self._log)


@contextmanager
def fast_endpoint(spec: EndpointSpec | None = None) -> Iterator[FastEndpoint]:
    """Start the endpoint on a free port as a process, which ends with this block, or with us however we end.

    Raises:
        ProbeError: it did not start; says what it said.
    """
    spec = spec or EndpointSpec()
    with tempfile.TemporaryDirectory(prefix="megatoken-endpoint-") as folder:
        log = Path(folder) / "truth.csv"
        command = [sys.executable, "-m", "probes.fast_endpoint", "--port", "0", "--log", str(log), "--until-eof"]
        process = subprocess.Popen(
            [*command, *_options(spec)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with process:
            try:
                yield FastEndpoint(process, _base_url(process), log)
            finally:
                FastEndpoint(process, "", log).stop()


def _base_url(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None and process.stderr is not None  # opened as pipes above
    if not select.select([process.stdout], [], [], _START_S)[0]:
        process.kill()
        raise ProbeError(f"the fast endpoint did not start in {_START_S:g} s")
    line = process.stdout.readline()
    if not line:
        raise ProbeError(f"the fast endpoint did not start: {process.stderr.read().decode(errors='replace').strip()}")
    return line.decode().strip()


def _options(spec: EndpointSpec) -> list[str]:
    given = {
        "--ttft-ms": spec.ttft_s * 1e3,
        "--itl-ms": spec.itl_s * 1e3,
        "--tokens": spec.tokens,
        "--burst": spec.burst,
        "--capacity-rps": spec.capacity_rps,
        "--slots": spec.slots,
    }
    options = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    if spec.certificate is not None and spec.key is not None:
        options += ["--tls", str(spec.certificate), str(spec.key)]
    return options


def serve(spec: EndpointSpec, *, port: int, log: Path | None, until_eof: bool) -> None:
    """Serve until SIGINT or SIGTERM, or until standard input is closed if it is told to watch that.

    Raises:
        ProbeError: the port is taken, the log cannot be written, or the certificate cannot be used.
    """
    hear_fd, tell_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # the byte in the pipe is what stops the loop
    signal.set_wakeup_fd(tell_fd)
    with TruthLog(log) as truth:
        server = Server(spec, port=port, log=truth)
        try:
            print(server.base_url, flush=True)
            server.run(hear_fd, *([sys.stdin.fileno()] if until_eof else []))
        finally:
            server.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m probes.fast_endpoint",
        description="A fast OpenAI-compatible endpoint that logs the truth. Prints its base URL, serves until ^C.",
    )
    parser.add_argument("--port", type=int, default=8100, help="0 takes a free one")
    parser.add_argument("--ttft-ms", type=float, default=200.0)
    parser.add_argument("--itl-ms", type=float, default=20.0, help="with --ttft-ms 0 too: as fast as sockets take it")
    parser.add_argument("--tokens", type=int, default=64, help="when the request asks for no number")
    parser.add_argument("--burst", type=int, default=1, metavar="K", help="tokens a write")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--capacity-rps", type=float, metavar="R", help="one queue, left at this rate: a planted limit")
    limit.add_argument("--slots", type=int, metavar="N", help="answers served at once; others queue")
    parser.add_argument("--tls", nargs=2, type=Path, metavar=("CERT", "KEY"), help="PEM files")
    parser.add_argument("--log", type=Path, help="CSV, a line a request; whole when it has ended")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input is closed")
    asked = parser.parse_args(arguments)
    certificate, key = asked.tls or (None, None)
    try:
        spec = EndpointSpec(
            ttft_s=asked.ttft_ms / 1e3,
            itl_s=asked.itl_ms / 1e3,
            tokens=asked.tokens,
            burst=asked.burst,
            capacity_rps=asked.capacity_rps,
            slots=asked.slots,
            certificate=certificate,
            key=key,
        )
        with suppress(KeyboardInterrupt):
            serve(spec, port=asked.port, log=asked.log, until_eof=asked.until_eof)
    except ProbeError as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
