"""CPU packages and memory by the energy counters that Linux shows under powercap (RAPL, Intel and AMD)."""

import time
from pathlib import Path

from probes.errors import ProbeError
from probes.power.readings import Component, Meter, MeterRecord, Reading

POWERCAP_ROOT = Path("/sys/class/powercap")

# A step back is a wrap only if the power it implies can be: no package and its memory draw this much.
_MOST_W = 10_000.0


class PowercapMeter:
    """One RAPL domain; its counter is unwrapped at `max_energy_range_uj`."""

    period_s = None

    def __init__(self, domain: Path, *, meter: str, component: Component) -> None:
        """Watch one domain folder.

        Raises:
            ProbeError: its counter cannot be read.
        """
        self._energy_file = domain / "energy_uj"
        self._range_uj = _read_uj(domain / "max_energy_range_uj")
        self._last_uj = self._first_uj = _read_uj(self._energy_file)
        self._last_t_s = time.monotonic()
        self._wrapped_uj = 0
        self.record = MeterRecord(
            meter=meter,
            component=component,
            basis="measured",
            method="powercap-energy-counter",
            device=meter.removeprefix("rapl:"),
            source=f"Linux powercap {domain.name}/energy_uj",
        )

    def read(self) -> Reading:
        """Joules since the meter was made; ProbeError when the file is gone or the counter was reset."""
        energy_uj, t_s = _read_uj(self._energy_file), time.monotonic()
        if energy_uj < self._last_uj:
            step_j = (energy_uj + self._range_uj - self._last_uj) / 1e6
            if step_j > _MOST_W * max(t_s - self._last_t_s, 0.1):
                raise ProbeError(
                    f"{self.record.meter} went back from {self._last_uj} to {energy_uj} uJ, and as a wrap that would "
                    f"be {step_j:.0f} J in {t_s - self._last_t_s:.1f} s: the counter was reset, perhaps by a suspend"
                )
            self._wrapped_uj += self._range_uj
        self._last_uj, self._last_t_s = energy_uj, t_s
        return Reading(energy_j=(energy_uj + self._wrapped_uj - self._first_uj) / 1e6)


def powercap_meters(root: Path = POWERCAP_ROOT) -> list[Meter | MeterRecord]:
    """A meter for each package, and for the memory of each; an invalid record for each that cannot be read.

    Cores and graphics are parts of a package, and psys holds the packages: neither is read, so that nothing counts
    twice. Memory (`dram`) lies outside the package counter. A domain that the kernel shows both by MSR and by MMIO is
    read once, by MMIO, as codecarbon does.

    Args:
        root: the powercap tree; a recorded one in tests.
    """
    meters: dict[str, Meter | MeterRecord] = {}
    # "intel-rapl-mmio:0" sorts before "intel-rapl:0": the first of a name wins.
    for domain in sorted(root.glob("intel-rapl*:*")):
        name = _domain_name(domain)
        if name is None:
            continue
        component: Component = "ram" if name.startswith("dram") else "cpu"
        if component == "ram":
            name = f"dram-{domain.name.split(':')[1]}"
        meter = f"rapl:{name}"
        if meter in meters:
            continue
        try:
            meters[meter] = PowercapMeter(domain, meter=meter, component=component)
        except ProbeError as error:
            meters[meter] = MeterRecord(
                meter=meter,
                component=component,
                basis="measured",
                method="powercap-energy-counter",
                device=name,
                source=f"Linux powercap {domain.name}/energy_uj",
                valid=False,
                invalid_reason=str(error),
            )
    return list(meters.values())


def _domain_name(domain: Path) -> str | None:
    name_file = domain / "name"
    name = name_file.read_text(encoding="ascii").strip() if name_file.exists() else ""
    return name if name.startswith(("package", "dram")) else None


def _read_uj(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except PermissionError as error:
        # Closed to users since CVE-2020-8694: power readings leak what a processor computes.
        raise ProbeError(
            f"{file} is readable by root only; allow it with `sudo chmod a+r {file.parent.resolve()}/energy_uj` "
            "(until the next boot; a udev rule or tmpfiles.d keeps it), or run as root"
        ) from error
    except (OSError, ValueError) as error:
        raise ProbeError(f"{file} cannot be read as a counter: {error}") from error
