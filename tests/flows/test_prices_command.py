"""`megatoken prices`: what people read, what machines read, and a sentence for each mistake."""

import json
import shutil

import pytest

from flows.cli import main
from flows.config import EndpointTarget, LocalTarget, Price, Site, Timeouts, Workload, check_table, load_config
from flows.errors import ConfigError
from flows.facts import facts_for, site_facts
from flows.ledgerfacts import today
from flows.plan import quote_usd
from flows.pricefacts import price_book, product_of, worst_request_usd
from tests.warehouse.begun import begun
from tests.warehouse.builders import (
    STARTED_AT,
    attempt_row,
    counter_samples,
    fact_row,
    local_facts,
    meter_row,
    run_row,
    trial_row,
)  # fmt: skip
from warehouse.accounting import Fact
from warehouse.landing import land
from warehouse.loader import load
from warehouse.publish import publish

CONFIG = """
[night]
name = "t"
max_usd = 1.0
[[targets]]
kind = "endpoint"
id = "mini"
provider = "openai"
model = "gpt-5.4-mini"
base_url = "https://api.openai.com/v1"
api = "openai-chat"
[targets.price]
usd_per_input_mtok = 0.5
usd_per_output_mtok = 4.5
valid_from = "2026-11-01"
note = "our contract"
[[targets]]
kind = "endpoint"
id = "nameless"
provider = "nobody"
model = "m-1"
base_url = "https://llm.example/v1"
api = "openai-chat"
[[workloads]]
id = "w"
arrivals = "closed"
concurrency = 1
requests = 3
prompt_tokens = 10
output_tokens = 10
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "night.toml"
    path.write_text(CONFIG)
    return str(path)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A night with a machine of our own and two APIs, one of which is dear."""
    folder = tmp_path_factory.mktemp("data")
    rows = [run_row(), trial_row(), attempt_row(), meter_row(), *counter_samples(), *local_facts()]
    for name, usd in (("dear", 1e6), ("cheap", 1.0)):
        trial_id = f"night-1.{name}.chat.1"
        api = {"kind": "endpoint", "provider": "p", "model": f"{name}-1", "device": None, "engine": None}
        rows += [trial_row(trial_id=trial_id, target_id=name, **api), attempt_row(trial_id=trial_id)]
        rows += [
            fact_row("price_usd_per_input_mtok", 0.0, trial_id=trial_id, source="their page"),
            fact_row("price_usd_per_output_mtok", usd, trial_id=trial_id, source="their page"),
        ]
    land(folder, batch_id="b", host_id="host", rows=rows)
    load(begun(folder))
    publish(folder)
    return folder


def said(capsys, *arguments):
    assert main(["prices", *arguments]) == 0
    return capsys.readouterr().out


def test_every_service_tier_of_a_target_has_its_price_age_and_source(config, capsys):
    out = said(capsys, "--config", config, "--on", "2026-11-23")
    row = next(line for line in out.splitlines() if line.startswith("mini"))
    assert row.split() == ["mini", "gpt-5.4-mini", "standard", "0.5", "-", "4.5", "2026-11-01", "22", "[1]"]
    assert "[1] contract: our contract" in out
    assert "list: genai-prices 0.2.3: openai/gpt-5.4-mini" in out  # for batch and flex
    nameless = next(line for line in out.splitlines() if line.startswith("nameless"))
    assert nameless.split() == ["nameless", "m-1", "standard", "unknown"]
    assert "add a [targets.price] table" in out


def test_before_its_first_day_a_contract_does_not_rule(config, capsys):
    rows = json.loads(said(capsys, "mini", "--config", config, "--on", "2026-10-31", "--tier", "standard", "--json"))
    assert [(row["origin"], row["usd_per_input_mtok"]) for row in rows] == [("list", 0.75)]


def test_an_unknown_price_is_null_in_json(config, capsys):
    (row,) = json.loads(said(capsys, "nameless", "--config", config, "--json"))
    assert (row["origin"], row["usd_per_input_mtok"], row["usd_per_output_mtok"]) == (None, None, None)


def test_drift_is_a_row_each_amount_on_which_two_sources_disagree(config, capsys):
    out = said(capsys, "--drift", "--config", config, "--on", "2026-11-23")
    assert "-33.3 %" in out  # 0.5 of 0.75; both ask 4.5 for output
    assert "1 price differs between sources, of 2 products" in out
    (row,) = json.loads(said(capsys, "--drift", "--config", config, "--on", "2026-11-23", "--json"))
    assert (row["ruling_origin"], row["ruling_age_days"], row["other_origin"]) == ("contract", 22, "list")


