"""What a change of a nightly series is, and how its figures are said apart from its surroundings."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

Kind = Literal["shift", "night", "price"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change, in the base unit of its metric.

    A shift lasts; a night is one far from its neighbours, of which there are `before_nights`, and `after_nights` is 1;
    a price is what its source states: its metric_id is the quantity of the fact, such as price_usd_per_output_mtok, and
    its workload None.
    """

    target_id: str
    workload_id: str | None
    metric_id: str
    change_kind: Kind
    changed_on: date  # the first night after it, UTC
    earliest_on: date  # it may as well have been then
    latest_on: date
    value_before: float
    value_after: float
    value_after_low: float | None = None  # 95 % interval of the new level, the old one being what it is
    value_after_high: float | None = None
    before_nights: int
    after_nights: int
    is_better: bool
    hints: tuple[str, ...] = ()  # what else differed around that night, a sentence each; facts, no causes
    change_id: str = ""  # see `named`

    @property
    def relative(self) -> float | None:
        """By which share of the old level it changed: 0.2 is a fifth more; None if the old level was 0."""
        return self.value_after / self.value_before - 1 if self.value_before else None

    @property
    def is_up(self) -> bool:
        """Whether the figure grew."""
        return self.value_after > self.value_before


def named(change: Change) -> Change:
    """The same with its id, which the same change has in every warehouse."""
    told = (
        change.change_kind,
        change.target_id,
        change.workload_id or "",
        change.metric_id,
        "up" if change.is_up else "down",
        change.changed_on.isoformat(),
    )
    return replace(change, change_id=hashlib.sha256("\0".join(told).encode()).hexdigest()[:12])
