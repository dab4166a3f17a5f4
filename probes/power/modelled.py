"""CPU and memory power where no counter exists: load by the kernel, watts by published curves, always with a range."""

import math
import os
import re
import weakref
from functools import cache
from pathlib import Path

from probes import factors
from probes.errors import ProbeError
from probes.host import CpuFacts
from probes.power.readings import MeterRecord, PowerOverrides, PowerRange, Reading

# codecarbon's watts per hardware thread of a CPU it does not know.
_W_PER_THREAD = 4.0
# The ends of the server parts in codecarbon's table, for the range around it: densest and least dense AMD EPYC, with
# their threads as AMD publishes them.
_LOW_PART, _LOW_PART_THREADS = "AMD EPYC 9754", 256  # 360 W: 1.4 W a thread
_HIGH_PART, _HIGH_PART_THREADS = "AMD EPYC 72F3", 16  # 180 W: 11.3 W a thread


def cubic_power_share(load: float) -> float:
    """Power as a share of TDP at a load (0 to 1), low: codecarbon's cubic curve, 0.1 + 0.9 load^3.

    Source: codecarbon 3.3, cpu_load mode.
    """
    return 0.1 + 0.9 * load**3


def linear_power_share(load: float) -> float:
    """Power as a share of TDP at a load (0 to 1), central: linear over a floor of 10 %.

    The floor is codecarbon's; the line lies between the two published curves, which differ 3.5 times at half load.
    """
    return 0.1 + 0.9 * load


def logarithmic_power_share(load: float) -> float:
    """Power as a share of TDP at a load (0 to 1), high: Boavizta's a ln(load% + c) + d.

    Fitted to the four points that Boavizta publishes, 0.12, 0.32, 0.75, 1.02 at 0, 10, 50, 100 %: off by at most 0.002.

    Source: Boavizta, CPU consumption profile by TDP.
    """
    return 0.5079 * math.log(100 * load + 20.4) - 1.4124


class CpuModel:
    """The machine's CPU by its load: three curves over a TDP that itself may be a range."""

    period_s = None

    def __init__(self, cpu: CpuFacts, overrides: PowerOverrides) -> None:
        """Find the TDP of this machine's part of the CPU and take the first look at the clock.

        Raises:
            ProbeError: codecarbon, which has the table, is not installed, and `overrides` has no TDP; or this kernel
                shows no load.
        """
        self._tdp_w, tdp_source = (
            (overrides.cpu_tdp_w, "TDP from the config") if overrides.cpu_tdp_w is not None else machine_tdp_w(cpu)
        )
        self._stat = _open_stat()
        weakref.finalize(self, os.close, self._stat)
        self._busy_s, self._total_s = _cpu_clock(self._stat)
        self.record = MeterRecord(
            meter="modelled:cpu",
            component="cpu",
            basis="modelled",
            method="tdp-load-curve",
            device=cpu.model,
            source=f"TDP {self._tdp_w.low:.3g}-{self._tdp_w.central:.3g}-{self._tdp_w.high:.3g} W ({tdp_source}) "
            "x cubic (codecarbon), linear, logarithmic (Boavizta) curve of the load in /proc/stat",
            resolution_s=1 / _ticks_per_s(),
            power_w_max=self._tdp_w.high * logarithmic_power_share(1.0),
        )

    def read(self) -> Reading | None:
        """Watts for the mean load since the last reading; None before the kernel's clock (10 ms) has ticked."""
        busy_s, total_s = _cpu_clock(self._stat)
        if total_s <= self._total_s:
            return None
        load = min(max((busy_s - self._busy_s) / (total_s - self._total_s), 0.0), 1.0)
        self._busy_s, self._total_s = busy_s, total_s
        return Reading(
            power_w_low=self._tdp_w.low * cubic_power_share(load),
            power_w=self._tdp_w.central * linear_power_share(load),
            power_w_high=self._tdp_w.high * logarithmic_power_share(load),
            load_share=load,
        )


