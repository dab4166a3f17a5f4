"""What changed the bill: each kind of change stands in its part alone, and parts sum to the difference."""

import math
import shutil
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.builders import (
    STARTED_AT,
    attempt_row,
    counter_samples,
    fact_row,
    failed_row,
    local_facts,
    meter_row,
    run_row,
    trial_row,
)
from warehouse import bill_words
from warehouse.bill import bill_change
from warehouse.bill_periods import BilledRun, last_days, months, period_named, periods_of, weeks
from warehouse.bill_use import MachineUse, Tokens, TokenUse, parts_of
from warehouse.errors import WarehouseError
from warehouse.loader import derive
from warehouse.tables import by_table, insert_rows

INPUT, OUTPUT = "price_usd_per_input_mtok", "price_usd_per_output_mtok"
PRICES = {INPUT: 1.0, OUTPUT: 10.0, "price_usd_per_cached_input_mtok": 0.1}
LONG = {"price_usd_per_1k_requests": 5.0, "price_above_200000_usd_per_input_mtok": 2.0,
        "price_above_200000_usd_per_output_mtok": 20.0}  # fmt: skip


def warm_ups(count):
    return [attempt_row(n, phase="warmup", prompt_tokens=100_000, output_tokens=0) for n in range(count)]


# Nights that differ from `base` in one thing, or in what their name says; all of one target unless it is named.
NIGHTS = {
    "base": {},
    "dearer": {"prices": PRICES | {OUTPUT: 15.0}},
    "more": {"attempts": 6},
    "longer": {"prompt": 150_000},
    "wordy": {"output": 20_000},
    "silent": {"reasoning_tokens": 0},
    "thoughtful": {"output": 20_000, "reasoning_tokens": 10_000},
    "cached": {"cached_tokens": 50_000},
    "warmed": {"others": warm_ups(1)},
    "failing": {"others": [failed_row(prompt_tokens=100_000, output_tokens=0)]},
    "both": {"attempts": 8, "prices": {name: 2 * usd for name, usd in PRICES.items()}},
    "warmed-twice": {"attempts": 8, "others": warm_ups(2)},
    "turned-away": {"others": [failed_row()]},
    "uncounted": {"others": [attempt_row(output_tokens=None)]},
    "long": {"prices": PRICES | LONG, "cached_tokens": 300,
             "others": [attempt_row(prompt_tokens=300_000, cached_tokens=1000, output_tokens=500),
                        failed_row(prompt_tokens=10)]},
}  # fmt: skip


def night(name, *, target="api", attempts=4, prompt=100_000, output=10_000, prices=PRICES, others=(), day=None, **more):
    """A night of one hosted target: its attempts, and others that are given."""
    at = STARTED_AT + timedelta(days=list(NIGHTS).index(name) if day is None else day)
    trial_id = f"{name}.{target}.chat.1"
    trial = trial_row(
        trial_id=trial_id, run_id=name, target_id=target, kind="endpoint", provider="p", model="m", engine=None,
        device=None, started_at=at,
    )  # fmt: skip
    rows = [
        attempt_row(seq, trial_id=trial_id, prompt_tokens=prompt, output_tokens=output, reasoning_tokens=0)
        for seq in range(attempts)
    ]
    rows = [replace(row, **more) for row in rows]
    rows += [replace(row, trial_id=trial_id, attempt_id=f"{trial_id}.{50 + n}") for n, row in enumerate(others)]
    facts = [fact_row(quantity, usd, trial_id=trial_id) for quantity, usd in prices.items()]
    return [run_row(run_id=name, started_at=at), trial, *rows, *facts]


