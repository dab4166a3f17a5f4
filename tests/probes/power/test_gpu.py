"""A real card under a real load. Runs where NVML finds a device and torch can use it."""

import json
import time
from itertools import pairwise

import psutil
import pytest

from probes.power.nvml import find_cards
from probes.power.sampler import PowerSampler, read_power_log

pytestmark = pytest.mark.gpu


@pytest.mark.skipif(not find_cards()[0], reason="NVML finds no card here")
def test_a_card_under_load_spends_more_than_idle_and_counter_and_power_samples_agree(tmp_path, capsys):
    torch = pytest.importorskip("torch")
    card = find_cards()[0][0]
    matrix = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    torch.cuda.synchronize()
    power = []
    with PowerSampler(tmp_path / "power.jsonl") as sampler:
        sampler.mark("idle")
        time.sleep(3)
        start_ns = sampler.mark("load")
        cpu_before = psutil.Process(sampler.pid).cpu_times()
        end = time.monotonic() + 6
        while time.monotonic() < end:
            for _ in range(20):
                matrix @ matrix
            torch.cuda.synchronize()
            power.append((time.monotonic(), card.power_mw() / 1e3))
        cpu_after = psutil.Process(sampler.pid).cpu_times()
        shown_w = sampler.latest_power_w()
        end_ns = time.monotonic_ns()

    meters, samples = read_power_log(tmp_path / "power.jsonl")
    meter = next(meter for meter in meters if meter.meter == "nvml:0")
    assert (meter.valid, meter.component, meter.basis) == (True, "gpu", "measured")
    idle, load = ([s for s in samples if s.meter == "nvml:0" and s.phase == phase] for phase in ("idle", "load"))
    idle_w, load_w = mean_power_w(idle), mean_power_w(load)
    integrated_w = sum((p + q) / 2 * (u - t) for (t, p), (u, q) in pairwise(power))
    integrated_w /= power[-1][0] - power[0][0]
    rates = [s.t_ns for s in load]
    figures = {
        "device": meter.device,
        "source": meter.source,
        "method": meter.method,
        "idle_w": idle_w,
        "load_w": load_w,
        "power_samples_mean_w": integrated_w,
        "shown_w": shown_w,
        "readings_per_s": (len(rates) - 1) / (rates[-1] - rates[0]) * 1e9,
        "sampler_cpu_share": (sum(cpu_after[:2]) - sum(cpu_before[:2])) / ((end_ns - start_ns) / 1e9),
    }
    with capsys.disabled():
        print(json.dumps(figures))
    assert load_w > 1.5 * idle_w
    assert max(s.load_share for s in load) > 0.9
    assert load_w == pytest.approx(integrated_w, rel=0.15)


def mean_power_w(samples):
    """Of a counter's readings, or of power samples where the card has no counter."""
    if samples[0].energy_j is None:
        return sum(s.power_w for s in samples) / len(samples)
    return (samples[-1].energy_j - samples[0].energy_j) / (samples[-1].t_ns - samples[0].t_ns) * 1e9
