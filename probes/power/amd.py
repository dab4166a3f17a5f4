"""AMD cards, read through AMD SMI (`amdsmi`, the Python package that comes with ROCm).

Written after AMD's documentation of the interface and tested against a module that answers as it describes. No AMD card
has been at hand: whether a given card's counter is right, how often it is refreshed, and what the calls cost are not
known here, so `resolution_s` stays unknown.
"""

import importlib
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

from probes.errors import ProbeError
from probes.power.cards import Card

# Caps are in microwatts or in watts, depending on the version; no card's cap is 100 kW, and none is 0.1 W.
_LEAST_MICROWATTS = 100_000
_ALL_BITS_SET = (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


class AmdCard:
    """A card of this machine, through amdsmi; both dies of an MI200 module count as its first card, as they report."""

    api = "amdsmi"
    counter_call = "amdsmi_get_energy_count"
    counter_resolution_s = None
    power_call = "amdsmi_get_power_info"
    power_resolution_s = None

    def __init__(self, amdsmi: ModuleType, index: int, handle: object) -> None:
        """Watch one processor handle; `amdsmi` is the module, initialised."""
        self.index = index
        self._amdsmi = amdsmi
        self._handle = handle

    def name(self) -> str:
        """Market name."""
        answer = self._ask(self._amdsmi.amdsmi_get_gpu_asic_info)
        return str(answer["market_name"]) if answer and answer.get("market_name") else f"AMD GPU {self.index}"

    def driver(self) -> str:
        """Version of the kernel driver."""
        answer = self._ask(self._amdsmi.amdsmi_get_gpu_driver_info)
        return str(answer["driver_version"]) if answer and answer.get("driver_version") else "of unknown version"

    def instances(self) -> int | None:
        """None: each partition of a split card is listed as a card of its own."""
        return None

    def energy_j(self) -> float | None:
        """The accumulator times its resolution, which AMD gives in microjoules; None where either is 0 or missing."""
        answer = self._ask(self._amdsmi.amdsmi_get_energy_count)
        if answer is None:
            return None
        ticks = _number(answer, "energy_accumulator", "power")  # its name before ROCm 6.2
        tick_uj = _number(answer, "counter_resolution")
        return ticks * tick_uj / 1e6 if ticks and tick_uj else None

    def power_w(self) -> float | None:
        """Socket power, watts: of this moment, else AMD's average where a card reports only that."""
        answer = self._ask(self._amdsmi.amdsmi_get_power_info)
        return (
            None if answer is None else _number(answer, "current_socket_power", "socket_power", "average_socket_power")
        )

    def power_limit_w(self) -> float | None:
        """The cap that holds now, watts."""
        answer = self._ask(self._amdsmi.amdsmi_get_power_cap_info)
        cap = None if answer is None else _number(answer, "power_cap")
        if not cap:
            return None
        return cap / 1e6 if cap >= _LEAST_MICROWATTS else cap

    def busy_share(self) -> float | None:
        """Share of time in which the graphics engine was busy, 0 to 1."""
        answer = self._ask(self._amdsmi.amdsmi_get_gpu_activity)
        percent = None if answer is None else _number(answer, "gfx_activity")
        return None if percent is None else percent / 100

    def _ask(self, function: Callable[[object], dict[str, Any]]) -> dict[str, Any] | None:
        try:
            return function(self._handle)
        except self._amdsmi.AmdSmiLibraryException as error:
            codes = self._amdsmi.amdsmi_wrapper
            if error.get_error_code() in (
                codes.AMDSMI_STATUS_NOT_SUPPORTED,
                codes.AMDSMI_STATUS_NOT_YET_IMPLEMENTED,
                codes.AMDSMI_STATUS_NO_PERM,
            ):
                return None
            raise ProbeError(f"AMD GPU {self.index} cannot be read any more ({error})") from error


def find_amd_cards() -> tuple[list[Card], str | None]:
    """All AMD cards of this machine, and, when amdsmi cannot be used, the sentence that says why."""
    try:
        amdsmi = importlib.import_module("amdsmi")  # of ROCm, not of a package index: not everywhere, and without types
    except ModuleNotFoundError:
        return [], "amdsmi, which ships with AMD's ROCm, is not installed"
    except (AttributeError, KeyError, OSError) as error:  # it loads ROCm's library while it is imported
        return [], f"amdsmi finds no ROCm to talk to ({error})"
    return open_amd_cards(amdsmi)


def open_amd_cards(amdsmi: ModuleType) -> tuple[list[Card], str | None]:
    """Initialise the library and list its cards; the module comes in so that a recorded one can."""
    try:
        amdsmi.amdsmi_init(amdsmi.AmdSmiInitFlags.INIT_AMD_GPUS)
        handles = amdsmi.amdsmi_get_processor_handles()
    except amdsmi.AmdSmiException as error:
        return [], f"no AMD driver answers (amdsmi: {error})"
    return [AmdCard(amdsmi, index, handle) for index, handle in enumerate(handles)], None


def _number(answer: dict[str, Any], *keys: str) -> float | None:
    """The first of `keys` that holds a number; amdsmi says "N/A", or all bits set, for what a card does not report."""
    for key in keys:
        value = answer.get(key)
        if isinstance(value, int | float) and math.isfinite(value) and value not in _ALL_BITS_SET:
            return float(value)
    return None
