"""NESO's Carbon Intensity API: average intensity of Great Britain every half hour, open, averaged into hours here.

Written after its API definitions (GET /intensity/{from}/{to}, at most 14 days a request; rows of `from`, `to` and
`intensity` with `forecast` and `actual`), and tested against answers built from its examples: the real service was not
asked, since nothing here reaches a network. It counts emissions of generation, not of the life cycle.
"""

from datetime import datetime, timedelta

from probes.errors import ProbeError
from probes.grid.answers import instant_of, rows_in, spans, utc
from probes.grid.hours import Hours, Point, checked_intensity, whole_hours
from probes.grid.http import get_json

NAME = "uk-carbon-intensity"
BASE_URL = "https://api.carbonintensity.org.uk"
SOURCE = "NESO Carbon Intensity API, actual, generation only"
_LONGEST = timedelta(days=13)
_HALF_HOUR = timedelta(minutes=30)


def fetch(*, start: datetime, end: datetime, base_url: str = BASE_URL) -> Hours:
    """Hours of Great Britain. What is only forecast yet is left out.

    Args:
        start: first hour, UTC.
        end: hour after the last, UTC.
        base_url: where the service is.

    Raises:
        ProbeError: it cannot be reached, refuses, or sends what is not documented.
    """
    points: dict[datetime, Point] = {}
    for first, last in spans(start, end, _LONGEST):
        answer = get_json(f"{base_url}/intensity/{utc(first)}/{utc(last)}", provider=NAME)
        for n, row in enumerate(rows_in(answer, NAME)):
            where = f"{NAME}, entry {n}"
            at, until = instant_of(row.get("from"), where), instant_of(row.get("to"), where)
            if until - at != _HALF_HOUR:
                raise ProbeError(f"{where} holds from {utc(at)} to {utc(until)}; half an hour was expected")
            intensity = row.get("intensity")
            actual = intensity.get("actual") if isinstance(intensity, dict) else None
            # It also sends the half hour that ends where the range begins.
            if first <= at < last and actual is not None:
                points[at] = Point(at=at, gco2e_per_kwh=checked_intensity(actual, where), where=where)
    return whole_hours(points.values(), period=_HALF_HOUR)
