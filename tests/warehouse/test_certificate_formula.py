"""The grade of a trial's client: each criterion on both sides of its limits, what is missing, and the law."""

from dataclasses import fields, replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.formulas import client_limits as limits
from warehouse.formulas.certificate import Evidence, certify
from warehouse.formulas.client_limits import GRADES, Limits

law = settings(derandomize=True, database=None, deadline=None)

COMMON = {
    "status": "completed",
    "attempts": 1000,
    "stamp_source": "kernel",
    "receive_lag_p99_s": 0.0001,
    "coalesced_share": 0.0,
    "cached_token_share": 0.0,
    "cpu_share_others": 0.01,
    "load_average_1m": 0.5,
    "cpu_threads": 1,
    "loop_busy_share": 0.2,
    "suspended_s": 0.001,
    "clock_step_s": 0.0,
    "selftest_streams": 64,
    "selftest_ttft_error_p99_s": 0.0001,
    "selftest_tpot_error_p99_s": 0.00001,
    "selftest_concurrency_share": 1.0,
    "ttft_p50_s": 0.05,
    "tpot_p50_s": 0.005,
}
CLOSED = Evidence(**COMMON, kind="endpoint", arrivals="closed", streams=64, concurrency_share=0.999)
OPEN = Evidence(
    **COMMON, kind="endpoint", arrivals="poisson", streams=40.0, send_lag_p99_s=0.0001, rate_share=1.0, missed_share=0.0
)
GROUP = Evidence(**COMMON, kind="endpoint", arrivals="closed", in_group=True, streams=8, rounds_share=1.0)
LOCAL = replace(CLOSED, kind="local")
TRACE = replace(OPEN, arrivals="trace")

# Criterion, its good trial, the limits, and whether the value is what is missing from 1.
RISING = [
    ("send_lag_p99_s", OPEN, limits.SEND_LAG_S),
    ("missed_share", OPEN, limits.MISSED_SHARE),
    ("receive_lag_p99_s", CLOSED, limits.RECEIVE_LAG_S),
    ("coalesced_share", CLOSED, limits.COALESCED_SHARE),
    ("cached_token_share", CLOSED, limits.CACHED_TOKEN_SHARE),
    ("cpu_share_others", LOCAL, limits.CPU_SHARE_OTHERS_LOCAL),
    ("cpu_share_others", CLOSED, limits.CPU_SHARE_OTHERS_ENDPOINT),
    ("load_average_1m", LOCAL, limits.LOAD_PER_THREAD_LOCAL),
    ("load_average_1m", CLOSED, limits.LOAD_PER_THREAD_ENDPOINT),
    ("loop_busy_share", OPEN, limits.LOOP_BUSY_SHARE),
    ("suspended_s", CLOSED, limits.SUSPENDED_S),
    ("clock_step_s", CLOSED, limits.CLOCK_STEP_S),
    ("selftest_ttft_error_p99_s", CLOSED, Limits(a=0.001, b=0.005, c=0.050)),
    ("selftest_tpot_error_p99_s", CLOSED, Limits(a=0.0001, b=0.001, c=0.005)),
]
FALLING = [
    ("rate_share", OPEN, limits.RATE_SHORTFALL),
    ("concurrency_share", CLOSED, limits.CONCURRENCY_SHORTFALL),
    ("rounds_share", GROUP, limits.ROUNDS_SHORTFALL),
    ("selftest_concurrency_share", CLOSED, limits.SELFTEST_SHORTFALL),
]
SIDES = [
    (name, good, value, grade)
    for name, good, of in RISING
    for limit, at, beyond in ((of.a, "A", "B"), (of.b, "B", "C"), (of.c, "C", "D"))
    if limit < inf
    for value, grade in ((limit, at), (limit * 1.001, beyond))
] + [
    (name, good, value, grade)
    for name, good, of in FALLING
    for limit, at, beyond in ((of.a, "A", "B"), (of.b, "B", "C"), (of.c, "C", "D"))
    if limit < inf
    for value, grade in ((1 - limit, at), (1 - limit * 1.001, beyond))
]


