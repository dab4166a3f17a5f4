"""codecarbon and our sampler on the same load of this machine at the same time: kWh and kg of both, by component.

    python -m tests.benchmarks.codecarbon_beside [--seconds 60] [--duty 0.6] [--country FRA] [--json]

codecarbon runs offline in machine mode. Both have the same CPU: its TDP by codecarbon's own rule, or `--tdp-w`. The
configuration that makes them equal is ours at one reading a second, read by its low curve: that is codecarbon's cubic
curve of the same second's mean load. One thing is left, and only in virtual machines: codecarbon counts time stolen by
the hypervisor as load of this machine, we do not; its effect is measured beside. The other rows show, step by step,
what makes our published figure another one: ten readings a second instead of one, and the linear curve.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from probes import factors
from probes.host import cpu_facts
from probes.power.log import read_power_log
from probes.power.modelled import cubic_power_share, machine_tdp_w
from probes.power.readings import PowerOverrides, PowerRange, PowerSample
from probes.power.sampler import PowerSampler

_J_PER_KWH = 3.6e6
_SLICE_S = 0.05
ALIKE = 0.02  # differences above this are explained
_STOLEN = "stolen time is load to codecarbon, and not to us"
COLUMNS = (
    ("equal", "ours, 1 Hz, low curve", _STOLEN),
    ("finer", "ours, 10 Hz, low curve", f"a mean of cubes is more than the cube of a mean; {_STOLEN}"),
    ("central", "ours, 10 Hz, central", "linear 0.1 + 0.9 load in place of cubic 0.1 + 0.9 load^3"),
)


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--duty", type=float, default=0.6, help="share of time that each thread is kept busy")
    options.add_argument("--country", default="FRA", help="ISO 3166 alpha-3")
    options.add_argument("--tdp-w", type=float, help="of the CPU, for both; default: codecarbon's own rule")
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    found = compare(asked.seconds, duty=asked.duty, country=asked.country, tdp_w=asked.tdp_w)
    print(json.dumps(found, indent=1) if asked.json else table(found))


def compare(seconds: float, *, duty: float, country: str, tdp_w: float | None = None) -> dict[str, Any]:
    """Run both beside each other.

    Returns:
        `codecarbon` and each of `COLUMNS`: {"cpu_kwh", "ram_kwh", "kwh", "kg"}; `difference`: ours over theirs minus 1,
        by column and figure; and what they stood on, with the share of the CPU's energy by which stolen time alone
        makes ours another, and the least and the most of it that comes of when each second of a reading begins.
    """
    os.environ.setdefault("CODECARBON_LOG_LEVEL", "critical")
    import codecarbon

    watts = tdp_w if tdp_w is not None else machine_tdp_w(cpu_facts())[0].central
    overrides = PowerOverrides(cpu_tdp_w=PowerRange(low=watts, central=watts, high=watts))
    with tempfile.TemporaryDirectory() as folder, _busy(duty), contextlib.ExitStack() as stack:
        paths = {hz: Path(folder) / f"{hz}.jsonl" for hz in (1.0, 10.0)}
        # Counters would replace the model that is compared: an empty powercap tree shows none.
        samplers = [
            stack.enter_context(PowerSampler(path, hz=hz, overrides=overrides, powercap_root=Path(folder)))
            for hz, path in paths.items()
        ]
        tracker: Any = codecarbon.OfflineEmissionsTracker(
            country_iso_code=country, tracking_mode="machine", force_cpu_power=watts, force_mode_cpu_load=True,
            save_to_file=False, allow_multiple_runs=True, log_level="critical",
        )  # fmt: skip
        for sampler in samplers:
            sampler.mark("warmup")  # its process is there, and its load is a mean since here
        tracker.start()
        marks_ns = [sampler.mark("load") for sampler in samplers]
        stolen = _stolen_effect(seconds)
        for sampler in samplers:
            sampler.stop()
        theirs_kg = tracker.stop()
        logs = {hz: read_power_log(path) for hz, path in paths.items()}
    theirs = tracker.final_emissions_data
    g_per_kwh = factors.grid_intensity(country).gco2e_per_kwh
    begun = dict(zip(paths, marks_ns, strict=True))

    def ours(hz: float, curve: str) -> dict[str, float]:
        samples = [sample for sample in logs[hz][1] if sample.phase == "load"]
        cpu_kwh, ram_kwh = (
            _step_kwh([s for s in samples if s.meter == f"modelled:{part}"], begun[hz], column)
            for part, column in (("cpu", curve), ("ram", "power_w"))
        )
        kwh = cpu_kwh + ram_kwh
        return {"cpu_kwh": cpu_kwh, "ram_kwh": ram_kwh, "kwh": kwh, "kg": kwh * g_per_kwh / 1e3}

    found: dict[str, Any] = {
        "codecarbon": {
            "cpu_kwh": theirs.cpu_energy, "ram_kwh": theirs.ram_energy, "kwh": theirs.energy_consumed, "kg": theirs_kg
        },
        "equal": ours(1.0, "power_w_low"),
        "finer": ours(10.0, "power_w_low"),
        "central": ours(10.0, "power_w"),
    }  # fmt: skip
    found["difference"] = {
        column: {key: found[column][key] / found["codecarbon"][key] - 1 for key in found[column]}
        for column, _, _ in COLUMNS
    }
    finer = [s for s in logs[10.0][1] if s.phase == "load" and s.load_share is not None]
    loads = [s.load_share for s in finer if s.load_share is not None]
    steps_s = [(after - before) / 1e9 for before, after in pairwise([begun[10.0], *(s.t_ns for s in finer)])]
    found["stood_on"] = {
        "tdp_w": watts, "mean_load_share": sum(loads) / len(loads), "seconds": theirs.duration, "country": country,
        "gco2e_per_kwh": g_per_kwh, "codecarbon": factors.version(), "stolen_effect": stolen,
        "instants_effect": _instants_effect(loads, steps_s),
    }  # fmt: skip
    return found


def table(found: dict[str, Any]) -> str:
    """For people: each figure beside codecarbon's, and why it differs where it does by more than 2 %."""
    base, stood = found["codecarbon"], found["stood_on"]
    lines = [
        f"{stood['seconds']:.1f} s at a mean load of {stood['mean_load_share']:.0%}, TDP {stood['tdp_w']:g} W, "
        f"{stood['country']} {stood['gco2e_per_kwh']:.1f} g/kWh, codecarbon {stood['codecarbon']}; "
        f"time stolen by the hypervisor alone makes our CPU {stood['stolen_effect']:+.2%}",
        f"{'':24}{'CPU mWh':>12}{'RAM mWh':>12}{'all mWh':>12}{'mg CO2e':>12}",
        _row("codecarbon", base),
    ]
    for column, title, why in COLUMNS:
        apart = found["difference"][column]
        lines.append(_row(title, found[column]))
        percents = "".join(f"{apart[key]:>+12.2%}" for key in ("cpu_kwh", "ram_kwh", "kwh", "kg"))
        lines.append(f"{'':24}{percents}" + (f"  {why}" if abs(apart["cpu_kwh"]) > ALIKE else ""))
    return "\n".join(lines)