def test_a_model_of_the_list_needs_no_target(tmp_path, capsys):
    rows = json.loads(
        said(
            capsys, "openai/gpt-5.6-luna", "--on", "2026-07-15", "--tier", "standard", "--json", "--data", str(tmp_path)
        )
    )
    assert (rows[0]["usd_per_input_mtok"], rows[0]["target_id"]) == (1.0, None)


def test_without_a_config_the_published_targets_are_listed_with_the_prices_on_record(published, capsys):
    out = said(capsys, "--data", str(published))
    row = next(line for line in out.splitlines() if line.startswith("cheap"))
    assert row.split()[:6] == ["cheap", "cheap-1", "standard", "0", "-", "1"]
    assert "contract: their page" in out
    assert "served by ourselves, at the price of electricity and hardware: alpha" in out


def test_a_bench_has_a_table_of_its_own_and_no_drift(published, tmp_path, capsys):
    folder = tmp_path / "data"
    shutil.copytree(published, folder, symlinks=True)
    adhoc = trial_row(
        trial_id="bench-1.adhoc.adhoc.1", run_id="bench-1", target_id="adhoc", provider="adhoc", model="llama",
        kind="endpoint", engine=None, device=None,
    )  # fmt: skip
    land(folder, batch_id="bench", host_id="host", rows=[run_row(run_id="bench-1", run_kind="bench"), adhoc])
    load(folder)
    publish(folder)
    out = said(capsys, "--data", str(folder))
    assert out.index("cheap-1") < out.index("Ad hoc benches, by list price on") < out.index("adhoc   llama")
    assert "unknown: in no price list; in a config a [targets.price] table would state it" in out
    rows = json.loads(said(capsys, "--json", "--data", str(folder)))
    assert {row["target_id"]: row["bench"] for row in rows} == {"cheap": False, "dear": False, "adhoc": True}
    assert [row["model"] for row in json.loads(said(capsys, "adhoc", "--json", "--data", str(folder)))] == ["llama"]
    assert "of 2 products" in said(capsys, "--drift", "--data", str(folder))


