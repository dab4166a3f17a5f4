"""Several targets measured in rounds by one client."""

import socket
from itertools import pairwise

import pytest

from probes.errors import ProbeError
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.client import LoadSpec
from probes.load.evidence import LATE_NS
from probes.load.group import GroupMember, run_load_group
from tests.probes.load.conftest import PATIENT


def members(tmp_path, *urls, **given):
    order = {"model": "m", "requests": 6, "concurrency": 2, "output_tokens": 4, "timeouts": PATIENT} | given
    return [
        GroupMember(
            spec=LoadSpec(base_url=url, attempt_prefix=f"g{n}", **order),
            spool_path=tmp_path / f"spool{n}",
        )
        for n, url in enumerate(urls)
    ]


def measured(result):
    return [attempt for attempt in result.attempts if attempt.phase == "measured"]


def test_every_round_asks_each_member_once_with_the_same_text(tmp_path):
    with fake_endpoint() as one, fake_endpoint() as two, fake_endpoint() as three:
        urls = (one.base_url, two.base_url, three.base_url)
        results = run_load_group(members(tmp_path, *urls))
    assert [[a.pair_id for a in measured(result)] for result in results] == [[f"{n:05d}" for n in range(6)]] * 3
    assert {a.error_class for result in results for a in result.attempts} == {None}
    for requests in zip(one.requests, two.requests, three.requests, strict=True):
        texts = [request.body["messages"][0]["content"] for request in sorted(requests, key=lambda r: r.request_id)]
        assert len({text.partition(" ")[0] for text in texts}) == 3  # the nonces
    by_round = [{} for _ in range(6)]
    for endpoint in (one, two, three):
        for request in endpoint.requests:
            text = request.body["messages"][0]["content"].partition(" ")[2]
            by_round[int(request.request_id[-5:])].setdefault(text, []).append(request.request_id)
    assert [len(texts) for texts in by_round] == [1] * 6


def test_the_order_within_a_round_is_drawn_anew_and_follows_the_seed(tmp_path):
    def orders(folder, seed):
        folder.mkdir()
        with fake_endpoint() as one, fake_endpoint() as two, fake_endpoint() as three:
            urls = (one.base_url, two.base_url, three.base_url)
            results = run_load_group(members(folder, *urls, requests=12, concurrency=1, seed=seed))
        starts = [[attempt.t_start_ns for attempt in measured(result)] for result in results]
        return [tuple(sorted(range(3), key=lambda n, at=at: at[n])) for at in zip(*starts, strict=True)]

    first = orders(tmp_path / "a", 1)
    assert len(set(first)) > 1
    assert orders(tmp_path / "b", 1) == first
    assert orders(tmp_path / "c", 2) != first


def test_a_slot_starts_its_next_round_when_all_of_its_last_have_ended(tmp_path):
    with fake_endpoint() as quick, fake_endpoint(FakeScript(ttft_s=0.03)) as slow:
        results = run_load_group(members(tmp_path, quick.base_url, slow.base_url, concurrency=1, requests=4))
    rounds = list(zip(*(measured(result) for result in results), strict=True))
    for before, after in pairwise(rounds):
        assert min(a.t_start_ns for a in after) >= max(a.t_end_ns for a in before)


def test_rounds_of_an_open_loop_are_due_at_one_instant_for_all(tmp_path):
    with fake_endpoint() as one, fake_endpoint(FakeScript(ttft_s=0.05)) as two:
        given = {"arrivals": "constant", "rate_rps": 100.0, "concurrency": None, "requests": 10}
        results = run_load_group(members(tmp_path, one.base_url, two.base_url, **given))
    due = [[attempt.t_sched_ns for attempt in measured(result)] for result in results]
    assert due[0] == due[1]
    assert {after - before for before, after in pairwise(due[0])} == {10_000_000}
    for result in results:
        late = [a for a in measured(result) if a.t_start_ns - a.t_sched_ns > LATE_NS]  # none on a quiet machine
        assert (result.evidence.sends_planned, result.evidence.sends_missed) == (10, len(late))


@pytest.mark.parametrize("arrivals", ["closed", "constant"])
def test_a_member_that_refuses_everybody_is_left_out_and_the_others_go_on(tmp_path, arrivals):
    load = {"concurrency": 4} if arrivals == "closed" else {"concurrency": None, "rate_rps": 40.0}
    with fake_endpoint(FakeScript(ttft_s=0.005)) as good, fake_endpoint(FakeScript(fault="http-401")) as bad:
        group = members(tmp_path, good.base_url, bad.base_url, arrivals=arrivals, requests=20, **load)
        fine, refused = run_load_group(group)
    assert [attempt.error_class for attempt in fine.attempts] == [None] * 20
    assert fine.stopped_reason is None
    assert "3 attempts in a row ended in auth" in refused.stopped_reason
    assert {attempt.error_class for attempt in refused.attempts} == {"auth"}
    # What was in flight already may still end: of an open loop as much as fell due before the third refusal was read.
    assert 3 <= len(refused.attempts) <= 4 if arrivals == "closed" else 3 <= len(refused.attempts) < 20


def test_a_member_nobody_listens_for_costs_the_others_nothing(tmp_path):
    with fake_endpoint() as good, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        fine, refused = run_load_group(members(tmp_path, good.base_url, dead, warmup_requests=1, requests=9))
    assert [attempt.error_class for attempt in measured(fine)] == [None] * 9
    assert {attempt.error_class for attempt in refused.attempts} == {"connect_refused"}
    assert len(refused.attempts) == 3


def test_members_learn_their_own_way_of_counting(tmp_path):
    with fake_endpoint() as one, fake_endpoint(FakeScript(fault="no-usage")) as two:
        group = members(tmp_path, one.base_url, two.base_url, warmup_requests=3, prompt_tokens=300)
        counts, silent = run_load_group(group)
    assert {attempt.prompt_tokens for attempt in measured(counts)} <= set(range(294, 307))
    assert [attempt.attempt_id for attempt in silent.attempts[:3]] == ["g1.w00", "g1.w01", "g1.w02"]
    assert {attempt.prompt_tokens for attempt in silent.attempts} == {None}


def test_progress_is_told_member_by_member(tmp_path):
    seen = []
    with fake_endpoint() as one, fake_endpoint() as two:
        group = members(tmp_path, one.base_url, two.base_url)
        run_load_group(group, on_progress=lambda n, progress: seen.append((n, progress.done, progress.total)))
    assert {(0, 6, 6), (1, 6, 6)} <= set(seen)


def test_a_stop_ends_all_members(tmp_path):
    with fake_endpoint(FakeScript(fault="silent")) as one, fake_endpoint(FakeScript(fault="silent")) as two:
        results = run_load_group(
            members(tmp_path, one.base_url, two.base_url),
            stop=lambda: "enough" if one.requests and two.requests else None,
        )
    assert [result.stopped_reason for result in results] == ["enough"] * 2
    assert {attempt.error_class for result in results for attempt in result.attempts} == {"aborted"}


def test_members_with_different_loads_or_one_name_are_refused(tmp_path):
    one, two = members(tmp_path, "http://a", "http://b")
    with pytest.raises(ProbeError, match="no member"):
        run_load_group([])
    other = members(tmp_path, "http://a", "http://b", requests=7)[1]
    with pytest.raises(ProbeError, match="requests is 6 for g0 and 7 for g1"):
        run_load_group([one, other])
    with pytest.raises(ProbeError, match="attempt_prefix must differ"):
        run_load_group([two, two])
