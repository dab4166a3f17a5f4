"""What came of one call."""

from dataclasses import dataclass
from typing import Final

from probes.capability.wire import Exchange
from probes.load.errors import ErrorClass
from probes.load.protocols.base import StreamFacts
from probes.load.record import AttemptRecord

# Of the moment, not of the endpoint.
_SAYS_NOTHING: Final[tuple[ErrorClass | None, ...]] = (
    "rate_limited", "quota_or_spend", "overloaded",
    "connect_refused", "connect_timeout", "tls", "timeout_first_token", "timeout_total", "stall",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of one call. `facts` and `text` are None without a 2xx answer; `record` is what a night would land."""

    name: str
    exchange: Exchange
    record: AttemptRecord
    facts: StreamFacts | None
    text: str | None
    url: str
    asked_as: str  # our own request id

    @property
    def status(self) -> int | None:
        return self.exchange.status

    @property
    def answered(self) -> bool:
        """2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """4xx: the server says that the request is at fault."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def error_class(self) -> ErrorClass | None:
        return self.record.error_class

    @property
    def said(self) -> str:
        """Status and message of a failure, or that there is none."""
        return self.record.error_message or f"HTTP {self.status}"

    @property
    def took_s(self) -> float:
        return self.exchange.took_s

    @property
    def not_tried(self) -> str | None:
        """Why this call says nothing about what it asked; None if it does."""
        return f"could not be tried: {self.said}" if self.error_class in _SAYS_NOTHING else None
