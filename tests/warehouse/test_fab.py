"""What making chips, cards and servers emits: ACT's and Boavizta's formulas give the values published for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import ReferenceDataError
from warehouse.formulas.device_model import (
    GpuParts,
    cpu_gco2e,
    effective_area_mm2,
    gpu_gco2e,
    ram_module_gco2e,
    server_gco2e,
    ssd_gco2e,
)
from warehouse.formulas.fab import carbon_per_area_gco2e, chip_gco2e, memory_gco2e
from warehouse.formulas.interval import Interval, exactly
from warehouse.reference import embodied_range, ledger
from warehouse.reference.making import (
    declared_prompts,
    fab_constant,
    fab_gco2e_per_cm2,
    gpu_parts,
    lifetime_years,
    memory_gco2e_per_gb,
)


@pytest.mark.parametrize(
    ("node_nm", "kg_per_cm2"), [(28, 1.33), (14, 1.56), (10, 1.78), (7, 2.32), (5, 2.78), (3, 3.16)]
)
def test_carbon_per_area_is_what_act_gives_for_a_fab_in_taiwan(node_nm, kg_per_cm2):
    found = fab_gco2e_per_cm2(node_nm)
    assert found.central / 1000 == pytest.approx(kg_per_cm2, abs=5.1e-3)
    assert found.low < found.central < found.high


def test_carbon_per_area_by_hand_at_28_nm_and_95_percent_abatement():
    # (583 x 0.90 + 175 + 500) / 0.875
    assert fab_gco2e_per_cm2(28).high == pytest.approx(1371.086, abs=1e-3)


def test_a_chip_is_its_area_and_its_package():
    packaging = fab_constant("packaging_gco2e_per_ic")
    assert packaging == exactly(150)
    chip = chip_gco2e(exactly(8.15), exactly(1200), packaging)
    assert chip.central == pytest.approx(9780 + 150)
    assert chip_gco2e(exactly(8.15), exactly(1200), packaging, packages=0).central == pytest.approx(9780)
    assert memory_gco2e(exactly(256), memory_gco2e_per_gb("ddr4-10nm")).central == 256 * 65
    with pytest.raises(ValueError, match="cannot have -1 packages"):
        chip_gco2e(exactly(1), exactly(1), packaging, packages=-1)


@given(st.floats(0.1, 1.0), st.floats(0.1, 1.0))
def test_a_better_yield_never_costs_more(one, other):
    def per_area(share):
        return carbon_per_area_gco2e(
            fab_grid_gco2e_per_kwh=exactly(583),
            epa_kwh_per_cm2=exactly(2.15),
            gpa_gco2e_per_cm2=exactly(275),
            mpa_gco2e_per_cm2=exactly(500),
            yield_share=exactly(share),
        ).central

    assert per_area(max(one, other)) <= per_area(min(one, other))


def test_a_yield_outside_0_to_1_is_refused():
    for share, said in ((1.5, "above 1"), (0.0, "cannot divide")):
        with pytest.raises(ValueError, match=said):
            carbon_per_area_gco2e(
                fab_grid_gco2e_per_kwh=exactly(1), epa_kwh_per_cm2=exactly(1), gpa_gco2e_per_cm2=exactly(1),
                mpa_gco2e_per_cm2=exactly(1), yield_share=exactly(share),
            )  # fmt: skip


@pytest.mark.parametrize("row", ledger("gpu_parts"), ids=lambda row: row["device"])
def test_a_card_from_its_parts_is_what_boaviztapi_gives_for_it(row):
    found = gpu_gco2e(gpu_parts(row["device"]))
    assert found.total_gco2e == pytest.approx(float(row["published_gco2e"]), rel=1e-3)


def test_an_h100_by_part_and_an_a100_to_the_hundred_grams():
    h100, a100 = gpu_gco2e(gpu_parts("nvidia-h100-sxm")), gpu_gco2e(gpu_parts("nvidia-a100-pcie-40gb"))
    assert h100.total_gco2e / 1000 == pytest.approx(575.1, abs=0.05)
    assert h100.die_gco2e / 1000 == pytest.approx(119.6, abs=0.05)
    assert h100.memory_gco2e / 1000 == pytest.approx(430.7, abs=0.06)
    assert a100.total_gco2e / 1000 == pytest.approx(321.6, abs=0.05)
    assert embodied_range("nvidia-h100-sxm").high == pytest.approx(h100.total_gco2e, rel=1e-3)


@given(st.floats(1, 900), st.floats(1, 900))
def test_a_larger_die_takes_more_of_a_wafer_and_more_than_its_own_area(one, other):
    assert effective_area_mm2(one) > one
    if one < other:
        assert effective_area_mm2(one) <= effective_area_mm2(other) * (1 + 1e-12)


def test_a_die_without_area_or_larger_than_a_wafer_is_refused():
    with pytest.raises(ValueError, match="a die of 0 mm2 is none"):
        effective_area_mm2(0)
    with pytest.raises(ValueError, match="no wafer of 300 mm holds a die of 40000 mm2"):
        effective_area_mm2(40_000)
    parts = GpuParts(
        die_mm2=1, memory_gb=1, memory_stacks_count=0, casing_kg=0, heatsink_kg=0, board_cm2=0, mass_kg=0, boat_km=0,
        truck_km=0,
    )  # fmt: skip
    with pytest.raises(ValueError, match="memory in 0 stacks"):
        gpu_gco2e(parts)


def test_cpus_memory_and_drives_lie_where_boavizta_s_results_do():
    # dies together: EPYC 7763 8 x 81 + 416 mm2, EPYC 9654 12 x 72 + 397 mm2 (die areas recalled)
    assert cpu_gco2e(8 * 81 + 416) / 1000 == pytest.approx(30.1, abs=0.1)
    assert cpu_gco2e(12 * 72 + 397) / 1000 == pytest.approx(34.0, abs=0.4)
    densities = Interval(low=0.625, central=1.25, high=2.375)
    module = ram_module_gco2e(32, densities)
    assert (module.low / 1000, module.high / 1000) == (pytest.approx(35, abs=0.5), pytest.approx(118, abs=0.5))
    module = ram_module_gco2e(128, densities)
    assert (module.low / 1000, module.high / 1000) == (pytest.approx(124, abs=0.5), pytest.approx(456, abs=0.5))
    assert ssd_gco2e(1000, exactly(50)).central == pytest.approx(1000 / 50 * 2200 + 6340)


def test_a_server_is_the_sum_of_its_parts():
    found = server_gco2e(
        components_gco2e=exactly(2 * 34_000),
        motherboard_gco2e=exactly(embodied_range("motherboard").central),
        power_supplies_gco2e=exactly(embodied_range("power-supply").central * 2 * 2.99),
        case_gco2e=exactly(embodied_range("rack-case").central),
        assembly_gco2e=exactly(embodied_range("assembly").central),
    )
    assert found.central == pytest.approx(68_000 + 66_100 + 24_300 * 5.98 + 150_000 + 6_680)


def test_lifetimes_prompts_and_nodes_are_ledgers_and_what_they_lack_names_the_row_to_add():
    assert [lifetime_years(row["kind"]) for row in ledger("lifetimes")] == [3, 4, 5, 6]
    google = declared_prompts()[0]
    assert (google.publisher, google.energy_wh, google.tag) == ("google", 0.24, "read")
    mistral = next(each for each in declared_prompts() if each.publisher == "mistral")
    assert (mistral.energy_wh, mistral.gco2e, mistral.output_tokens) == (None, 1.14, 400)
    assert next(each for each in declared_prompts() if each.publisher == "openai").tag == "recalled"
    with pytest.raises(ReferenceDataError, match=r"no node_nm '4' in fab\.csv, which has 28, 14.*add a row"):
        fab_gco2e_per_cm2(4)
    with pytest.raises(ReferenceDataError, match=r"no device 'nvidia-b200' in gpu_parts\.csv"):
        gpu_parts("nvidia-b200")
