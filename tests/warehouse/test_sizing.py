"""How many devices a model needs, how fast it can decode at most, and the least that a token can take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.formulas.floor import energy_floor, plausibility
from warehouse.formulas.sizing import decode_bound_tokens_per_s, devices_needed, mfu_share, weights_gb
from warehouse.reference import device


def test_llama_65b_in_half_precision_takes_two_a100_of_80_gb_bare_or_with_a_fifth_more():
    weights = weights_gb(65e9, 16)
    a100 = device("A100-80").memory_gb
    assert weights == 130
    assert devices_needed(weights, a100) == 2
    assert devices_needed(weights, a100, overhead_ratio=1.2) == 2  # 156 GB


def test_llama_65b_in_8_bits_takes_283_groq_cards_and_340_with_a_fifth_more():
    weights = weights_gb(65e9, 8)
    groq = device("Groq").memory_gb
    assert weights / groq == pytest.approx(282.6, abs=0.05)
    assert devices_needed(weights, groq) == 283
    assert devices_needed(weights, groq, overhead_ratio=1.2) == 340


def test_llama_65b_was_trained_at_47_percent_of_the_peak():
    flop = 6 * 65e9 * 1.4e12
    share = mfu_share(flop, devices=2048, duration_s=21 * 86_400, peak_tflops=device("A100").bf16_tflops)
    assert share == pytest.approx(0.471, abs=5e-4)
    assert 2048 * 21 * 24 == 1_032_192
    with pytest.raises(ValueError, match="one of the four is wrong"):
        mfu_share(flop, devices=2048, duration_s=86_400, peak_tflops=312)


def test_decoding_is_bound_by_reading_the_weights():
    # 8 B in bf16 on an H100: 16 GB at 3350 GB/s
    assert decode_bound_tokens_per_s(weights_gb(8e9, 16), device("H100").bandwidth_gb_per_s) == pytest.approx(
        209.4, 1e-3
    )


def test_the_floor_by_hand_alone_and_in_a_batch_large_enough_to_compute():
    h100 = device("H100")
    known = {"bits": 16, "peak_tflops": h100.bf16_tflops, "bandwidth_gb_per_s": h100.bandwidth_gb_per_s}
    alone = energy_floor(active_parameters=70e9, batch=1, power_w=h100.tdp_w, **known)
    assert (alone.bound, alone.j_per_token) == ("memory", pytest.approx(700 * 140 / 3350))
    batch = energy_floor(active_parameters=70e9, batch=64, power_w=h100.tdp_w, **known)
    assert (batch.bound, batch.j_per_token) == ("memory", pytest.approx(700 * 140 / 3350 / 64))
    many = energy_floor(active_parameters=70e9, batch=1024, power_w=h100.tdp_w, **known)
    assert (many.bound, many.j_per_token) == ("compute", pytest.approx(700 * 2 * 70e9 / 989e12))


@given(st.integers(1, 4096), st.integers(1, 4096), st.floats(1e8, 1e12))
def test_a_larger_batch_or_a_smaller_model_never_raises_the_floor(one, other, parameters):
    def floor(batch, active):
        return energy_floor(
            active_parameters=active, bits=16, batch=batch, peak_tflops=989, bandwidth_gb_per_s=3350, power_w=700
        ).j_per_token

    rounding = 1 + 1e-12
    assert floor(max(one, other), parameters) <= floor(min(one, other), parameters) * rounding
    assert floor(one, parameters / 2) <= floor(one, parameters) * rounding


def test_an_estimate_is_judged_against_the_floor_in_one_sentence():
    floor = energy_floor(
        active_parameters=70e9, bits=16, batch=64, peak_tflops=989, bandwidth_gb_per_s=3350, power_w=700
    )
    assert plausibility(1.97, floor) == (
        "the estimate is 4.3 times the physical floor of 0.457 J per token (memory-bound)"
    )
    assert "not plausible of a device at its design power" in plausibility(0.1, floor)
    assert "far above" in plausibility(100, floor)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: weights_gb(0, 16), "parameters = 0 must be above 0"),
        (lambda: devices_needed(130, 0), "device_memory_gb = 0 must be above 0"),
        (lambda: devices_needed(130, 80, overhead_ratio=0.5), "an overhead of 0.5"),
        (lambda: decode_bound_tokens_per_s(16, 0), "bandwidth_gb_per_s = 0 must be above 0"),
        (lambda: floor_with(batch=0), "a batch of 0 decodes nothing"),
        (lambda: floor_with(efficiency_share=1.5), "an efficiency of 1.5 is above the peak itself"),
        (lambda: floor_with(power_w=0), "power_w = 0 must be above 0"),
    ],
)
def test_what_cannot_be_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def floor_with(**given_values):
    values = {
        "active_parameters": 1e9, "bits": 16, "batch": 1, "peak_tflops": 1, "bandwidth_gb_per_s": 1, "power_w": 1,
    }  # fmt: skip
    return energy_floor(**(values | given_values))
