"""CPU packages and memory by the energy counters that Linux shows under powercap (RAPL, Intel and AMD)."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from probes.errors import ProbeError
from probes.power.readings import Component, Meter, MeterRecord, Reading

POWERCAP_ROOT = Path("/sys/class/powercap")

# A step, a wrap's too, is believed only if the power it implies can be: no machine with such a counter draws this much.
_MOST_W = 10_000.0
# What a domain that shows no limit is taken to draw at most, when it is asked whether its counter went round twice
# unseen: then a counter of 65 kJ, as AMD's, must be read every 32 s.
_UNSAID_LIMIT_W = 2_000.0
# Dies of one package whose counters agree as nearly as this are the package's counter shown several times.
_MIRROR_UJ = 1_000_000
_RESOLUTION_S = 0.001  # the processor refreshes its RAPL registers every millisecond, as Intel's and AMD's manuals say


@dataclass(frozen=True, slots=True, kw_only=True)
class _Domain:
    folder: Path
    meter: str
    component: Component
    method: str = "powercap-energy-counter"

    @property
    def source(self) -> str:
        return f"Linux powercap {self.folder.name}/energy_uj"

    @property
    def device(self) -> str:
        return self.meter.removeprefix("rapl:")

    def invalid(self, reason: str) -> MeterRecord:
        return MeterRecord(
            meter=self.meter,
            component=self.component,
            basis="measured",
            method=self.method,
            device=self.device,
            source=self.source,
            valid=False,
            invalid_reason=reason,
        )


class PowercapMeter:
    """One RAPL domain; its counter is unwrapped at `max_energy_range_uj`."""

    period_s = None

    def __init__(
        self,
        folder: Path,
        *,
        meter: str,
        component: Component,
        method: str = "powercap-energy-counter",
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch one domain's folder; `clock_s` tells how long ago it was read.

        Raises:
            ProbeError: its counter cannot be read.
        """
        domain = _Domain(folder=folder, meter=meter, component=component, method=method)
        self._energy_file = folder / "energy_uj"
        self._range_uj = _read_uj(folder / "max_energy_range_uj")
        self.first_uj = self._last_uj = _read_uj(self._energy_file)
        self._clock_s = clock_s
        self._last_t_s = clock_s()
        self._wrapped_uj = 0
        self.record = MeterRecord(
            meter=meter,
            component=component,
            basis="measured",
            method=method,
            device=domain.device,
            source=domain.source,
            resolution_s=_RESOLUTION_S,
            power_w_max=_power_limit_w(folder),
        )

    def read(self) -> Reading:
        """Joules since the meter was made; ProbeError when the file is gone, or what it says cannot be."""
        energy_uj, t_s = _read_uj(self._energy_file), self._clock_s()
        self._check(energy_uj, t_s - self._last_t_s)
        if energy_uj < self._last_uj:
            self._wrapped_uj += self._range_uj
        self._last_uj, self._last_t_s = energy_uj, t_s
        return Reading(energy_j=(energy_uj + self._wrapped_uj - self.first_uj) / 1e6)

    def _check(self, energy_uj: int, elapsed_s: float) -> None:
        meter, went = self.record.meter, f"from {self._last_uj} to {energy_uj} uJ"
        wraps = energy_uj < self._last_uj
        step_j = (energy_uj - self._last_uj + (self._range_uj if wraps else 0)) / 1e6
        if step_j > _MOST_W * max(elapsed_s, 0.1):
            said = f"{step_j:.0f} J in {elapsed_s:.1f} s: the counter was reset, perhaps by a suspend"
            raise ProbeError(
                f"{meter} went back {went}, and as a wrap that would be {said}"
                if wraps
                else f"{meter} leapt {went}, which would be {said}"
            )
        round_s = self._range_uj / 1e6 / (self.record.power_w_max or _UNSAID_LIMIT_W)
        if elapsed_s > round_s:
            raise ProbeError(
                f"{meter} was not read for {elapsed_s:.0f} s, and its counter can go round in {round_s:.0f} s: how"
                " often it did is not known; what stopped the sampler?"
            )


