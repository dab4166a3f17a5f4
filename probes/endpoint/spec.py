"""How a fast endpoint answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from probes.errors import ProbeError

MOST_TOKENS: Final = 1_000_000
_MOST_BURST: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSpec:
    """How an endpoint answers.

    Without a pace (both times 0) it writes as fast as sockets take it. A limit is planted by `capacity_rps`, one
    queue that is left at that rate (the start of service is the later of arrival and 1 / rate after the start before),
    or by `slots`, answers that are served at once while others queue.

    Raises:
        ProbeError: a value out of range; names it.
    """

    ttft_s: float = 0.2
    itl_s: float = 0.02
    tokens: int = 64  # when the request asks for no number
    burst: int = 1  # tokens a write; the writes are then `burst` times as far apart
    capacity_rps: float | None = None
    slots: int | None = None
    certificate: Path | None = None  # PEM; with `key` the endpoint speaks TLS
    key: Path | None = None

    def __post_init__(self) -> None:
        for name in ("ttft_s", "itl_s"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ProbeError(f"{name} = {getattr(self, name)} must be >= 0 seconds")
        if not 1 <= self.tokens <= MOST_TOKENS:
            raise ProbeError(f"tokens = {self.tokens} must be 1 to {MOST_TOKENS}")
        if not 1 <= self.burst <= _MOST_BURST:
            raise ProbeError(f"burst = {self.burst} must be 1 to {_MOST_BURST} tokens a write")
        if self.capacity_rps is not None and not 0 < self.capacity_rps < float("inf"):
            raise ProbeError(f"capacity_rps = {self.capacity_rps} must be > 0 requests a second")
        if self.slots is not None and self.slots < 1:
            raise ProbeError(f"slots = {self.slots} must be >= 1")
        if self.capacity_rps is not None and self.slots is not None:
            raise ProbeError("capacity_rps and slots are two kinds of limit; give one")
        if (self.certificate is None) != (self.key is None):
            raise ProbeError("TLS takes both a certificate and a key; give both or neither")
