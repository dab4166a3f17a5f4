"""Facts out of codecarbon's files, checked against codecarbon's own code where it has some."""

import subprocess
import sys

import pytest
from codecarbon.core.cpu import TDP
from codecarbon.core.emissions import Emissions
from codecarbon.core.units import Energy
from codecarbon.external.geography import GeoMetadata
from codecarbon.external.ram import RAM
from codecarbon.input import DataSource
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import ProbeError
from probes.factors import cpu_tdp_w, grid_intensity, ram_power_w

GIB = 1024**3


@pytest.mark.parametrize(
    ("cpu_model", "watts"),
    [
        ("AMD EPYC 7763 64-Core Processor", 280),
        ("Intel(R) Xeon(R) Platinum 8480+", 350),
        ("Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz", 135),
        ("Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", 15),
        ("AMD Ryzen 7 5800H with Radeon Graphics", 45),
    ],
)
def test_a_cpu_is_found_under_the_name_that_the_system_gives_it(cpu_model, watts):
    assert cpu_tdp_w(cpu_model).watts == watts


@pytest.mark.parametrize("cpu_model", ["AMD EPYC", "Intel(R) Xeon(R) Processor", "aarch64", "", "AMD EPYC 1234567"])
def test_a_family_or_an_unknown_model_is_not_taken_for_a_member(cpu_model):
    assert cpu_tdp_w(cpu_model) is None


def test_where_codecarbon_knows_a_cpu_by_its_name_we_find_the_same_watts():
    table = DataSource().get_cpu_power_data()
    matcher = TDP.__new__(TDP)  # its constructor looks at this machine's CPU
    compared = 0
    for name in table["Name"][::97]:
        theirs = matcher._get_matching_cpu(name, table)
        if theirs is not None:
            compared += 1
            assert cpu_tdp_w(name).watts == matcher._get_cpu_constant_power(theirs, table)
    assert compared > 40


@given(ram_bytes=st.integers(GIB // 2, 5000 * GIB), arm=st.booleans())
def test_ram_power_is_what_codecarbon_computes(ram_bytes, arm):
    theirs = RAM()
    theirs.is_arm_cpu = arm
    assert ram_power_w(ram_bytes, arm=arm) == pytest.approx(theirs._calculate_ram_power(ram_bytes / GIB))


@pytest.mark.parametrize(
    ("zone", "gco2e_per_kwh", "year"),
    [
        ("FRA", 56.0, 2023),
        ("DEU", 381.0, 2023),
        ("USA-CA", 179.1, 2023),
        ("USA-TX", 349.8, 2023),
        ("CAN-QC", 3.9, 2023),
        ("SE3", 27.0, 2025),
        ("CN-BJ", 555.4, 2023),
    ],
)
def test_a_zone_has_its_intensity_year_and_source(zone, gco2e_per_kwh, year):
    intensity = grid_intensity(zone)
    assert intensity.gco2e_per_kwh == pytest.approx(gco2e_per_kwh, abs=0.06)
    assert intensity.year == year
    assert intensity.source.startswith("codecarbon ")


def test_countries_states_and_provinces_agree_with_codecarbons_own_accounting():
    emissions = Emissions(DataSource())
    one_kwh = Energy.from_energy(1)
    for code, row in DataSource().get_global_energy_mix_data().items():
        theirs = emissions.get_country_emissions(one_kwh, GeoMetadata(code, row["country_name"]))
        assert grid_intensity(code).gco2e_per_kwh == pytest.approx(theirs * 1000), code
    for zone, country, region in (
        ("USA-OR", "USA", "oregon"),
        ("CAN-AB", "CAN", "alberta"),
        ("CAN-YT", "CAN", "yukon"),
    ):
        theirs = emissions.get_region_emissions(one_kwh, GeoMetadata(country, country, region=region))
        assert grid_intensity(zone).gco2e_per_kwh == pytest.approx(theirs * 1000), zone


@pytest.mark.parametrize(
    ("zone", "nearest"),
    [("DE", "DEU"), ("germany", "DEU"), ("fra", "FRA"), ("Virginia", "USA-VA"), ("quebec", "CAN-QC")],
)
def test_an_unknown_zone_is_refused_with_the_nearest_ones(zone, nearest):
    with pytest.raises(ProbeError, match=rf'no grid intensity for zone "{zone}"; nearest: .*{nearest}'):
        grid_intensity(zone)


def test_reading_the_data_does_not_import_the_package():
    script = (
        "import sys; from probes.factors import cpu_tdp_w, grid_intensity, version; version(); "
        "cpu_tdp_w('AMD EPYC 7763'); grid_intensity('FRA'); print('codecarbon' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