def powercap_meters(root: Path = POWERCAP_ROOT, *, psys: bool = False) -> list[Meter | MeterRecord]:
    """A meter for each package, and for the memory of each; an invalid record for each that cannot be read.

    What would count twice is left out: cores and graphics, which are parts of a package; a domain that the kernel shows
    both by MSR and by MMIO, which is read once, by MMIO; dies of one package that all show the package's counter.
    Memory (`dram`) lies outside the package counter.

    The platform's counter (`psys`) holds the packages, the memory and more, on machines whose maker wired it; on others
    it shows anything. So it is read only when asked for, as the whole machine: an account then takes it in place of its
    parts, which are still read beside it.

    Args:
        root: the powercap tree; a recorded one in tests.
        psys: read the platform's counter too.
    """
    meters: dict[str, Meter | MeterRecord] = {}
    # "intel-rapl-mmio:0" sorts before "intel-rapl:0": the first of a name wins.
    for folder in sorted(root.glob("intel-rapl*:*")):
        domain = _domain(folder)
        if domain is None or domain.meter in meters or (domain.component == "machine" and not psys):
            continue
        try:
            meter = PowercapMeter(folder, meter=domain.meter, component=domain.component, method=domain.method)
        except ProbeError as error:
            meters[domain.meter] = domain.invalid(str(error))
            continue
        if not any(_mirrors(meter, other) for other in meters.values()):
            meters[domain.meter] = meter
    return list(meters.values())


def psys_domain(root: Path = POWERCAP_ROOT) -> Path | None:
    """The folder of the platform's counter, if the kernel shows one."""
    for folder in sorted(root.glob("intel-rapl*:*")):
        domain = _domain(folder)
        if domain is not None and domain.component == "machine":
            return folder
    return None


def _domain(folder: Path) -> _Domain | None:
    """What a domain's folder is, by its name; None for what no meter should read."""
    name_file = folder / "name"
    name = name_file.read_text(encoding="ascii").strip() if name_file.exists() else ""
    if name.startswith("package"):
        return _Domain(folder=folder, meter=f"rapl:{name}", component="cpu")
    if name.startswith("dram"):
        return _Domain(folder=folder, meter=f"rapl:dram-{folder.name.split(':')[1]}", component="ram")
    if name == "psys":
        return _Domain(folder=folder, meter="rapl:psys", component="machine", method="powercap-psys-counter")
    return None


def _mirrors(meter: PowercapMeter, other: Meter | MeterRecord) -> bool:
    package, own = _package(meter.record.meter), meter.first_uj
    return (
        isinstance(other, PowercapMeter)
        and package is not None
        and package == _package(other.record.meter)
        and own > 0  # a counter that has not begun to count tells nothing
        and abs(own - other.first_uj) <= _MIRROR_UJ
    )


def _package(meter: str) -> str | None:
    """ "package-0" of "rapl:package-0-die-1": the packages whose dies the kernel lists one by one."""
    found = re.fullmatch(r"rapl:(package-\d+)-die-\d+", meter)
    return found[1] if found else None


def _power_limit_w(folder: Path) -> float | None:
    """The highest of the limits that the processor keeps over its several time windows; None where it shows none."""
    limits = [file.read_text(encoding="ascii").strip() for file in folder.glob("constraint_*_power_limit_uw")]
    watts = [int(limit) / 1e6 for limit in limits if limit.isdecimal()]
    return max(watts, default=0.0) or None


def _read_uj(file: Path) -> int:
    try:
        # Ten times a second for each counter: without layers of text and buffers it costs half.
        with file.open("rb", buffering=0) as counter:
            return int(counter.read(64))
    except PermissionError as error:
        # Closed to users since CVE-2020-8694: power readings leak what a processor computes.
        raise ProbeError(
            f"{file} is readable by root only; allow it with `sudo chmod a+r {file.parent.resolve()}/energy_uj` "
            "(until the next boot; a udev rule or tmpfiles.d keeps it), or run as root"
        ) from error
    except (OSError, ValueError) as error:
        raise ProbeError(f"{file} cannot be read as a counter: {error}") from error