def _row(title: str, figures: dict[str, float]) -> str:
    return f"{title:24}" + "".join(f"{figures[key] * 1e6:>12.3f}" for key in ("cpu_kwh", "ram_kwh", "kwh", "kg"))


def _step_kwh(samples: list[PowerSample], begun_ns: int, column: str) -> float:
    """A model's reading is the mean since the one before: watts times that step, exactly."""
    joules, last_ns = 0.0, begun_ns
    for sample in samples:
        joules += getattr(sample, column) * (sample.t_ns - last_ns) / 1e9
        last_ns = sample.t_ns
    return joules / _J_PER_KWH


def _instants_effect(loads: Sequence[float], steps_s: Sequence[float]) -> tuple[float, float]:
    """Energy under the cubic curve by readings of half a second to one and a half, whenever the first of them begins.

    A busy scheduler delays who reads once a second, and where load comes and goes a mean of cubes is another for it.

    Args:
        loads: means of the machine's load over short steps, 10 a second, 0 to 1.
        steps_s: how long each was, seconds.

    Returns:
        The least and the most, over that of readings each second from the first step on, minus 1.
    """

    def energy(each: int, first: int) -> float:
        starts = [0, *range(first, len(loads), each)]
        joules = 0.0
        for start, end in pairwise([*starts, len(loads)]):
            seconds = sum(steps_s[start:end])
            if seconds:
                busy_s = sum(load * step for load, step in zip(loads[start:end], steps_s[start:end], strict=True))
                joules += cubic_power_share(busy_s / seconds) * seconds
        return joules

    usual = energy(10, 10)
    others = [energy(each, first) for each in range(5, 16) for first in range(1, each + 1)]
    return min(others) / usual - 1, max(others) / usual - 1


def _stolen_effect(seconds: float) -> float:
    """Wait; energy under the cubic curve without stolen time over the same with it, minus 1, second by second."""
    with_j = without_j = 0.0
    busy_s, stolen_s, all_s = _cpu_times()
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        time.sleep(min(1.0, left_s))
        (busy0, stolen0, all0), (busy_s, stolen_s, all_s) = (busy_s, stolen_s, all_s), _cpu_times()
        if all_s > all0:
            busy, stolen = (busy_s - busy0) / (all_s - all0), (stolen_s - stolen0) / (all_s - all0)
            with_j += cubic_power_share(min(busy + stolen, 1.0)) * (all_s - all0)
            without_j += cubic_power_share(busy) * (all_s - all0)
    return without_j / with_j - 1


def _cpu_times() -> tuple[float, float, float]:
    """(busy, stolen, all) CPU seconds of the machine since boot."""
    times = psutil.cpu_times()
    all_s = sum(times) - times.guest - times.guest_nice
    return all_s - times.idle - times.iowait - times.steal, times.steal, all_s


@contextlib.contextmanager
def _busy(duty: float) -> Iterator[None]:
    """Every thread of the machine kept busy for a share of each twentieth of a second."""
    spinners = [
        multiprocessing.get_context("spawn").Process(target=_spin, args=(duty, os.getpid()), daemon=True)
        for _ in range(cpu_facts().threads)
    ]
    for spinner in spinners:
        spinner.start()
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.terminate()
            spinner.join()


def _spin(duty: float, parent: int) -> None:
    while os.getppid() == parent:
        end_s = time.perf_counter() + duty * _SLICE_S
        while time.perf_counter() < end_s:
            pass
        time.sleep((1 - duty) * _SLICE_S)


if __name__ == "__main__":
    main()