class RamModel:
    """The machine's memory by its size: the same watts at any load."""

    period_s = 1.0  # a constant need not be read faster

    def __init__(self, ram_bytes: int) -> None:
        """Central by codecarbon's DIMM rule; the range also covers its rule before v3 and Boavizta's idle DIMMs."""
        gib = ram_bytes / 1024**3
        arm = os.uname().machine.lower().startswith(("arm", "aarch"))
        central_w = factors.ram_power_w(ram_bytes, arm=arm)
        per_8_gib_w = 3.0 * gib / 8
        boavizta_idle_w = 0.7 * (3.0 * gib / 32 + 0.055 * gib)  # DIMMs of 32 GB, the typical DDR4; idle is 70 % of full
        self._reading = Reading(
            power_w_low=min(central_w, per_8_gib_w, boavizta_idle_w),
            power_w=central_w,
            power_w_high=max(central_w, per_8_gib_w, boavizta_idle_w),
        )
        self.record = MeterRecord(
            meter="modelled:ram",
            component="ram",
            basis="modelled",
            method="dimm-rule",
            device=f"{gib:.1f} GiB in {factors.dimm_count(ram_bytes)} DIMMs (guessed)",
            source="codecarbon's 5 W a DIMM (ARM 1.5); range: its 3 W per 8 GB before v3, Boavizta's idle DIMM",
            resolution_s=0.0,  # a constant is never old
            power_w_max=self._reading.power_w_high,
        )

    def read(self) -> Reading:
        """The constant."""
        return self._reading


def machine_tdp_w(cpu: CpuFacts) -> tuple[PowerRange, str]:
    """TDP of the part of the CPU that this machine has, and what it rests on.

    A known CPU on bare metal has its packages' TDP. A guest has its threads' share of them, when the model's name tells
    the cores ("64-Core"): high if its threads are whole cores, central and low if they are one of two threads of one.
    Else codecarbon's 4 W a thread, within what server parts of its table range over, and never above the known TDP.

    Raises:
        ProbeError: codecarbon is not installed.
    """
    known = factors.cpu_tdp_w(cpu.model)
    if known is not None and not cpu.virtual:
        watts = known.watts * cpu.sockets
        return PowerRange(low=watts, central=watts, high=watts), f"{known.source}, {cpu.sockets} sockets"
    cores = re.search(r"(\d+)-Core", cpu.model)
    if known is not None and cores is not None:
        watts_per_core = known.watts / int(cores[1])
        shared_w = watts_per_core / 2 * cpu.threads
        return (
            PowerRange(low=shared_w, central=shared_w, high=watts_per_core * cpu.threads),
            f"{known.source}; {cpu.threads} virtual threads of {cores[1]} cores a package",
        )
    by_thread = PowerRange(
        low=_table_w(_LOW_PART) / _LOW_PART_THREADS,
        central=_W_PER_THREAD,
        high=_table_w(_HIGH_PART) / _HIGH_PART_THREADS,
    ).scaled(cpu.threads)
    reason = "unknown share of the CPU" if known else "CPU not in the table"
    source = f"{reason}: 4 W a thread as codecarbon {factors.version()} does, from {_LOW_PART} to {_HIGH_PART}"
    if known is None:
        return by_thread, source
    most_w = known.watts * cpu.sockets
    return (
        PowerRange(
            low=min(by_thread.low, most_w), central=min(by_thread.central, most_w), high=min(by_thread.high, most_w)
        ),
        source,
    )


def _table_w(name: str) -> float:
    row = factors.cpu_tdp_w(name)
    if row is None:
        raise ProbeError(f"codecarbon {factors.version()} does not list {name}, which bounds the power of unknown CPUs")
    return row.watts


def _open_stat(stat: Path = Path("/proc/stat")) -> int:
    """The kernel's counters, opened once: opening them anew took half of each reading's time."""
    try:
        return os.open(stat, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ProbeError(
            f"{stat} cannot be read ({error.strerror}): the CPU model takes its load from there"
        ) from error


def _cpu_clock(stat: int) -> tuple[float, float]:
    """(busy, all) seconds of all threads since boot. Not by psutil: its import is a fifth of the sampler's start."""
    ticks = [int(field) for field in os.pread(stat, 256, 0).split(maxsplit=9)[1:9]]  # the first line has all threads
    user, nice, system, idle, iowait, irq, softirq, steal = ticks
    # Stolen time ran another guest: it is not this machine's power. Guests of ours are within user and nice.
    busy = user + nice + system + irq + softirq
    return busy / _ticks_per_s(), (busy + idle + iowait + steal) / _ticks_per_s()


@cache
def _ticks_per_s() -> int:
    return os.sysconf("SC_CLK_TCK")
