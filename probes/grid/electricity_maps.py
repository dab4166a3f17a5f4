"""Electricity Maps: average intensity by the hour, life cycle, flow-traced.

Written after its API reference (GET /v3/carbon-intensity/past-range, header auth-token, at most 10 days a request; rows
of `carbonIntensity`, `datetime`, `isEstimated`), and tested against answers built from its examples: the real service
was not asked, since it wants a key.
"""

from datetime import datetime, timedelta

from probes.errors import ProbeError
from probes.grid.answers import instant_of, rows_in, spans, utc
from probes.grid.hours import HOUR, Hours, Point, checked_intensity, whole_hours
from probes.grid.http import get_json

NAME = "electricity-maps"
BASE_URL = "https://api.electricitymaps.com"
SOURCE = "Electricity Maps v3, life cycle"
_LONGEST = timedelta(days=10)


def fetch(*, zone: str, start: datetime, end: datetime, key: str, base_url: str = BASE_URL) -> Hours:
    """Hours of a zone, as `Electricity Maps` names it.

    Args:
        zone: such as "DE" or "US-CAL-CISO".
        start: first hour, UTC.
        end: hour after the last, UTC.
        key: the token of the account.
        base_url: where the service is.

    Raises:
        ProbeError: it cannot be reached, refuses, or sends what is not documented.
    """
    points = []
    for first, last in spans(start, end, _LONGEST):
        answer = get_json(
            f"{base_url}/v3/carbon-intensity/past-range",
            provider=NAME,
            # without the last it would look up where we are, by our address, for a zone that it does not know
            params={
                "zone": zone, "start": utc(first), "end": utc(last), "temporalGranularity": "hourly",
                "emissionFactorType": "lifecycle", "disableCallerLookup": "true",
            },
            headers={"auth-token": key},
        )  # fmt: skip
        for n, row in enumerate(rows_in(answer, NAME)):
            where = f"{NAME}, entry {n}"
            if row.get("zone", zone) != zone:
                raise ProbeError(f"{where} is of zone {row['zone']!r}, asked was {zone!r}; check the zone")
            at = instant_of(row.get("datetime"), where)
            if first <= at < last and row.get("carbonIntensity") is not None:  # None: not known yet
                points.append(Point(at=at, gco2e_per_kwh=checked_intensity(row["carbonIntensity"], where), where=where))
    return whole_hours(points, period=HOUR)
