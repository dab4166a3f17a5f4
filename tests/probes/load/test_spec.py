"""Orders that make no sense are refused in one sentence."""

from pathlib import Path

import pytest

from probes.errors import ProbeError
from probes.load.spec import LoadSpec

FILE = Path("x.csv")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "concurrency = None must be >= 1 in a closed loop"),
        ({"concurrency": 1, "rate_rps": 5.0}, 'rate_rps goes with arrivals = "constant" or "poisson" or "gamma" or'),
        ({"arrivals": "poisson"}, "rate_rps = None must be > 0"),
        ({"arrivals": "poisson", "rate_rps": float("nan")}, "rate_rps = nan must be > 0"),
        ({"arrivals": "constant", "rate_rps": 1e9}, "rate_rps = 1000000000.0 must be > 0 and at most 100000"),
        ({"arrivals": "constant", "rate_rps": -1}, 'for one request at a time use arrivals = "closed"'),
        ({"arrivals": "poisson", "rate_rps": 5, "burstiness": 0.5}, 'burstiness goes with arrivals = "gamma", not'),
        ({"arrivals": "gamma", "rate_rps": 5}, "burstiness = None must be 0.01 to 1e+06; 1 is Poisson"),
        ({"arrivals": "gamma", "rate_rps": 5, "burstiness": 0}, "burstiness = 0 must be 0.01"),
        ({"arrivals": "gamma", "rate_rps": 5, "burstiness": -1}, "burstiness = -1 must be 0.01"),
        ({"arrivals": "linear-ramp", "rate_rps": 5, "duration_s": 9}, "rate_end_rps = None must be > 0"),
        ({"arrivals": "linear-ramp", "rate_rps": 0, "rate_end_rps": 0, "duration_s": 9}, "rate_rps = 0 must be > 0"),
        ({"arrivals": "linear-ramp", "rate_rps": 1, "rate_end_rps": 5}, '"linear-ramp" needs duration_s, the time'),
        ({"arrivals": "exponential-ramp", "rate_rps": 0, "rate_end_rps": 5, "duration_s": 9}, "rate_rps = 0 must be"),
        ({"arrivals": "piecewise"}, 'arrivals = "piecewise" needs rates_file'),
        ({"arrivals": "trace"}, 'arrivals = "trace" needs trace_file'),
        ({"arrivals": "trace", "rates_file": FILE, "trace_file": FILE}, 'rates_file goes with arrivals = "piecewise"'),
        ({"arrivals": "trace", "trace_file": FILE, "trace_speed": 0}, "trace_speed = 0 must be 0.001 to 100000"),
        ({"concurrency": 1, "trace_speed": 2.0}, 'trace_speed goes with arrivals = "trace", not with "closed"'),
        ({"concurrency": 1, "requests": None}, "neither requests nor duration_s is set"),
        ({"concurrency": 1, "duration_s": float("inf")}, "duration_s = inf must be > 0"),
    ],
)  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused(given, words):
    with pytest.raises(ProbeError) as caught:
        LoadSpec(**({"base_url": "http://h", "model": "m", "requests": 1, "attempt_prefix": "t"} | given))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"arrivals": "linear-ramp", "rate_rps": 0, "rate_end_rps": 5, "duration_s": 9},
        {"arrivals": "linear-ramp", "rate_rps": 5, "rate_end_rps": 0, "duration_s": 9},
        {"arrivals": "trace", "trace_file": FILE},
        {"arrivals": "piecewise", "rates_file": FILE},
        {"concurrency": 4, "duration_s": 3, "connections": "cold"},
    ],
)
def test_what_ends_by_itself_needs_no_count(given):
    LoadSpec(base_url="http://h", model="m", attempt_prefix="t", **given)
