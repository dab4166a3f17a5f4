"""What the page of emissions reckons and says: shares of a stack, steps that add up, and nothing that is not known."""

from datetime import UTC, datetime, timedelta

import pytest

from ui import carbon, carbon_charts, carbon_detail, carbon_table, carbon_words, jobs
from ui.carbon import PER

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MTOK, REQUEST, WINDOW = PER["mtok"], PER["request"], PER["window"]


def row(target="alpha", **changes):
    """One window: 3.6 kJ at a PUE of 1.5 on 400 g/kWh, 1,000 tokens in 10 answers, a tenth of a gram of making."""
    base = {
        "trial_id": f"night.{target}.chat.1",
        "target_id": target,
        "provider": "acme",
        "model": "m",
        "quantisation": None,
        "device": "cpu",
        "region": None,
        "kind": "local",
        "n": 10,
        "measured_at": NOW - timedelta(hours=2),
        "client_grade": "A",
        "client_reasons": [],
        "operational_gco2e_low": 0.3,
        "operational_gco2e": 0.6,
        "operational_gco2e_high": 0.9,
        "operational_market_gco2e_low": 0.1,
        "operational_market_gco2e": 0.15,
        "operational_market_gco2e_high": 0.2,
        "embodied_gco2e_low": 0.05,
        "embodied_gco2e": 0.1,
        "embodied_gco2e_high": 0.3,
        "operational_basis": "estimated",
        "operational_market_basis": "declared",
        "embodied_basis": "estimated",
        "basis": "estimated",
        "grid_gco2e_per_kwh": 400.0,
        "grid_source": "a table",
        "grid_kind": "yearly",
        "reason": None,
        "market_reason": None,
        "note": None,
        "energy_j_low": 3000.0,
        "energy_j": 3600.0,
        "energy_j_high": 4000.0,
        "j_per_output_token_low": 3.0,
        "j_per_output_token": 3.6,
        "j_per_output_token_high": 4.0,
        "energy_basis": "measured",
        "energy_reason": None,
        "pue_low": 1.4,
        "pue": 1.5,
        "pue_high": 1.6,
        "requests": 10.0,
        "output_mtok": 1e-3,
        "sci_gco2e_low": 0.035,
        "sci_gco2e": 0.07,
        "sci_gco2e_high": 0.12,
        "water_l_low": 0.004,
        "water_l": 0.005,
        "water_l_high": 0.006,
        "water_basis": "estimated",
        "water_reason": None,
    }
    return {**base, **changes}


def unknown(*columns):
    return {f"{column}{end}": None for column in columns for end in ("_low", "", "_high")}


PARTS = [
    {"part": "gpu active", "side": "operational", "energy_j": 2700.0, "gco2e": 0.3, "basis": "estimated"},
    {"part": "gpu idle", "side": "operational", "energy_j": 900.0, "gco2e": 0.1, "basis": "estimated"},
    {"part": "cpu active", "side": "operational", "energy_j": 0.0, "gco2e": 0.0, "basis": "estimated"},
    {"part": "site (PUE)", "side": "operational", "energy_j": None, "gco2e": 0.2, "basis": "estimated"},
    {"part": "embodied", "side": "embodied", "energy_j": None, "gco2e": 0.1, "basis": "estimated"},
]


def only(convention="location", per=MTOK, **changes):
    (entry,) = carbon.entries([row(**changes)], convention, per)
    return entry


@pytest.mark.parametrize(("per", "total"), [(MTOK, 700.0), (REQUEST, 70.0), (WINDOW, 0.7)])
def test_grams_of_the_window_are_divided_by_what_it_served(per, total):
    assert only(per=per).total.central == pytest.approx(total)


def test_a_total_takes_the_convention_asked_for_and_never_fills_one_with_the_other():
    assert only("market").total.central == pytest.approx(250.0)
    entry = only("market", **unknown("operational_market_gco2e"), market_reason="nothing was declared")
    assert (entry.operational, entry.total) == (None, None)
    assert entry.embodied.central == pytest.approx(100.0)
    assert entry.reason == "nothing was declared"


