"""Hours from CSV files: our own, a download of Electricity Maps, ENTSO-E's way of writing time; bad rows by number."""

from datetime import UTC, datetime

import pytest

from probes.errors import ProbeError
from probes.grid.csv_file import read_hours

# Columns of the hourly downloads of Electricity Maps for 2024 and 2021, with made-up figures.
ELECTRICITY_MAPS_2024 = """\
Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),Carbon intensity gCO₂eq/kWh (Life cycle),\
Carbon-free energy percentage (CFE%),Renewable energy percentage (RE%),Data source,Data estimated,Data estimation method
2024-03-31 00:00:00,Germany,Germany,DE,300.5,340.25,50,45,entsoe.eu,false,
2024-03-31 01:00:00,Germany,Germany,DE,310.5,350.75,50,45,entsoe.eu,false,
"""
ELECTRICITY_MAPS_2021 = """\
Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA),Source
2021-01-01 00:00:00.000,Germany,Germany,DE,300,333,entsoe.eu
"""


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, **options):
        path = tmp_path / "hours.csv"
        path.write_text(text, encoding=options.pop("encoding", "utf-8"))
        return read_hours(path, **options)

    return write_and_read


def rows(hours):
    return [(f"{hour.hour_at:%m-%d %H}", hour.gco2e_per_kwh) for hour in hours.hours]


def test_our_own_columns_with_instants_that_say_where_they_stand(read):
    found = read("hour_at,gco2e_per_kwh\n2026-11-01T00:00Z,310.5\n2026-11-01T02:00+01:00,290\n")
    assert rows(found) == [("11-01 00", 310.5), ("11-01 01", 290.0)]
    assert found.hours[0].hour_at == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ELECTRICITY_MAPS_2024, [("03-31 00", 340.25), ("03-31 01", 350.75)]),
        (ELECTRICITY_MAPS_2021, [("01-01 00", 333.0)]),
    ],
    ids=["2024", "2021"],
)
def test_a_download_of_electricity_maps_gives_its_life_cycle_intensity(read, text, expected):
    assert rows(read(text)) == expected


def test_another_column_can_be_named(read):
    direct = "Carbon intensity gCO₂eq/kWh (direct)"
    assert rows(read(ELECTRICITY_MAPS_2024, value_column=direct))[0] == ("03-31 00", 300.5)


def test_entso_e_writes_from_to_with_the_zone_in_the_column_and_a_mark_on_the_night_of_the_change(read):
    text = (
        "MTU (CET/CEST);g\n"
        "27.10.2024 01:00 - 27.10.2024 02:00;1\n"
        "27/10/2024 02:00:00 (CEST) - 27/10/2024 02:00:00 (CET);2\n"
        "27/10/2024 02:00:00 (CET) - 27/10/2024 03:00:00 (CET);3\n"
        "27.10.2024 03:00 - 27.10.2024 04:00;4\n"
    )
    assert rows(read(text, value_column="g")) == [
        ("10-26 23", 1.0),
        ("10-27 00", 2.0),
        ("10-27 01", 3.0),
        ("10-27 02", 4.0),
    ]


def test_in_local_time_the_hour_that_comes_twice_is_summer_time_first(read):
    text = "hour_at,gco2e_per_kwh\n" + "".join(
        f"2026-10-25 0{hour}:00,{n}\n" for n, hour in enumerate((1, 2, 2, 3), start=1)
    )
    found = read(text, timezone_name="Europe/Berlin")
    assert rows(found) == [("10-24 23", 1.0), ("10-25 00", 2.0), ("10-25 01", 3.0), ("10-25 02", 4.0)]


def test_quarter_hours_are_averaged(read):
    text = "hour_at,gco2e_per_kwh\n" + "".join(f"2026-11-01T00:{m:02}Z,{m}\n" for m in (0, 15, 30, 45))
    assert rows(read(text)) == [("11-01 00", 22.5)]


def test_a_byte_order_mark_is_no_part_of_a_name(read):
    assert len(read("hour_at,gco2e_per_kwh\n2026-11-01T00:00Z,1\n", encoding="utf-8-sig").hours) == 1


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            "2026-11-01T01:00,5",
            r"line 3: '2026-11-01T01:00' does not say in which time zone; write an offset .* --timezone",
        ),
        ("yesterday,5", "line 3: 'yesterday' is not an instant"),
        ("2026-11-01T01:00Z,", "line 3: gco2e_per_kwh = '' is not a number"),
        ("2026-11-01T01:00Z,5 g", "line 3: gco2e_per_kwh = '5 g' is not a number"),
        ("2026-11-01T01:00Z,-5", "line 3: -5 gCO2e/kWh must be between 0 and 3000"),
        ("2026-11-01T01:00Z,350000", "line 3: 350000 gCO2e/kWh must be .* is it in another unit"),
        ("2026-11-01T01:00+01:00,5", "line 3 repeats 2026-11-01T00:00Z of .*line 2"),
        ("2026-11-01T01:25Z,5", "line 3: 2026-11-01T01:25:00Z does not start a step of 60 minutes"),
    ],
)
def test_a_bad_row_is_named_by_its_line(read, row, sentence):
    with pytest.raises(ProbeError, match=sentence):
        read(f"hour_at,gco2e_per_kwh\n2026-11-01T00:00Z,4\n{row}\n")


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ("2026-03-29 02:00", "line 2: '2026-03-29 02:00' does not exist in Europe/Berlin: the clock was put forward"),
        ("2026-10-25 02:00", "line 2: 2026-10-25 02:00 comes twice that night and could be either; write an offset"),
    ],
)
def test_local_instants_that_are_none_or_two_are_refused(read, when, sentence):
    with pytest.raises(ProbeError, match=sentence):
        read(f"hour_at,gco2e_per_kwh\n{when},5\n", timezone_name="Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("a,b\n1,2\n", {}, "no column that is known to hold the hour; name one of a, b with --time-column"),
        ("hour_at,b\n1,2\n", {}, "known to hold gCO2e/kWh; name one of hour_at, b with --value-column"),
        ("hour_at,b\n1,2\n", {"value_column": "c"}, "no column 'c'; name one of hour_at, b"),
        ("", {}, "name one of its header"),
        ("hour_at,gco2e_per_kwh\n", {}, "no rows below its header"),
        ("hour_at,gco2e_per_kwh\n", {"timezone_name": "Mars/Base"}, "--timezone Mars/Base is not known here"),
        (
            "hour_at,Zone id,gco2e_per_kwh\n2026-11-01T00:00Z,DE,1\n2026-11-01T01:00Z,FR,1\n",
            {},
            "line 3: a second zone, 'FR'; import a file for each zone",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_a_sentence(read, text, options, sentence):
    with pytest.raises(ProbeError, match=sentence):
        read(text, **options)


def test_a_file_that_is_not_there_or_no_text_is_a_sentence(tmp_path):
    with pytest.raises(ProbeError, match="cannot be read: No such file"):
        read_hours(tmp_path / "none.csv")
    (tmp_path / "xlsx.csv").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(ProbeError, match="is not UTF-8 text"):
        read_hours(tmp_path / "xlsx.csv")
