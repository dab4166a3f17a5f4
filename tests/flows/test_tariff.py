"""A tariff by the hour: read from a file, weighted over the window of a trial, flat where the file says nothing."""

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from flows.config import LocalTarget, Site, Timeouts, Workload, check_table, load_config
from flows.errors import ConfigError
from flows.facts import site_facts
from flows.plan import quote_usd
from flows.prepare import NightRequest, land_plan, plan_night
from flows.tariff import TariffHour, hours_ahead, over_window, read_tariff, tariff_of
from flows.track import JobEnd, JobSpec, job_folder, job_rows, write_end
from tests.warehouse.builders import fact_row
from warehouse.accounting.hourly import Window
from warehouse.loader import load
from warehouse.publish import publish
from warehouse.query import open_published
from warehouse.rows import FactRow

HOUR_S = 3600
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
FLAT = fact_row("electricity_usd_per_kwh", 0.3, low=0.2, high=0.4, source="declared in the config")


def week(path, usd=lambda hour: 0.10 if hour % 24 < 6 else 0.40):
    path.write_text("hour_of_week,usd_per_kwh\n" + "".join(f"{hour},{usd(hour)}\n" for hour in range(168)))
    return path


def window(start: datetime, hours: float) -> Window:
    """On a clock that began a day before 1970."""
    start_ns = round(start.timestamp() * 1e9)
    offset_ns = -86_400 * 10**9
    return Window(
        start_ns=start_ns - offset_ns, end_ns=start_ns - offset_ns + round(hours * 3.6e12), clock_offset_ns=offset_ns
    )