def test_a_window_that_served_nothing_has_no_figure_per_answer():
    assert only(per=REQUEST, requests=0.0).total is None
    assert only(per=REQUEST, requests=None).total is None


def test_what_is_known_whole_stands_before_what_is_known_in_part_and_that_before_the_rest():
    rows = [
        row("nothing", **unknown("operational_gco2e", "embodied_gco2e"), reason="no meter"),
        row("part", **unknown("operational_gco2e"), reason="no grid"),
        row("dear", operational_gco2e=9.0),
        row("cheap"),
    ]
    found = carbon.entries(rows, "location", MTOK)
    assert [entry.target_id for entry in found] == ["cheap", "dear", "part", "nothing"]


def test_steps_begin_where_the_one_before_ended_and_end_at_the_total():
    steps = carbon.steps(only(), PARTS)
    assert [step.label for step in steps] == [
        "GPU, active",
        "GPU, idle",
        "+ Building (PUE 1.5)",
        "= Operational",
        "Embodied",
        "= Total",
    ]
    adding = [step for step in steps if step.kind != "sum"]
    assert [step.start for step in adding] == pytest.approx([0.0, *[step.end for step in adding[:-1]]])
    assert sum(step.size for step in adding) == pytest.approx(steps[-1].end) == pytest.approx(700.0)


def test_by_market_every_part_keeps_its_share_of_the_energy():
    by_location, by_market = carbon.steps(only(), PARTS), carbon.steps(only("market"), PARTS)
    for one, other in zip(by_location[:3], by_market[:3], strict=True):
        assert other.size == pytest.approx(one.size / 4)  # 0.15 g were bought where the grid gave 0.6 g
    assert by_market[-1].end == pytest.approx(250.0)


def test_without_an_account_of_running_only_making_is_a_step_and_there_is_no_total():
    entry = only(**unknown("operational_gco2e"), reason="no grid")
    assert [step.label for step in carbon.steps(entry, PARTS[-1:])] == ["Embodied"]


@pytest.mark.parametrize(
    ("convention", "per", "said"),
    [
        ("location", MTOK, "3.6 J/token of IT energy x PUE 1.5 x 400 gCO2e/kWh (yearly) = 600 gCO2e/Mtok operational"),
        (
            "location",
            REQUEST,
            "360 J/request of IT energy x PUE 1.5 x 400 gCO2e/kWh (yearly) = 60 mgCO2e/request operational",
        ),
        ("market", WINDOW, "3,600 J of IT energy x PUE 1.5 x 100 gCO2e/kWh (as bought) = 0.15 gCO2e operational"),
    ],
)
def test_the_way_from_joules_to_grams_can_be_checked_with_a_pocket_calculator(convention, per, said):
    reckoned = carbon_words.reckoning(only(convention, per), convention, per)
    assert reckoned.startswith(said.replace(" x ", f" {carbon_words.TIMES} "))
    assert reckoned.endswith(f"= {carbon_words.words.figure(only(convention, per).total.central)} {per.unit}.")


def test_a_lead_within_the_ranges_is_not_called_one():
    near = carbon.entries([row("alpha"), row("beta", operational_gco2e=0.7)], "location", MTOK)
    assert carbon_words.finding(near, MTOK).endswith("but its range overlaps with beta's")
    far = row("beta", operational_gco2e_low=8.0, operational_gco2e=9.0, operational_gco2e_high=10.0)
    clear = carbon.entries([row("alpha"), far], "location", MTOK)
    assert carbon_words.finding(clear, MTOK) == "alpha emits least, 700 gCO2e/Mtok, 86 % of it operational"


def test_what_a_bad_load_client_measured_leads_nothing():
    found = carbon.entries([row(client_grade="D", client_reasons=["others took 50 %"])], "location", MTOK)
    assert "every load client was graded C or D" in carbon_words.finding(found, MTOK)
    assert "alpha is to be read with care: its load client is graded D: others took 50 %." in carbon_table.notes(found)


