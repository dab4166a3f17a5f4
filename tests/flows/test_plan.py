"""What is due, what it may cost at worst, what is skipped and why."""

import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest

from flows.canaryplan import planned_canaries
from flows.config import check_config, load_config
from flows.errors import ConfigError
from flows.plan import build_plan, point_quote_usd
from flows.prepare import NightRequest, check_request
from flows.spec import search_id, searched_cells
from flows.steps import trials_spent_usd
from tests.flows.test_config import GOOD
from warehouse.landing import LandedTrial
from warehouse.loader import TrialResult
from warehouse.rows import FactRow

CONFIG = check_config(GOOD, name="t.toml")
FIRST = load_config(Path(__file__).parents[2] / "flows/configs/first-night.toml").config


def price(trial_id, quantity, usd):
    return FactRow(
        trial_id=trial_id,
        quantity=quantity,
        low=None,
        central=usd,
        high=None,
        basis="declared",
        valid_from=None,
        source="test",
    )


def priced(target, trial_id):
    return [price(trial_id, "price_usd_per_input_mtok", 2.0), price(trial_id, "price_usd_per_output_mtok", 10.0)]


def plan(config=CONFIG, *, only=(), landed=(), searched=(), key=True, facts=priced):
    return build_plan(
        config,
        run_id="r",
        only=only,
        landed=landed,
        searched=searched,
        has_key=lambda t: key,
        facts_for=facts,
        worst_power_w=20.0,
    )


def two_targets(**workload):
    """Two endpoints under one workload with these keys changed."""
    raw = copy.deepcopy(GOOD)
    raw["targets"].append({**raw["targets"][0], "id": "b"})
    table = raw["workloads"][0] | workload
    raw["workloads"] = [{key: value for key, value in table.items() if value is not None}]
    return check_config(raw, name="t.toml")


def landed(status, try_number=1):
    return LandedTrial(
        trial_id=f"r.a.w.{try_number}", target_id="a", workload_id="w", try_number=try_number, status=status
    )


def test_the_quote_bounds_every_request_in_full_length():
    # 3 measured + 2 warm-ups; 200 tokens in (half as many again until calibrated) at 2 USD, 10 out at 10 USD a million
    long = plan(two_targets(prompt_tokens=200)).trials[0]
    assert long.quote_usd_worst == pytest.approx(5 * (300 * 2.0 + 10 * 10.0) / 1e6)
    # 10 tokens in are not had: what stands around the text is more
    assert plan().quote_usd_worst == pytest.approx(5 * (120 * 2.0 + 10 * 10.0) / 1e6)


def test_the_quote_is_of_the_longest_that_can_come(tmp_path):
    drawn = {
        "prompt_tokens": None,
        "output_tokens": None,
        "prompt_lengths": {"kind": "lognormal", "median": 100, "sigma": 1, "max": 4000},
        "output_lengths": {"kind": "uniform", "min": 1, "max": 50},
    }
    assert plan(two_targets(**drawn)).trials[0].quote_usd_worst == pytest.approx(5 * (6000 * 2.0 + 50 * 10.0) / 1e6)
    talk = plan(two_targets(prompt_tokens=100, turns=3)).trials[0]  # 3 x 100 said and 2 x 10 answered before the last
    assert talk.quote_usd_worst == pytest.approx(5 * (320 * 1.5 * 2.0 + 10 * 10.0) / 1e6)
    file = tmp_path / "p.jsonl"
    file.write_text('{"prompt": "' + "x" * 3000 + '", "output_tokens": 77}\n')
    told = plan(two_targets(prompt_tokens=None, prompts_file=str(file))).trials[
        0
    ]  # a token for three bytes, and a turn
    assert told.quote_usd_worst == pytest.approx(5 * (1008 * 1.5 * 2.0 + 77 * 10.0) / 1e6)


@pytest.mark.parametrize(
    ("api", "documents", "tokens", "searches"),
    [
        ("cohere-rerank", 100, 300, 1),  # 450 of them at worst, beside a query of 15
        ("cohere-rerank", 101, 300, 2),
        ("cohere-rerank", 100, 400, 2),
        ("cohere-rerank", 1, 90_000, 3),  # 279 pieces of 485
        ("rerank", 1000, 300, 1),
    ],
)
def test_a_rerank_is_quoted_by_the_searches_that_it_is_billed_for(api, documents, tokens, searches):
    raw = copy.deepcopy(GOOD)
    raw["targets"][0]["api"] = api
    raw["workloads"] = [raw["workloads"][0] | {"documents": documents, "document_tokens": tokens}]

    def facts(target, trial_id):
        prices = ("usd_per_input_mtok", 0.0), ("usd_per_output_mtok", 0.0), ("usd_per_1k_requests", 2.0)
        return [price(trial_id, f"price_{name}", usd) for name, usd in prices]

    quote = plan(check_config(raw, name="t.toml"), facts=facts).trials[0].quote_usd_worst
    assert quote == pytest.approx(5 * searches * 0.002)


