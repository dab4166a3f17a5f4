"""The ledger of factors: every figure of every file, with a version; recorded once, withdrawn when it is gone."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import duckdb
import pytest

from warehouse import schema
from warehouse.errors import ReferenceDataError, WarehouseError
from warehouse.factor_history import changes, in_force, recorded_factors
from warehouse.factors import Factor, all_factors, current, factors_of, ledgers, record_factors, version_of
from warehouse.loader import derive
from warehouse.packaged_factors import PACKAGES
from warehouse.publish import publish
from warehouse.reference import FOLDER, embodied_range, published_grid_intensity
from warehouse.writer import open_warehouse, transaction

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def migrated():
    con = duckdb.connect()
    schema.create_for_one_use(con)
    yield con
    con.close()


@pytest.fixture
def con(migrated):
    migrated.execute("DELETE FROM factors")
    return migrated


def test_every_file_is_a_ledger_and_every_factor_has_a_name_of_its_own():
    assert set(ledgers()) == {path.stem for path in FOLDER.glob("*.csv")}
    names = Counter((each.ledger, each.key, each.quantity, each.valid_from) for each in all_factors())
    assert [name for name, count in names.items() if count > 1] == []
    assert {each.ledger for each in all_factors()} == set(ledgers())
    assert len(names) > 300


def test_every_factor_has_a_source_a_version_and_a_range_in_order():
    for each in all_factors():
        assert each.source.strip()
        assert len(each.factor_version) == 12
        int(each.factor_version, 16)
        ends = [end for end in (each.low, each.central, each.high) if end is not None]
        assert ends == sorted(ends), each


def test_every_factor_says_whether_it_was_read_computed_or_recalled():
    assert {each.tag for each in all_factors()} == {"read", "computed", "recalled"}


def test_a_range_is_one_factor_and_a_blank_cell_is_none():
    found = current("embodied", "nvidia-h100-sxm", "embodied_gco2e")
    assert (found.low, found.central, found.high, found.tag) == (164_000, 273_000, 575_000, "read")
    assert current("embodied", "nvidia-h100-sxm", "embodied_gco2e_low") is None
    assert current("devices", "nvidia-v100-sxm2-16gb", "bf16_tflops") is None
    assert embodied_range("nvidia-h100-sxm").central == found.central


def test_a_zone_spans_its_publishers_as_a_lookup_does_and_each_of_them_is_a_factor_too():
    zone, looked_up = current("grid_intensity", "FRA", "gco2e_per_kwh"), published_grid_intensity("FRA")
    assert (zone.low, zone.central, zone.high) == (looked_up.low, looked_up.central, looked_up.high)
    assert current("grid_intensity", "FRA/ecologits", "gco2e_per_kwh").central == 41.44
    before = current("grid_intensity", "FRA", "gco2e_per_kwh", on=date(2024, 3, 1))
    assert (before.low, before.high) == (56.0, 56.0)
    assert before.factor_version != zone.factor_version
    assert current("grid_intensity", "FRA", "gco2e_per_kwh", on=date(2000, 1, 1)) is None
    assert current("grid_intensity", "ATA", "gco2e_per_kwh") is None


def test_packages_are_ledgers_by_their_version():
    found = current("ecologits", "openai/gpt-4o", "endpoint_j_per_output_token")
    assert found.factor_version == "ecologits 0.11.3"
    assert found.low < found.central < found.high
    assert current("ecologits", "FRA", "grid_gco2e_per_kwh").central == pytest.approx(41.44)
    assert current("ecologits", "openai/no-such-model", "pue") is None
    assert current("genai-prices", "openai/gpt-4o", "price_usd_per_output_mtok", on=date(2026, 8, 15)).central == 10
    assert current("genai-prices", "openai/no-such-model", "price_usd_per_output_mtok") is None
    assert version_of("genai-prices", "whatever", "whatever") == "genai-prices 0.2.3"
    assert version_of("codecarbon", "FRA", "grid_gco2e_per_kwh").startswith("codecarbon 3.")
    # the ends of what making hosted hardware emits are rows of our own
    embodied = "endpoint_embodied_gco2e_per_output_mtok"
    rows = [version_of("embodied", row, "embodied_gco2e") for row in ("nvidia-h100-sxm", "ai-server-without-gpu")]
    assert version_of("ecologits", "openai/gpt-4o", embodied) == f"ecologits 0.11.3+{rows[0]}+{rows[1]}"
    assert current("ecologits", "openai/gpt-4o", embodied).factor_version == f"ecologits 0.11.3+{rows[0]}+{rows[1]}"
    assert not set(PACKAGES) & set(ledgers())


def test_a_ledger_that_is_not_there_is_an_error_that_names_those_that_are():
    with pytest.raises(ReferenceDataError, match=r"no ledger 'prices'; there are .*embodied.*grid_intensity"):
        factors_of("prices")


def test_a_warehouse_records_every_factor_once(con):
    assert record_factors(con) == (len(all_factors()), 0)
    assert record_factors(con) == (0, 0)
    assert con.execute("SELECT count(*), count(withdrawn_at) FROM factors").fetchall() == [(len(all_factors()), 0)]


def test_a_new_figure_is_a_new_row_and_the_old_one_is_withdrawn_and_may_come_back(con):
    ours = factors_of("pue")
    record_factors(con, ours)
    changed = (replace(ours[0], central=1.15, factor_version="0" * 12), *ours[1:])
    assert record_factors(con, changed) == (1, 1)
    assert record_factors(con, ours) == (1, 1)
    rows = con.execute(
        "SELECT central, withdrawn_at IS NULL FROM factors WHERE key = ? ORDER BY recorded_at", [ours[0].key]
    ).fetchall()
    assert rows == [(ours[0].central, False), (1.15, False), (ours[0].central, True)]


def test_a_factor_that_does_not_say_from_when_is_withdrawn_like_any_other(con):
    undated = replace(factors_of("pue")[0], valid_from=None)
    record_factors(con, [undated])
    assert record_factors(con, []) == (0, 1)


def test_the_view_of_today_has_one_figure_for_each_name_and_it_is_the_lookup_s(con):
    record_factors(con)
    rows = con.execute("SELECT ledger, key, quantity, central, factor_version FROM factors_now").fetchall()
    assert len(rows) == len({row[:3] for row in rows}) == len(in_force(all_factors(), TODAY))
    for ledger, key, quantity, central, version in rows:
        found = current(ledger, key, quantity, on=datetime.now(UTC).date())
        assert (found.central, found.factor_version) == (central, version)


def factor(central, *, version, valid_from="2026-01-01", key="FRA"):
    return Factor(
        ledger="grid", key=key, quantity="gco2e_per_kwh", low=None, central=central, high=None, tag="read",
        valid_from=valid_from, source="a paper", retrieved_on="2026-11-23", factor_version=version,
    )  # fmt: skip


def test_changes_are_told_apart_and_what_begins_tomorrow_is_none_yet():
    before = [factor(56, version="a"), factor(40, version="b", key="SWE"), factor(1, version="c", key="NOR")]
    after = [
        factor(56, version="a"),
        factor(52, version="d", valid_from="2026-06-01"),
        factor(40, version="e", key="SWE"),
        factor(7, version="f", key="DEU"),
        factor(99, version="g", key="SWE", valid_from="2026-11-24"),
    ]
    found = [(change.kind, change.key) for change in changes(before, after, on=TODAY)]
    assert found == [("added", "DEU"), ("changed", "FRA"), ("withdrawn", "NOR"), ("reworded", "SWE")]
    assert changes(after, after, on=TODAY) == []


def test_a_published_warehouse_says_what_it_had_on_record_and_since_when(tmp_path):
    with open_warehouse(tmp_path) as con, transaction(con):
        derive(con)
    publish(tmp_path)
    assert set(recorded_factors(tmp_path)) == set(all_factors())
    assert set(recorded_factors(tmp_path, by=datetime.now(UTC).date())) == set(all_factors())
    with pytest.raises(WarehouseError, match=r"no factors were on record by 2020-01-01: .* began on 20"):
        recorded_factors(tmp_path, by=date(2020, 1, 1))
