"""`megatoken account` as a user runs it, and the facts that a config gives to an account."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flows.cli import main
from flows.config import EndpointTarget, check_table
from flows.errors import ConfigError
from flows.facts import facts_for, on_this_machine, site_facts
from flows.ledgerfacts import today
from flows.site import Hosting, Site
from tests.warehouse.begun import begun
from tests.warehouse.builders import attempt_row, counter_samples, fact_row, local_facts, meter_row, trial_row
from warehouse.accounting import Fact
from warehouse.factors import current
from warehouse.landing import land
from warehouse.loader import load
from warehouse.publish import publish

TRIAL = "night-1.alpha.chat.1"
AT = datetime(2026, 11, 23, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """One trial whose grid intensity was taken from an older row of the ledger than today's."""
    root = tmp_path_factory.mktemp("data")
    old = fact_row(
        "grid_gco2e_per_kwh", 444.0, basis="estimated", source="an old row", ledger="grid_intensity", ledger_key="USA",
        factor_version="0ld0ld0ld0ld",
    )  # fmt: skip
    facts = [row for row in local_facts() if row.quantity != "grid_gco2e_per_kwh"]
    rows = [trial_row(), attempt_row(), meter_row(), *counter_samples(), *facts, old]
    land(root, batch_id="b", host_id="h", rows=rows)
    load(begun(root))
    publish(root)
    return root


def run(data, capsys, *arguments):
    code = main(["account", *arguments, "--data", str(data)])
    out, err = capsys.readouterr()
    return code, out, err