@pytest.mark.parametrize("good", [CLOSED, OPEN, GROUP, LOCAL, TRACE], ids=["closed", "open", "group", "local", "trace"])
def test_a_client_with_nothing_against_it_is_an_a_without_a_reason(good):
    assert (certify(good).grade, certify(good).reasons) == ("A", ())


@pytest.mark.parametrize(("name", "good", "value", "grade"), SIDES)
def test_each_limit_has_two_sides(name, good, value, grade):
    certificate = certify(replace(good, **{name: value}))
    assert certificate.grade == grade
    assert len(certificate.reasons) == (grade != "A")


@pytest.mark.parametrize(
    ("good", "changes", "reason"),
    [
        (OPEN, {"send_lag_p99_s": 0.061}, "sends were up to 61 ms late (p99), 50 ms is the limit for B"),
        (OPEN, {"rate_share": 0.97}, "the rate reached was 97 % of the one asked for, 98 % is the limit for B"),
        (
            CLOSED,
            {"concurrency_share": 0.5},
            "the concurrency reached was 50 % of the one asked for, 90 % is the limit",
        ),
        (LOCAL, {"cpu_share_others": 0.17}, "others took 17 % of this machine's CPU, 10 % is the limit for B"),
        (CLOSED, {"suspended_s": 3.0}, "the client did not run for up to 3 s although it wanted to, 2 s is the limit"),
        (CLOSED, {"clock_step_s": -3600.0}, "the wall clock was set by 3.6e+03 s meanwhile, 1 ms is the limit for A"),
        (CLOSED, {"stamp_source": "read"}, "stamped when they were read"),
        (CLOSED, {"status": "timed_out"}, "cut off by its deadline"),
        (CLOSED, {"streams": 1000}, "no self-test at this load: it had 64 streams, the trial 1000"),
    ],
)
def test_a_reason_is_a_sentence_with_its_figures(good, changes, reason):
    [said] = certify(replace(good, **changes)).reasons
    assert reason in said


def test_the_worst_reason_comes_first():
    bad = replace(CLOSED, coalesced_share=0.06, stamp_source="read", concurrency_share=0.2, receive_lag_p99_s=0.06)
    certificate = certify(bad)
    assert certificate.grade == "D"
    assert [reason.split()[0] for reason in certificate.reasons] == ["the", "answers", "6", "answers"]
    assert "concurrency" in certificate.reasons[0]
    assert "read up to 60 ms" in certificate.reasons[1]


def test_an_error_of_the_self_test_is_held_against_the_trials_own_times():
    error = replace(CLOSED, selftest_ttft_error_p99_s=0.030, selftest_tpot_error_p99_s=0.002)
    assert certify(error).grade == "C"
    assert certify(replace(error, ttft_p50_s=30.0, tpot_p50_s=0.5)).grade == "A"
    # and where the times are short the absolute limit holds
    assert certify(replace(CLOSED, selftest_ttft_error_p99_s=0.0009, ttft_p50_s=0.002)).grade == "A"
    assert certify(replace(error, ttft_p50_s=None, tpot_p50_s=None)).grade == "C"


@pytest.mark.parametrize(
    ("status", "said"),
    [("aborted", "was aborted"), ("crashed", "crashed"), ("setup_failed", "could not be set up")],
)
def test_a_trial_that_failed_is_a_d_and_says_why(status, said):
    certificate = certify(replace(CLOSED, status=status, status_reason="the engine died"))
    assert certificate.grade == "D"
    assert certificate.reasons == (f"the trial {said}: the engine died",)


def test_a_trial_without_attempts_is_a_d():
    assert certify(replace(CLOSED, attempts=0)).reasons == ("no attempt was measured",)


# The other two figures of a self-test are never there without the first, which speaks for the test.
SAID_BY_ANOTHER = {"selftest_tpot_error_p99_s", "selftest_concurrency_share"}
NOT_EVIDENCE = {"status_reason", "streams", "ttft_p50_s", "tpot_p50_s"}
MISSING = [
    (good, field.name)
    for good in (CLOSED, OPEN, GROUP, LOCAL)
    for field in fields(Evidence)
    if field.default is None and getattr(good, field.name) is not None
    if field.name not in SAID_BY_ANOTHER | NOT_EVIDENCE
]


