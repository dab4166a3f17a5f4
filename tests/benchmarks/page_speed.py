"""How soon is a page there, over a year of fifty targets under two workloads: two million attempts?

    python -m tests.benchmarks.page_speed FOLDER          # a year made by tests.benchmarks.year, or made there if empty
    python -m tests.benchmarks.page_speed FOLDER --smoke  # three nights, one page, no floor: does it run at all?

A real server and a real browser, to the first chart. Cold: the first visit after a new snapshot. Stranger: a browser
that was never there, which loads five megabytes of Streamlit's own. Warm: one that was. Change: from a click on another
choice to the new table. Memory is the server's resident set with so many pages open. CPU seconds are the server's own;
wall times mean something on a quiet machine only.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.benchmarks.year import write_year
from tests.ui.conftest import CHROMIUM, FLAGS, served_from
from tests.ui.test_browser import PAGES, pick

FLOORS = {"warm_s": 2.5, "change_s": 0.7, "memory_mb": 1000.0}
_CHART = "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg, [data-testid=stDataFrame] canvas"
_LIMIT_MS = 120_000


def main(arguments: list[str]) -> int:
    """Print the figures as JSON; 1 if one misses its floor."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--nights", type=int, default=365)
    options.add_argument("--targets", type=int, default=50)
    options.add_argument("--attempts", type=int, default=55, help="of a trial")
    options.add_argument("--viewers", type=int, default=10)
    options.add_argument("--reps", type=int, default=5)
    options.add_argument("--pages", nargs="*", default=[*PAGES], choices=[*PAGES])
    options.add_argument("--smoke", action="store_true")
    asked = options.parse_args(arguments)
    asked.folder = asked.folder.resolve()  # the server works in a folder of its own
    if asked.smoke:
        asked.nights, asked.targets, asked.attempts, asked.viewers, asked.reps, asked.pages = 3, 4, 8, 2, 1, ["ranking"]
    if not (asked.folder / "published").exists():
        write_year(asked.folder, nights=asked.nights, targets=asked.targets, attempts=asked.attempts)
    found = measure(asked.folder, asked.pages, viewers=asked.viewers, reps=asked.reps)
    print(json.dumps(found, indent=2))
    if asked.smoke:
        return 0
    late = [name for name, of in found["pages"].items() if of["warm_s"] > FLOORS["warm_s"]]
    slow = found["change_s"] is not None and found["change_s"] > FLOORS["change_s"]
    return 1 if late or slow or found["memory_mb"] > FLOORS["memory_mb"] else 0


def measure(data_dir: Path, pages: list[str], *, viewers: int, reps: int) -> dict:
    """Seconds to the first chart of each page, of a change of the ranking, and megabytes of the server."""
    with tempfile.TemporaryDirectory() as logs, served_from(data_dir, Path(logs)) as (url, server_pid):
        server = psutil.Process(server_pid)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            times = {name: _visits(browser, server, url + PAGES[name][0], reps) for name in pages}
            change_s = _changes(browser, url, reps) if "ranking" in pages else None
            memory_mb = _memory_mb(browser, server, [url + PAGES[name][0] for name in pages], viewers)
            browser.close()
    return {"pages": times, "change_s": change_s, "viewers": viewers, "memory_mb": memory_mb}


def _visits(browser: Browser, server: psutil.Process, url: str, reps: int) -> dict[str, float]:
    with _fresh(browser) as page:
        cold = _visit(page, server, url)
    strangers = []
    for _ in range(reps):
        with _fresh(browser) as page:
            strangers.append(_visit(page, server, url)[0])
    with _fresh(browser) as page:
        warm = [_visit(page, server, url) for _ in range(reps + 1)][1:]
    return {
        "cold_s": cold[0],
        "cold_cpu_s": cold[1],
        "stranger_s": round(statistics.median(strangers), 2),
        "warm_s": round(statistics.median(wall for wall, _ in warm), 2),
        "warm_cpu_s": round(statistics.median(cpu for _, cpu in warm), 2),
    }


def _visit(page: Page, server: psutil.Process, url: str) -> tuple[float, float]:
    page.goto("about:blank")
    cpu = _cpu_s(server)
    began = time.monotonic()
    page.goto(url)
    expect(page.locator(_CHART).filter(visible=True).first).to_be_visible(timeout=_LIMIT_MS)
    wall = time.monotonic() - began
    return round(wall, 2), round(_cpu_s(server) - cpu, 2)


def _changes(browser: Browser, url: str, reps: int) -> float:
    """From the choice of another figure to the table that is ranked by it, one that nobody asked for before."""
    taken = []
    with _fresh(browser) as page:
        page.goto(f"{url}/ranking?by=ttft_p50_s")
        expect(page.get_by_role("columnheader", name="TTFT p50")).to_have_class("mt-right mt-by", timeout=_LIMIT_MS)
        for label, head in [("Output speed", "Output speed"), ("Energy", "Energy"), ("Goodput", "Goodput")] * reps:
            _settle(page)
            began = time.monotonic()
            pick(page, "Rank by", label)
            expect(page.get_by_role("columnheader", name=head)).to_have_class("mt-right mt-by", timeout=_LIMIT_MS)
            taken.append(time.monotonic() - began)
    return round(statistics.median(taken), 2)


def _memory_mb(browser: Browser, server: psutil.Process, urls: list[str], viewers: int) -> float:
    contexts = [browser.new_context() for _ in range(viewers)]
    for number, context in enumerate(contexts):
        page = context.new_page()
        page.goto(urls[number % len(urls)])
        expect(page.locator(_CHART).filter(visible=True).first).to_be_visible(timeout=_LIMIT_MS)
        _settle(page)
    used = server.memory_info().rss + sum(child.memory_info().rss for child in server.children(recursive=True))
    for context in contexts:
        context.close()
    return round(used / 1e6)


def _settle(page: Page) -> None:
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached(timeout=_LIMIT_MS)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _fresh(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(_LIMIT_MS)
    try:
        yield page
    finally:
        context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