def spread(*shares):
    return {
        "figure_p05": 0.4,
        "figure_p50": 0.7,
        "figure_p95": 1.2,
        "draws": 4096,
        "variance_shares": [{"quantity": quantity, "share": share} for quantity, share in shares],
    }


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (spread(("hardware_embodied_gco2e", 0.71), ("pue", 0.2)), "mostly making the hardware (71 % of the variance)"),
        (spread(("pue", 0.41), ("energy_j of cpu", 0.3)), "PUE (41 % of the variance), then energy of the CPU (30 %)"),
        (spread(), "No input has a range"),
        ({"figure_p50": None}, "is not known"),
        (None, "is not known"),
    ],
)
def test_what_makes_a_figure_wide_is_one_sentence(found, said):
    assert said in carbon_words.drivers_finding(found)


def test_drivers_that_are_not_drawn_are_in_one_row_with_what_inputs_bring_together():
    many = spread(*((f"input-{number}", 0.1) for number in range(8)))["variance_shares"]
    rows = carbon_charts.driver_rows(many)
    assert len(rows) == carbon_charts.SHOWN_DRIVERS + 1
    assert rows[-1] == ("Others, and together", pytest.approx(0.4))
    assert carbon_charts.driver_rows([{"quantity": "pue", "share": 1.0}]) == [("PUE", 1.0)]


def test_a_target_known_in_part_is_drawn_pale_without_a_whisker_and_an_unknown_one_not_at_all():
    rows = [
        row(),
        row("part", **unknown("operational_gco2e")),
        row("no", **unknown("operational_gco2e", "embodied_gco2e")),
    ]
    chart = carbon_charts.targets_chart(carbon.entries(rows, "location", MTOK), MTOK)
    sets = list(chart.to_dict()["datasets"].values())
    segments = next(found for found in sets if "part" in found[0])
    ends = next(found for found in sets if "reach" in found[0])
    assert [(one["target"], one["whole"]) for one in segments] == [("alpha", True), ("alpha", True), ("part", False)]
    assert [(one["shown"], "low" in one) for one in ends] == [("700", True), ("operational unknown", False)]
    assert carbon_charts.targets_chart(carbon.entries(rows[2:], "location", MTOK), MTOK) is None


def test_the_table_says_unknown_with_its_reason_and_has_ten_columns():
    lacking = row(**unknown("operational_market_gco2e", "water_l"), market_reason="no contract", water_reason="no WUE")
    columns = carbon_table.columns("location", MTOK)
    (shown,) = carbon_table.table_rows(carbon.entries([lacking], "location", MTOK), [], MTOK, NOW)
    assert len(columns) == len(shown.cells) == 10
    cells = {f"{column.title} {column.unit}": cell for column, cell in zip(columns, shown.cells, strict=True)}
    assert cells["Operational by location"].main == "600"
    assert cells["Operational by location"].beneath == "300 \N{EN DASH} 900"
    assert (cells["Operational by market"].main, cells["Operational by market"].hint) == ("unknown", "no contract")
    assert (cells["Water L/Mtok"].main, cells["Water L/Mtok"].hint) == ("unknown", "no WUE")
    assert cells["SCI mgCO2e/request"].main == "70"
    assert "yearly" in cells["Grid gCO2e/kWh, PUE"].beneath


def test_a_reason_is_said_once_with_all_whom_it_holds_for_and_what_follows_from_it_is_not_said_again():
    lacking = unknown("operational_gco2e", "embodied_gco2e", "operational_market_gco2e", "water_l")
    rows = [
        row(name, **lacking, reason="no meter", market_reason="no meter either", water_reason="none") for name in "ab"
    ]
    said = carbon_table.notes(carbon.entries(rows, "location", MTOK))
    assert said[0] == "Unknown for a and b. No meter."
    assert len(said) == 2


