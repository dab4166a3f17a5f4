"""Who is measured with whom: one model under one workload together, a machine of our own always alone."""

import dataclasses

import pytest

from flows.config import EndpointTarget, LocalTarget
from flows.group import affordable, group_id, units, within_capacity
from flows.plan import PlannedTrial
from flows.workload import SearchLimits, Workload

CHAT = Workload(id="chat", arrivals="closed", concurrency=4, requests=8, prompt_tokens=10, output_tokens=10)
BURST = dataclasses.replace(CHAT, id="burst")


def hosted(name, model="m", group=None):
    return EndpointTarget(
        kind="endpoint", id=name, provider=name, model=model, base_url="http://h/v1", api="openai-chat", group=group
    )


def local(name):
    return LocalTarget(kind="local", id=name, engine="llama.cpp", model="m", device="cpu", threads=1, slots=4)


def planned(target, workload=CHAT, repeat=1, usd=1.0):
    return PlannedTrial(
        trial_id=f"r.{target.id}.{workload.id}.{repeat}",
        try_number=repeat,
        repeat_number=repeat,
        target=target,
        workload=workload,
        facts=[],
        requests=8,
        quote_usd_worst=usd,
        skip_reason=None,
        landed=False,
    )


def ids(found):
    return [[p.trial_id.removeprefix("r.") for p in unit] for unit in found]


def test_endpoints_of_one_model_under_one_workload_are_measured_together():
    due = [planned(t, w) for t in (hosted("a"), hosted("b"), hosted("c", model="n")) for w in (CHAT, BURST)]
    assert ids(units(due, paired=True)) == [
        ["a.chat.1", "b.chat.1"], ["a.burst.1", "b.burst.1"], ["c.chat.1"], ["c.burst.1"],
    ]  # fmt: skip


def test_a_declared_group_joins_what_is_named_differently_and_parts_what_is_not():
    due = [planned(t) for t in (hosted("a", "x", "g"), hosted("b", "y", "g"), hosted("c", "y"))]
    assert ids(units(due, paired=True)) == [["a.chat.1", "b.chat.1"], ["c.chat.1"]]


def test_a_local_target_and_a_search_are_always_alone():
    search = dataclasses.replace(
        CHAT, arrivals="poisson", concurrency=None, requests=None, search="sweep",
        search_limits=SearchLimits(rate_max_rps=5.0),
    )  # fmt: skip
    due = [planned(local("l")), planned(local("k")), planned(hosted("a"), search), planned(hosted("b"), search)]
    assert ids(units(due, paired=True)) == [["l.chat.1"], ["k.chat.1"], ["a.chat.1"], ["b.chat.1"]]


def test_repeats_of_a_cell_are_never_in_one_unit():
    due = [planned(hosted(name), repeat=n) for n in (1, 2) for name in "ab"]
    assert ids(units(due, paired=True)) == [["a.chat.1", "b.chat.1"], ["a.chat.2", "b.chat.2"]]


def test_unpaired_everybody_is_alone():
    assert ids(units([planned(hosted("a")), planned(hosted("b"))], paired=False)) == [["a.chat.1"], ["b.chat.1"]]


@pytest.mark.parametrize(
    ("most", "parts"), [(100, [7]), (16, [4, 3]), (12, [2, 2, 3]), (8, [2, 2, 2, 1]), (1, [1] * 7)]
)
def test_a_unit_is_halved_until_the_client_holds_each_part(most, parts):
    unit = [planned(hosted(name)) for name in "abcdefg"]
    asked = []

    def holds(streams):
        asked.append(streams)
        return streams <= most

    found = within_capacity(unit, lambda p: 4, holds)
    assert [len(part) for part in found] == parts
    assert [p for part in found for p in part] == unit
    assert asked[0] == 28


def test_only_what_the_limit_surely_covers_is_started():
    unit = [planned(hosted(name), usd=usd) for name, usd in (("a", 0.4), ("b", 0.5), ("c", 0.2))]
    assert ids([affordable(unit, 1.0)]) == [["a.chat.1", "b.chat.1"]]
    assert affordable(unit, 0.3) == []
    assert affordable(unit, 1.1) == unit
    free = [dataclasses.replace(p, quote_usd_worst=0.0) for p in unit]
    assert affordable(free, 0.0) == free


def test_a_group_is_named_after_its_first_trial_which_no_other_can_share():
    unit = [planned(hosted(name)) for name in "abc"]
    assert group_id(unit) == "r.a.chat.1+2"
    assert group_id(unit[:1]) is None
