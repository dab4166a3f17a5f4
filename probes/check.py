"""One line of the doctor."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that a night may need."""

    name: str
    ok: bool
    detail: str  # what was found, or why it cannot be used
    remedy: str | None  # what to do about it; None when there is nothing to do