def local_night(name, day, *, usd_per_kwh):
    at = STARTED_AT + timedelta(days=day)
    trial_id = f"{name}.own.chat.1"
    facts = [
        replace(fact, central=usd_per_kwh, low=None, high=None) if fact.quantity == "electricity_usd_per_kwh" else fact
        for fact in local_facts(trial_id)
    ]
    trial = trial_row(trial_id=trial_id, run_id=name, target_id="own", started_at=at)
    samples = [replace(row, trial_id=trial_id) for row in counter_samples()]
    return [
        run_row(run_id=name, started_at=at), trial, attempt_row(trial_id=trial_id), meter_row(trial_id=trial_id),
        *samples, *facts,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def billed(empty_warehouse, tmp_path_factory):
    """All of them in one warehouse, since filling one costs more than all questions to it."""
    import duckdb

    path = tmp_path_factory.mktemp("bill") / "warehouse.duckdb"
    shutil.copyfile(empty_warehouse, path)
    con = duckdb.connect(path)
    rows = [row for name, changes in NIGHTS.items() for row in night(name, **changes)]
    rows += [*night("two-a", day=40), *night("two-a", target="old", day=40)[1:]]
    rows += [*night("two-b", day=41), *night("two-b", target="new", attempts=8, day=41)[1:]]
    rows += [*night("dark-a", day=42), *night("dark-a", target="dark", prices={}, day=42)[1:]]
    rows += [*night("dark-b", day=43), *night("dark-b", target="dark", day=43)[1:]]
    rows += [*local_night("own-a", 44, usd_per_kwh=0.2), *local_night("own-b", 45, usd_per_kwh=0.4)]
    for table, members in by_table(rows).items():
        insert_rows(con, table, members)
    derive(con)
    yield con
    con.close()


def parts(change):
    return {name: usd for name, usd in change.parts.items() if abs(usd) > 1e-12}


# one thing changes


def test_a_price_that_rises_is_price_and_says_when(billed):
    change = bill_change(billed, ["base", "dearer"])
    assert change.before_usd == pytest.approx(4 * (0.1 + 0.1))
    assert parts(change) == {"price": pytest.approx(4 * 10_000 * 5e-6)}
    assert bill_words.verdict(change) == (
        "+0.200 USD (from 0.800 to 1.000), mostly a higher price of api (+0.200: output from 10 to 15 USD/Mtok,"
        " first paid on 2026-11-02)"
    )


@pytest.mark.parametrize(
    ("before", "after", "part", "usd"),
    [
        ("base", "more", "volume", 2 * 0.2),
        ("base", "longer", "input", 4 * 0.05),
        ("base", "wordy", "output", 4 * 0.1),
        ("silent", "thoughtful", "reasoning", 4 * 0.1),
        ("base", "cached", "cache", -4 * 50_000 * 0.9e-6),
        ("base", "warmed", "warm-up", 0.1),
        ("base", "failing", "failed", 0.1),
        ("warmed", "warmed-twice", "volume", 0.9),  # warm-ups that grow with the answers
    ],
)
def test_what_alone_changed_has_all_of_the_difference(billed, before, after, part, usd):
    change = bill_change(billed, [before, after])
    assert parts(change) == {part: pytest.approx(usd)}
    assert change.difference_usd == pytest.approx(usd)


def test_a_price_and_a_volume_that_both_double_share_what_only_both_bring(billed):
    found = parts(bill_change(billed, ["base", "both"]))
    assert found == {"volume": pytest.approx(0.8 * 1.5), "price": pytest.approx(0.8 * 1.5)}


def test_targets_that_are_new_or_gone_are_parts_of_their_own(billed):
    change = bill_change(billed, ["two-a", "two-b"])
    assert parts(change) == {"new": pytest.approx(1.6), "gone": pytest.approx(-0.8)}
    assert "mostly new: new (+1.600); against it gone: old (\N{MINUS SIGN}0.800)" in bill_words.verdict(change)
    assert [one.target_id for one in bill_change(billed, ["two-a", "two-b"], wanted="NEW").targets] == ["new"]


# what is not known, and what is ours


def test_a_target_with_an_unknown_cost_is_in_neither_sum_and_says_why(billed):
    change = bill_change(billed, ["dark-a", "dark-b"])
    assert [one.target_id for one in change.targets] == ["api"]
    assert change.difference_usd == 0
    (said,) = bill_words.unknown_words(change)
    assert said.startswith("dark is in neither sum: the cost of 1 of its 2 trials is unknown (no price_usd_per_input")
    assert bill_words.verdict(change) == "The same: 0.8000 USD"


def test_an_answer_without_token_counts_makes_the_bill_unknown_and_a_failure_without_them_is_counted(billed):
    change = bill_change(billed, ["base", "turned-away"])
    assert (change.difference_usd, change.unbilled_failures) == (0, 1)
    assert "may have been billed: 1." in bill_words.left_out_words(change)
    change = bill_change(billed, ["base", "uncounted"])
    assert (change.targets, len(change.unknown)) == ((), 1)
    assert bill_words.verdict(change) == "Nothing was bought in either of them, as far as costs are known"


def test_a_machine_whose_tariff_doubles_pays_twice_its_electricity_and_that_is_price(billed):
    change = bill_change(billed, ["own-a", "own-b"])
    (one,) = change.targets
    assert one.before.electricity_usd > 0
    assert parts(change) == {"price": pytest.approx(one.before.electricity_usd, rel=1e-9)}


def test_lines_of_a_bill_sum_to_what_the_account_says_of_every_trial(billed):
    found = billed.execute(
        """
        SELECT any_value(c.usd), sum(b.usd)
        FROM bill_lines AS b
        INNER JOIN cost AS c USING (trial_id)
        WHERE b.line <> 'warm-up' AND c.usd IS NOT NULL
        GROUP BY trial_id
        """
    ).fetchall()
    assert len(found) == len(NIGHTS) - 1 + 7 + 2
    for account, lines in found:
        assert lines == pytest.approx(account, rel=1e-12)


# laws

COUNTS = st.integers(0, 10**6)
TOKENS = st.builds(
    Tokens, requests=st.integers(0, 1000), fees=st.integers(0, 5000), fresh=COUNTS, cached=COUNTS, written=COUNTS,
    output=COUNTS, reasoning=st.none() | st.just(0),
)  # fmt: skip
RATES = st.tuples(*[st.floats(0, 1e-4)] * 4, st.floats(0, 1e-2))


@st.composite
def uses(draw):
    lines = {name: draw(TOKENS) for name in ("answered", "failed", "warm-up")}
    if lines["answered"].requests == 0:
        lines["answered"] = Tokens()
    prices = draw(RATES)
    usd = math.fsum(n * price for of in lines.values() for n, price in zip(of.billed, prices, strict=True))
    return TokenUse(usd=usd, lines=lines, prices=prices)


@settings(max_examples=30)
@given(uses(), uses())
def test_parts_sum_to_the_difference_whatever_was_bought(before, after):
    found = parts_of(before, after)
    assert math.fsum(found.values()) == pytest.approx(after.usd - before.usd, abs=1e-9 * (1 + before.usd + after.usd))
    back = parts_of(after, before)
    assert [-back[name] for name in found] == pytest.approx(
        list(found.values()), abs=1e-9 * (1 + before.usd + after.usd)
    )


@st.composite
def machine_uses(draw):
    attempts = draw(st.integers(0, 100))
    if not attempts:
        return MachineUse(usd=0, attempts=0, energy_j=0, window_s=0, electricity_usd=0, hardware_usd=0)
    j, s, e, h = (draw(st.floats(1e-3, 1e4)) for _ in range(4))
    return MachineUse(usd=e + h, attempts=attempts, energy_j=j, window_s=s, electricity_usd=e, hardware_usd=h)


@settings(max_examples=30)
@given(machine_uses(), machine_uses())
def test_parts_of_a_machine_sum_to_the_difference(before, after):
    found = parts_of(before, after)
    assert math.fsum(found.values()) == pytest.approx(after.usd - before.usd, abs=1e-9 * (1 + before.usd + after.usd))


def test_tokens_and_a_machine_have_no_factors_in_common():
    machine = MachineUse(usd=0, attempts=0, energy_j=0, window_s=0, electricity_usd=0, hardware_usd=0)
    with pytest.raises(ValueError, match="no factors in common"):
        parts_of(machine, TokenUse(usd=0.0, lines={}, prices=(0.0,) * 5))


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=11), st.sampled_from(["0.01", "0.0001"]))
def test_rounded_parts_sum_to_the_rounded_whole_and_none_is_two_steps_off(numbers, step_text):
    step = Decimal(step_text)
    whole = bill_words.rounded(math.fsum(numbers), step)
    shown = bill_words.apportioned(numbers, whole, step)
    assert sum(shown) == whole
    assert all(abs(Decimal(one) - said) < 2 * step for one, said in zip(numbers, shown, strict=True))