@pytest.mark.parametrize(("good", "name"), MISSING)
def test_what_is_missing_is_a_reason_and_no_worse_than_b(good, name):
    certificate = certify(replace(good, **{name: None}))
    assert certificate.grade == "B"
    assert len(certificate.reasons) == 1


def test_a_trial_of_an_older_schema_is_a_b_that_names_what_is_missing():
    old = Evidence(
        status="completed", attempts=30, kind="local", arrivals="closed", streams=1, stamp_source="kernel",
        concurrency_share=1.0, coalesced_share=0.0, cached_token_share=0.0, cpu_share_others=0.02, load_average_1m=1.0,
        cpu_threads=2, clock_step_s=0.0, ttft_p50_s=0.3, tpot_p50_s=0.01,
    )  # fmt: skip
    certificate = certify(old)
    assert certificate.grade == "B"
    assert "no self-test at this load" in certificate.reasons
    assert len(certificate.reasons) == 4
    # and the same holds when it left nothing at all
    nothing = certify(Evidence(status="completed", attempts=30, kind="local", arrivals="poisson"))
    assert nothing.grade == "B"


def test_a_trace_shares_its_prefixes_on_purpose():
    assert certify(replace(TRACE, cached_token_share=0.9)).grade == "A"
    assert certify(replace(OPEN, cached_token_share=0.9)).grade == "C"


shares = st.floats(0, 1)
seconds = st.floats(0, 10)
RISES = {
    "send_lag_p99_s": seconds,
    "missed_share": shares,
    "receive_lag_p99_s": seconds,
    "coalesced_share": shares,
    "cached_token_share": shares,
    "cpu_share_others": shares,
    "load_average_1m": st.floats(0, 50),
    "loop_busy_share": shares,
    "suspended_s": seconds,
    "clock_step_s": seconds,
    "selftest_ttft_error_p99_s": seconds,
    "selftest_tpot_error_p99_s": seconds,
    "streams": st.floats(1, 5000),
}
FALLS = {
    "rate_share": shares,
    "concurrency_share": shares,
    "rounds_share": shares,
    "selftest_concurrency_share": shares,
    "selftest_streams": st.integers(1, 5000),
    "cpu_threads": st.integers(1, 64),
}
evidences = st.builds(
    Evidence,
    status=st.sampled_from(["completed", "timed_out", "aborted"]),
    attempts=st.integers(0, 100),
    kind=st.sampled_from(["local", "endpoint"]),
    arrivals=st.sampled_from(["closed", "poisson", "trace"]),
    in_group=st.booleans(),
    stamp_source=st.sampled_from(["kernel", "read", None]),
    ttft_p50_s=st.none() | seconds,
    tpot_p50_s=st.none() | seconds,
    **{name: st.none() | values for name, values in (RISES | FALLS).items()},
)


def worse(grade, than):
    return GRADES.index(grade) > GRADES.index(than)


@law
@given(evidence=evidences, data=st.data())
def test_worse_evidence_never_gives_a_better_grade(evidence, data):
    name = data.draw(st.sampled_from(sorted(RISES | FALLS)))
    before = getattr(evidence, name)
    if before is None:
        return
    other = data.draw((RISES | FALLS)[name])
    worst = max(before, other) if name in RISES else min(before, other)
    assert not worse(certify(evidence).grade, certify(replace(evidence, **{name: worst})).grade)


@law
@given(evidence=evidences)
def test_a_worse_clock_or_ending_never_gives_a_better_grade(evidence):
    if evidence.stamp_source == "kernel":
        assert not worse(certify(evidence).grade, certify(replace(evidence, stamp_source="read")).grade)
    if evidence.status == "completed":
        assert not worse(certify(evidence).grade, certify(replace(evidence, status="timed_out")).grade)
        assert certify(replace(evidence, status="crashed")).grade == "D"


@law
@given(evidence=evidences)
def test_only_an_a_has_no_reason_and_a_grade_is_never_better_than_b_without_a_self_test(evidence):
    certificate = certify(evidence)
    assert (certificate.grade == "A") == (certificate.reasons == ())
    if evidence.selftest_ttft_error_p99_s is None:
        assert certificate.grade != "A"
