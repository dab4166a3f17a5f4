"""What machine this was, and how much of its CPU others took while we measured.

What is not needed for the processor alone is imported where it is: a metered command waits for the power sampler.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

NVML_LIBRARY: Final = "libnvidia-ml.so.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuFacts:
    """The processor as the system shows it."""

    model: str
    threads: int  # hardware threads that this (virtual) machine has
    sockets: int
    virtual: bool  # a guest sees part of a package: the package's TDP is not its own


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """The machine that a trial ran on; names of the columns in `trials`."""

    host_id: str
    cpu_model: str
    cpu_threads: int
    ram_bytes: int
    gpu_models: str | None  # comma-separated; None when there is no NVML device
    os: str
    python_version: str


@cache
def host_facts() -> HostFacts:
    """Facts of this machine that do not change while it is up.

    `host_id` is the first 12 hex digits of a keyed hash of the machine's id (its host name where it has none): stable
    on one machine, different on another, and the id cannot be had back from it. Clones of one image share it.
    """
    import platform

    import psutil

    cpu = cpu_facts()
    return HostFacts(
        host_id=_host_id(),
        cpu_model=cpu.model,
        cpu_threads=cpu.threads,
        ram_bytes=psutil.virtual_memory().total,
        gpu_models=_gpu_models(),
        os=_os_name(),
        python_version=platform.python_version(),
    )


def has_nvml() -> bool:
    """Whether the library of NVIDIA's driver is here: without it pynvml finds no card, and takes 20 ms to say so."""
    import ctypes

    try:
        ctypes.CDLL(NVML_LIBRARY)  # as pynvml does itself
    except OSError:
        return False
    return True


def _gpu_models() -> str | None:
    if not has_nvml():
        return None
    from probes.power import nvml

    return ", ".join(nvml.card_names()) or None


def cpu_facts(cpuinfo: Path = Path("/proc/cpuinfo")) -> CpuFacts:
    """Model, threads and sockets from `cpuinfo`; where there is none (macOS), what Python's `platform` knows."""
    threads = os.cpu_count() or 1
    if not cpuinfo.exists():
        import platform

        return CpuFacts(model=platform.processor() or platform.machine(), threads=threads, sockets=1, virtual=False)
    values: dict[str, set[str]] = {}
    for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
        key, separator, value = line.partition(":")
        if separator:
            values.setdefault(key.strip(), set()).add(value.strip())
    models = sorted(values.get("model name", set()))
    return CpuFacts(
        model=models[0] if models else os.uname().machine,  # ARM kernels give no model name
        threads=threads,
        sockets=max(len(values.get("physical id", set())), 1),
        virtual=any("hypervisor" in flags.split() for flags in values.get("flags", set())),
    )


def load_average_1m() -> float:
    """Runnable processes, averaged over the last minute by the kernel."""
    return os.getloadavg()[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuReading:
    """CPU seconds counted up to one instant, over all threads of the machine."""

    total_s: float  # capacity: every thread, busy or not
    busy_s: float  # taken by anyone; time stolen by the hypervisor counts
    own_s: float  # taken by our process trees


class CpuWatch:
    """Share of the machine's CPU taken by processes that are not ours, from `start` to `stop`."""

    def __init__(self, pids: Iterable[int]) -> None:
        """Say whom to watch.

        Args:
            pids: roots of our process trees; a tree's CPU time includes children that have ended and were waited for.
        """
        self._pids = tuple(pids)
        self._first: CpuReading | None = None

    def start(self) -> None:
        """The window begins now."""
        self._first = read_cpu(self._pids)

    def stop(self) -> float | None:
        """Share (0 to 1) that others took since the start; None without a start or before the kernel's clock ticked."""
        return None if self._first is None else others_share(self._first, read_cpu(self._pids))


def others_share(start: CpuReading, end: CpuReading) -> float | None:
    """Share of the machine's CPU, 0 to 1, that was busy between two readings and not ours; None if no time passed."""
    capacity_s = end.total_s - start.total_s
    if capacity_s <= 0:
        return None
    others_s = (end.busy_s - start.busy_s) - (end.own_s - start.own_s)
    # The two clocks tick apart (10 ms steps against exact process times), so a quiet machine can come out below 0.
    return min(max(others_s / capacity_s, 0.0), 1.0)


def read_cpu(pids: Iterable[int]) -> CpuReading:
    """CPU time of the machine and of the process trees under `pids`, now; a process that has gone counts 0."""
    import psutil

    times = psutil.cpu_times()
    # Linux counts guest time within user time.
    total_s = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    return CpuReading(total_s=total_s, busy_s=total_s - idle_s, own_s=sum(_tree_cpu_s(pid) for pid in pids))


def _tree_cpu_s(root_pid: int) -> float:
    import psutil

    try:
        root = psutil.Process(root_pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    seconds = 0.0
    for process in tree:
        try:
            seconds += sum(process.cpu_times()[:4])  # user, system, and both of children that were waited for
        except psutil.NoSuchProcess:  # it ended in between: its parent's children time has it from now on
            continue
    return seconds


def _host_id() -> str:
    import hashlib

    machine_id = next(
        (
            text
            for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
            if path.exists() and (text := path.read_text(encoding="utf-8").strip())
        ),
        os.uname().nodename,
    )
    # systemd asks that the id itself never leaves the machine, only a keyed hash of it: machine-id(5).
    return hashlib.blake2b(machine_id.encode(), key=b"megatoken host_id", digest_size=6).hexdigest()


def _os_name() -> str:
    import platform

    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:  # no such file: macOS
        name = platform.system()
    return f"{name}, kernel {platform.release()}"
