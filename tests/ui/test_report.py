"""The report as a file: the figures of the leaderboard, and nothing in it that asks anybody for anything."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flows.cli import main as megatoken
from tests.ui.conftest import SHOTS
from tests.ui.test_pages import EVIL, published
from tests.ui.test_ranking import row
from tests.warehouse.builders import attempt_row, planned_row, run_row, trial_row
from ui import report
from ui.overview import questions
from ui.ranking import Entry
from ui.report_charts import places_chart, provider_css, values_chart
from ui.report_figures import read_report
from ui.report_page import html_of
from warehouse.decision import Rules, published_boards
from warehouse.errors import WarehouseError
from warehouse.metrics import format_value, metric
from warehouse.rank_bands import RankBand
from warehouse.service_level import parse_limits

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=28)
ASKS = {"src", "srcset", "href", "xlink:href", "action", "formaction", "poster", "data", "background", "ping", "cite"}
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Read(HTMLParser):
    """What a browser would make of a file: its tags in pairs, its texts, and whatever could lead out of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ways: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.blocks: dict[str, str] = {}
        self.policy = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.ways += [value for name, value in attrs if name in ASKS]
        self.ids += [value for name, value in attrs if name == "id"]
        assert not [name for name, _ in attrs if name.startswith("on")]
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style", "script"):
            self.blocks[self.open[-1]] = data
        else:
            self.texts.append(data)


@pytest.fixture(scope="module")
def written(one_night) -> str:
    """The report of a small night."""
    return html_of(read_report(one_night, workload_id=None, window=MONTH), now=NOW, version="0.0")


def test_a_report_is_one_well_formed_page_from_which_no_way_leads_out(written):
    page = Read(written)
    assert page.ways  # ways to its own sections
    assert all(way.startswith("#") and way[1:] in page.ids for way in page.ways)
    assert len(page.ids) == len(set(page.ids))
    assert not page.tags & {"link", "img", "iframe", "object", "embed", "base", "form", "video", "audio", "use"}
    assert not re.search(r"@import|url\(|https?:|fetch|XMLHttp|import\(", page.blocks["style"] + page.blocks["script"])


