"""Pulses: over a scripted endpoint, on a taken machine, at the limit of a day; and when they are drawn to begin."""

import contextlib
import io
import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from flows import cli
from flows.config import check_config
from flows.errors import ConfigError, NightError
from flows.lock import host_lock, host_lock_if_free
from flows.pulse import EVERY, TAKEN, drawn_start, pulse_config, run_id_at
from probes.fake_endpoint import FakeScript, fake_endpoint
from tests.flows.nights import endpoint, landed_attempts, write_config
from tests.warehouse.snapshots import run_query
from warehouse.publish import published_link

QUICK = FakeScript(ttft_s=0.002, itl_s=0.0005)
TICK = datetime(2026, 11, 23, 3, tzinfo=UTC)


def with_pulse(config, **keys):
    """The same config with a `[pulse]` table."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in ({"max_usd_per_day": 1.0} | keys).items()]
    config.write_text("\n".join([config.read_text(), "[pulse]", *lines]))
    return config


def ask(data, query):
    columns, rows = run_query(data, query)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def said_by(*arguments):
    """A command in this process: its children are processes of their own all the same."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = cli.main(list(map(str, arguments)))
    return code, out.getvalue()


def pulse(data, config, *more):
    code, said = said_by("pulse", config, "--json", "--data", data, *more)
    return code, json.loads(said)


