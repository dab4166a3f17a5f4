"""A real card under a real load. Runs where NVML finds a device and torch can use it."""

import json
import sys
import time
from itertools import pairwise

import duckdb
import psutil
import pytest

from probes.power.nvml import find_cards
from probes.power.sampler import PowerSampler, read_power_log
from tests.flows.nights import megatoken

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
            power.append((time.monotonic(), card.power_w()))
        cpu_after = psutil.Process(sampler.pid).cpu_times()
        shown_w = sampler.latest_power_w()
        end_ns = time.monotonic_ns()
        refresh_s = counter_refresh_s(card, matrix)

    meters, samples = read_power_log(tmp_path / "power.jsonl")
    meter = next(meter for meter in meters if meter.meter == "nvml:0")
    assert (meter.valid, meter.component, meter.basis) == (True, "gpu", "measured")
    assert meter.power_w_max == card.power_limit_w() > 0
    idle, load = ([s for s in samples if s.meter == "nvml:0" and s.phase == phase] for phase in ("idle", "load"))
    idle_w, load_w = mean_power_w(idle), mean_power_w(load)
    integrated_w = sum((p + q) / 2 * (u - t) for (t, p), (u, q) in pairwise(power))
    integrated_w /= power[-1][0] - power[0][0]
    rates = [s.t_ns for s in load]
    figures = {
        "device": meter.device,
        "source": meter.source,
        "method": meter.method,
        "power_w_max": meter.power_w_max,
        "resolution_s": meter.resolution_s,
        "refreshed_every_s": refresh_s,
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
    assert max(power_w for _, power_w in power) <= 1.1 * meter.power_w_max
    if card.energy_j() is not None:
        assert meter.method == "nvml-energy-counter"
        assert refresh_s <= 1.5 * meter.resolution_s  # 0.1 s on an H100: this card's counter is no older than we say


def counter_refresh_s(card, matrix):
    """The longest time for which the counter stood still in a second of load; None where a card has no counter."""
    if card.energy_j() is None:
        return None
    changes, last_j, end = [], card.energy_j(), time.monotonic() + 1
    while time.monotonic() < end:
        for _ in range(2):  # in flight while we look
            matrix @ matrix
        energy_j = card.energy_j()
        if energy_j != last_j:
            changes.append(time.monotonic())
            last_j = energy_j
    return max(later - earlier for earlier, later in pairwise(changes))


def mean_power_w(samples):
    """Of a counter's readings, or of power samples where the card has no counter."""
    if samples[0].energy_j is None:
        return sum(s.power_w for s in samples) / len(samples)
    return (samples[-1].energy_j - samples[0].energy_j) / (samples[-1].t_ns - samples[0].t_ns) * 1e9


LOAD = """
import time, torch
matrix = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
end = time.monotonic() + 5
while time.monotonic() < end:
    for _ in range(20):
        matrix @ matrix
    torch.cuda.synchronize()
"""


@pytest.mark.skipif(not find_cards()[0], reason="NVML finds no card here")
def test_a_real_load_on_a_card_lands_a_real_account(tmp_path, capsys):
    pytest.importorskip("torch")
    done = megatoken(tmp_path / "data", "track", "--idle", "3", "--json", "--", sys.executable, "-c", LOAD)
    account = json.loads(done.stdout.splitlines()[-1])
    with capsys.disabled():
        print(json.dumps(account))
    (card,) = [part for part in account["components"] if part["component"] == "gpu"]
    assert (card["basis"], card["method"]) == ("measured", "nvml-energy-counter")
    assert card["energy_j"] / account["window_s"] > card["idle_j"] / account["window_s"] > 0
    with duckdb.connect(str(tmp_path / "data" / "warehouse.duckdb"), read_only=True) as con:
        landed = con.execute("SELECT valid, resolution_s, power_w_max FROM meters WHERE meter = 'nvml:0'").fetchone()
    limit_w = find_cards()[0][0].power_limit_w()
    assert landed == (True, 0.1, limit_w)
    assert card["energy_j"] / account["window_s"] <= 1.1 * limit_w
