"""What devices can do at most, and what making them takes: names people use find rows, and every row is in order."""

from datetime import date

import pytest

from warehouse.errors import ReferenceDataError
from warehouse.reference import device, embodied_range, ledger


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("H100", "nvidia-h100-sxm"),
        ("h100", "nvidia-h100-sxm"),
        ("NVIDIA H100 80GB HBM3", "nvidia-h100-sxm"),
        ("nvidia-h100-sxm", "nvidia-h100-sxm"),
        ("A100-80", "nvidia-a100-sxm-80gb"),
        ("a100 40gb", "nvidia-a100-sxm-40gb"),
        ("V100", "nvidia-v100-sxm2-16gb"),
        ("TPUv3", "google-tpu-v3"),
        ("geforce rtx 4090", "nvidia-rtx-4090"),
        ("groq", "groq-lpu-v1"),
    ],
)
def test_a_device_is_found_by_the_names_that_people_and_drivers_use(asked, found):
    assert device(asked).name == found


def test_peaks_are_dense_and_what_a_device_cannot_do_is_none():
    h100, v100 = device("H100"), device("V100")
    assert (h100.memory_gb, h100.bandwidth_gb_per_s, h100.bf16_tflops, h100.tdp_w) == (80, 3350, 989, 700)
    assert (v100.bf16_tflops, v100.fp16_tflops, v100.fp8_tflops) == (None, 125, None)
    assert device("TPU v5e").tdp_w is None


def test_a_peak_is_that_of_the_operands_and_of_the_next_wider_where_there_is_none():
    assert device("H100").peak_tflops(16) == 989
    assert device("H100").peak_tflops(8) == 1979
    assert device("A100").peak_tflops(8) == 624  # int8: it has no fp8
    assert device("V100").peak_tflops(16) == 125
    assert device("EPYC 9654").peak_tflops(16) is None
    with pytest.raises(ValueError, match="weights of 3 bits"):
        device("H100").peak_tflops(3)


def test_an_unknown_device_is_an_error_that_names_the_nearest_and_the_file():
    with pytest.raises(ReferenceDataError, match=r"no device 'H300' in devices\.csv; nearest are .*nvidia-h100-sxm"):
        device("H300")
    with pytest.raises(ReferenceDataError, match=r"it has nvidia-v100.*add a row with its source"):
        device("qqqqqq")


def test_a_device_before_it_came_out_is_an_error():
    assert device("V100", date(2020, 5, 1)).name == "nvidia-v100-sxm2-16gb"
    with pytest.raises(ReferenceDataError, match=r"no device 'H100' on 2020-05-01; devices\.csv starts 2022-01-01"):
        device("H100", date(2020, 5, 1))


@pytest.mark.parametrize("name", [row["device"] for row in ledger("devices")])
def test_every_name_and_other_name_leads_to_its_own_row_and_to_what_making_it_takes(name):
    found = device(name)
    assert found.name == name
    assert {device(each).name for each in found.aliases} == {name}
    assert found.tag in ("read", "computed", "recalled")
    assert found.memory_gb is None or found.memory_gb > 0
    if found.embodied is not None:
        made = embodied_range(found.embodied)
        assert 0 < made.low <= made.central <= made.high


def test_every_row_of_what_making_takes_says_how_sure_it_is():
    assert {row["tag"] for row in ledger("embodied")} == {"read", "computed", "recalled"}


def test_ranges_that_were_scaled_follow_from_the_rows_they_name():
    # a TPU's die x what a V100 is over its die of 8.15 cm2 x 1.2 kg/cm2
    card_over_die = 205 / (8.15 * 1.2)
    assert embodied_range("google-tpu-v3").central / 1000 == pytest.approx(7.0 * card_over_die, rel=2e-3)
    assert embodied_range("google-tpu-v4").central / 1000 == pytest.approx(6.4 * card_over_die, rel=2e-3)
    h100, mi300x = embodied_range("nvidia-h100-sxm"), embodied_range("amd-mi300x")
    assert mi300x.central / mi300x.high == pytest.approx(h100.central / h100.high, rel=2e-3)
    assert mi300x.low / mi300x.high == pytest.approx(h100.low / h100.high, rel=2e-3)
    per_exaflop = 0.50 / 0.66 * device("B200").bf16_tflops / device("H100").bf16_tflops
    assert embodied_range("nvidia-b200").low == pytest.approx(h100.low * per_exaflop, rel=2e-3)
    assert embodied_range("nvidia-b200").central == pytest.approx(h100.central * per_exaflop, rel=2e-3)