@pytest.mark.parametrize(
    ("api", "tokens"),
    [("openai-chat", 10), ("openai-images", 7024), ("openai-speech", 12 * 300), ("openai-transcription", 448)],
)
def test_an_answer_that_no_field_limits_is_quoted_at_what_it_may_be(api, tokens):
    raw = copy.deepcopy(GOOD)
    raw["targets"][0]["api"] = api
    sound = {"audio_s": 1.0} if api == "openai-transcription" else {}
    raw["workloads"] = [raw["workloads"][0] | {"prompt_tokens": 200} | sound]
    said = plan(check_config(raw, name="t.toml")).trials[0].quote_usd_worst
    prompt = 375 if sound else 300
    assert said == pytest.approx(5 * (prompt * 2.0 + tokens * 10.0) / 1e6)


def test_every_target_meets_every_workload_in_the_configs_order():
    cells = [(t.target.id, t.workload.id) for t in plan(FIRST, facts=lambda t, i: []).trials]
    assert len(cells) == 6
    assert cells[:2] == [("smollm2-135m-q4_1", "chat"), ("smollm2-135m-q4_1", "document")]


def test_a_local_quote_is_the_deadline_at_the_dearest():
    first = plan(FIRST, facts=lambda t, i: []).trials[0]
    wear = 300 * 1500 / 0.5 / (4 * 365.25 * 86400)
    power = 20.0 * 1.6 * 300 / 3.6e6 * 0.35
    assert first.quote_usd_worst == pytest.approx(wear + power)


def test_the_first_night_fits_its_own_limit():
    quote = plan(FIRST, facts=lambda t, i: []).quote_usd_worst
    assert quote is not None
    assert 0 < quote <= FIRST.night.max_usd


def test_a_target_without_its_key_is_skipped_and_says_which():
    (trial,) = plan(key=False).trials
    assert trial.skip_reason == "A_KEY is not set in the environment"
    assert plan(key=False).due == []


def test_a_target_without_a_price_is_skipped_because_the_limit_could_not_be_kept():
    (trial,) = plan(facts=lambda t, i: []).trials
    assert trial.skip_reason is not None
    assert "no list price is known for p/m" in trial.skip_reason
    assert trial.quote_usd_worst is None


def test_only_keeps_the_named_targets():
    assert plan(only=("b",)).trials[0].skip_reason == "not named by --only"
    assert plan(only=("a",)).due


@pytest.mark.parametrize("status", ["completed", "timed_out"])
def test_what_has_landed_is_not_measured_again(status):
    assert plan(landed=[landed(status)]).due == []


@pytest.mark.parametrize("status", ["aborted", "crashed", "setup_failed"])
def test_what_was_cut_off_is_measured_again_under_a_new_try(status):
    (trial,) = plan(landed=[landed(status), landed(status, 2)]).due
    assert trial.try_number == 3
    assert trial.trial_id == "r.a.w.3"


def test_a_finished_try_counts_however_many_failed_beside_it():
    assert plan(landed=[landed("crashed"), landed("completed", 2)]).due == []


def test_nothing_due_costs_nothing():
    assert math.isclose(plan(landed=[landed("completed")]).quote_usd_worst or 0.0, 0.0)


# --- repeats


