"""Providers of hourly data, played on this machine by answers built from the examples of their documentation.

The real services were not asked: they want keys, and nothing here reaches a network.
"""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from probes.errors import ProbeError
from probes.grid import electricity_maps, uk, watttime
from tests.probes.grid.provider import provider

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(hours=3)
SECRET = "sEcReT-key-123"


@pytest.fixture
def played():
    with provider() as playing:
        yield playing


def values(hours):
    return [(hour.hour_at.hour, pytest.approx(hour.gco2e_per_kwh)) for hour in hours.hours]


def electricity_maps_row(hour, intensity, zone="DE"):
    at = START + timedelta(hours=hour)
    return {
        "zone": zone,
        "carbonIntensity": intensity,
        "datetime": f"{at:%Y-%m-%dT%H:%M}:00.000Z",
        "updatedAt": "2026-11-02T15:32:21.002Z",
        "createdAt": "2026-11-01T06:20:31.772Z",
        "emissionFactorType": "lifecycle",
        "isEstimated": False,
        "estimationMethod": None,
    }


def ask_electricity_maps(played, start=START, end=END):
    return electricity_maps.fetch(zone="DE", start=start, end=end, key=SECRET, base_url=played.base_url)


def test_electricity_maps_is_asked_by_the_hour_with_the_key_in_a_header(played):
    played.answers["/v3/carbon-intensity/past-range"] = {
        "zone": "DE",
        # the hour that the range ends with is not of it, and what is not known yet is none
        "data": [electricity_maps_row(n, g) for n, g in enumerate((322, 310.5, None, 280))],
    }
    assert values(ask_electricity_maps(played)) == [(0, 322.0), (1, 310.5)]
    (asked,) = played.asked
    assert asked.headers["auth-token"] == SECRET
    assert asked.query == {
        "zone": "DE", "start": "2026-11-01T00:00Z", "end": "2026-11-01T03:00Z", "temporalGranularity": "hourly",
        "emissionFactorType": "lifecycle", "disableCallerLookup": "true",
    }  # fmt: skip


def test_a_long_range_is_asked_for_in_pieces(played):
    played.answers["/v3/carbon-intensity/past-range"] = {"data": []}
    assert ask_electricity_maps(played, end=START + timedelta(days=21)).hours == ()
    assert [asked.query["start"][8:10] for asked in played.asked] == ["01", "11", "21"]
    assert played.asked[-1].query["end"] == "2026-11-22T00:00Z"


def test_an_answer_for_another_zone_than_was_asked_for_is_refused(played):
    played.answers["/v3/carbon-intensity/past-range"] = {"data": [electricity_maps_row(0, 3.9, zone="CA-QC")]}
    with pytest.raises(ProbeError, match=r"entry 0 is of zone 'CA-QC', asked was 'DE'"):
        ask_electricity_maps(played)


def watttime_answers(played, *, minutes=5, pounds=1000.0, units="lbs_co2_per_mwh", hours=1.5):
    played.answers["/login"] = {"token": "t0k3n"}
    played.answers["/v3/historical"] = {
        "data": [
            {"point_time": (START + timedelta(minutes=at)).isoformat(), "value": pounds + at}
            for at in range(0, round(hours * 60), minutes)
        ],
        "meta": {
            "data_point_period_seconds": minutes * 60,
            "region": "CAISO_NORTH",
            "signal_type": "co2_moer",
            "units": units,
            "model": {"date": "2026-03-01"},
        },
    }


def ask_watttime(played):
    return watttime.fetch(
        zone="CAISO_NORTH", start=START, end=END, user="ada", key=SECRET, base_url=played.base_url
    )  # fmt: skip


def test_watttime_logs_in_and_its_pounds_per_mwh_become_grams_per_kwh(played):
    watttime_answers(played)
    found = ask_watttime(played)
    # the mean of 1000, 1005, ... 1055 lb/MWh; 1 lb is 453.59237 g; the half hour after it is none
    assert values(found) == [(0, 1027.5 * 453.59237 / 1000)]
    assert found.left_out == 1
    login, historical = played.asked
    assert login.headers["authorization"] == "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode()
    assert historical.headers["authorization"] == "Bearer t0k3n"
    assert historical.query == {
        "region": "CAISO_NORTH", "start": "2026-11-01T00:00Z", "end": "2026-11-01T03:00Z", "signal_type": "co2_moer",
    }  # fmt: skip


def test_watttime_in_other_units_is_refused(played):
    watttime_answers(played, units="kg_co2_per_mwh")
    with pytest.raises(ProbeError, match="units 'kg_co2_per_mwh'; only lbs_co2_per_mwh is known here"):
        ask_watttime(played)


def half_hours(*actual, start=START):
    times = [start + n * timedelta(minutes=30) for n in range(len(actual) + 1)]
    return {
        "data": [
            {
                "from": f"{times[n]:%Y-%m-%dT%H:%MZ}",
                "to": f"{times[n + 1]:%Y-%m-%dT%H:%MZ}",
                "intensity": {"forecast": 266, "actual": value, "index": "moderate"},
            }
            for n, value in enumerate(actual)
        ]
    }


def test_british_half_hours_become_hours_and_forecasts_are_no_figures(played):
    path = "/intensity/2026-11-01T00:00Z/2026-11-01T03:00Z"
    # it also sends the half hour before the range
    played.answers[path] = half_hours(900, 263, 265, 100, None, 90, 80, start=START - timedelta(minutes=30))
    found = uk.fetch(start=START, end=END, base_url=played.base_url)
    assert values(found) == [(0, 264.0), (2, 85.0)]
    assert found.left_out == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (401, "electricity-maps answered 401: it does not accept the key"),
        (403, "electricity-maps answered 403: the key is not allowed to read this"),
        (404, "electricity-maps answered 404: it does not know this zone"),
        (418, "electricity-maps answered 418: this is not expected"),
        (429, "electricity-maps answered 429: too many requests"),
        (503, "electricity-maps answered 503: it has a fault of its own"),
        (302, "electricity-maps answered 302: it points elsewhere"),
        (b"<html>", r"electricity-maps sent no JSON \(6 bytes\)"),
        (b"x" * (33 * 2**20), "electricity-maps sent more than 32 MB"),
        ({"status": "ok"}, "electricity-maps sent no list of objects under 'data'"),
        ({"data": [3]}, "electricity-maps sent no list of objects under 'data'"),
        (
            {"data": [{"datetime": "2026-11-01T00:00", "carbonIntensity": 1}]},
            "entry 0: .* not an instant with a time zone",
        ),
        ({"data": [{"datetime": "2026-11-01T00:00Z", "carbonIntensity": "1"}]}, "entry 0: .* '1' is not a number"),
    ],
    ids=lambda given: str(given)[:30],
)
def test_what_goes_wrong_is_one_sentence_without_the_key(played, answer, sentence):
    played.answers["/v3/carbon-intensity/past-range"] = answer
    with pytest.raises(ProbeError, match=sentence) as caught:
        ask_electricity_maps(played)
    assert SECRET not in str(caught.value)
    assert len(played.asked) == 1  # a redirect would have carried the key along


def test_nobody_there_is_one_sentence():
    with pytest.raises(ProbeError, match=r"uk-carbon-intensity cannot be reached \(ConnectError\)"):
        uk.fetch(start=START, end=END, base_url="http://127.0.0.1:9")
