"""One dated row of prices, and which of several holds: the same whoever wrote it down."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Literal

from warehouse.errors import WarehouseError

STANDARD = "standard"
Origin = Literal["contract", "file", "list"]
AMOUNTS = (
    "usd_per_input_mtok",
    "usd_per_cached_input_mtok",
    "usd_per_cache_write_mtok",
    "usd_per_output_mtok",
    "usd_per_1k_requests",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What is bought: a model as it is asked for, at an endpoint."""

    target_id: str | None
    provider: str
    model: str
    base_url: str | None = None

    @property
    def name(self) -> str:
        """`PROVIDER/MODEL`."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceEntry:
    """Prices of one model in one service tier from a day on, above a length of prompt. An amount not stated is None.

    Of several that hold, the later in its source wins.
    """

    origin: Origin
    listed_as: str  # PROVIDER/MODEL in the source: an alias may be listed under another name
    service_tier: str = STANDARD
    above_prompt_tokens: int = 0  # a longer prompt pays this for all of its tokens; 0: any prompt
    hours_utc: str | None = None  # `HH:MM-HH:MM` in which alone it holds, the end excluded
    usd_per_input_mtok: Decimal | None = None
    usd_per_cached_input_mtok: Decimal | None = None
    usd_per_cache_write_mtok: Decimal | None = None
    usd_per_output_mtok: Decimal | None = None
    usd_per_1k_requests: Decimal | None = None
    currency: str = "USD"  # in which it was stated; amounts here are in US dollars
    note: str | None = None  # tax, and the rate at which it was converted
    valid_from: str | None = None  # ISO date; None: since whenever
    checked_on: str | None = None  # ISO date on which somebody read it in its source
    source: str

    @property
    def price_version(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of what it says; a list's new release may say the same."""
        leave_out = {"checked_on", "source"} if self.origin == "list" else {"checked_on"}
        cells = (
            f"{field.name}={_plain(getattr(self, field.name))}" for field in fields(self) if field.name not in leave_out
        )
        return hashlib.sha256("\n".join(cells).encode()).hexdigest()[:12]

    @property
    def is_empty(self) -> bool:
        """Whether it states no amount at all."""
        return all(getattr(self, amount) is None for amount in AMOUNTS)

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at a UTC instant."""
        if self.valid_from is not None and self.valid_from > at.astimezone(UTC).date().isoformat():
            return False
        if self.hours_utc is None:
            return True
        start, end = (time.fromisoformat(part) for part in self.hours_utc.split("-"))
        now = at.astimezone(UTC).time()
        return start <= now < end if start <= end else now >= start or now < end


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The entry that answers a question, and its neighbours for longer prompts."""

    entry: PriceEntry
    length_tiers: tuple[PriceEntry, ...]  # all in force for that service tier, shortest prompts first
    age_days: int | None  # since it holds; None if its source does not say from when
    checked_days: int | None  # since it was read in its source; None if not said


def in_force(entries: Sequence[PriceEntry], *, at: datetime, service_tier: str, prompt_tokens: int) -> Price | None:
    """The price at an instant, for a prompt of a length.

    Args:
        entries: of one product and one source, in its order.
        at: UTC instant.
        service_tier: `standard`, `batch`, `flex`, `priority`, ...
        prompt_tokens: all tokens of the prompt, the cached ones included.

    Returns:
        The price; None if nothing of that tier holds then.

    Raises:
        WarehouseError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise WarehouseError(f"a price is asked for at {at.isoformat()}, which has no time zone; give UTC")
    holding = [entry for entry in entries if entry.service_tier == service_tier and entry.holds(at)]
    if not holding:
        return None
    # a newer list has length tiers of its own: those of an older one are gone with it
    newest = holding[-1]
    of_it = [e for e in holding if (e.valid_from, e.hours_utc) == (newest.valid_from, newest.hours_utc)]
    by_length = {entry.above_prompt_tokens: entry for entry in of_it}
    tiers = tuple(by_length[above] for above in sorted(by_length))
    reached = [e for e in tiers if e.above_prompt_tokens == 0 or prompt_tokens > e.above_prompt_tokens]
    if not reached:
        return None
    return Price(
        entry=reached[-1],
        length_tiers=tiers,
        age_days=_days(reached[-1].valid_from, at),
        checked_days=_days(reached[-1].checked_on, at),
    )


def tiers_of(entries: Iterable[PriceEntry], at: datetime) -> list[str]:
    """Service tiers of which something holds at an instant, standard first."""
    found = {entry.service_tier for entry in entries if entry.holds(at)}
    return sorted(found, key=lambda tier: (tier != STANDARD, tier))


def _days(day: str | None, at: datetime) -> int | None:
    return None if day is None else (at.astimezone(UTC).date() - date.fromisoformat(day)).days


def _plain(value: object) -> str:
    """1.20 and 1.2 are one price."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
