"""`megatoken grid`: hours from a file and from a provider, into accounts; what is known is not stored twice."""

import contextlib
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from flows.cli import main
from flows.config import check_table
from flows.errors import ConfigError
from flows.grid import fetch, fetch_for_night
from flows.gridprovider import GridProvider
from flows.site import Site
from tests.probes.grid.provider import provider
from tests.warehouse.snapshots import run_query

NOW = datetime(2026, 11, 3, 5, 30, tzinfo=UTC)
SITE = {
    "zone": "DEU",
    "pue": 1.2,
    "electricity_usd_per_kwh": 0.3,
    "hardware": {
        "price_usd": 1000, "lifetime_years": 4, "utilisation_share": 0.5, "embodied_kgco2e": 300, "share": 1.0,
    },
}  # fmt: skip
SECRET = "sEcReT-key-123"


def grid(data, *arguments):
    """`megatoken grid` in this process: exit code, output, errors."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["grid", "--data", str(data), *arguments])
    return code, out.getvalue(), err.getvalue()


def site(**asked):
    return check_table(Site, {**SITE, "grid_provider": asked}, name="test")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("grid") / "data"


def test_a_file_is_imported_once_and_a_figure_that_changed_is_a_later_row(data, tmp_path):
    path = tmp_path / "hours.csv"
    rows = ["hour_at,gco2e_per_kwh", "2026-11-01T00:00Z,310", "2026-11-01T01:00Z,300", "2026-11-01T03:00Z,280"]
    path.write_text("\n".join(rows))
    code, said, _ = grid(data, "import", str(path), "--zone", "FRA")
    assert code == 0
    assert "FRA, average, from hours.csv: 2026-11-01 00:00 to 2026-11-01 03:00 UTC" in said
    assert "3 hours new or revised, 0 known already" in said
    path.write_text("\n".join([*rows[:-1], "2026-11-01T03:00Z,285"]))
    _, said, _ = grid(data, "import", str(path), "--zone", "FRA")
    assert "1 hour new or revised, 2 known already" in said
    _, listed, _ = grid(data, "--json")
    (row,) = json.loads(listed)
    assert (row["zone"], row["hours"], row["missing_hours"], row["revisions"]) == ("FRA", 3, 1, 1)
    _, found = run_query(data, "SELECT gco2e_per_kwh FROM grid_hours_latest WHERE zone = 'FRA' ORDER BY hour_at")
    assert [value for (value,) in found] == [310.0, 300.0, 285.0]


def test_what_there_is_is_listed_for_people(data):
    code, said, _ = grid(data)
    assert code == 0
    (row,) = (line.split() for line in said.splitlines() if line.startswith("FRA"))
    # the figure of 280 was replaced, but its row is there
    assert row[1:9] == ["average", "2026-11-01", "00:00", "2026-11-01", "03:00", "3", "1", "280-310"]


def test_a_bad_file_changes_nothing_and_is_one_sentence(data, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("hour_at,gco2e_per_kwh\n2026-11-01T00:00Z,1\nsoon,2\n")
    code, _, said = grid(data, "import", str(path), "--zone", "ESP")
    assert code == 2
    assert "bad.csv, line 3: 'soon' is not an instant" in said
    _, found = run_query(data, "SELECT count(*) FROM grid_hours WHERE zone = 'ESP'")
    assert found == [(0,)]


def electricity_maps(asked):
    """Hours as asked for, each with the figure of its hour of the day, and 100 more after a revision."""
    start, end = (datetime.fromisoformat(asked.query[name]) for name in ("start", "end"))
    hours = int((end - start) / timedelta(hours=1))
    rows = [start + n * timedelta(hours=1) for n in range(hours)]
    return {"data": [{"zone": "DE", "datetime": at.isoformat(), "carbonIntensity": at.hour} for at in rows]}


def test_a_fetch_lands_what_is_new_and_begins_again_where_figures_may_have_been_revised(data, monkeypatch):
    monkeypatch.setenv("GRID_KEY", SECRET)
    with provider() as playing:
        playing.answers["/v3/carbon-intensity/past-range"] = electricity_maps
        asked = site(name="electricity-maps", zone="DE", key_env="GRID_KEY", base_url=playing.base_url)
        first = fetch(data, asked, first=None, last=None, now=NOW)
        # two days before the hour that runs
        assert playing.asked[-1].query["start"] == "2026-11-01T05:00Z"
        assert (first.landed, first.unchanged) == (48, 0)
        assert (first.zone, first.source) == ("DEU", "Electricity Maps v3, life cycle, zone DE")
        later = fetch(data, asked, first=None, last=None, now=NOW + timedelta(hours=2))
        assert playing.asked[-1].query["start"] == "2026-11-02T04:00Z"
        assert (later.landed, later.unchanged) == (2, 25)
        whole = fetch(data, asked, first=date(2026, 10, 30), last=date(2026, 10, 30), now=NOW)
        assert playing.asked[-1].query["start"] == "2026-10-30T00:00Z"
        assert playing.asked[-1].query["end"] == "2026-10-31T00:00Z"
        assert whole.landed == 24
    landed = [path.read_bytes() for path in data.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in landed)


def test_a_night_fetches_only_if_its_site_asks_for_it_and_a_provider_that_fails_is_a_remark(data):
    assert fetch_for_night(data, None, now=NOW) == []
    assert fetch_for_night(data, check_table(Site, SITE, name="test"), now=NOW) == []
    with provider() as playing:
        asked = site(name="uk-carbon-intensity", base_url=playing.base_url)
        (said,) = fetch_for_night(data, asked, now=NOW)
        assert said.startswith("hours of the grid were not fetched: uk-carbon-intensity answered 404")
        playing.answers[playing.asked[0].path] = {"data": []}
        (said,) = fetch_for_night(data, asked, now=NOW)
        assert said == "0 hours of grid DEU fetched from NESO Carbon Intensity API, actual, generation only"


@pytest.mark.parametrize(
    ("asked", "days", "sentence"),
    [
        (None, {}, r"add \[site.grid_provider\]"),
        ({"name": "electricity-maps", "zone": "DE", "key_env": "NO_SUCH_KEY"}, {}, "NO_SUCH_KEY is not set"),
        ({"name": "uk-carbon-intensity"}, {"first": date(2026, 11, 9)}, "--from 2026-11-09 must be before --to"),
        (
            {"name": "uk-carbon-intensity"},
            {"first": date(2026, 11, 2), "last": date(2026, 11, 1)},
            "must be before --to",
        ),
    ],
)
def test_a_fetch_that_cannot_be_is_a_sentence_and_asks_nobody(data, asked, days, sentence):
    where = check_table(Site, {**SITE, **({"grid_provider": asked} if asked else {})}, name="test")
    with pytest.raises(ConfigError, match=sentence):
        fetch(data, where, first=days.get("first"), last=days.get("last"), now=NOW)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"name": "watttime", "zone": "X"}, "watttime needs user_env and key_env"),
        ({"name": "uk-carbon-intensity", "zone": "GB"}, "uk-carbon-intensity takes no zone; leave it out"),
        (
            {"name": "electricity-maps", "zone": "DE", "key_env": "sk-1234-not-a-name"},
            "key_env must be the NAME of an environment variable",
        ),
        (
            {"name": "electricity-maps", "zone": "DE", "key_env": "K", "base_url": "http://example.com"},
            "base_url must be an https:// address, or http:// of this machine",
        ),
        (
            {"name": "electricity-maps", "zone": "DE", "key_env": "K", "base_url": "https://a:b@example.com"},
            "base_url must hold no user name or password",
        ),
    ],
)
def test_a_provider_that_is_not_whole_is_refused_and_a_key_in_its_table_is_not_repeated(table, sentence):
    with pytest.raises(ConfigError, match=sentence) as caught:
        check_table(GridProvider, table, name="test")
    assert "sk-1234" not in str(caught.value)
