"""A rerank that says for how many searches it is billed: the quote, the account, the bill and today's cost agree."""

import shutil
from dataclasses import replace

import pytest

from flows.pricefacts import worst_request_usd
from tests.warehouse.builders import attempt_row, fact_row, failed_row, run_row, trial_row
from warehouse.bill import bill_change
from warehouse.loader import derive
from warehouse.price_ledger import record_prices
from warehouse.tables import by_table, insert_rows

FEE = fact_row("price_usd_per_1k_requests", 2.0)
FREE = [fact_row("price_usd_per_input_mtok", 0.0), fact_row("price_usd_per_output_mtok", 0.0), FEE]
PAID = [fact_row("price_usd_per_input_mtok", 1.0), fact_row("price_usd_per_output_mtok", 0.0), FEE]
LONGER = [
    fact_row("price_above_500_usd_per_input_mtok", 2.0),
    fact_row("price_above_500_usd_per_output_mtok", 0.0),
    fact_row("price_above_500_usd_per_1k_requests", 4.0),
]


def reranks(*searches, prompt=None, output=None):
    return [
        attempt_row(n, prompt_tokens=prompt, output_tokens=output, search_units=units)
        for n, units in enumerate(searches)
    ]


LONG = attempt_row(1, prompt_tokens=600, output_tokens=0, search_units=5)
QUOTE = 4 * worst_request_usd(PAID, prompt_tokens=100, output_tokens=0, searches=3)
# what came back, at which prices, and what it costs: by the account, today, by the bill, and as a sum of attempts
CASES = {
    "one-each": (reranks(1, 1, 1), FREE, [3 * 0.002] * 4),
    "several": (reranks(1, 3), FREE, [4 * 0.002] * 4),
    "none": (reranks(0, 2), FREE, [2 * 0.002] * 4),
    "free-tokens": (reranks(2, 3, prompt=100, output=0), FREE, [5 * 0.002] * 4),
    "tokens-too": (reranks(2, 3, prompt=100, output=0), PAID, [5 * 0.002 + 200e-6] * 4),
    "one-does-not-say": (reranks(None, 3, prompt=100, output=0), PAID, [4 * 0.002 + 200e-6] * 4),
    "failed": ([*reranks(2, prompt=100, output=0), failed_row(1, search_units=1)], FREE, [3 * 0.002] * 4),
    "longer": (
        [*reranks(2, prompt=100, output=0), LONG], PAID + LONGER, [2 * 0.002 + 100e-6 + 5 * 0.004 + 1200e-6] * 4
    ),
    "as-quoted": (reranks(3, 3, 3, 3, prompt=100, output=0), PAID, [QUOTE] * 4),
    "unknown-tokens": (reranks(1, 2), PAID, [None] * 4),
    "unknown-tokens-by-length": (reranks(1, 2), PAID + LONGER, [None] * 4),
    "unknown-searches": (reranks(1, None), FREE, [None, None, None, 0.002]),
}  # fmt: skip


def night(name, rows, prices):
    trial_id = f"{name}.ranker.rank.1"
    trial = trial_row(
        trial_id=trial_id, run_id=name, target_id=name.removesuffix("-later"), kind="endpoint", provider="nobody",
        model="r-1", api="cohere-rerank", engine=None, device=None, base_url="https://rank.example",
    )  # fmt: skip
    mine = [replace(row, trial_id=trial_id, attempt_id=f"{trial_id}.{row.seq}") for row in rows]
    return [run_row(run_id=name), trial, *mine, *(replace(fact, trial_id=trial_id) for fact in prices)]


@pytest.fixture(scope="module")
def ranked(empty_warehouse, tmp_path_factory):
    """All of them in one warehouse, since filling one costs more than all questions to it."""
    import duckdb

    path = tmp_path_factory.mktemp("searches") / "warehouse.duckdb"
    shutil.copyfile(empty_warehouse, path)
    con = duckdb.connect(path)
    rows = [row for name, (answers, prices, _) in CASES.items() for row in night(name, answers, prices)]
    rows += night("one-each-later", reranks(3, 3, 3), FREE)
    for table, members in by_table(rows).items():
        insert_rows(con, table, members)
    derive(con)
    record_prices(con)
    yield con
    con.close()


def one(con, question, name):
    ((answer,),) = con.execute(question, [f"{name}.ranker.rank.1"]).fetchall()
    return answer


@pytest.mark.parametrize("name", CASES)
def test_each_search_pays_the_fee_of_a_request_wherever_its_cost_is_told(ranked, name):
    costs = [
        one(ranked, question, name)
        for question in (
            "SELECT usd FROM cost WHERE trial_id = ?",
            "SELECT today_usd FROM trial_cost_today WHERE trial_id = ?",
            "SELECT sum(usd) FROM bill_lines WHERE trial_id = ?",
            "SELECT sum(usd) FROM attempt_accounts WHERE trial_id = ?",
        )
    ]
    assert costs == [None if usd is None else pytest.approx(usd, rel=1e-12) for usd in CASES[name][2]]


@pytest.mark.parametrize("name", ["unknown-tokens", "unknown-tokens-by-length"])
def test_where_tokens_cost_something_searches_alone_are_no_known_cost_and_it_says_why(ranked, name):
    missing = one(ranked, "SELECT missing FROM cost_accounts WHERE trial_id = ?", name)
    assert missing == "attempts that succeeded without token counts: 2"
    reason = one(ranked, "SELECT reason FROM trial_cost_today WHERE trial_id = ?", name)
    assert reason == "some attempts that succeeded report no tokens"


def test_a_bill_says_of_more_searches_a_request_that_its_input_grew(ranked):
    change = bill_change(ranked, ["one-each", "one-each-later"])
    assert (change.before_usd, change.after_usd) == pytest.approx((0.006, 0.018))
    assert {name: usd for name, usd in change.parts.items() if abs(usd) > 1e-12} == {"input": pytest.approx(0.012)}