def test_an_account_is_shown_with_its_figures_reasons_and_factors(data, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    code, out, _ = run(data, capsys)
    assert code == 0
    assert TRIAL in out
    for words in (
        "operational, location-based", "operational, market-based", "water, operational", "embodied",
        "reading error", "Software Carbon Intensity", "1M output tokens", "an old row", "0ld0ld0ld0ld",
        "mostly the embodied estimate of the hardware (100 % of the variance)",
        "taken as exact, since their sources give no range: grid_gco2e_per_kwh",
        "Energy is of processors, whoever used them; boards, disks, fans",
        "market_covered_share: what was bought is not known: declare [site.market]",
    ):  # fmt: skip
        assert words in " ".join(out.split()), words


def test_why_figures_are_unknown_is_said_once_each_with_its_tables_as_they_are_called(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    bench = trial_row(
        trial_id="bench-1.adhoc.adhoc.1", run_id="bench-1", target_id="adhoc", provider="adhoc", kind="endpoint",
        engine=None, device=None,
    )  # fmt: skip
    land(tmp_path, batch_id="b", host_id="h", rows=[bench, attempt_row(trial_id=bench.trial_id)])
    load(begun(tmp_path))
    publish(tmp_path)
    code, out, _ = run(tmp_path, capsys)
    said = " ".join(out.split())
    assert code == 0
    for reason in (
        "[1] endpoint_j_per_output_token: EcoLogits does not know the model",
        "declare j_per_output_token in [targets.hosting]",
        "[2] price_usd_per_input_mtok: add a [targets.price] table [3] price_usd_per_output_mtok: as [2]",
        "pue: declare it in [site] or [targets.hosting]",
        "request 1.000 - - - unknown [1] [4] [5] [7]",
        "energy, emissions, cost and water: unknown, since a part of each is",
        "No factor is known of it.",
    ):
        assert said.count(reason) == 1, reason
    (report,) = json.loads(run(tmp_path, capsys, "--json")[1])["accounts"]
    (energy,) = [figure for figure in report["figures"] if figure["group"] == "energy"]
    assert energy["missing"].startswith("no endpoint_j_per_output_token (EcoLogits")


def test_an_account_as_json_is_in_base_units(data, capsys):
    code, out, _ = run(data, capsys, "night-1", "--json")
    assert code == 0
    (account,) = json.loads(out)["accounts"]
    (running,) = [f for f in account["figures"] if f["component"] == "operational" and f["group"] == "emissions"]
    assert running["central"] == pytest.approx(300 * 1.5 / 3.6e6 * 444)
    assert running["factors"][1]["factor_version"] == "0ld0ld0ld0ld"
    assert account["spreads"][0]["variance_shares"] == []


def test_recompute_says_old_and_new_of_each_trial_with_the_factor_that_changed(data, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    now = current("grid_intensity", "USA", "gco2e_per_kwh", on=datetime.now(UTC).date())
    assert now is not None
    code, out, _ = run(data, capsys, "--recompute", "--since", "2026-11-01", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["accounted"] == 1
    (change,) = found["changes"]
    kwh = 300 * 1.5 / 3.6e6
    assert (change["trial_id"], change["figure"]) == (TRIAL, "operational_gco2e")
    assert (change["old"], change["new"]) == pytest.approx((kwh * 444, kwh * now.central))
    (factor,) = change["because"]
    assert (factor["old_version"], factor["new_version"]) == ("0ld0ld0ld0ld", now.factor_version)
    code, out, _ = run(data, capsys, "--recompute")
    assert "1 trials and jobs were accounted under today's factors" in out
    assert "No figure changed." in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("dawn",), "no trial, job or run is called 'dawn'"),
        (("--since", "2026-11-01"), "give it with --recompute"),
        (("--recompute", "--since", "yesterday"), "--since yesterday is no day"),
        (("latest", "--recompute"), "accounts all trials anew, not latest alone"),
    ],
)
def test_mistakes_are_one_sentence(data, capsys, arguments, says):
    code, _, err = run(data, capsys, *arguments)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


# facts

HARDWARE = {"price_usd": 1000, "lifetime_years": 4, "utilisation_share": 0.5, "share": 1.0}


def site(hardware=None, **changes):
    raw = {"zone": "USA", "pue": 1.2, "electricity_usd_per_kwh": 0.1, "hardware": HARDWARE | (hardware or {})}
    return check_table(Site, raw | changes, name="t.toml")


def facts_of(place):
    return {fact.quantity: fact for fact in site_facts(place, trial_id="t", at=AT)}


def endpoint(base_url="https://api.openai.com/v1", model="gpt-4o", hosting=None):
    raw = {"kind": "endpoint", "id": "a", "provider": "openai", "model": model, "base_url": base_url,
           "api": "openai-chat"}  # fmt: skip
    return check_table(EndpointTarget, raw | ({"hosting": hosting} if hosting else {}), name="t.toml")


def endpoint_facts(target):
    return {fact.quantity: fact for fact in facts_for(target, None, trial_id="t", at=AT)}


def test_a_fact_of_a_ledger_names_its_row_and_its_version_and_a_declared_one_does_not():
    found = facts_of(site())
    grid = found["grid_gco2e_per_kwh"]
    assert (grid.ledger, grid.ledger_key, grid.basis) == ("grid_intensity", "USA", "estimated")
    assert grid.factor_version == current("grid_intensity", "USA", "gco2e_per_kwh").factor_version
    assert (found["pue"].ledger, found["pue"].factor_version, found["pue"].basis) == (None, None, "declared")
    assert found["wue_grid_l_per_kwh"].ledger == "grid_impacts"
    assert facts_of(site(grid_gco2e_per_kwh=100.0))["grid_gco2e_per_kwh"].ledger_key is None


def test_a_zone_that_only_a_package_has_names_the_package_and_its_version():
    found = facts_of(site(zone="POL"))
    assert found["wue_grid_l_per_kwh"].ledger == "ecologits"
    assert found["wue_grid_l_per_kwh"].factor_version.startswith("ecologits ")
    norway = facts_of(site(zone="NOR"))["grid_gco2e_per_kwh"]
    assert (norway.ledger, norway.ledger_key) == ("codecarbon", "NOR")
    assert norway.factor_version.startswith("codecarbon ")


def test_hardware_by_its_devices_adds_up_their_ranges_with_the_host():
    devices = [{"name": "nvidia-h100-sxm", "count": 8}, {"name": "ai-server-without-gpu"}]
    found = facts_of(site({"devices": devices}))["hardware_embodied_gco2e"]
    h100 = current("embodied", "nvidia-h100-sxm", "embodied_gco2e")
    server = current("embodied", "ai-server-without-gpu", "embodied_gco2e")
    assert found.central == 8 * h100.central + server.central
    assert (found.low, found.high) == (8 * h100.low + server.low, 8 * h100.high + server.high)
    assert found.ledger_key == "8 x nvidia-h100-sxm + 1 x ai-server-without-gpu"
    landed = Fact(**{name: getattr(found, name) for name in Fact.__dataclass_fields__})
    assert today(landed) == landed
    outdated = replace(landed, central=1.0, factor_version="old")
    assert today(outdated).central == found.central


def test_devices_and_rows_that_no_ledger_has_name_the_row_to_add():
    with pytest.raises(ConfigError) as error:
        facts_of(site({"devices": [{"name": "abacus"}, {"name": "nvidia-h100-sxm"}]}))
    assert "'abacus' is not in embodied.csv" in str(error.value)
    assert "add a row with its source" in str(error.value)
    with pytest.raises(ConfigError, match=r"wue_of = 'lake' is not in wue\.csv; add a row"):
        facts_of(site(wue_of="lake"))
    with pytest.raises(ConfigError, match=r"grid_intensity\.csv"):
        facts_of(site(zone="ATL"))


def test_hardware_whose_making_nobody_states_has_no_such_fact():
    assert "hardware_embodied_gco2e" not in facts_of(site())
    with pytest.raises(ConfigError, match="give one of them"):
        site({"embodied_kgco2e": 5, "devices": [{"name": "nvidia-l4"}]})


def test_a_lifetime_and_a_utilisation_may_have_a_range_and_are_never_0():
    hardware = {
        "lifetime_years": {"low": 3, "central": 4, "high": 6},
        "utilisation_share": {"low": 0.2, "central": 0.5},
    }
    lifetime = facts_of(site(hardware))["hardware_lifetime_s"]
    assert (lifetime.low, lifetime.high) == (3 * 365.25 * 86_400, 6 * 365.25 * 86_400)
    assert facts_of(site(hardware))["hardware_utilisation_share"].low == 0.2
    with pytest.raises(ConfigError, match="must be > 0: what making the machine took is divided by it"):
        site({"lifetime_years": 0})
    with pytest.raises(ConfigError, match="must be <= 1: it is a share"):
        site({"utilisation_share": {"central": 0.9, "high": 1.1}})


def test_what_was_bought_is_declared_and_the_residual_mix_is_of_the_zone_if_a_row_has_it():
    bought = {"covered_share": 0.5, "contract_gco2e_per_kwh": 0.0, "source": "a wind park"}
    found = facts_of(site(zone="NOR", market=bought))
    assert (found["market_covered_share"].central, found["market_covered_share"].source) == (0.5, "a wind park")
    assert found["market_residual_gco2e_per_kwh"].ledger == "residual_mix"
    assert "market_residual_gco2e_per_kwh" not in facts_of(site(market=bought))
    with pytest.raises(ConfigError, match="contract_gco2e_per_kwh is missing"):
        site(market={"covered_share": 0.5, "source": "a wind park"})


def test_a_hosted_model_has_the_estimate_of_ecologits_with_its_zone_and_version():
    found = endpoint_facts(endpoint())
    joules = found["endpoint_j_per_output_token"]
    assert (joules.basis, joules.ledger, joules.ledger_key) == ("estimated", "ecologits", "openai/gpt-4o")
    assert joules.low < joules.central < joules.high
    # 0.579 to 0.964 Wh for 400 tokens with the PUE of 1.2
    assert (joules.low * 400 * 1.2 / 3600, joules.high * 400 * 1.2 / 3600) == pytest.approx((0.579, 0.964), rel=2e-3)
    assert "zone USA as ecologits" in found["grid_gco2e_per_kwh"].source
    assert found["grid_gco2e_per_kwh"].ledger_key == "USA"


def test_what_is_declared_wins_over_the_estimate_and_may_switch_it_off():
    found = endpoint_facts(endpoint(hosting={"j_per_output_token": 1.5, "zone": "FRA"}))
    assert (found["endpoint_j_per_output_token"].central, found["endpoint_j_per_output_token"].basis) == (
        1.5, "declared",
    )  # fmt: skip
    assert found["endpoint_embodied_gco2e_per_output_mtok"].basis == "estimated"
    assert found["grid_gco2e_per_kwh"].ledger_key == "FRA"
    assert [q for q in endpoint_facts(endpoint(hosting={"estimate": False})) if not q.startswith("price_")] == []


def test_no_estimate_is_made_of_an_unknown_model_or_of_what_runs_on_this_machine():
    for target in (endpoint(model="nobody-knows"), endpoint("http://127.0.0.1:8000/v1")):
        assert [q for q in endpoint_facts(target) if not q.startswith("price_")] == []
    assert on_this_machine("http://localhost:1/v1")
    assert on_this_machine("http://[::1]:1/v1")
    assert not on_this_machine("http://10.0.0.5/v1")


def test_a_pue_below_1_is_refused_for_a_provider_too():
    with pytest.raises(ConfigError, match="PUE must be >= 1"):
        check_table(Hosting, {"pue": 0.8}, name="t.toml")


def test_a_list_price_of_the_past_is_not_today_s():
    past = Fact(
        quantity="price_usd_per_output_mtok", low=None, central=99.0, high=None, basis="declared", valid_from=None,
        source="a list", ledger="genai-prices", ledger_key="openai/gpt-4o", factor_version="genai-prices 0.0.1",
    )  # fmt: skip
    assert today(past) == past