def test_repeats_are_spread_over_the_night_and_not_back_to_back():
    trials = plan(two_targets(repeats=3)).trials
    assert [(t.target.id, t.repeat_number) for t in trials] == [
        ("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3), ("b", 3),
    ]  # fmt: skip
    assert [t.trial_id for t in trials] == ["r.a.w.1", "r.b.w.1", "r.a.w.2", "r.b.w.2", "r.a.w.3", "r.b.w.3"]


def test_every_repeat_is_quoted():
    assert plan(two_targets(repeats=3)).quote_usd_worst == pytest.approx(6 * (plan().quote_usd_worst or 0))


def test_a_resumed_run_measures_the_repeats_that_are_left_under_new_names():
    earlier = [landed("completed"), landed("crashed", 2), landed("completed", 3)]
    resumed = plan(two_targets(repeats=3), landed=earlier)
    mine = [t for t in resumed.trials if t.target.id == "a"]
    assert [(t.repeat_number, t.landed) for t in mine] == [(1, True), (2, True), (3, False)]
    assert mine[-1].trial_id == "r.a.w.4"
    assert not resumed.is_new
    assert len({t.trial_id for t in resumed.due}) == len(resumed.due) == 4


# --- searches


SEARCH = {
    "arrivals": "poisson", "search": "slo", "concurrency": None, "requests": None, "duration_s": 20,
    "search_limits": {"rate_max_rps": 30, "max_points": 8},
}  # fmt: skip


def test_a_search_is_quoted_by_its_longest_point_at_every_one_of_them():
    # 600 requests at 30/s for 20 s, and 2 warm-ups, at each of 8 points; a request costs at most 340 USD a million
    trial = plan(two_targets(**SEARCH)).trials[0]
    assert trial.requests == 8 * 600
    assert trial.quote_usd_worst == pytest.approx(8 * 602 * 340 / 1e6)
    # a slower point of 60 requests costs its own share of that
    assert point_quote_usd(trial, 60) == pytest.approx(62 * 340 / 1e6)


def test_a_point_that_tells_no_tokens_counts_with_its_own_worst_case_and_not_with_the_whole_searchs():
    search = plan(two_targets(**SEARCH)).trials[0]
    untold = TrialResult(
        trial_id="r.a.w.1", target_id="a", workload_id="w", status="completed", attempts=60, ok=60, usd=None,
        usd_reason="no usage", ttft_p50_s=None, tpot_p50_s=None, e2e_p50_s=None,
    )  # fmt: skip
    told = replace(untold, trial_id="r.a.w.2", usd=0.03)
    assert trials_spent_usd([untold], [search]) == pytest.approx(62 * 340 / 1e6)
    assert trials_spent_usd([untold, told], [search]) == pytest.approx(62 * 340 / 1e6 + 0.03 * 62 / 60)


def test_an_answer_that_broke_off_counts_with_its_worst_case_whatever_the_others_cost():
    cell = plan().trials[0]  # 3 requests and 2 warm-ups, each quoted at 340 USD a million
    broken = TrialResult(
        trial_id="r.a.w.1", target_id="a", workload_id="w", status="completed", attempts=3, ok=1, usd=0.0001,
        usd_reason=None, ttft_p50_s=None, tpot_p50_s=None, e2e_p50_s=None, failed_untold=2,
    )  # fmt: skip
    assert trials_spent_usd([broken], [cell]) == pytest.approx(0.0001 * (1 + 2 / 3) + 2 * 340 / 1e6)


def test_a_search_is_done_once_its_answer_has_landed_however_many_points_have():
    points = [landed("completed", n) for n in (1, 2, 3)]
    trial = plan(two_targets(**SEARCH), landed=points).trials[0]
    assert not trial.landed
    assert trial.trial_id == "r.a.w.4"  # a search that was cut off starts again, its points under new names
    assert plan(two_targets(**SEARCH), landed=points, searched={("a", "w")}).trials[0].landed


def test_the_answers_of_searches_are_known_by_the_names_of_their_batches():
    mine = search_id("r.1.a.w.7")
    assert searched_cells("r.1", {mine, "r.1.a.w.1", "r.1.plan", "r.2.b.w.1.search"}) == {("a", "w")}


def test_only_who_answers_in_words_is_asked_the_fixed_questions():
    raw = copy.deepcopy(GOOD)
    for api in ("openai-embeddings", "openai-speech", "anthropic"):
        raw["targets"].append({**raw["targets"][0], "id": api, "api": api})
    config = check_config(raw, name="t.toml")
    facts = {target.id: priced(target, "t") for target in config.targets}
    asked = planned_canaries(config, asked=(), skipped={}, facts=facts, local_quote_usd=lambda _: 0.0)
    assert [canary.target.id for canary in asked] == ["a", "anthropic"]


@pytest.mark.parametrize("run_id", ["../elsewhere", "a b", ".hidden", "", "x" * 121])
def test_a_run_is_not_named_after_what_could_be_no_folder(run_id, tmp_path):
    loaded = load_config(Path(__file__).parents[2] / "flows/configs/first-night.toml")
    check_request(NightRequest(loaded=loaded, data_dir=tmp_path, run_id="2026-11-23T021500Z-t-3f9a"))
    with pytest.raises(ConfigError, match="is no name of a run"):
        check_request(NightRequest(loaded=loaded, data_dir=tmp_path, run_id=run_id))
