"""NVIDIA cards, read through NVML: the driver's total energy counter, or sampled power where a card has none."""

from collections.abc import Callable
from types import ModuleType
from typing import Protocol, TypeVar

from probes.errors import ProbeError
from probes.power.readings import Meter, MeterRecord, Reading

_Answer = TypeVar("_Answer")


class Card(Protocol):
    """What one card answers. None is "this card has no such reading"; a card that is gone raises ProbeError."""

    @property
    def index(self) -> int:
        """NVML index."""

    def name(self) -> str:
        """Product name."""

    def driver(self) -> str:
        """Version of the driver."""

    def mig(self) -> bool:
        """Whether the card is split into MIG instances."""

    def energy_mj(self) -> int | None:
        """Energy since the driver was loaded, millijoules."""

    def power_mw(self) -> int | None:
        """Board power now, milliwatts."""

    def busy_percent(self) -> int | None:
        """Share of the last sample period in which a kernel ran, percent."""


class EnergyCounterMeter:
    """One card by its energy counter.

    On an H100 (driver 580) one look keeps a core busy for 3.4 ms, ten looks a second would take 3 % of it. The driver
    refreshes the counter every 0.1 s, so a window's energy is off by at most 0.1 s of power at each of its edges.
    """

    period_s = 2.0  # nothing is lost between two looks at a counter, and each edge of a phase has its own

    def __init__(self, card: Card) -> None:
        """Watch `card`, which must have a counter."""
        self._card = card
        self._last_mj = 0
        self.record = _record(card, method="nvml-energy-counter", source="nvmlDeviceGetTotalEnergyConsumption")

    def read(self) -> Reading:
        """Cumulative joules and load; ProbeError when the card is gone or its counter went back."""
        energy_mj = self._card.energy_mj()
        if energy_mj is None:
            raise ProbeError(f"GPU {self._card.index} stopped reporting its energy counter")
        if energy_mj < self._last_mj:
            raise ProbeError(
                f"GPU {self._card.index}'s energy counter went back from {self._last_mj / 1e3} J "
                f"to {energy_mj / 1e3} J: the driver was reloaded or the card reset while we measured"
            )
        self._last_mj = energy_mj
        return Reading(energy_j=energy_mj / 1e3, load_share=_load_share(self._card))


class SampledPowerMeter:
    """One card without an energy counter (before Volta): power samples, to be integrated later."""

    period_s = None

    def __init__(self, card: Card) -> None:
        """Watch `card`, which must report power."""
        self._card = card
        self.record = _record(card, method="nvml-power-sampled", source="nvmlDeviceGetPowerUsage")

    def read(self) -> Reading:
        """Watts and load; ProbeError when the card is gone."""
        power_mw = self._card.power_mw()
        if power_mw is None:
            raise ProbeError(f"GPU {self._card.index} stopped reporting its power")
        return Reading(power_w=power_mw / 1e3, load_share=_load_share(self._card))


def card_meter(card: Card) -> Meter | MeterRecord:
    """The best meter this card allows: its counter, else its power; else an invalid record that says why not."""
    if card.energy_mj() is not None:
        return EnergyCounterMeter(card)
    if card.power_mw() is not None:
        return SampledPowerMeter(card)
    return _record(
        card,
        method="none",
        source="NVML",
        invalid_reason=f"GPU {card.index} reports neither energy nor power (NVML: Not Supported); "
        "a virtual GPU often does not: measure on the host, or take a wall meter",
    )


def find_cards() -> tuple[list[Card], str | None]:
    """All cards of this machine, and, when NVML cannot be used, the sentence that says why."""
    try:
        import pynvml  # takes 0.1 s, and most machines that only call endpoints have no card
    except ModuleNotFoundError:
        return [], "pynvml is not installed; pip install nvidia-ml-py to meter NVIDIA cards"
    driver: ModuleType = pynvml  # it ships no types
    try:
        driver.nvmlInit()
        return [LiveCard(driver, index) for index in range(driver.nvmlDeviceGetCount())], None
    except pynvml.NVMLError as error:
        return [], f"no NVIDIA driver answers (NVML: {error}); install the driver if this machine has a card"


def card_names() -> list[str]:
    """Product names of the cards here, in NVML's order; empty without a card or driver."""
    return [card.name() for card in find_cards()[0]]


class LiveCard:
    """A card of this machine, through pynvml."""

    def __init__(self, pynvml: ModuleType, index: int) -> None:
        """Take the card's handle; `pynvml` is the module, initialised."""
        self.index = index
        self._pynvml = pynvml
        self._handle = pynvml.nvmlDeviceGetHandleByIndex(index)

    def name(self) -> str:
        """Product name."""
        return str(self._pynvml.nvmlDeviceGetName(self._handle))

    def driver(self) -> str:
        """Version of the driver."""
        return str(self._pynvml.nvmlSystemGetDriverVersion())

    def mig(self) -> bool:
        """Whether the card is split into MIG instances."""
        modes = self._ask(self._pynvml.nvmlDeviceGetMigMode)
        return modes is not None and modes[0] == self._pynvml.NVML_DEVICE_MIG_ENABLE

    def energy_mj(self) -> int | None:
        """Energy since the driver was loaded, millijoules."""
        value = self._ask(self._pynvml.nvmlDeviceGetTotalEnergyConsumption)
        return None if value is None else int(value)

    def power_mw(self) -> int | None:
        """Board power now, milliwatts."""
        value = self._ask(self._pynvml.nvmlDeviceGetPowerUsage)
        return None if value is None else int(value)

    def busy_percent(self) -> int | None:
        """Share of the last sample period in which a kernel ran, percent."""
        value = self._ask(self._pynvml.nvmlDeviceGetUtilizationRates)
        return None if value is None else int(value.gpu)

    def _ask(self, function: Callable[[object], _Answer]) -> _Answer | None:
        try:
            return function(self._handle)
        except self._pynvml.NVMLError_NotSupported:
            return None
        except self._pynvml.NVMLError as error:
            raise ProbeError(f"GPU {self.index} cannot be read any more (NVML: {error})") from error


def _load_share(card: Card) -> float | None:
    percent = card.busy_percent()
    return None if percent is None else percent / 100


def _record(card: Card, *, method: str, source: str, invalid_reason: str | None = None) -> MeterRecord:
    split = ", whole card of a MIG split" if card.mig() else ""
    return MeterRecord(
        meter=f"nvml:{card.index}",
        component="gpu",
        basis="measured",
        method=method,
        device=f"{card.name()}{split}",
        source=f"{source}, driver {card.driver()}",
        valid=invalid_reason is None,
        invalid_reason=invalid_reason,
    )