@pytest.fixture(scope="module")
def own_lock(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEGATOKEN_HOST_LOCK", str(tmp_path_factory.mktemp("lock") / "host.lock"))
        yield


@pytest.fixture(scope="module")
def after_a_night(tmp_path_factory, own_lock):
    """A night, then a pulse that is run twice, on a limit that leaves no room for another."""
    folder = tmp_path_factory.mktemp("pulses")
    data = folder / "data"
    with fake_endpoint(QUICK) as server:
        price = {"usd_per_input_mtok": 0.0, "usd_per_output_mtok": 1000.0}
        config = write_config(folder, [endpoint("a", server.base_url, price=price)], output_tokens=8, max_usd=1.0)
        with_pulse(config, attempts=3, max_usd_per_day=0.05)  # (3 + 1 warm-up) x 8 tokens: at most 0.032 USD each
        said_by("night", config, "--no-prefect", "--data", data)
        first = pulse(data, config, "--run-id", "again")
        sent = len(server.requests)
        repeated = pulse(data, config, "--run-id", "again")
        third = pulse(data, config)
        yield {"data": data, "first": first, "repeated": repeated, "third": third, "sent": sent,
               "sent_in_all": len(server.requests)}  # fmt: skip


def test_a_pulse_sends_a_few_attempts_and_stays_out_of_the_board(after_a_night):
    code, said = after_a_night["first"]
    (trial,) = said["trials"]
    assert (code, said["state"], trial["target_id"], trial["attempts"], trial["ok"]) == (0, "completed", "a", 3, 3)
    data = after_a_night["data"]
    assert [(row["n"], row["run_id"] == "again") for row in ask(data, "FROM leaderboard")] == [(6, False)]
    kinds = ask(data, "SELECT run_kind, count(*) AS n FROM reliability_trials GROUP BY 1 ORDER BY 1")
    assert kinds == [{"run_kind": "night", "n": 1}, {"run_kind": "pulse", "n": 1}]


def test_a_pulse_that_has_landed_is_not_sent_again(after_a_night):
    assert after_a_night["sent"] == after_a_night["sent_in_all"]
    code, said = after_a_night["repeated"]
    assert (code, said["state"], said["trials"][0]["attempts"], said["spent_before_usd"]) == (0, "completed", 3, 0.0)


def test_a_pulse_that_could_pass_the_limit_of_the_day_is_not_started(after_a_night):
    code, said = after_a_night["third"]
    assert (code, said["state"], said["trials"]) == (1, "stopped_at_budget", [])
    # the warm-up billed like a measured request: 4 x 8 tokens at 1000 USD per million
    assert said["spent_before_usd"] == pytest.approx(0.032)
    assert landed_attempts(after_a_night["data"]).height == 7 + 4


def test_on_a_machine_that_is_taken_a_pulse_is_skipped_and_that_is_written_down(tmp_path, own_lock):
    data = tmp_path / "data"
    with fake_endpoint(QUICK) as server:
        config = with_pulse(write_config(tmp_path, [endpoint("a", server.base_url), endpoint("b", server.base_url)]))
        with host_lock():
            code, said = pulse(data, config, "--run-id", "late", "--only", "a")
        assert (code, said["state"], said["reason"], server.requests) == (0, "skipped", TAKEN, [])
        assert not published_link(data).exists()
    said_by("publish", "--data", data)  # as the run that measured would have done
    assert ask(data, "SELECT run_id, state, run_kind FROM runs_overview") == [
        {"run_id": "late", "state": "skipped", "run_kind": "pulse"}
    ]
    reasons = ask(data, "SELECT target_id, skip_reason FROM planned_trials ORDER BY 1")
    assert [row["skip_reason"] for row in reasons] == [TAKEN, "not named by --only"]


def test_a_night_waits_for_a_pulse_and_not_for_another_night(tmp_path, monkeypatch):
    monkeypatch.setenv("MEGATOKEN_HOST_LOCK", str(tmp_path / "lock"))
    with host_lock_if_free() as first:
        assert first is not None
        with host_lock_if_free() as second:
            assert second is None
        with pytest.raises(NightError, match=r"\(a pulse\)"), host_lock(wait_s=30.0, wait_for_pulse_s=0.0):
            pass
    with host_lock(), pytest.raises(NightError, match="measure each other"), host_lock(wait_s=0.0):
        pass
    with host_lock_if_free() as free:
        assert free is not None


# when


def test_the_instant_of_a_tick_is_drawn_once_and_lies_in_its_three_hours():
    drawn = [drawn_start(TICK + n * EVERY, "a") for n in range(2000)]
    assert drawn == [drawn_start(TICK + n * EVERY, "a") for n in range(2000)]
    assert all(TICK + n * EVERY <= at < TICK + (n + 1) * EVERY for n, at in enumerate(drawn))
    assert drawn_start(TICK, "a") != drawn_start(TICK, "b")
    assert run_id_at(drawn[0], "a") == f"{drawn[0]:%Y-%m-%dT%H%M%SZ}-a-pulse"


def test_within_months_every_hour_of_the_week_is_reached_about_equally_often():
    weeks = 60
    at = [drawn_start(TICK + n * EVERY, "a") for n in range(56 * weeks)]
    hours = Counter((instant.weekday(), instant.hour) for instant in at)
    # a third of the weeks each: 20 of 60, and 5 standard deviations of that are 18
    assert len(hours) == 168
    assert max(abs(n - weeks / 3) for n in hours.values()) < 18
    minutes = Counter(instant.minute for instant in at)
    assert max(abs(n - len(at) / 60) for n in minutes.values()) < 5 * (len(at) / 60) ** 0.5
    assert len({instant.second for instant in at}) == 60
    assert max(b - a for a, b in itertools.pairwise(at)) < timedelta(hours=6)


# configs


SITE = {
    "zone": "FRA", "pue": 1.2, "electricity_usd_per_kwh": 0.2,
    "hardware": {
        "price_usd": 1000.0, "lifetime_years": 4, "utilisation_share": 0.5, "share": 1.0, "embodied_kgco2e": 9.0,
    },
}  # fmt: skip


def config_of(pulse_table, *, targets=(), hosted=None, **workload):
    hosted = [endpoint("a", "http://127.0.0.1:9/v1")] if hosted is None else hosted
    raw = {
        "night": {"name": "n", "max_usd": 1.0, "timeouts": {"trial_s": 900.0}},
        "pulse": {"max_usd_per_day": 0.1, **pulse_table},
        "site": SITE,
        "targets": [*hosted, *targets],
        "workloads": [
            {"id": "w", "arrivals": "closed", "concurrency": 8, "requests": 300, "prompt_tokens": 20,
             "output_tokens": 8, "repeats": 5, "warmup_requests": 4} | workload,
        ],
    }  # fmt: skip
    config = check_config(raw, name="n.toml")
    assert config.pulse is not None
    return pulse_config(config, config.pulse, name="n.toml")


def test_the_workload_of_a_pulse_is_that_of_the_night_in_a_few_requests():
    config = config_of({"attempts": 4})
    (short,) = config.workloads
    found = (short.id, short.requests, short.concurrency, short.repeats, short.warmup_requests)
    assert found == ("w", 4, 4, 1, 1)
    assert config.night.timeouts.trial_s == 120.0
    (open_loop,) = config_of({}, arrivals="poisson", concurrency=None, rate_rps=5.0).workloads
    assert (open_loop.requests, open_loop.rate_rps) == (3, 5.0)


@pytest.mark.parametrize(
    ("table", "workload", "said"),
    [
        ({"workload": "chat"}, {}, "workload = 'chat' is no workload of it; it has w"),
        ({"attempts": 0}, {}, "attempts = 0"),
        ({"max_usd": 1}, {}, "max_usd"),
        (
            {},
            {"arrivals": "poisson", "concurrency": None, "repeats": 1, "search": "slo",
             "search_limits": {"rate_max_rps": 9.0}},
            "is a search",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_the_pulse_table_is_a_sentence(table, workload, said):
    with pytest.raises(ConfigError, match=said):
        config_of(table, **workload)


def test_engines_of_this_machine_are_measured_only_if_asked():
    local = {"kind": "local", "id": "l", "engine": "llama.cpp", "model": "smollm2-135m", "device": "cpu", "threads": 1,
             "slots": 1}  # fmt: skip
    assert [t.id for t in config_of({}, targets=[local]).targets] == ["a"]
    assert [t.id for t in config_of({"local_targets": True}, targets=[local]).targets] == ["a", "l"]
    with pytest.raises(ConfigError, match="set local_targets = true"):
        config_of({}, targets=[local], hosted=[])
