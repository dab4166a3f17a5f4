"""The server of a case, our own endpoint or another with the same options, and the truth that it leaves."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from probes.endpoint.spec import EndpointSpec
from probes.fast_endpoint import Truth, fast_endpoint, read_truth
from tests.benchmarks.processes import cpu_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server that runs. `truth` ends it."""

    base_url: str  # with /v1
    pid: int
    truth: Callable[[], list[Truth]]

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        return cpu_s(self.pid)


@contextmanager
def serving(
    pace: EndpointSpec, *, rig: Path | None, tls: tuple[Path, Path] | None, cpu: int | None
) -> Iterator[Serving]:
    """Start the server.

    Args:
        pace: how it answers.
        rig: a program with the options and the log of ours; None takes ours.
        tls: certificate and key; ours only.
        cpu: to pin it to.

    Raises:
        SystemExit: TLS from a server that has none.
    """
    if rig is not None:
        if tls is not None:
            raise SystemExit("TLS is measured against our own endpoint; leave --rig out")
        with _rig(rig, pace, cpu) as started:
            yield started
        return
    if tls is not None:
        pace = replace(pace, certificate=tls[0], key=tls[1])
    with fast_endpoint(pace) as endpoint:
        if cpu is not None:
            os.sched_setaffinity(endpoint.pid, {cpu})
        yield Serving(base_url=endpoint.base_url, pid=endpoint.pid, truth=endpoint.truth)


@contextmanager
def _rig(program: Path, pace: EndpointSpec, cpu: int | None) -> Iterator[Serving]:
    with socket.socket() as free, tempfile.TemporaryDirectory(prefix="megatoken-rig-") as folder:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        log = Path(folder) / "truth.csv"
        options = ["--port", str(port), "--log", str(log), "--burst", str(pace.burst)]
        options += ["--ttft-ms", f"{pace.ttft_s * 1e3:g}", "--itl-ms", f"{pace.itl_s * 1e3:g}"]
        with subprocess.Popen([str(program), *options], stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(port)
                if cpu is not None:
                    os.sched_setaffinity(process.pid, {cpu})

                def truth() -> list[Truth]:
                    process.send_signal(signal.SIGTERM)
                    process.wait(60)
                    return read_truth(log)

                yield Serving(base_url=f"http://127.0.0.1:{port}/v1", pid=process.pid, truth=truth)
            finally:
                process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(250):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"the server did not listen on port {port} in 5 s")
