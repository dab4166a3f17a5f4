"""Accelerator cards, whoever made them: the driver's energy counter, or sampled power where a card has none."""

import time
from typing import Protocol

from probes.errors import ProbeError
from probes.power.readings import Meter, MeterRecord, Reading

# No card under power draws nothing: a counter that stands still for so long is one that nobody feeds.
_MOST_STILL_S = 5.0
# No card draws ten times what today's hungriest does: such a figure is a driver's word for "I do not know".
_MOST_W = 10_000.0
_LEAST_STEP_S = 1.0  # a counter's refresh may fall right behind a look at it


class Card(Protocol):
    """What one card answers. None is "this card has no such reading"; a card that is gone raises ProbeError."""

    @property
    def index(self) -> int:
        """Its number among the cards of its maker."""

    @property
    def api(self) -> str:
        """The library that asks the driver: 'nvml', 'amdsmi'."""

    def name(self) -> str:
        """Product name."""

    def driver(self) -> str:
        """Version of the driver."""

    def instances(self) -> int | None:
        """Parts that the card is split into and that others may use; None when it is whole."""

    def energy_j(self) -> float | None:
        """Energy since the driver was loaded, joules."""

    def power_w(self) -> float | None:
        """Board power now, watts."""

    def power_limit_w(self) -> float | None:
        """The most that the driver lets the board draw, watts."""

    def busy_share(self) -> float | None:
        """Share of the driver's last sample period in which a kernel ran, 0 to 1."""

    @property
    def counter_call(self) -> str:
        """The driver's function behind `energy_j`."""

    @property
    def counter_resolution_s(self) -> float | None:
        """How long the counter's value may be older than the look at it; None when nobody has measured it."""

    @property
    def power_call(self) -> str:
        """The driver's function behind `power_w`."""

    @property
    def power_resolution_s(self) -> float | None:
        """How long the power may be older than the look at it."""


class EnergyCounterMeter:
    """One card by its energy counter.

    On an H100 (driver 580) one look keeps a core busy for 3.4 ms: ten looks a second would take 3 % of it.
    """

    period_s = 2.0  # nothing is lost between two looks at a counter, and each edge of a phase has its own

    def __init__(self, card: Card) -> None:
        """Watch `card`, which must have a counter."""
        self._card = card
        self._last_j: float | None = None
        self._last_s = self._moved_s = time.monotonic()
        self.record = _record(
            card,
            method=f"{card.api}-energy-counter",
            source=card.counter_call,
            resolution_s=card.counter_resolution_s,
        )

    def read(self) -> Reading:
        """Cumulative joules and load; ProbeError when the card is gone, or what its counter says cannot be."""
        energy_j, now_s = self._card.energy_j(), time.monotonic()
        if energy_j is None:
            raise ProbeError(f"GPU {self._card.index} stopped reporting its energy counter")
        if self._last_j is not None:
            went = f"from {self._last_j:.3f} J to {energy_j:.3f} J"
            if energy_j < self._last_j:
                raise ProbeError(
                    f"GPU {self._card.index}'s energy counter went back {went}: the driver was reloaded or the card"
                    " reset while we measured"
                )
            if energy_j - self._last_j > _MOST_W * max(now_s - self._last_s, _LEAST_STEP_S):
                raise ProbeError(
                    f"GPU {self._card.index}'s energy counter leapt {went} in {now_s - self._last_s:.1f} s, which no"
                    " card draws: it was set while we measured"
                )
        self._last_s = now_s
        if self._last_j is None or energy_j > self._last_j:
            self._moved_s = now_s
        elif now_s - self._moved_s > _MOST_STILL_S:
            raise ProbeError(
                f"GPU {self._card.index}'s energy counter stands still at {energy_j:.3f} J for "
                f"{now_s - self._moved_s:.0f} s, which no card under power does: its driver does not feed it"
            )
        self._last_j = energy_j
        return Reading(energy_j=energy_j, load_share=self._card.busy_share())


class SampledPowerMeter:
    """One card without an energy counter (NVIDIA before Volta): power samples, to be integrated later."""

    period_s = None

    def __init__(self, card: Card) -> None:
        """Watch `card`, which must report power."""
        self._card = card
        self.record = _record(
            card, method=f"{card.api}-power-sampled", source=card.power_call, resolution_s=card.power_resolution_s
        )

    def read(self) -> Reading:
        """Watts and load; ProbeError when the card is gone or reports what cannot be."""
        power_w = self._card.power_w()
        if power_w is None:
            raise ProbeError(f"GPU {self._card.index} stopped reporting its power")
        if power_w < 0:
            raise ProbeError(f"GPU {self._card.index} reports {power_w} W; power cannot be negative")
        if power_w > _MOST_W:
            raise ProbeError(f"GPU {self._card.index} reports {power_w:.0f} W, which no card draws")
        return Reading(power_w=power_w, load_share=self._card.busy_share())


def card_meter(card: Card) -> Meter | MeterRecord:
    """The best meter this card allows: its counter, else its power; else an invalid record that says why not."""
    try:
        others = card.instances()
        if others is not None and others > 1:
            return _record(
                card,
                method="none",
                source=card.api,
                invalid_reason=f"GPU {card.index} is split into {others} instances and its counter covers them all: "
                "what one of them drew is not known; measure on a whole card, or with a single instance on it",
            )
        if card.energy_j() is not None:
            return EnergyCounterMeter(card)
        if card.power_w() is not None:
            return SampledPowerMeter(card)
    except ProbeError as error:
        return _lost(card, str(error))
    return _record(
        card,
        method="none",
        source=card.api,
        invalid_reason=f"GPU {card.index} reports neither energy nor power ({card.api}: not supported); "
        "a virtual GPU often does not: measure on the host, or give a wall meter, [[site.meters]]",
    )


def _record(
    card: Card, *, method: str, source: str, resolution_s: float | None = None, invalid_reason: str | None = None
) -> MeterRecord:
    instances = card.instances()
    split = f", whole card of a split into {instances}" if instances is not None else ""
    return MeterRecord(
        meter=f"{card.api}:{card.index}",
        component="gpu",
        basis="measured",
        method=method,
        device=f"{card.name()}{split}",
        source=f"{source}, driver {card.driver()}",
        valid=invalid_reason is None,
        invalid_reason=invalid_reason,
        resolution_s=resolution_s,
        power_w_max=card.power_limit_w(),
    )


def _lost(card: Card, reason: str) -> MeterRecord:
    """A card that fails while its meter is opened may not answer its name either."""
    return MeterRecord(
        meter=f"{card.api}:{card.index}",
        component="gpu",
        basis="measured",
        method="none",
        device=f"GPU {card.index}",
        source=card.api,
        valid=False,
        invalid_reason=reason,
    )
