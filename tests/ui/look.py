"""Every page as a person sees it: light, dark and on a phone, with what bars readers and what it asked of whom.

    python -m tests.ui.look OUT                    # thirty invented nights, marked synthetic in the data
    python -m tests.ui.look OUT --data data/       # what was measured here

OUT gets a PNG for each page and look, and `look.json`: outside requests, what axe-core finds (in our own markup, and
serious or worse in Streamlit's), and pages that must be scrolled sideways. 1 if there is any of them.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Request, WebSocket, expect, sync_playwright

from tests.ui.conftest import CHROMIUM, FLAGS, served_from
from tests.ui.test_browser import LIMIT_MS, PAGES, PHONE, WIDE, barriers, fits, shoot
from tests.warehouse.synthetic import write_synthetic

Look = tuple[Literal["light", "dark"], tuple[int, int]]  # colours, and width and height in CSS pixels
LOOKS: Mapping[str, Look] = {"light": ("light", WIDE), "dark": ("dark", WIDE), "phone": ("light", PHONE)}


def main(arguments: list[str]) -> int:
    """Write the pictures and what was found; 1 if something was."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("out", type=Path)
    options.add_argument("--data", type=Path, help="a data folder; without it, invented nights")
    options.add_argument("--nights", type=int, default=30, help="invented ones (default: 30)")
    asked = options.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="megatoken-look-") as scratch:
        invented = Path(scratch) / "data"
        if asked.data is None:
            write_synthetic(invented, nights=asked.nights, with_studies=True, with_pulses=True)
        data_dir = invented if asked.data is None else asked.data.resolve()
        with served_from(data_dir, Path(scratch)) as (url, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            # the pages of the invented nights name targets that only those have
            paths = {name: path if asked.data is None else path.partition("?")[0] for name, (path, _) in PAGES.items()}
            found = look_at(browser, url, paths, asked.out.resolve())
            browser.close()
    (asked.out / "look.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))
    return 1 if found["asked_outside"] or found["barriers"] or found["wider_than_the_window"] else 0


def look_at(browser: Browser, url: str, paths: dict[str, str], out: Path) -> dict[str, list[str]]:
    """Shoot each page in each look; what it asked of others, what bars readers, what is too wide."""
    found: dict[str, list[str]] = {"asked_outside": [], "barriers": [], "wider_than_the_window": []}
    for look, (scheme, (width, height)) in LOOKS.items():
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        addresses: list[str] = []
        note = partial(_note, addresses)
        context.on("request", note)
        for name, path in paths.items():
            page = context.new_page()
            page.on("websocket", note)
            page.goto(url + path)
            expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=LIMIT_MS)
            done = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
            expect(done).to_be_attached(timeout=LIMIT_MS)
            page.wait_for_timeout(1500)  # charts are drawn after the script; nothing is judged by what this shows
            found["barriers"] += [f"{name} {look}: {barrier}" for barrier in barriers(page)]
            if not fits(page):
                found["wider_than_the_window"].append(f"{name} {look}")
            shoot(page, f"{name}-{look}", out)
            page.close()
        context.close()
        outside = [a for a in addresses if urlsplit(a).scheme not in ("data", "blob")]
        found["asked_outside"] += [a for a in outside if urlsplit(a).hostname != "127.0.0.1"]
    return found


def _note(addresses: list[str], asked: Request | WebSocket) -> None:
    addresses.append(asked.url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