def test_break_even_says_from_how_many_tokens_or_why_never(published, capsys):
    out = said(capsys, "--break-even", "alpha", "--data", str(published))
    assert "263 USD a month whatever it makes" in out
    assert "4.09 USD of electricity per million output tokens" in out
    row = next(line for line in out.splitlines() if line.startswith("dear"))
    assert "0.000263" in row
    assert "never: electricity alone costs 4.09 USD" in " ".join(out.split())
    (found,) = json.loads(said(capsys, "--break-even", "alpha", "--json", "--data", str(published)))
    assert [api["target_id"] for api in found["apis"]] == ["cheap", "dear"]
    assert found["apis"][0]["result"]["mtok"] is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["minni"], "minni: neither a target nor a model of one; nearest are mini"),
        (["mini", "--tier", "nonsense"], "no price of openai/gpt-5.4-mini in service tier 'nonsense' is known; known"),
        (["--on", "soon"], "--on soon: is not a day; give one as YYYY-MM-DD"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(config, capsys, arguments, sentence):
    assert main(["prices", *arguments, "--config", config]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert (len(captured.err.splitlines()), captured.out) == (1, "")


def test_nothing_published_and_a_target_that_is_not_there_are_sentences(tmp_path, published, capsys):
    assert main(["prices", "--data", str(tmp_path)]) == 2
    assert "nothing has been published" in capsys.readouterr().err
    assert main(["prices", "--break-even", "beta", "--data", str(published)]) == 2
    assert "no target 'beta' is on the board; machines of your own there: alpha" in capsys.readouterr().err
    assert main(["prices", "--break-even", "alpha", "--min-goodput", "101", "--data", str(published)]) == 2
    assert "--min-goodput 101: give a percentage, 0 to 100" in capsys.readouterr().err


# the facts of a trial


def target(**changes):
    table = {
        "kind": "endpoint", "id": "a", "provider": "openai", "model": "gpt-5.4-mini", "api": "openai-chat",
        "base_url": "https://api.openai.com/v1",
    }  # fmt: skip
    return check_table(EndpointTarget, table | changes, name="t.toml")


def price_facts(of):
    found = facts_for(of, None, trial_id="t", at=STARTED_AT)
    return {fact.quantity: fact for fact in found if fact.quantity.startswith("price_")}


def test_a_target_that_asks_for_a_service_tier_is_priced_in_it():
    standard = price_facts(target())["price_usd_per_output_mtok"]
    flex = price_facts(target(extra_body={"service_tier": "flex"}))["price_usd_per_output_mtok"]
    assert flex.central == standard.central / 2
    assert (standard.ledger_key, flex.ledger_key) == ("openai/gpt-5.4-mini", "openai/gpt-5.4-mini#flex")
    assert price_facts(target(extra_body={"service_tier": "default"}))["price_usd_per_output_mtok"] == standard


def test_a_service_tier_that_nobody_prices_stops_the_night_with_a_sentence():
    with pytest.raises(ConfigError, match=r"target 'a': no price of openai/gpt-5\.4-mini in service tier 'turbo'"):
        price_facts(target(extra_body={"service_tier": "turbo"}))


def test_a_contract_is_for_the_tier_in_which_its_target_is_served():
    price = {"usd_per_input_mtok": 1.0, "usd_per_output_mtok": 2.0}
    one = target(extra_body={"service_tier": "turbo"}, price=price)
    found = price_facts(one)["price_usd_per_output_mtok"]
    assert (found.central, found.ledger, found.ledger_key) == (2.0, None, "openai/gpt-5.4-mini#turbo")
    book = price_book([one])
    assert book.price(product_of(one), at=STARTED_AT, service_tier="standard").entry.origin == "list"
    assert isinstance(one.price, Price)


FILE = "provider,model,valid_from,source,per_input_mtok,per_output_mtok\nnobody,m-1,2026-10-01,their page,2,8\n"


def test_a_price_file_of_the_config_rules_over_the_list_and_under_a_contract(tmp_path, capsys):
    (tmp_path / "ours.csv").write_text(FILE + "openai,gpt-5.4-mini,2026-10-01,their page,9,9\n")
    path = tmp_path / "night.toml"
    path.write_text('[prices]\nfile = "ours.csv"\n' + CONFIG)
    rows = json.loads(said(capsys, "--config", str(path), "--on", "2026-11-23", "--tier", "standard", "--json"))
    assert [(row["target_id"], row["origin"], row["usd_per_output_mtok"]) for row in rows] == [
        ("mini", "contract", 4.5),
        ("nameless", "file", 8.0),
    ]
    nameless = next(each for each in load_config(path).config.targets if each.id == "nameless")
    fact = price_facts(nameless)["price_usd_per_output_mtok"]
    assert (fact.central, fact.ledger, fact.ledger_key, fact.source) == (
        8.0,
        "price-file",
        "nobody/m-1",
        "ours.csv: their page",
    )
    assert len(fact.factor_version) == 12
    entry = Fact(**{name: getattr(fact, name) for name in Fact.__dataclass_fields__})
    assert today(entry) == entry


def test_a_mistake_in_the_price_file_stops_the_config(tmp_path):
    (tmp_path / "ours.csv").write_text(FILE.replace("2026-10-01", "soon"))
    path = tmp_path / "night.toml"
    path.write_text('[prices]\nfile = "ours.csv"\n' + CONFIG)
    with pytest.raises(ConfigError, match=r"night\.toml: prices file: ours\.csv line 2 valid_from = 'soon' is no day"):
        load_config(path)


def test_a_price_by_length_cache_writes_and_fees_are_facts_and_the_worst_case_has_them(tmp_path):
    lines = (
        "provider,model,valid_from,source,above_prompt_tokens,per_input_mtok,per_cache_write_mtok,per_output_mtok,"
        "per_1k_requests",
        "nobody,m-1,2026-10-01,their page,,2,2.5,8,1",
        "nobody,m-1,2026-10-01,their page,100,4,,16,1",
    )
    (tmp_path / "ours.csv").write_text("\n".join(lines))
    of = target(
        provider="nobody", model="m-1", base_url="https://llm.example/v1", price_file=str(tmp_path / "ours.csv")
    )
    assert {quantity: fact.central for quantity, fact in price_facts(of).items()} == {
        "price_usd_per_input_mtok": 2.0,
        "price_usd_per_cache_write_mtok": 2.5,
        "price_usd_per_output_mtok": 8.0,
        "price_usd_per_1k_requests": 1.0,
        "price_above_100_usd_per_input_mtok": 4.0,
        "price_above_100_usd_per_output_mtok": 16.0,
        "price_above_100_usd_per_1k_requests": 1.0,
    }
    facts = list(price_facts(of).values())
    assert worst_request_usd(facts, 100, 10) == pytest.approx((100 * 2.5 + 10 * 8) / 1e6 + 0.001)
    assert worst_request_usd(facts, 101, 10) == pytest.approx((101 * 4 + 10 * 16) / 1e6 + 0.001)
    assert worst_request_usd(facts, 100, 0, searches=3) == pytest.approx(100 * 2.5 / 1e6 + 0.003)
    assert worst_request_usd(facts[:1], 10, 10) is None


def test_a_contract_begins_on_a_day():
    with pytest.raises(ConfigError, match="must be a day, as 2026-11-01"):
        target(price={"usd_per_input_mtok": 1.0, "usd_per_output_mtok": 2.0, "valid_from": "November"})


# rented hardware


def hardware(**changes):
    return {"lifetime_years": 4.0, "utilisation_share": 0.5, "share": 1.0, **changes}


def test_rented_hardware_is_a_fact_of_its_own_and_is_not_bought_too():
    place = {"zone": "FRA", "pue": 1.2, "electricity_usd_per_kwh": 0.0}
    site = check_table(Site, place | {"hardware": hardware(rent_usd_per_h=2.5)}, name="t.toml")
    facts = {fact.quantity: fact.central for fact in site_facts(site, trial_id="t", at=STARTED_AT)}
    assert facts["hardware_rent_usd_per_h"] == 2.5
    assert "hardware_usd" not in facts
    for given in ({}, {"rent_usd_per_h": 2.5, "price_usd": 800}):
        with pytest.raises(ConfigError, match="what the machine costs; give one of them"):
            check_table(Site, place | {"hardware": hardware(**given)}, name="t.toml")


def test_the_worst_case_of_a_rented_machine_is_its_dearest_hours():
    rent = {"low": 1.0, "central": 2.0, "high": 3.6}
    place = {"zone": "FRA", "pue": 1.2, "electricity_usd_per_kwh": 0.0, "hardware": hardware(rent_usd_per_h=rent)}
    site = check_table(Site, place, name="t.toml")
    # 3.6 USD/h is 1e-3 USD/s, of which half has work: 900 s x 2e-3
    engine = {
        "kind": "local",
        "id": "a",
        "engine": "llama.cpp",
        "model": "m",
        "device": "cpu",
        "threads": 1,
        "slots": 1,
    }
    chat = {"id": "w", "arrivals": "closed", "concurrency": 1, "requests": 3, "prompt_tokens": 9, "output_tokens": 9}
    own, workload = check_table(LocalTarget, engine, name="t"), check_table(Workload, chat, name="t")
    assert quote_usd(own, workload, 3, site, Timeouts(), [], 100.0) == pytest.approx(1.8)


def test_the_bill_of_two_spans_says_what_changed_and_by_which_part(published, capsys):
    out = said(capsys, "--bill", "2026-10", "2026-11", "--data", str(published))
    assert out.startswith("11.00 USD, and nothing to compare it with: no run from 2026-10-01 to 2026-10-31")
    assert "2026-11-01 to 2026-11-30 (1 of 30 days with runs, 1 run) against 2026-10-01 to 2026-10-31" in out
    found = json.loads(said(capsys, "dear", "--bill", "1d", "--json", "--data", str(published)))
    assert found["difference_usd"] == found["parts_usd"]["new"] == pytest.approx(11.0)
    assert [(one["target_id"], one["before_usd"], one["bought_by"]) for one in found["targets"]] == [
        ("dear", None, "token")
    ]
    same = said(capsys, "--bill", "night-1", "night-1", "--data", str(published))
    assert same.startswith("The same: 11.00 USD")


def test_a_bill_of_nothing_or_of_nobody_is_a_sentence(published, capsys):
    assert main(["prices", "--bill", "last-week", "--data", str(published)]) == 2
    assert "a bill compares two spans of time, given is last-week; give 7d" in capsys.readouterr().err
    assert main(["prices", "nobody", "--bill", "7d", "--data", str(published)]) == 2
    assert "nobody: neither a target nor a model of one on any of these bills" in capsys.readouterr().err
