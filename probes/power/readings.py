"""What a meter is, and what it delivers: raw readings with their clock, nothing derived."""

from dataclasses import dataclass
from typing import Literal, Protocol

Phase = Literal["idle", "warmup", "load"]  # warm-up is neither: the target works, but is not measured
Component = Literal["cpu", "ram", "gpu", "machine"]
Basis = Literal["measured", "modelled", "estimated", "declared"]
Unit = Literal["W", "kW", "J", "kJ", "Wh", "kWh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRange:
    """A value known within bounds, low <= central <= high."""

    low: float
    central: float
    high: float

    def __post_init__(self) -> None:
        """Refuse a range that is upside down.

        Raises:
            ValueError: not low <= central <= high; names the three.
        """
        if not self.low <= self.central <= self.high:
            raise ValueError(f"a range needs low <= central <= high, got {self.low}, {self.central}, {self.high}")

    def scaled(self, factor: float) -> "PowerRange":
        """The range times one positive factor."""
        return PowerRange(low=self.low * factor, central=self.central * factor, high=self.high * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSpec:
    """How to ask for one number and what it is; exactly one of `command` and `url`."""

    id: str
    component: Component
    value: Literal["power", "energy"]
    unit: Unit
    command: tuple[str, ...] | None = None  # program and arguments, run without a shell
    url: str | None = None
    header_env: tuple[tuple[str, str], ...] = ()  # HTTP header, environment variable that holds its value
    json_path: str | None = None  # "a.b.0.c"
    pattern: str | None = None  # its one group is the number; without path or pattern the whole answer is
    period_s: float = 1.0
    timeout_s: float = 2.0
    resolution_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerOverrides:
    """What the user knows better than our tables, and the meters of their own."""

    cpu_tdp_w: PowerRange | None = None  # of the part of the CPU that this machine has; replaces table and estimate
    rapl_psys: bool = False  # the platform's counter is the whole machine here; see powercap_meters
    hooks: tuple[HookSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRecord:
    """One meter that watched, or that was there and could not: `valid` says which. Fields of the table `meters`."""

    meter: str  # 'nvml:0', 'rapl:package-0', 'modelled:cpu'
    component: Component
    basis: Basis
    method: str
    device: str
    source: str
    valid: bool = True
    invalid_reason: str | None = None
    resolution_s: float | None = None  # how long a reading may be older than its instant; None: not known
    power_w_max: float | None = None  # the most that the device can draw, such as its enforced limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A counter fills `energy_j` (cumulative, unwrapped), a power meter `power_w`, a model its range too."""

    energy_j: float | None = None
    power_w_low: float | None = None
    power_w: float | None = None
    power_w_high: float | None = None
    load_share: float | None = None  # of the device, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSample:
    """One reading of one meter at an instant of CLOCK_MONOTONIC. Fields of the table `power_samples`."""

    meter: str
    phase: Phase
    t_ns: int
    energy_j: float | None
    power_w_low: float | None
    power_w: float | None
    power_w_high: float | None
    load_share: float | None


class Meter(Protocol):
    """Anything that can be read for energy or power."""

    @property
    def record(self) -> MeterRecord:
        """Who it is and what it rests on."""

    @property
    def period_s(self) -> float | None:
        """Shortest useful time between readings; None: as fast as the sampler goes."""

    def read(self) -> Reading | None:
        """Read it now.

        Returns:
            A reading; None when nothing can be said yet (a load needs two looks at the clock).

        Raises:
            ProbeError: it cannot be read any more, or what it says cannot be; the meter is invalid from then on.
        """
