"""Badges: figures of the leaderboard in files that any README can show."""

import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

import pytest

from tests.ui.test_pages import EVIL
from ui import report
from ui.badges import badge_svg, badges, file_name, text_width_px
from ui.report_figures import read_report
from warehouse.decision import Rules, published_boards
from warehouse.errors import WarehouseError
from warehouse.metrics import format_value, metric

SVG = "{http://www.w3.org/2000/svg}"
MONTH = timedelta(days=28)


@pytest.fixture(scope="module")
def read(one_night):
    return read_report(one_night, workload_id="chat-1", window=MONTH, level=None)


def test_every_target_has_a_badge_of_cost_speed_and_carbon_as_the_leaderboard_has_them(one_night, read):
    drawn = badges(read)
    for kind, by in {
        "cost": "usd_per_output_mtok",
        "speed": "output_tokens_per_s",
        "carbon": "operational_gco2e_per_output_mtok",
    }.items():
        (board,) = [b for b in published_boards(one_night, Rules(by=by)) if b.workload_id == "chat-1"]
        ranked = sum(place.band.place is not None for place in board.places)
        for place in board.places:
            root = ET.fromstring(drawn[f"chat-1/{place.target_id}-{kind}.svg"])
            label, message = [text.text for text in root.iter(f"{SVG}text")]
            assert label == place.target_id
            value = place.row[metric(by).column] if place.band.place is None else place.band.figure
            of = metric(by)
            figure = f"{kind} unknown" if value is None else f"{format_value(of, value)} {of.shown_unit}"
            ends = sorted({place.band.rank_low, place.band.rank_high} - {None}) or [place.band.place]
            between = "\N{EN DASH}".join(str(end) for end in ends)
            where = "not ranked" if place.band.place is None else f"place {between} of {ranked}"
            assert message == f"{figure} | {where}"
            assert root.get("role") == "img"
            assert root.get("aria-label") == root.find(f"{SVG}title").text
            if place.band.place is None:
                assert place.band.reason in root.get("aria-label")
    assert len(drawn) == 3 * len(board.places)


def test_one_target_can_be_chosen_and_a_name_that_is_none_is_told_so(read):
    assert set(badges(read, target_id="openai-mini")) == {
        f"chat-1/openai-mini-{kind}.svg" for kind in ("cost", "speed", "carbon")
    }
    with pytest.raises(WarehouseError, match="--target openai has no figures; there are groq-llama-70b"):
        badges(read, target_id="openai")


def test_files_are_whole_readable_by_all_and_the_same_each_time(one_night, tmp_path):
    asked = [f"--data={one_night}", "--days=28", "--target=openai-mini", "--workload=chat-1"]
    for folder in ("one", "two"):
        assert report.main([*asked, f"--badges={tmp_path / folder}"]) == 0
    one, two = ({p.name: p.read_text() for p in Path(tmp_path / name, "chat-1").iterdir()} for name in ("one", "two"))
    assert one == two
    assert len(one) == 3
    assert all(p.stat().st_mode & 0o777 == 0o644 for p in (tmp_path / "one/chat-1").iterdir())


def test_names_with_markup_or_control_characters_are_text_and_long_ones_are_shortened():
    drawn = badge_svg(f"\x00{EVIL}", "1 <b>", colour="#00705A", title=EVIL)
    root = ET.fromstring(drawn)
    label, message = [text.text for text in root.iter(f"{SVG}text")]
    assert (len(label), label[-1]) == (40, "\N{HORIZONTAL ELLIPSIS}")
    assert message == "1 <b>"
    assert root.find(f"{SVG}title").text == EVIL
    assert {node.tag for node in root.iter()} == {
        f"{SVG}{name}" for name in ("svg", "title", "rect", "path", "g", "text")
    }


def test_texts_lie_within_their_fields():
    root = ET.fromstring(badge_svg("WWW", "iii", colour="#000", title="t"))
    left, right = root.iter(f"{SVG}text")
    split = int(root.find(f"{SVG}path").get("d").split()[0].removeprefix("M"))
    assert int(left.get("x")) + int(left.get("textLength")) < split < int(right.get("x"))
    assert int(right.get("x")) + int(right.get("textLength")) < int(root.get("width"))
    assert text_width_px("WWW") > text_width_px("aaa") > text_width_px("iii")


def test_two_names_never_share_a_file():
    names = ["a/b", "a_b", "a:b", ".a", "a", "", "..", "x" * 90, "x" * 91]
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all("/" not in name and not name.startswith(".") and len(name) < 100 for name in files)
