"""What providers of grid data send, read with care: a shape that is not the documented one is a sentence."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from probes.errors import ProbeError


def rows_in(answer: object, provider: str) -> list[Mapping[str, Any]]:
    """The list under `data`.

    Raises:
        ProbeError: there is none, or it holds something else than objects.
    """
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ProbeError(f"{provider} sent no list of objects under 'data'; its interface may have changed")
    return rows


def instant_of(value: object, where: str) -> datetime:
    """An instant in UTC.

    Raises:
        ProbeError: it is none, or has no time zone.
    """
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ProbeError(f"{where}: {value!r} is not an instant with a time zone; the provider may have changed it")
    return at.astimezone(UTC)


def spans(start: datetime, end: datetime, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """A range in pieces that a provider allows in one request."""
    while start < end:
        yield start, min(start + longest, end)
        start += longest


def utc(at: datetime) -> str:
    """As the providers write instants."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}Z"
