"""`megatoken factors`: a table that people read, JSON that machines do, and what has changed since it was published."""

import json

import pytest

from flows.cli import main
from flows.factor_words import figure, unit_of
from warehouse.factors import factors_of, record_factors
from warehouse.publish import publish
from warehouse.writer import open_warehouse, transaction


def test_a_ledger_is_a_table_with_range_unit_tag_date_and_source(capsys):
    assert main(["factors", "embodied"]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if line.startswith("nvidia-h100-sxm"))
    assert "273,000" in row
    assert "164,000-575,000" in row
    assert " gCO2e " in row
    assert " read " in row
    assert "2025-01-01" in row
    assert "in the package ecologits 0.11.3" in out


def test_json_is_one_object_a_factor_in_force(capsys):
    assert main(["factors", "pue", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["key"] for row in rows] == ["hyperscale", "colocation", "on-premises", "laptop"]
    assert set(rows[0]) == {
        "ledger", "key", "quantity", "low", "central", "high", "tag", "valid_from", "source", "retrieved_on",
        "factor_version", "age_days",
    }  # fmt: skip
    assert rows[0]["age_days"] > 300


def test_a_key_is_listed_with_its_publishers_and_its_earlier_figures(capsys):
    assert main(["factors", "grid_intensity", "--key", "fra", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["key"], row["valid_from"]) for row in rows} >= {
        ("FRA", "2023-01-01"),
        ("FRA", "2026-01-01"),
        ("FRA/ecologits", "2026-01-01"),
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["factors", "nope"], "no ledger 'nope'; there are"),
        (["factors", "grid_intensity", "--key", "FRX"], "--key FRX: no row of ledger grid_intensity has it; nearest"),
        (["factors", "--diff", "lastweek"], "--diff lastweek: is not a day; give one as YYYY-MM-DD"),
        (["factors", "--diff"], "nothing has been published"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(tmp_path, capsys, arguments, said):
    assert main([*arguments, "--data", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""


def test_a_diff_shows_what_the_files_say_now_beside_what_was_published(tmp_path, capsys):
    import dataclasses

    ours = factors_of("pue")
    with open_warehouse(tmp_path) as con, transaction(con):
        record_factors(con, [dataclasses.replace(ours[0], central=1.2, factor_version="0" * 12), *ours[1:]])
    publish(tmp_path)
    assert main(["factors", "pue", "--diff", "--data", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "changed" in out
    assert "-5.0 %" in out  # 1.14 of 1.2
    assert "1 factor differs from the published warehouse" in out
    assert main(["factors", "pue", "--diff", "--json", "--data", str(tmp_path)]) == 0
    (change,) = json.loads(capsys.readouterr().out)
    assert (change["kind"], change["before"]["central"], change["after"]["central"]) == ("changed", 1.2, 1.14)
    with open_warehouse(tmp_path) as con, transaction(con):
        record_factors(con)
    publish(tmp_path)
    assert main(["factors", "--diff", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no factor of the files differs from the published warehouse\n"


def test_figures_have_no_exponent_and_quantities_have_their_unit():
    assert [figure(each) for each in (273_000, 1.14, 0.23, 0, 1.349e-8, 41.44, 600e9)] == [
        "273,000", "1.14", "0.23", "0", "1.349e-08", "41.44", "600,000,000,000",
    ]  # fmt: skip
    assert [unit_of(each) for each in ("gco2e_per_kwh", "embodied_gco2e", "pue", "bandwidth_gb_per_s", "tdp_w")] == [
        "gCO2e/kWh", "gCO2e", "", "GB/s", "W",
    ]  # fmt: skip


def test_figures_below_zero_keep_their_sign():
    assert figure(-0.0222) == "-0.0222"
    assert figure(-1234.5) == "-1,234.5"
