"""Emissions by both conventions and by the hour, water, scores and what they are made of, through the warehouse."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.warehouse.builders import (
    BOOT_NS,
    SECOND_NS,
    attempt_row,
    counter_samples,
    fact_row,
    job_row,
    local_facts,
    meter_row,
    sample_row,
    trial_row,
)
from warehouse.accounting.hourly import HOUR_NS, Window, hour_slices
from warehouse.formulas.carbon import hourly_gco2e_per_kwh, market_gco2e_per_kwh
from warehouse.formulas.interval import Interval, exactly
from warehouse.formulas.water import grid_impact, water_l
from warehouse.rows import GridHourRow

# The window of a test trial, 10 s of 30 W = 300 J, straddles the full hour: 4 s before it and 6 s after.
FULL_HOUR = datetime(2026, 11, 1, 3, tzinfo=UTC)
OFFSET_NS = int(FULL_HOUR.timestamp()) * SECOND_NS - 4 * SECOND_NS - BOOT_NS
KWH = 300 * 1.5 / 3.6e6  # at the facility: the PUE of local_facts is 1.5


def grid_hour(hour, gco2e_per_kwh, *, zone="AAA", source="a file", retrieved_h=24, signal="average"):
    return GridHourRow(
        zone=zone,
        hour_at=FULL_HOUR + timedelta(hours=hour),
        signal=signal,
        gco2e_per_kwh=gco2e_per_kwh,
        source=source,
        retrieved_at=FULL_HOUR + timedelta(hours=retrieved_h),
    )


def facts(*more, without=(), zone=None):
    replaced = {fact.quantity for fact in more} | set(without)
    rows = [fact for fact in local_facts() if fact.quantity not in replaced] + list(more)
    return [
        replace(row, ledger="grid_intensity", ledger_key=zone) if zone and row.quantity == "grid_gco2e_per_kwh" else row
        for row in rows
    ]


def ramped():
    """A power meter that read 10 W before the full hour and 40 W after it: 40 J + 240 J, the step within 1 ms."""
    rows = [meter_row(meter="wall", component="machine", method="wall-meter")]
    for second, watts in ((-1, 10), (1, 10), (3, 10), (3.9995, 10), (4.0005, 40), (6, 40), (8, 40), (10, 40), (11, 40)):
        rows.append(sample_row(meter="wall", phase="load", second=second, power_w=float(watts)))
    return rows


BOUGHT = {
    "market_covered_share": 0.75,
    "market_contract_gco2e_per_kwh": 20.0,
    "market_residual_gco2e_per_kwh": 600.0,
}
WATER = {"wue_site_l_per_kwh": 0.5, "wue_grid_l_per_kwh": 4.0}
COUNTED = (meter_row(), *counter_samples())
ESTIMATED_GRID = fact_row("grid_gco2e_per_kwh", 400.0, low=300.0, high=500.0, basis="estimated", source="a table")


def given(values, **changes):
    return [replace(fact_row(quantity, central), **changes) for quantity, central in values.items()]


# Every case is a trial of one warehouse: (rows beside trial and attempt, facts, changes of the trial).
CASES = {
    "plain": (COUNTED, facts(), {}),
    "bought": (COUNTED, facts(*given(BOUGHT)), {}),
    "all-bought": (COUNTED, facts(*given({"market_covered_share": 1.0, "market_contract_gco2e_per_kwh": 0.0})), {}),
    "none-bought": (
        COUNTED, facts(*given({"market_covered_share": 0.0, "market_residual_gco2e_per_kwh": 600.0})), {}
    ),
    "no-residual": (COUNTED, facts(*given({k: v for k, v in BOUGHT.items() if "residual" not in k})), {}),
    "over-bought": (COUNTED, facts(*given(BOUGHT | {"market_covered_share": 1.5})), {}),
    "hourly": (COUNTED, facts(zone="AAA"), {}),
    "hourly-ramp": (ramped(), facts(zone="AAA"), {}),
    "hourly-part": (COUNTED, facts(zone="BBB"), {}),
    "hourly-none": (COUNTED, facts(zone="ZZZ"), {}),
    "hourly-marginal": (COUNTED, facts(zone="MMM"), {}),
    "hourly-no-offset": (COUNTED, facts(zone="AAA"), {"clock_offset_start_ns": None}),
    "hourly-declared": (COUNTED, facts(replace(ESTIMATED_GRID, basis="declared", ledger_key="AAA")), {}),
    "hourly-endpoint": (
        (),
        [fact_row("pue", 1.2), fact_row("endpoint_j_per_output_token", 2.0, basis="estimated"),
         replace(ESTIMATED_GRID, ledger_key="AAA")],
        {"kind": "endpoint"},
    ),
    "water": (COUNTED, facts(*given(WATER)), {}),
    "materials": (
        COUNTED,
        facts(*given({
            "grid_adpe_kgsbeq_per_kwh": 1e-7, "grid_primary_mj_per_kwh": 9.0, "hardware_adpe_kgsbeq": 0.36,
            "hardware_primary_mj": 7200.0,
        })),
        {},
    ),
    "low-pue": (COUNTED, facts(fact_row("pue", 0.5), *given(WATER)), {}),
    "negative-power": (
        [meter_row(method="tdp-load-curve"),
         *(sample_row(meter="rapl:package-0", phase="load", second=s / 2, power_w=-3.0) for s in range(-1, 23))],
        facts(), {},
    ),
    "no-device": (COUNTED, facts(without=["hardware_embodied_gco2e"]), {}),
    "sci-example": (
        [meter_row(method="tdp-load-curve"),
         *(sample_row(meter="rapl:package-0", phase="load", second=s, power_w=0.0) for s in range(-2, 3603, 2))],
        facts(
            fact_row("hardware_embodied_gco2e", 1e6), fact_row("hardware_lifetime_s", 4 * 365 * 86_400.0),
            fact_row("hardware_utilisation_share", 1.0),
        ),
        {"window_end_ns": BOOT_NS + 3600 * SECOND_NS},
    ),
}  # fmt: skip
HOURS = [
    grid_hour(-1, 100.0), grid_hour(0, 300.0, retrieved_h=25), grid_hour(0, 280.0, source="another", retrieved_h=26),
    grid_hour(0, 999.0, retrieved_h=20),  # revised by the later retrieval of the same source
    grid_hour(0, 200.0, zone="BBB"),
    grid_hour(-1, 700.0, zone="MMM", signal="marginal"), grid_hour(0, 700.0, zone="MMM", signal="marginal"),
]  # fmt: skip


@pytest.fixture(scope="module")
def con(empty_warehouse, tmp_path_factory):
    import duckdb

    from warehouse.loader import derive
    from warehouse.tables import by_table, insert_rows

    rows = [*HOURS, job_row(window_start_ns=BOOT_NS, window_end_ns=BOOT_NS + 10 * SECOND_NS)]
    rows += [replace(row, trial_id="job-1") for row in (*COUNTED, *facts(*given(WATER)))]
    for case, (beside, facts_of, changes) in CASES.items():
        trial_id = f"night-1.{case}.chat.1"
        rows += [replace(trial_row(clock_offset_start_ns=OFFSET_NS), trial_id=trial_id, target_id=case, **changes)]
        rows += [attempt_row(trial_id=trial_id), *(replace(row, trial_id=trial_id) for row in (*beside, *facts_of))]
    path = tmp_path_factory.mktemp("carbon") / "w.duckdb"
    shutil.copyfile(empty_warehouse, path)
    connection = duckdb.connect(path)
    for table, members in by_table(rows).items():
        insert_rows(connection, table, members)
    derive(connection)
    yield connection
    connection.close()


def row_of(con, view, case, *columns, where="TRUE"):
    (row,) = con.execute(
        f"SELECT {', '.join(columns)} FROM {view} WHERE trial_id = ? AND {where}", [f"night-1.{case}.chat.1"]
    ).fetchall()
    return row if len(columns) > 1 else row[0]


def method_of(con, case, component="operational"):
    return row_of(con, "emission_accounts", case, "method", where=f"component = '{component}'")


# market-based


def test_three_quarters_bought_at_20_g_and_a_residual_mix_of_600_g_is_165_g():
    mixed = market_gco2e_per_kwh(exactly(0.75), exactly(20.0), exactly(600.0))
    assert mixed == exactly(165.0)


def test_the_ends_of_what_was_bought_are_those_of_every_choice():
    mixed = market_gco2e_per_kwh(
        Interval(low=0.5, central=0.6, high=0.8),
        Interval(low=0.0, central=10.0, high=50.0),
        Interval(low=400.0, central=500.0, high=600.0),
    )
    assert (mixed.low, mixed.central, mixed.high) == pytest.approx((80.0, 206.0, 325.0))
    with pytest.raises(ValueError, match=r"covered share of 1\.2 is above 1"):
        market_gco2e_per_kwh(exactly(1.2), exactly(1.0), exactly(1.0))


def test_market_based_stands_beside_location_based_and_is_in_no_sum(con):
    columns = ("operational_gco2e", "operational_market_gco2e", "embodied_gco2e", "gco2e_per_output_mtok")
    location, market, embodied, together = row_of(con, "emissions", "bought", *columns)
    assert (location, market) == pytest.approx((KWH * 400, KWH * 165))
    assert together == pytest.approx((location + embodied) / 11 * 1e6)
    assert row_of(con, "emissions", "bought", "market_reason", "operational_market_basis") == (None, "declared")


def test_market_based_is_unknown_and_says_what_to_declare_where_nothing_was_and_never_falls_back(con):
    market, reason, other = row_of(con, "emissions", "plain", "operational_market_gco2e", "market_reason", "reason")
    assert market is None
    assert other is None
    assert reason.startswith("no market_covered_share")
    assert "[site.market]" in reason


def test_what_covers_everything_needs_no_residual_mix_and_what_covers_nothing_no_contract(con):
    assert row_of(con, "emissions", "all-bought", "operational_market_gco2e") == 0
    assert row_of(con, "emissions", "none-bought", "operational_market_gco2e") == pytest.approx(KWH * 600)


def test_a_residual_mix_that_no_row_has_names_the_row_and_a_share_above_1_the_fact(con):
    assert "residual_mix.csv" in row_of(con, "emissions", "no-residual", "market_reason")
    assert "covered share of 1.5 is above 1" in row_of(con, "emissions", "over-bought", "market_reason")
    assert row_of(con, "emissions", "over-bought", "operational_gco2e") == pytest.approx(KWH * 400)


# by the hour


def test_a_window_is_cut_at_full_hours_of_utc():
    window = Window(start_ns=0, end_ns=10 * SECOND_NS, clock_offset_ns=5 * HOUR_NS - 4 * SECOND_NS)
    assert hour_slices(window) == [(4, 0, 4 * SECOND_NS), (5, 4 * SECOND_NS, 10 * SECOND_NS)]
    whole = Window(start_ns=0, end_ns=HOUR_NS, clock_offset_ns=7 * HOUR_NS)
    assert hour_slices(whole) == [(7, 0, HOUR_NS)]
    assert hour_slices(replace(whole, clock_offset_ns=None)) == []


def test_hours_weigh_by_their_energy():
    assert hourly_gco2e_per_kwh([0.25, 0.75], [exactly(100.0), exactly(300.0)]) == exactly(250.0)
    with pytest.raises(ValueError, match="must add up to 1"):
        hourly_gco2e_per_kwh([0.5, 0.6], [exactly(1.0), exactly(1.0)])


def test_where_every_hour_is_known_emissions_are_by_the_hour_with_the_span_of_its_sources(con):
    # 4 s at 100 g, 6 s at 280 g (the latest retrieval) up to 300 g (the other source); the yearly 300 to 500 g are out
    columns = ("grid_gco2e_per_kwh", "operational_gco2e_low", "operational_gco2e", "operational_gco2e_high")
    assert row_of(con, "emissions", "hourly", *columns) == pytest.approx((208, KWH * 208, KWH * 208, KWH * 220))
    assert row_of(con, "emissions", "hourly", "grid_kind") == "hourly"
    assert method_of(con, "hourly") == "energy-x-pue-x-grid-intensity-hourly"
    source = row_of(con, "emissions", "hourly", "grid_source")
    assert "2 hours" in source
    assert "2026-11-01T02:00Z" in source
    assert "weighted by the energy metered in each" in source


def test_hours_are_weighted_by_the_power_curve_and_not_by_time(con):
    # 40 J in the hour of 100 g and 240 J in that of 280 g
    mixed = row_of(con, "emissions", "hourly-ramp", "grid_gco2e_per_kwh")
    assert mixed == pytest.approx((40 * 100 + 240 * 280) / 280, rel=1e-4)


def test_the_energy_of_an_endpoint_is_taken_to_be_spread_evenly(con):
    assert row_of(con, "emissions", "hourly-endpoint", "grid_gco2e_per_kwh") == pytest.approx(208.0)
    assert "weighted by time" in row_of(con, "emissions", "hourly-endpoint", "grid_source")


def test_an_hour_that_is_missing_leaves_the_yearly_mean_and_says_which(con):
    assert row_of(con, "emissions", "hourly-part", "operational_gco2e", "grid_kind") == (
        pytest.approx(KWH * 400), "yearly",
    )  # fmt: skip
    note = row_of(con, "emissions", "hourly-part", "note")
    assert "1 of the 2 hours of the window are not in grid_hours for BBB, the first at 2026-11-01T02:00Z" in note


@pytest.mark.parametrize("case", ["hourly-none", "hourly-marginal", "hourly-no-offset"])
def test_without_average_hours_or_a_clock_the_yearly_mean_stands(con, case):
    assert row_of(con, "emissions", case, "operational_gco2e", "grid_kind") == (pytest.approx(KWH * 400), "yearly")


def test_a_declared_intensity_rules_over_hours(con):
    found = row_of(con, "emissions", "hourly-declared", "operational_gco2e", "grid_kind")
    assert found == (pytest.approx(KWH * 400), "declared")


# water, materials, primary energy


def test_a_kwh_at_pue_1_2_with_half_a_litre_at_the_site_and_3_8_of_the_grid_is_5_06_litres():
    one = exactly(3.6e6)
    assert water_l(one, exactly(1.2), exactly(0.5), exactly(3.8)) == exactly(5.06)
    assert grid_impact(one, exactly(1.2), exactly(9.0)).central == pytest.approx(10.8)


def test_water_of_the_site_is_by_it_energy_and_of_the_grid_by_facility_energy(con):
    it_kwh = 300 / 3.6e6
    found = row_of(con, "impacts", "water", "impact_value", "reason", where="impact = 'water_l'")
    assert found == (pytest.approx(it_kwh * (0.5 + 1.5 * 4.0)), None)
    # codecarbon multiplies both by facility energy
    assert found[0] < it_kwh * 1.5 * (0.5 + 4.0)


def test_materials_and_primary_energy_have_a_running_and_a_making_side(con):
    found = con.execute(
        "SELECT impact, component, impact_value FROM impacts WHERE trial_id = 'night-1.materials.chat.1'"
        " AND impact <> 'water_l' ORDER BY ALL"
    ).fetchall()
    part = 10 / 3.6e7 / 0.5
    assert found == [
        ("adpe_kgsbeq", "embodied", pytest.approx(0.36 * part)),
        ("adpe_kgsbeq", "operational", pytest.approx(KWH * 1e-7)),
        ("primary_energy_mj", "embodied", pytest.approx(7200 * part)),
        ("primary_energy_mj", "operational", pytest.approx(KWH * 9)),
    ]


def test_impacts_without_a_factor_are_unknown_and_name_the_row_to_add(con):
    reasons = dict(
        con.execute(
            "SELECT impact || ' ' || component, reason FROM impacts WHERE trial_id = 'night-1.plain.chat.1'"
        ).fetchall()
    )
    assert "wue_of with a row of warehouse/reference/wue.csv" in reasons["water_l operational"]
    assert "grid_impacts.csv" in reasons["adpe_kgsbeq operational"]
    assert "declare adpe_kgsbeq in [site.hardware]" in reasons["adpe_kgsbeq embodied"]


# bad input leaves the rest alone


def test_a_pue_below_1_is_named_with_its_source_and_leaves_energy_embodied_and_latency(con):
    reason = row_of(con, "emissions", "low-pue", "reason")
    assert "cannot be 0.5; it must be at least 1" in reason
    assert "pue = 0.5 (test)" in reason
    assert "cannot be 0.5" in row_of(con, "impacts", "low-pue", "reason", where="impact = 'water_l'")
    assert row_of(con, "emissions", "low-pue", "embodied_gco2e") == pytest.approx(0.4)
    assert row_of(con, "energy", "low-pue", "energy_j") == pytest.approx(300.0)
    assert row_of(con, "trial_metrics", "low-pue", "ttft_p50_s") == 0.5


def test_negative_power_is_no_energy_and_no_operational_emissions(con):
    assert row_of(con, "energy", "negative-power", "energy_j") is None
    assert "must be finite and not negative" in row_of(con, "emissions", "negative-power", "reason")
    assert row_of(con, "emissions", "negative-power", "operational_gco2e", "embodied_gco2e") == (
        None, pytest.approx(0.4),
    )  # fmt: skip


def test_a_device_that_is_in_no_table_leaves_the_embodied_side_unknown_and_names_the_row(con):
    assert row_of(con, "emissions", "no-device", "embodied_gco2e") is None
    assert "warehouse/reference/embodied.csv" in row_of(con, "emissions", "no-device", "reason")
    assert row_of(con, "emissions", "no-device", "operational_gco2e") == pytest.approx(KWH * 400)


# the score, the breakdown, the spread


def test_the_worked_example_of_the_sci_standard_is_28_54_g_a_request(con):
    score = row_of(con, "sci", "sci-example", "sci_gco2e", where="functional_unit = 'request'")
    assert score == pytest.approx(28.54, abs=0.005)


def test_a_score_is_operational_by_location_and_embodied_per_unit(con):
    rows = con.execute(
        "SELECT functional_unit, functional_units, sci_gco2e_low, sci_gco2e, sci_gco2e_high FROM sci"
        " WHERE trial_id = 'night-1.bought.chat.1' ORDER BY ALL"
    ).fetchall()
    low, central, high = KWH * 300 + 0.2, KWH * 400 + 0.4, KWH * 500 + 0.6
    assert rows == [
        ("1M output tokens", 11e-6, *(pytest.approx(g / 11e-6) for g in (low, central, high))),
        ("1k output tokens", 11e-3, *(pytest.approx(g / 11e-3) for g in (low, central, high))),
        ("request", 1.0, pytest.approx(low), pytest.approx(central), pytest.approx(high)),
    ]


def test_a_job_has_an_account_and_a_score_per_training_token(con):
    (score,) = con.execute(
        "SELECT functional_unit, functional_units, sci_gco2e FROM sci WHERE trial_id = 'job-1'"
    ).fetchall()
    assert score == ("training_token", 1e6, pytest.approx((KWH * 400 + 0.4) / 1e6))
    assert con.execute("SELECT reason FROM uncertainty WHERE trial_id = 'job-1' AND figure = 'water_l'").fetchall() == [
        (None,)
    ]


def test_a_score_is_unknown_where_one_side_is(con):
    score, reason = row_of(con, "sci", "no-device", "sci_gco2e", "reason", where="functional_unit = 'request'")
    assert score is None
    assert reason.startswith("embodied: no hardware_embodied_gco2e")


def test_the_parts_of_the_emissions_add_up_to_them(con):
    parts = dict(
        con.execute("SELECT part, gco2e FROM carbon_breakdown WHERE trial_id = 'night-1.plain.chat.1'").fetchall()
    )
    # 50 of the 300 J are idle; a PUE of 1.5 adds half of the IT energy
    assert parts == {
        "cpu idle": pytest.approx(50 / 3.6e6 * 400),
        "cpu active": pytest.approx(250 / 3.6e6 * 400),
        "site (PUE)": pytest.approx(150 / 3.6e6 * 400),
        "embodied": pytest.approx(0.4),
    }
    (total,) = con.execute(
        "SELECT sum(gco2e_share) FROM carbon_breakdown WHERE trial_id = 'night-1.plain.chat.1'"
    ).fetchone()
    assert total == pytest.approx(1.0)


def test_the_spread_of_emissions_says_that_it_is_mostly_the_embodied_estimate(con):
    columns = ("figure_p05", "figure_p50", "figure_p95", "main_input", "main_input_share", "basis", "draws")
    low, middle, high, name, share, basis, draws = row_of(
        con, "uncertainty", "plain", *columns, where="figure = 'gco2e'"
    )
    assert 0.2375 < low < middle < high < 0.6625
    assert middle == pytest.approx(0.45, rel=0.01)
    # 0.4 g give or take 0.2 beside 0.05 g give or take 0.0125: variances as 256 to 1
    assert (name, share) == ("hardware_embodied_gco2e", pytest.approx(256 / 257, abs=1e-3))
    assert (basis, draws) == ("estimated", 4096)


def test_a_spread_is_unknown_where_the_figure_is_and_exact_where_no_input_has_a_range(con):
    p50, reason = row_of(con, "uncertainty", "plain", "figure_p50", "reason", where="figure = 'water_l'")
    assert p50 is None
    assert reason.startswith("operational: no wue_site_l_per_kwh")
    found = row_of(con, "uncertainty", "plain", "figure_p05", "figure_p95", "main_input", where="figure = 'usd'")
    assert found == (pytest.approx(2.045e-3), pytest.approx(2.045e-3), None)


def test_every_figure_is_the_value_of_its_formula_at_its_inputs(con):
    """What the draws go through is what gave the value: no formula exists twice."""
    from warehouse.accounting import Tokens, TrialFacts
    from warehouse.accounting.account import Fact
    from warehouse.accounting.cost import cost_accounts
    from warehouse.accounting.emissions import emission_accounts
    from warehouse.accounting.energy import endpoint_energy, total_energy

    def fact(quantity, central):
        return Fact(quantity=quantity, low=central / 2, central=central, high=central * 1.01, basis="declared",
                    valid_from=None, source="test")  # fmt: skip

    quantities = {
        "pue": 2.5,
        "endpoint_j_per_output_token": 3.0,
        "endpoint_embodied_gco2e_per_output_mtok": 40.0,
        "grid_gco2e_per_kwh": 400.0,
        "price_usd_per_input_mtok": 1.0,
        "price_usd_per_output_mtok": 2.0,
    }
    trial = TrialFacts(
        kind="endpoint",
        window_s=10.0,
        tokens=Tokens(prompt_tokens=10, cached_tokens=0, output_tokens=20, uncounted_ok=0, uncounted_failed=0),
        facts={quantity: fact(quantity, central) for quantity, central in quantities.items()},
    )
    energy = total_energy([endpoint_energy(trial)])
    accounts = [energy, *cost_accounts(trial, energy), *emission_accounts(trial, energy)]
    known = [account for account in accounts if account.value is not None]
    assert len(known) == 4
    assert [account.formula(account.inputs) for account in known] == [account.value for account in known]