def test_the_policy_of_a_report_admits_its_own_style_and_script_and_nothing_else(written):
    page = Read(written)
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    assert rules["default-src"] == "'none'"
    for block, rule in (("style", "style-src"), ("script", "script-src")):
        digest = base64.b64encode(hashlib.sha256(page.blocks[block].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert set(rules) == {
        "default-src", "style-src", "style-src-attr", "script-src", "base-uri", "form-action",
    }  # fmt: skip


def test_a_report_says_of_every_target_what_the_leaderboard_says(one_night):
    limits = parse_limits("ttft=500ms,success=0.5")
    found = read_report(one_night, workload_id=None, window=MONTH, level=limits)
    texts = Read(html_of(found, now=NOW, version="0.0")).texts
    said = set(texts)
    for question in questions("p50"):
        boards = published_boards(one_night, Rules(by=question.by.id, limits=limits, window=MONTH))
        assert [board.workload_id for board in boards] == [one.workload_id for one in found.workloads]
        for board, one in zip(boards, found.workloads, strict=True):
            entries = one.answers[question.key]
            assert [entry.target_id for entry in entries] == [place.target_id for place in board.places]
            assert [entry.band for entry in entries] == [place.band for place in board.places]
            for place, entry in zip(board.places, entries, strict=True):
                assert place.target_id in said
                assert format_value(question.by, entry.value) in said
                if place.band.place is not None:
                    assert entry.value == place.band.figure
                else:
                    assert any(place.band.reason in text for text in texts)


def test_a_report_holds_emissions_prices_failures_the_night_and_its_method(written):
    text = " ".join(Read(written).texts)
    for expected in (
        "Workload chat-1", "Workload rag-4", "Cheapest", "Cleanest", "One request at a time", "ttft=1s",
        "no weights at missing.gguf", "MISTRAL_API_KEY is not set", "by location", "SCI", "known on 2026-11-03",
        "invented", "14 of 18 trials done", "energy-x-pue-x-grid-intensity-yearly",
        "Time to first token, median of successful attempts, seconds.", "What these figures do not know",
    ):  # fmt: skip
        assert expected in text, expected


def test_the_same_snapshot_at_the_same_time_is_the_same_file(one_night, written):
    again = html_of(read_report(one_night, workload_id=None, window=MONTH), now=NOW, version="0.0")
    assert again == written


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> Path:
    """One workload, of one target, in whose names there is markup, and another one under which all failed."""
    trial = trial_row(provider=EVIL, model=EVIL, weights_note=EVIL, target_id=EVIL, workload_id=EVIL)
    attempts = [attempt_row(seq, start_s=2.0 * seq) for seq in range(3)]
    planned = [
        planned_row(target_id=EVIL, workload_id=EVIL),
        planned_row(target_id="other", workload_id=EVIL, skip_reason=EVIL),
        planned_row(skip_reason="KEY is not set"),
        planned_row(target_id="beta"),
    ]
    return published(tmp_path_factory.mktemp("odd"), [run_row(config_name=EVIL), *planned, trial, *attempts])


def test_names_with_markup_are_text_in_a_report(odd):
    page = Read(html_of(read_report(odd, workload_id=EVIL, window=MONTH), now=NOW, version="0"))
    assert EVIL in page.texts
    assert "alert(" not in page.blocks["script"]


def test_where_everything_failed_a_report_lists_who_and_why(odd):
    page = Read(html_of(read_report(odd, workload_id="chat", window=MONTH), now=NOW, version="0"))
    assert {"No target has a known value for cost", "KEY is not set", "beta", "waiting"} <= set(page.texts)
    assert not any(text.endswith("..") for text in page.texts)


def test_what_cannot_be_reported_is_said_in_one_sentence(tmp_path, one_night, capsys):
    with pytest.raises(WarehouseError, match="nothing has been published"):
        read_report(tmp_path, workload_id=None, window=MONTH)
    with pytest.raises(WarehouseError, match="--workload chat has not been measured; there are chat-1, rag-4"):
        read_report(one_night, workload_id="chat", window=MONTH)
    empty = published(tmp_path / "empty", [run_row()])
    assert report.main([f"--data={empty}", "--days=28", f"--html={tmp_path}/r.html"]) == 2
    assert report.main([f"--data={one_night}", "--days=28", "--slo=fast", f"--html={tmp_path}/r.html"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert "holds no night yet" in said[0]
    assert "service level 'fast' is none" in said[1]
    assert not (tmp_path / "r.html").exists()
    assert megatoken(["report", "--days", "0"]) == 2
    assert megatoken(["report", "--target", "alpha"]) == 2
    assert "--days 0 must be above 0" in (said := capsys.readouterr().err)
    assert "give --badges DIR too" in said


def test_a_file_that_cannot_be_written_is_named_and_no_draft_of_it_stays(one_night, tmp_path, capsys):
    place = tmp_path / "r.html"
    place.mkdir()
    assert report.main([f"--data={one_night}", "--days=28", f"--html={place}"]) == 2
    assert capsys.readouterr().err == f"megatoken: {place} cannot be written (Is a directory)\n"
    assert list(tmp_path.iterdir()) == [place]


COST = metric("usd_per_output_mtok")


def entry(target_id: str, place: int | None, value: float | None, low: float | None, high: float | None) -> Entry:
    band = RankBand(target_id=target_id, place=place, rank_low=place, rank_high=place, reason=None if place else "few")
    return Entry(
        rank=place, target_id=target_id, row=row(target_id, place, value), value=value, low=low, high=high, band=band
    )


def test_marks_stand_where_their_figures_are_on_a_linear_and_on_a_log_axis():
    drawn = values_chart([entry("a", 1, 1.0, 1.0, 10.0), entry("b", None, 100.0, None, None)], COST, ["acme"], name="c")
    assert re.findall(r'<circle cx="([\d.]+)%"', drawn) == ["3.94", "97.00", "3.00", "97.00"]
    assert re.findall(r'class="rp-whisker" x1="([\d.]+)%" x2="([\d.]+)%"', drawn) == [
        ("3.94", "12.40"),
        ("3.00", "50.00"),
    ]
    assert re.search(r'class="rp-log"[^>]* checked', drawn)  # a span of 100 is drawn on a log axis unless asked
    assert drawn.count("rp-hollow") == 2
    assert "b: 100 USD/Mtok; not ranked: few" in drawn


def test_a_chart_without_figures_is_none_and_one_with_zeros_has_no_log_axis():
    assert values_chart([entry("a", None, None, None, None)], COST, ["acme"], name="c") == ""
    zero = values_chart([entry("a", 1, 0.0, None, None), entry("b", 2, 0.4, None, None)], COST, ["acme"], name="c")
    assert 'class="rp-log"' not in zero
    assert re.findall(r'<circle cx="([\d.]+)%"', zero) == ["3.00", "97.00"]
    asked = questions("p50")
    assert places_chart({question.key: [entry("a", None, 1.0, None, None)] for question in asked}, asked, ["a"]) == ""


def test_a_line_spans_the_places_that_nights_leave_open():
    asked = questions("p50")[:1]
    first = entry("a", 1, 1.0, None, None)
    found = [replace(first, band=replace(first.band, rank_high=3)), entry("b", 3, 2.0, None, None)]
    drawn = places_chart({asked[0].key: found}, asked, ["a", "b"])
    assert 'class="rp-band" x1="3.00%" x2="97.00%"' in drawn
    assert "a: cheapest, place 1\N{EN DASH}3, 1.00 USD/Mtok" in drawn


def test_a_provider_has_one_colour_on_each_ground():
    light, dark = provider_css(["acme", "groq"]).split("@media")
    assert light.count(".rp-p") == dark.count(".rp-p") == 2
    assert light.split("--rp:")[1][:7] != dark.split("--rp:")[1][:7]


@pytest.mark.browser
def test_a_report_opens_from_a_disk_asks_nobody_and_can_be_sorted(one_night, browser, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    place = tmp_path / "report.html"
    assert report.main([f"--data={one_night}", "--days=28", f"--html={place}"]) == 0
    SHOTS.mkdir(exist_ok=True)
    for look, width, scheme in (("light", 1440, "light"), ("dark", 1440, "dark"), ("phone", 390, "light")):
        with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
            page = context.new_page()
            asked: list[str] = []
            said: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.goto(place.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            shown = {"x": 0, "y": 0, "width": width, "height": 3600}
            page.screenshot(path=SHOTS / f"report-{look}.png", full_page=True, clip=shown)
            if look == "light":
                _sort(page)
                assert Axe().run(page).response["violations"] == []
                _print(page)
            assert asked == [place.as_uri()]
            assert said == []


def _print(page) -> None:
    """On a sheet of A4, which is narrow, tables stay tables and nothing is cut off."""
    page.set_viewport_size({"width": 688, "height": 900})
    page.emulate_media(media="print")
    assert (
        page.locator("table").first.evaluate("table => getComputedStyle(table.tHead).display") == "table-header-group"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def _sort(page) -> None:
    """By cost downwards and upwards, unknown last both times; then another axis."""
    table = page.get_by_role("table", name="Four questions, chat-1")
    cost = table.get_by_role("columnheader", name="Cost")
    figures = "rows => rows.map(row => row.cells[1].querySelector('.mt-main').textContent)"
    for direction, turned in (("ascending", False), ("descending", True)):
        cost.get_by_role("button").click()
        assert cost.get_attribute("aria-sort") == direction
        shown = table.locator("tbody tr").evaluate_all(figures)
        known = [float(text) for text in shown if text != "unknown"]
        assert known == sorted(known, reverse=turned)
        assert shown[len(known) :] == ["unknown"] * (len(shown) - len(known))
        assert 1 < len(known) < len(shown)
    chart = page.locator(".rp-values").first
    chart.get_by_text("log", exact=True).click()
    assert chart.locator(".rp-draw-log").is_visible()
    assert not chart.locator(".rp-draw-lin").is_visible()
