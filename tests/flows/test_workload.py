"""What a workload asks for: every kind of arrivals, traces, repeats and searches, and one sentence for each mistake."""

import copy
from pathlib import Path

import pytest

from flows.config import check_config
from flows.errors import ConfigError
from flows.workload import point_of
from tests.flows.test_config import GOOD

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def check(folder: Path = Path(), **workload):
    """The checked workload of GOOD with these keys in place of its arrivals and lengths."""
    raw = copy.deepcopy(GOOD)
    table = {"id": "w", "prompt_tokens": 10, "output_tokens": 10} | workload
    raw["workloads"] = [{key: value for key, value in table.items() if value is not None}]
    return check_config(raw, name="t.toml", folder=folder).workloads[0]


def problem(folder: Path = Path(), **workload) -> str:
    """The one sentence that is said of a workload."""
    with pytest.raises(ConfigError) as caught:
        check(folder, **workload)
    (sentence,) = caught.value.problems
    assert sentence.startswith('t.toml: workloads[0] "w"')
    return sentence


@pytest.mark.parametrize(
    "keys",
    [
        {"arrivals": "closed", "concurrency": 4, "requests": 8},
        {"arrivals": "constant", "rate_rps": 5, "requests": 8},
        {"arrivals": "poisson", "rate_rps": 5, "duration_s": 4},
        {"arrivals": "gamma", "rate_rps": 5, "burstiness": 0.5, "duration_s": 4},
        {"arrivals": "linear-ramp", "rate_rps": 1, "rate_end_rps": 9, "duration_s": 4},
        {"arrivals": "exponential-ramp", "rate_rps": 1, "rate_end_rps": 9, "duration_s": 4},
    ],
    ids=lambda keys: keys["arrivals"],
)
def test_every_kind_of_arrivals_is_taken_with_what_it_needs_and_counted(keys):
    workload = check(**keys)
    expected = {"closed": 8, "constant": 8}.get(keys["arrivals"], 20)
    assert workload.requests == pytest.approx(expected, abs=0 if expected == 8 else 20)
    assert workload.requests > 0


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"arrivals": "gamma", "rate_rps": 5, "requests": 8}, "needs burstiness = B (1 is Poisson"),
        ({"arrivals": "linear-ramp", "rate_rps": 5, "duration_s": 8}, "needs rate_end_rps = Y"),
        ({"arrivals": "exponential-ramp", "rate_rps": 5, "rate_end_rps": 6}, "needs duration_s = S"),
        ({"arrivals": "piecewise", "duration_s": 4}, 'needs rates_file = "FILE"'),
        ({"arrivals": "trace", "duration_s": 4}, 'needs trace_file = "FILE"'),
        ({"arrivals": "closed", "concurrency": 2, "requests": 3, "rate_rps": 1}, "and no rate_rps"),
        ({"arrivals": "poisson", "rate_rps": 2, "requests": 3, "burstiness": 1}, "and no burstiness"),
        ({"arrivals": "poisson", "rate_rps": 2, "requests": 3, "trace_speed": 2}, "and no trace_speed"),
        ({"arrivals": "poisson", "rate_rps": 0, "requests": 3}, "rate_rps = 0: must be > 0"),
        ({"arrivals": "poisson", "rate_rps": 2}, "a trial would never end; set one"),
        ({"arrivals": "closed", "concurrency": 2, "duration_s": 3}, "could not be bounded; set requests = N"),
        ({"arrivals": "poison", "rate_rps": 2, "requests": 3}, "'poisson'"),
        ({"arrivals": "poisson", "rate_rps": 0.001, "duration_s": 1}, "nothing is sent within duration_s = 1.0"),
        ({"arrivals": "closed", "concurrency": 1, "requests": 3, "repeats": 0}, "repeats = 0: must be >= 1"),
        (
            {"arrivals": "closed", "concurrency": 1, "requests": 3, "stop_at_relative_half_width": 0.1},
            "leaves out repeats after the first 5, and there are 1; set repeats = 6 or more",
        ),
        ({"arrivals": "closed", "concurrency": 1, "requests": 3, "connections": "hot"}, "'warm' or 'cold'"),
        ({"arrivals": "closed", "concurrency": 1, "requests": 3, "client_processes": 0}, "client_processes = 0"),
    ],
)
def test_a_mistake_about_arrivals_is_one_sentence(keys, sentence):
    raw_sentence = problem(**keys) if "bounded" not in sentence else unplaced_problem(**keys)
    assert sentence in raw_sentence


