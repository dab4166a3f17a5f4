"""NVIDIA cards, read through NVML."""

from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

from probes.errors import ProbeError
from probes.host import NVML_LIBRARY, has_nvml
from probes.power.cards import Card

_Answer = TypeVar("_Answer")


class NvmlCard:
    """A card of this machine, through pynvml.

    Measured on an H100 (driver 580): the counter is refreshed every 0.1 s, so a window's energy is off by at most 0.1 s
    of power at each of its edges. That is taken for other cards too.
    """

    api = "nvml"
    counter_call = "nvmlDeviceGetTotalEnergyConsumption"
    counter_resolution_s = 0.1
    power_call = "nvmlDeviceGetPowerUsage"
    # Since Ampere it is the mean of the last second, says NVML's manual; older cards are fresher.
    power_resolution_s = 1.0

    def __init__(self, pynvml: ModuleType, index: int) -> None:
        """Take the card's handle; `pynvml` is the module, initialised."""
        self.index = index
        self._pynvml = pynvml
        self._handle = pynvml.nvmlDeviceGetHandleByIndex(index)

    def name(self) -> str:
        """Product name."""
        return str(self._asked(self._pynvml.nvmlDeviceGetName))

    def driver(self) -> str:
        """Version of the driver."""
        return str(self._asked(lambda _: self._pynvml.nvmlSystemGetDriverVersion()))

    def instances(self) -> int | None:
        """MIG instances that exist on the card; None when MIG is off or the card has no such thing."""
        modes = self._ask(self._pynvml.nvmlDeviceGetMigMode)
        if modes is None or modes[0] != self._pynvml.NVML_DEVICE_MIG_ENABLE:
            return None
        most = self._ask(self._pynvml.nvmlDeviceGetMaxMigDeviceCount) or 0
        return sum(self._has_instance(number) for number in range(most))

    def energy_j(self) -> float | None:
        """Energy since the driver was loaded, joules."""
        energy_mj = self._ask(self._pynvml.nvmlDeviceGetTotalEnergyConsumption)
        return None if energy_mj is None else energy_mj / 1e3

    def power_w(self) -> float | None:
        """Board power now, watts."""
        power_mw = self._ask(self._pynvml.nvmlDeviceGetPowerUsage)
        return None if power_mw is None else power_mw / 1e3

    def power_limit_w(self) -> float | None:
        """The limit that holds, whoever set it, watts."""
        limit_mw = self._ask(self._pynvml.nvmlDeviceGetEnforcedPowerLimit)
        return None if limit_mw is None else limit_mw / 1e3

    def busy_share(self) -> float | None:
        """Share of the last sample period in which a kernel ran, 0 to 1."""
        rates = self._ask(self._pynvml.nvmlDeviceGetUtilizationRates)
        return None if rates is None else rates.gpu / 100

    def _has_instance(self, number: int) -> bool:
        try:
            self._pynvml.nvmlDeviceGetMigDeviceHandleByIndex(self._handle, number)
        except self._pynvml.NVMLError_NotFound:
            return False
        except self._pynvml.NVMLError as error:
            raise self._gone(error) from error
        return True

    def _ask(self, function: Callable[[object], _Answer]) -> _Answer | None:
        try:
            return function(self._handle)
        except (
            self._pynvml.NVMLError_NotSupported,
            self._pynvml.NVMLError_FunctionNotFound,
            self._pynvml.NVMLError_NoPermission,
        ):
            return None
        except self._pynvml.NVMLError as error:
            raise self._gone(error) from error

    def _asked(self, function: Callable[[object], _Answer]) -> _Answer:
        try:
            return function(self._handle)
        except self._pynvml.NVMLError as error:
            raise self._gone(error) from error

    def _gone(self, error: Exception) -> ProbeError:
        return ProbeError(f"GPU {self.index} cannot be read any more (NVML: {error})")


def find_cards() -> tuple[list[Card], str | None]:
    """All cards of this machine, and, when NVML cannot be used, the sentence that says why."""
    if not has_nvml():
        return [], f"no NVIDIA driver answers (there is no {NVML_LIBRARY})"
    try:
        import pynvml
    except ModuleNotFoundError:
        return [], "pynvml (the package nvidia-ml-py), which asks NVIDIA's driver, is not installed"
    driver: ModuleType = pynvml  # it ships no types
    try:
        driver.nvmlInit()
        return [NvmlCard(driver, index) for index in range(driver.nvmlDeviceGetCount())], None
    except pynvml.NVMLError as error:
        return [], f"no NVIDIA driver answers (NVML: {error})"


def card_names() -> list[str]:
    """Product names of the cards here, in NVML's order; empty without a card or driver."""
    return [card.name() for card in find_cards()[0]]
