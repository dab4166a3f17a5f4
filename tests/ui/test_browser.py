"""The pages in a real browser: that they render, restore, follow snapshots, and ask nobody outside this machine.

How each of them looks is shown by `python -m tests.ui.look`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError, expect

from tests.ui.conftest import SHOTS, Served
from tests.warehouse.builders import attempt_row, planned_row, run_row, trial_row
from warehouse.landing import land
from warehouse.loader import load
from warehouse.publish import publish, snapshots

pytestmark = pytest.mark.browser

WIDE, PHONE = (1440, 900), (390, 844)
LOOKS = ("light", "dark")
LIMIT_MS = 90_000
FOLLOW_MS = 30_000  # charts and tables follow the size of a window one after another
expect.set_options(timeout=LIMIT_MS)  # by itself it gives up after five seconds, whatever a page was told
PAGES = {
    "overview": ("/", "What should I use today?"),
    "ranking": ("/ranking", "Who serves a million tokens best?"),
    "tradeoff": ("/tradeoff", "What do I give up for price or carbon?"),
    "compare": ("/compare?a=openai-mini&b=together-llama-70b&c=llama-8b-h100", "A or B?"),
    "runs": ("/runs", "Did last night work?"),
    "sql": ("/sql", "What else do I want to know?"),
    "time": ("/time?target=openai-mini", "When is it slow, dear or dirty?"),
    "reliability": ("/reliability", "Can I depend on it?"),
    "endpoint": ("/endpoint?target=groq-llama-70b", "What is this target like, night after night?"),
    "carbon": ("/carbon?target=llama-8b-h100", "Where do the grams come from?"),
    "calculator": ("/calculator?contracts=vllm-own%200.1%200.3", "What will my use cost and emit?"),
    "prices": ("/prices?target=openai-mini", "What does it cost, and since when?"),
    "method": ("/method?topic=checks", "Can I trust it?"),
}


@pytest.fixture(scope="module")
def looks(browser) -> Iterator[Mapping[str, BrowserContext]]:
    """A browser for each look, which keeps what every page has in common: loading that anew takes most of a visit."""
    contexts = {
        look: browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]}, color_scheme=look) for look in LOOKS
    }
    yield contexts
    for context in contexts.values():
        context.close()


@contextmanager
def visit(browser: Browser, url: str) -> Iterator[Page]:
    """A page in a browser that has never been here; what it asked for is checked when the visit ends."""
    context = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]}, color_scheme="light")
    with context, visit_in(context, url) as page:
        yield page


@contextmanager
def visit_in(context: BrowserContext, url: str) -> Iterator[Page]:
    """A page in one browser among others; what it asked for is checked when the visit ends."""
    page = context.new_page()
    page.set_default_timeout(LIMIT_MS)
    asked: list[str] = []
    broken: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("pageerror", lambda error: broken.append(str(error)))
    try:
        page.goto(url)
        yield page
    finally:
        page.close()
    hosts = {urlsplit(address).hostname for address in asked if urlsplit(address).scheme not in ("data", "blob")}
    assert hosts == {"127.0.0.1"}
    assert broken == []


def settled(page: Page, heading: str) -> None:
    """Wait for the heading and for a chart to be drawn, and for the script to be done."""
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible(timeout=LIMIT_MS)
    drawn = "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg, [data-testid=stDataFrame] canvas"
    expect(page.locator(drawn).filter(visible=True).first).to_be_visible(timeout=LIMIT_MS)
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached(timeout=LIMIT_MS)


def barriers(page: Page) -> list[str]:
    """What axe-core finds in our own markup, and what it calls serious or worse in Streamlit's."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
        if "mt-" in node["html"] or rule["impact"] in ("serious", "critical")
    ]


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways, once everything has followed the size of the window."""
    main = "document.querySelector('[data-testid=stMain]')"
    try:
        page.wait_for_function(f"{main}.scrollWidth <= {main}.clientWidth", timeout=FOLLOW_MS)
    except TimeoutError:
        return False
    return True


def shoot(page: Page, name: str, folder: Path = SHOTS) -> None:
    """The whole page into a folder, tests/output by default, to be looked at."""
    folder.mkdir(exist_ok=True)
    width = page.viewport_size["width"]
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": max(height, 500)})
    page.wait_for_timeout(400)  # the charts follow the new size; nothing is judged by what this shows
    page.screenshot(path=folder / f"{name}.png")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("look", LOOKS)
def test_a_page_renders_within_the_window_and_is_read_by_everybody(served: Served, looks, name, look):
    path, heading = PAGES[name]
    with visit_in(looks[look], served.url + path) as page:
        settled(page, heading)
        top = page.get_by_role("heading", level=1).bounding_box()["y"]
        assert top <= 80
        assert page.get_by_role("heading", level=1).count() == 1
        assert fits(page)
        assert page.get_by_text("Deploy", exact=True).count() == 0
        assert page.get_by_text("Page not found").count() == 0
        for table in page.get_by_role("table").all():
            assert table.get_attribute("aria-label")
        assert barriers(page) == []
        if look == "light":
            page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            page.wait_for_timeout(400)
            assert fits(page)


def test_a_ranking_by_another_metric_looks_as_good(served: Served, looks):
    with visit_in(looks["light"], f"{served.url}/ranking?workload=rag-4&by=output_tokens_per_s") as page:
        settled(page, PAGES["ranking"][1])
        shoot(page, "ranking-by-speed")
    emissions = f"{served.url}/ranking?workload=rag-4&by=operational_gco2e_per_output_mtok"
    with visit_in(looks["dark"], emissions) as page:
        settled(page, PAGES["ranking"][1])
        expect(page.get_by_text("not for sure", exact=False).first).to_be_visible()
        shoot(page, "ranking-by-emissions-dark")


def pick(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=False).click()


def asked_for(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_the_address_of_a_view_restores_it_in_a_browser_that_was_never_here(served: Served, looks, browser):
    with visit_in(looks["light"], f"{served.url}/ranking") as page:
        settled(page, PAGES["ranking"][1])
        pick(page, "Workload", "rag-4")
        pick(page, "Rank by", "Energy")
        page.wait_for_url("**/*by=j_per_output_token*")
        settled(page, PAGES["ranking"][1])
        address = page.url
    chosen = {"workload": ["rag-4"], "by": ["j_per_output_token"], "grades": ["ab"]}
    assert chosen.items() <= parse_qs(urlsplit(address).query).items()
    with visit(browser, address) as page:
        settled(page, PAGES["ranking"][1])
        expect(page.get_by_text("4 requests in flight")).to_be_visible()
        expect(page.get_by_role("columnheader", name="Energy")).to_have_class("mt-right mt-by")
        assert page.url == address


def test_choices_outlive_a_visit_to_the_other_page(served: Served, looks):
    with visit_in(looks["light"], f"{served.url}/ranking") as page:
        settled(page, PAGES["ranking"][1])
        pick(page, "Workload", "rag-4")
        expect(page.get_by_text("4 requests in flight")).to_be_visible()
        page.get_by_role("link", name="Runs", exact=True).click()
        settled(page, PAGES["runs"][1])
        page.wait_for_url("**/runs?*trial=*")
        assert set(asked_for(page)) == {"run", "trial"}
        page.get_by_role("link", name="Ranking", exact=True).click()
        settled(page, PAGES["ranking"][1])
        expect(page.get_by_text("4 requests in flight")).to_be_visible()
        page.wait_for_url("**/ranking?*workload=rag-4*")
        for _ in range(2):
            # the bare address is a step, and that with all choices is one
            if urlsplit(page.url).path == "/ranking":
                settled(page, PAGES["ranking"][1])
                page.go_back()
        settled(page, PAGES["runs"][1])


def test_back_undoes_a_choice(served: Served, looks):
    with visit_in(looks["light"], f"{served.url}/ranking?workload=chat-1&by=ttft_p50_s&grades=any") as page:
        settled(page, PAGES["ranking"][1])
        pick(page, "Workload", "rag-4")
        expect(page.get_by_text("4 requests in flight")).to_be_visible()
        page.go_back()
        expect(page.get_by_text("One request at a time")).to_be_visible()
        chosen = {"workload": ["chat-1"], "by": ["ttft_p50_s"], "grades": ["any"]}
        assert chosen.items() <= asked_for(page).items()


def test_a_run_and_a_trial_are_restored_from_their_address_and_from_the_one_of_before(served: Served, browser):
    trial = "synthetic-2026-11-01.together-llama-70b.chat-1.1"
    with visit(browser, f"{served.url}/run?run=synthetic-2026-11-01&trial={trial}") as page:
        page.wait_for_url("**/runs?*")
        settled(page, PAGES["runs"][1])
        expect(page.get_by_role("combobox", name="Trial")).to_have_value("together-llama-70b \N{MIDDLE DOT} chat-1")
        shoot(page, "run-with-failures")


def test_a_view_of_emissions_is_restored_from_its_address(served: Served, looks, browser):
    with visit_in(looks["light"], f"{served.url}/carbon?workload=rag-4") as page:
        settled(page, PAGES["carbon"][1])
        pick(page, "Count", "per answered request")
        pick(page, "Operational by", "Market")
        page.wait_for_url("**/*convention=market*")
        address = page.url
    with visit(browser, address) as page:
        settled(page, PAGES["carbon"][1])
        expect(page.get_by_role("columnheader", name="Operational by market")).to_have_class("mt-right mt-by")
        expect(page.get_by_role("columnheader", name="Total mgCO2e/request")).to_be_visible()
        assert page.url == address


def test_a_new_snapshot_is_shown_without_a_reload(served: Served, looks):
    with visit_in(looks["light"], f"{served.url}/ranking") as page:
        settled(page, PAGES["ranking"][1])
        expect(page.get_by_role("cell", name="newcomer")).to_have_count(0)
        add_night(served, "newcomer")
        expect(page.get_by_role("cell", name="newcomer").first).to_be_visible(timeout=LIMIT_MS)


def test_a_snapshot_deleted_under_the_page_is_one_sentence_and_the_next_one_heals_it(served: Served, looks):
    with visit_in(looks["light"], f"{served.url}/ranking") as page:
        settled(page, PAGES["ranking"][1])
        for snapshot in snapshots(served.data_dir):
            snapshot.unlink()
        try:
            expect(page.get_by_text("was deleted and no other is left")).to_be_visible(timeout=LIMIT_MS)
            shoot(page, "snapshot-deleted")
            page.get_by_role("link", name="Runs", exact=True).click()
            expect(page.get_by_role("heading", name="There is no snapshot to show")).to_be_visible(timeout=LIMIT_MS)
        finally:
            publish(served.data_dir)
        settled(page, PAGES["runs"][1])


def add_night(served: Served, target: str) -> None:
    """One more night with a target that was not there before."""
    at = datetime.now(UTC).replace(microsecond=0)
    run_id = f"night-{target}"
    trial_id = f"{run_id}.{target}.chat-1.1"
    named = {"run_id": run_id, "target_id": target, "workload_id": "chat-1"}
    rows = [
        run_row(run_id=run_id, started_at=at, config_name="synthetic"),
        planned_row(**named),
        trial_row(trial_id=trial_id, started_at=at, ended_at=at, **named),
        *(attempt_row(seq, trial_id=trial_id, start_s=2.0 * seq) for seq in range(4)),
    ]
    land(served.data_dir, batch_id=run_id, host_id="host", rows=rows, landed_at=at)
    load(served.data_dir)
    publish(served.data_dir)