def test_estimated_and_metered_energy_beside_one_another_are_not_passed_over():
    rows = [row("alpha", energy_basis="measured"), row("api", energy_basis="estimated")]
    said = carbon_table.notes(carbon.entries(rows, "location", MTOK))
    assert any(note.startswith("Energy that is estimated of a provider's shared servers") for note in said)
    assert len(carbon_table.notes(carbon.entries(rows[:1], "location", MTOK))) == len(said) - 1


def impact(name, component, value, **changes):
    base = {"impact": name, "component": component, "basis": "estimated", "reason": None}
    values = {f"impact_value{end}": value for end in ("_low", "", "_high")}
    return {**base, **values, **changes}


def test_impacts_are_shown_in_units_that_fit_and_unknown_ones_say_why():
    found = [impact("water_l", "operational", 0.005), impact("adpe_kgsbeq", "embodied", None, reason="nobody knows")]
    _, per_mtok = carbon_detail.impact_table(found, only(), MTOK)
    _, per_request = carbon_detail.impact_table(found, only(), REQUEST)
    assert [(shown.cells[0].beneath, shown.cells[1].main) for shown in per_mtok] == [("operational, L", "5")]
    assert [(shown.cells[0].beneath, shown.cells[1].main) for shown in per_request] == [("operational, mL", "0.5")]
    assert carbon_detail.unknown_impacts(found) == ["Materials (ADPe), embodied: unknown, nobody knows."]


def test_a_factor_whose_ends_are_equal_has_no_range_rather_than_an_exact_value():
    factor = {"quantity": "pue", "low": 1.1, "central": 1.1, "high": 1.1, "basis": "declared", "valid_from": None}
    origin = {"source": "a config", "ledger": None, "ledger_key": None, "factor_version": None}
    _, (shown,) = carbon_detail.factor_table([{**factor, **origin}])
    assert (shown.cells[1].main, shown.cells[1].beneath) == ("1.1", "no range given")


def job(**changes):
    figures = {f"{name}{end}": 5.0 for name in ("operational_gco2e", "embodied_gco2e") for end in ("_low", "", "_high")}
    base = {
        "label": "a training",
        "program": "python",
        "exit_code": 0,
        "started_at": NOW,
        "window_s": 7200.0,
        "energy_j_low": 3.6e6,
        "energy_j": 7.2e6,
        "energy_j_high": 1.08e7,
        **figures,
        "total_gco2e_low": 10.0,
        "total_gco2e": 10.0,
        "total_gco2e_high": 10.0,
        "functional_unit": "training_token",
        "functional_units": 2e6,
        "sci_gco2e": 5e-6,
        "emissions_basis": "estimated",
        "reason": None,
    }
    return {**base, **changes}


def test_a_job_is_said_in_units_that_suit_it_and_per_million_of_what_it_made_many():
    _, (many,) = jobs.job_table([job()])
    assert (many.cells[2].main, many.cells[2].beneath) == ("2 kWh", "1 kWh \N{EN DASH} 3 kWh")
    assert (many.cells[6].main, many.cells[6].beneath) == ("5", "per million training_token, of 2,000,000")
    _, (few,) = jobs.job_table([job(functional_unit="epoch", functional_units=4.0, sci_gco2e=2.5)])
    assert (few.cells[6].main, few.cells[6].beneath) == ("2.5", "per epoch, of 4")


def test_a_job_without_meters_or_units_says_so():
    energies = unknown("energy_j", "operational_gco2e", "total_gco2e")
    bare = job(**energies, functional_unit=None, functional_units=None, sci_gco2e=None, reason="no meter", exit_code=-9)
    _, (shown,) = jobs.job_table([bare])
    assert [shown.cells[at].main for at in (2, 3, 5)] == ["unknown"] * 3
    assert shown.cells[2].hint == "no meter"
    assert shown.cells[6].beneath == "nothing was counted"
    assert "ended with -9" in shown.cells[0].beneath