def unplaced_problem(**keys) -> str:
    """The one sentence about a workload together with its targets."""
    with pytest.raises(ConfigError) as caught:
        check(**keys)
    (sentence,) = caught.value.problems
    return sentence


# --- files


def test_a_trace_is_found_beside_its_config_and_brings_its_own_lengths(tmp_path):
    rows = "2024-05-10 00:00:00.0,100,10\n2024-05-10 00:00:01.5,301,21\n2024-05-10 00:00:09.0,900,90\n"
    (tmp_path / "t.csv").write_text(AZURE + rows)
    keys = {"arrivals": "trace", "trace_file": "t.csv", "prompt_tokens": None, "output_tokens": None}
    whole = check(tmp_path, **keys)
    assert whole.trace_file == tmp_path / "t.csv"
    assert (whole.requests, whole.prompt_tokens, whole.output_tokens) == (3, 434, 41)  # means, rounded up
    assert (whole.most_prompt_tokens, whole.most_output_tokens) == (900, 90)  # what a quote and a context rest on
    first = check(tmp_path, **keys, duration_s=1.0, trace_speed=2.0)
    assert (first.requests, first.prompt_tokens, first.output_tokens) == (2, 201, 16)
    assert (first.most_prompt_tokens, first.most_output_tokens) == (301, 21)


def test_a_bad_row_of_a_trace_is_named_before_the_first_request(tmp_path):
    (tmp_path / "t.csv").write_text(AZURE + "2024-05-10 00:00:00.0,100,10\n2024-05-10 00:00:01.5,many,21\n")
    keys = {"arrivals": "trace", "trace_file": "t.csv", "prompt_tokens": None, "output_tokens": None}
    assert 't.csv row 3: ContextTokens is "many"' in problem(tmp_path, **keys)
    assert "cannot be read" in problem(tmp_path, **keys | {"trace_file": "gone.csv"})


def test_lengths_beside_a_trace_are_refused_not_ignored(tmp_path):
    (tmp_path / "t.csv").write_text(AZURE + "2024-05-10 00:00:00.0,100,10\n")
    assert "leave prompt_tokens and output_tokens out" in problem(tmp_path, arrivals="trace", trace_file="t.csv")


def test_a_file_of_rates_is_read_and_its_sends_are_counted(tmp_path):
    (tmp_path / "r.csv").write_text("start_s,rate_rps\n0,10\n5,0\n")
    workload = check(tmp_path, arrivals="piecewise", rates_file="r.csv")
    assert 20 < workload.requests < 90
    (tmp_path / "r.csv").write_text("start_s,rate_rps\n0,10\n5,-1\n")
    assert 'r.csv row 3: rate_rps is "-1"' in problem(tmp_path, arrivals="piecewise", rates_file="r.csv")


# --- searches


SEARCH = {"arrivals": "poisson", "search": "slo", "search_limits": {"rate_max_rps": 50}}


def test_a_point_of_a_search_is_a_plain_workload_at_one_rate():
    point = point_of(check(**SEARCH), rate_rps=12.5, requests=125)
    assert (point.arrivals, point.rate_rps, point.requests, point.search) == ("poisson", 12.5, 125, None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"arrivals": "closed"}, 'needs arrivals = "constant", "poisson" or "gamma"'),
        ({"rate_rps": 3}, "chooses the rates itself: leave rate_rps out"),
        ({"search_limits": None}, "needs search_limits = { rate_max_rps = X }"),
        ({"search_limits": {}}, "search_limits rate_max_rps is missing"),
        ({"search_limits": {"rate_max_rps": 1, "rate_min_rps": 2}}, "must not be above rate_max_rps = 1"),
        ({"search_limits": {"rate_max_rps": 5, "tolerance": 1.0}}, "tolerance = 1.0: must be > 1"),
        ({"search_limits": {"rate_max_rps": 5, "rate_mni_rps": 1}}, "did you mean rate_min_rps?"),
        ({"repeats": 3}, "leave repeats out"),
        ({"arrivals": "gamma"}, 'burstiness = B goes with arrivals = "gamma"'),
        ({"requests": 20}, "a p95 needs at least 60"),
        ({"search": "soo"}, "'slo' or 'sweep'"),
        ({"search": None, "rate_rps": 2, "requests": 9}, "search_limits belong to a search"),
    ],
)
def test_a_mistake_about_a_search_is_one_sentence(changes, sentence):
    assert sentence in problem(**SEARCH | changes)
