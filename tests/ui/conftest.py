"""One server and one browser for all tests that look at pages as a person would."""

import functools
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.warehouse.synthetic import copy_synthetic
from ui.server import command

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_LIMIT_S = 240.0
SHOTS = Path(__file__).parents[1] / "output"


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running server, and the data that it serves."""

    url: str
    data_dir: Path


@pytest.fixture(scope="session", autouse=True)
def one_look_at_what_is_installed() -> Iterator[None]:
    """Streamlit's tester reads what every installed package says of itself, a page: half its CPU. Here it does once."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session")
def one_night(tmp_path_factory) -> Path:
    """A folder with one invented night, for tests that only read it."""
    folder = tmp_path_factory.mktemp("one-night")
    copy_synthetic(folder, nights=1, attempts=6, with_bench=False)
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    data_dir = tmp_path_factory.mktemp("served")
    copy_synthetic(data_dir, nights=2, seed=1)
    with served_from(data_dir, tmp_path_factory.mktemp("server")) as (url, _):
        yield Served(url=url, data_dir=data_dir)


@contextmanager
def served_from(data_dir: Path, log_dir: Path) -> Iterator[tuple[str, int]]:
    """The pages over a data folder: where they are, and the process that serves them; a traceback in its log fails."""
    port = free_port()
    argv, environment = command(port, data_dir)
    log = log_dir / "log"
    with log.open("wb") as out:
        # from another folder: what the pages need is found beside them, not in the working directory
        server = subprocess.Popen(argv, env=environment, cwd=log.parent, stdout=out, stderr=out)
        try:
            _wait_until_healthy(server, port, log)
            yield f"http://127.0.0.1:{port}", server.pid
        finally:
            server.terminate()
            server.wait(timeout=60)
    said = log.read_text()
    assert "Traceback" not in said, said


@pytest.fixture(scope="session")
def nights(tmp_path_factory) -> Path:
    """Two small nights for Streamlit's own tester, for tests that only read them."""
    folder = tmp_path_factory.mktemp("nights")
    copy_synthetic(folder, nights=2, attempts=8)
    return folder


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: install Debian's chromium, or deselect these tests with -m 'not browser'")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=120_000)
        yield chromium
        chromium.close()


def _wait_until_healthy(server: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            assert server.poll() is None, f"the server ended: {log.read_text()}"
            assert time.monotonic() < deadline, f"no health after {START_LIMIT_S:.0f} s: {log.read_text()}"
            time.sleep(0.1)