# spans of time


def runs(*days):
    return [BilledRun(run_id=f"r{n}", kind="night", on=date(2026, 11, day)) for n, day in enumerate(days)]


def test_spans_of_time_by_their_names():
    known = runs(1, 2, 15, 16, 30)
    assert period_named(known, "2026-W46").run_ids == ("r2",)
    assert period_named(known, "2026-11").days_with_runs == 5
    assert period_named(known, "2026-11-02..2026-11-15").run_ids == ("r1", "r2")
    assert period_named(known, "r3").words == "r3"
    before, after = periods_of(known, ["15d"])
    assert (before.first_on, before.last_on, after.first_on) == (
        date(2026, 11, 1),
        date(2026, 11, 15),
        date(2026, 11, 16),
    )
    assert (before.run_ids, after.run_ids) == (("r0", "r1", "r2"), ("r3", "r4"))
    assert (weeks(known)[0], months(known)) == ("2026-W49", ["2026-11"])


@pytest.mark.parametrize("name", ["2026-W54", "2026-13", "2026-11-31", "2026-11-10..2026-11-01", "yesterday", "0d", ""])
def test_a_name_that_means_nothing_is_told_which_do(name):
    with pytest.raises(
        WarehouseError, match="is neither a run of this warehouse nor a span of time; give 7d, 2026-W47"
    ):
        period_named(runs(1), name)


def test_one_span_alone_or_no_run_at_all_is_no_bill():
    with pytest.raises(WarehouseError, match="compares two spans of time, given is 2026-11"):
        periods_of(runs(1), ["2026-11"])
    with pytest.raises(WarehouseError, match="no run has measured anything yet"):
        last_days([], 7)
