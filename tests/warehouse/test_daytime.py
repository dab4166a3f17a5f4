"""Hours of the week out of samples: in a zone, by medians, shares and ratios, and which hours stand out."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from warehouse.daytime import Sample, day_shape, hour_cells, trial_samples, week_cells, zone_named

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def test_an_hour_of_the_week_is_that_of_the_zone():
    sample = Sample(at=MONDAY + timedelta(hours=23, minutes=30), above=1.0)
    (utc,) = [cell for cell in week_cells([sample], zone_named("UTC"), "median") if cell.n]
    (tokyo,) = [cell for cell in week_cells([sample], zone_named("Asia/Tokyo"), "median") if cell.n]
    assert ((utc.weekday, utc.hour), (tokyo.weekday, tokyo.hour)) == ((0, 23), (1, 8))


def test_cells_without_a_sample_are_there_and_unknown():
    cells = week_cells([Sample(at=MONDAY, above=2.0)], zone_named("UTC"), "median")
    assert len(cells) == 168
    assert sum(cell.value is None for cell in cells) == 167
    assert [cell.value for cell in hour_cells([], zone_named("UTC"), "median")] == [None] * 24


def test_a_share_is_of_all_attempts_of_the_hour_and_a_median_is_of_trials():
    samples = [Sample(at=MONDAY, above=1.0, below=2.0), Sample(at=MONDAY, above=0.0, below=18.0)]
    assert hour_cells(samples, zone_named("UTC"), "share")[0].value == pytest.approx(0.05)
    assert hour_cells(samples, zone_named("UTC"), "median")[0].value == pytest.approx(0.25)


def test_a_zone_that_is_none_is_a_sentence():
    with pytest.raises(ValueError, match="'Mars/Olympus' is no time zone"):
        zone_named("Mars/Olympus")


def pulses(value, days=28):
    random = Random(3)
    return [
        Sample(at=at, above=value(at) * random.lognormvariate(0, 0.05))
        for day in range(days)
        for slot in range(8)
        for at in [MONDAY + timedelta(days=day, hours=3 * slot + 3 * random.random())]
    ]


def test_the_slow_afternoon_is_the_highest_window_with_its_interval():
    shape = day_shape(pulses(lambda at: 2.0 if 14 <= at.hour < 17 else 1.0), zone_named("UTC"), "median")
    assert shape is not None
    assert (shape.highest.first_hour, shape.highest.last_hour, shape.hours_seen, shape.n) == (14, 17, 24, 224)
    estimate = shape.highest.estimate
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < 2.0 < estimate.high
    assert shape.p == pytest.approx(0.001)


def test_what_is_the_same_at_every_hour_is_flat_and_one_hour_alone_is_no_shape():
    same = [Sample(at=MONDAY + timedelta(hours=n), above=0.0) for n in range(48)]
    shape = day_shape(same, zone_named("UTC"), "share")
    assert shape is not None
    assert shape.flat
    nights = [Sample(at=MONDAY + timedelta(days=n), above=1.0 + n) for n in range(9)]
    assert day_shape(nights, zone_named("UTC"), "median") is None
    assert day_shape([], zone_named("UTC"), "median") is None


def test_a_trial_gives_what_is_known_of_it_and_nothing_else():
    row = {
        "started_at": MONDAY, "ttft_p50_s": 0.2, "tpot_p50_s": None, "attempts": 4, "down_count": 1,
        "limited_count": 1, "own_count": 1, "usd": None, "output_tokens": 30,
    }  # fmt: skip
    found = {name: trial_samples(name, [row]) for name in ("ttft", "speed", "failed", "price")}
    assert [len(samples) for samples in found.values()] == [1, 0, 1, 0]
    assert found["failed"][0].value == pytest.approx(2 / 3)
    (fast,) = trial_samples("speed", [row | {"tpot_p50_s": 0.01}])
    assert fast.value == pytest.approx(100.0)
    (paid,) = trial_samples("price", [row | {"usd": 6e-5}])
    assert paid.value == pytest.approx(2.0)