def test_hours_of_a_week_are_those_of_their_time_zone(tmp_path):
    tariff = read_tariff(week(tmp_path / "t.csv"), timezone_name="Europe/Paris")
    # 05:30 UTC on a Monday in winter is 06:30 in Paris
    ahead = {each.hour: each.usd_per_kwh for each in hours_ahead(tariff, MONDAY)}
    first = int(MONDAY.timestamp() // HOUR_S)
    assert [ahead[first + hour] for hour in (0, 4, 5, 22, 23)] == [0.10, 0.10, 0.40, 0.40, 0.10]
    assert len(ahead) == 168
    assert tariff.mean_usd_per_kwh == pytest.approx((6 * 0.10 + 18 * 0.40) / 24)
    assert tariff.dearest_usd_per_kwh == 0.40


def test_an_hour_that_two_local_hours_share_has_the_tariff_of_both(tmp_path):
    tariff = read_tariff(week(tmp_path / "t.csv"), timezone_name="Asia/Kolkata")
    first = int(MONDAY.timestamp() // HOUR_S)
    # 00:00 UTC is 05:30 there: half an hour at night, half by day; and 18:00 UTC is 23:30
    assert [tariff.at(first + hour) for hour in (0, 1, 17, 18, 19)] == pytest.approx([0.25, 0.4, 0.4, 0.25, 0.1])


def test_dated_hours_are_read_with_their_offset_and_others_are_not_known(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("hour_at,usd_per_kwh\n2026-11-23T01:00+01:00,0.1\n2026-11-23T01:00Z,-0\n")
    tariff = read_tariff(path, timezone_name=None)
    first = int(MONDAY.timestamp() // HOUR_S)
    assert hours_ahead(tariff, MONDAY) == [
        TariffHour(hour=first, usd_per_kwh=0.1),
        TariffHour(hour=first + 1, usd_per_kwh=0.0),
    ]


def test_a_window_has_the_tariff_of_its_hours_weighted_by_time():
    first = int(MONDAY.timestamp() // HOUR_S)
    hours = [TariffHour(hour=first, usd_per_kwh=0.1), TariffHour(hour=first + 1, usd_per_kwh=0.4)]
    half_past = MONDAY.replace(minute=30)
    (fact,) = over_window([FLAT], hours, "t.csv", window(half_past, 1.25))
    # 30 minutes at 0.1 and 45 minutes at 0.4
    assert fact.central == pytest.approx((30 * 0.1 + 45 * 0.4) / 75)
    assert (fact.low, fact.high, fact.basis) == (None, None, "declared")
    assert fact.source == "t.csv: 2 hours, weighted by time, from 2026-11-23T00:00Z"
    assert fact.valid_from == "2026-11-23T00:00Z"


def test_hours_that_the_file_lacks_are_at_the_flat_tariff_with_its_range():
    first = int(MONDAY.timestamp() // HOUR_S)
    hours = [TariffHour(hour=first, usd_per_kwh=0.1)]
    (fact,) = over_window([FLAT], hours, "t.csv", window(MONDAY, 2))
    assert (fact.low, fact.central, fact.high) == pytest.approx((0.15, 0.2, 0.25))
    assert fact.source.endswith("; 1 of them not in it, at the flat tariff (declared in the config)")
    other = fact_row("pue", 1.2)
    assert over_window([FLAT, other], hours, "t.csv", window(MONDAY.replace(hour=5), 1)) == [FLAT, other]
    assert over_window([FLAT], hours, "t.csv", None) == [FLAT]
    unknown_clock = dataclasses.replace(window(MONDAY, 1), clock_offset_ns=None)
    assert over_window([FLAT], hours, "t.csv", unknown_clock) == [FLAT]


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("a,b\n1,2\n", None, "has the columns a, b; give hour_of_week,usd_per_kwh or"),
        (
            "hour_of_week,usd_per_kwh\n0,1\n",
            "UTC",
            "has 1 of the 168 hours of a week; hour 1 is the first that it lacks",
        ),
        ("hour_of_week,usd_per_kwh\n0,1\n", None, "say in which time zone, as tariff_timezone"),
        ("hour_of_week,usd_per_kwh\n168,1\n", "UTC", r"line 2 hour_of_week = '168'; give 0 \(Monday 00:00\) to 167"),
        ("hour_of_week,usd_per_kwh\n0,1\n0,1\n", "UTC", "line 3 repeats 0"),
        ("hour_of_week,usd_per_kwh\n0,cheap\n", "UTC", "line 2 usd_per_kwh = 'cheap'; give US dollars per kWh"),
        ("hour_of_week,usd_per_kwh\n0\n", "UTC", "line 2 has not two cells"),
        ("hour_at,usd_per_kwh\n2026-11-23T02:00,1\n", None, "give the start of an hour with its offset"),
        ("hour_at,usd_per_kwh\n2026-11-23T02:30Z,1\n", None, "give the start of an hour with its offset"),
        ("hour_at,usd_per_kwh\n", None, "has no hour"),
        ("hour_at,usd_per_kwh\n", "UTC", "dated hours, whose cells say their offset; leave tariff_timezone out"),
    ],
)
def test_a_mistake_in_the_file_names_its_line(tmp_path, text, zone, said):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_tariff(path, timezone_name=zone)


CONFIG = """
[night]
name = "t"
max_usd = 1.0
[site]
zone = "FRA"
pue = 1.0
electricity_usd_per_kwh = 0.3
TARIFF
[site.hardware]
price_usd = 0
lifetime_years = 4
utilisation_share = 1
share = 1.0
[[targets]]
kind = "local"
id = "a"
engine = "llama.cpp"
model = "m"
device = "cpu"
threads = 1
slots = 1
[[workloads]]
id = "w"
arrivals = "closed"
concurrency = 1
requests = 3
prompt_tokens = 10
output_tokens = 10
"""
NAMED = 'tariff_file = "t.csv"\ntariff_timezone = "UTC"'


def test_a_config_names_its_file_which_lies_beside_it_and_its_mistakes_stop_the_night(tmp_path):
    week(tmp_path / "t.csv")
    path = tmp_path / "night.toml"
    path.write_text(CONFIG.replace("TARIFF", NAMED))
    site = load_config(path).config.site
    assert tariff_of(site).name == "t.csv"
    facts = {fact.quantity: fact for fact in site_facts(site, trial_id="t", at=MONDAY)}
    assert facts["electricity_usd_per_kwh"].central == 0.3
    assert facts["electricity_mean_usd_per_kwh"].central == pytest.approx(0.325)
    assert facts["electricity_mean_usd_per_kwh"].source == "t.csv: mean of 168 hours"
    for given, said in (
        ('tariff_file = "gone.csv"', r"night\.toml: \[site\] tariff file .*gone\.csv cannot be read"),
        (NAMED.replace("UTC", "Mars"), "there is no time zone 'Mars'"),
        ('tariff_timezone = "UTC"', "tariff_timezone is of no file"),
        ('tariff_file = "t.csv"', "say in which time zone"),
    ):
        path.write_text(CONFIG.replace("TARIFF", given))
        with pytest.raises(ConfigError, match=said):
            load_config(path)


def test_the_worst_case_is_at_the_dearest_hour(tmp_path):
    week(tmp_path / "t.csv")
    path = tmp_path / "night.toml"
    path.write_text(CONFIG.replace("TARIFF", NAMED))
    config = load_config(path).config
    target, workload = config.targets[0], config.workloads[0]
    assert isinstance(target, LocalTarget)
    assert isinstance(workload, Workload)
    quoted = quote_usd(target, workload, 3, config.site, Timeouts(), [], 1000.0)
    assert quoted == pytest.approx(Timeouts().trial_s / 3600 * 0.40)


def test_a_job_pays_the_tariff_of_the_hours_it_ran_in(tmp_path):
    ran = window(MONDAY, 1)
    first = int(MONDAY.timestamp() // HOUR_S)
    spec = JobSpec(
        job_id="job-1", label="x", program="x", started_at=MONDAY, clock_offset_start_ns=ran.clock_offset_ns,
        functional_unit=None, functional_units=None, facts=(dataclasses.asdict(FLAT),),
        tariff=({"hour": first, "usd_per_kwh": 0.1},), tariff_name="t.csv",
    )  # fmt: skip
    with job_folder(tmp_path, spec) as folder:
        end = JobEnd(
            exit_code=0, ended_at=MONDAY, window_start_ns=ran.start_ns, window_end_ns=ran.end_ns, cpu_s=1.0,
            cpu_busy_s=1.0, peak_rss_bytes=1,
        )  # fmt: skip
        write_end(folder, end)
        (folder / "power.jsonl").touch()
        (fact,) = (row for row in job_rows(folder) if isinstance(row, FactRow))
        assert (fact.central, fact.source) == (0.1, "t.csv: 1 hour from 2026-11-23T00:00Z")
        # a job that an earlier version left behind had no tariff
        older = json.loads((folder / "job.json").read_text())
        del older["tariff"], older["tariff_name"]
        (folder / "job.json").write_text(json.dumps(older))
        (fact,) = (row for row in job_rows(folder) if isinstance(row, FactRow))
        assert fact.central == 0.3


def test_a_site_without_a_file_has_no_tariff_by_the_hour():
    hardware = {"price_usd": 1, "lifetime_years": 1, "utilisation_share": 1, "share": 1}
    place = {"zone": "FRA", "pue": 1.2, "electricity_usd_per_kwh": 0.2, "hardware": hardware}
    site = check_table(Site, place, name="t")
    assert tariff_of(site) is None
    assert hours_ahead(None, MONDAY) == []
    assert "electricity_mean_usd_per_kwh" not in {fact.quantity for fact in site_facts(site, trial_id="t", at=MONDAY)}


def test_a_night_lands_the_hours_ahead_of_the_tariff_that_its_machines_pay(tmp_path):
    week(tmp_path / "t.csv")
    path = tmp_path / "night.toml"
    path.write_text(CONFIG.replace("TARIFF", NAMED))
    request = NightRequest(loaded=load_config(path), data_dir=tmp_path / "data")
    land_plan(request, plan_night(request))
    load(tmp_path / "data")
    publish(tmp_path / "data")
    asked = "SELECT count(*), count(*) FILTER (usd_per_kwh = 0.1), any_value(tariff_name) FROM tariff_hours"
    with open_published(tmp_path / "data") as con:
        assert con.execute(asked).fetchall() == [(168, 42, "t.csv")]
