"""WattTime: marginal intensity (MOER) every five minutes, in lb CO2 per MWh, averaged into hours here.

Written after its API reference (GET /login with user name and password gives a token for 30 minutes; GET /v3/historical
with region, start, end and signal_type, at most 32 days a request; rows of `point_time` and `value`, and `meta` with
`units` and `data_point_period_seconds`), and tested against answers built from its examples: the real service was not
asked, since it wants an account.
"""

from datetime import datetime, timedelta
from typing import Any

from probes.errors import ProbeError
from probes.grid.answers import instant_of, rows_in, spans, utc
from probes.grid.hours import Hours, Point, checked_intensity, whole_hours
from probes.grid.http import get_json

NAME = "watttime"
BASE_URL = "https://api.watttime.org"
SOURCE = "WattTime v3, co2_moer"
# 1 lb is 453.59237 g by definition, and 1 MWh is 1000 kWh.
G_PER_KWH_OF_LB_PER_MWH = 0.45359237
_LONGEST = timedelta(days=31)


def fetch(*, zone: str, start: datetime, end: datetime, user: str, key: str, base_url: str = BASE_URL) -> Hours:
    """Hours of a region, as WattTime names it.

    Args:
        zone: such as "CAISO_NORTH".
        start: first hour, UTC.
        end: hour after the last, UTC.
        user: user name of the account.
        key: its password.
        base_url: where the service is.

    Raises:
        ProbeError: it cannot be reached, refuses, or sends what is not documented.
    """
    login = get_json(f"{base_url}/login", provider=NAME, basic=(user, key))
    token = login.get("token") if isinstance(login, dict) else None
    if not isinstance(token, str):
        raise ProbeError(f"{NAME} sent no token at login; its interface may have changed")
    points: list[Point] = []
    period: timedelta | None = None
    for first, last in spans(start, end, _LONGEST):
        answer = get_json(
            f"{base_url}/v3/historical",
            provider=NAME,
            params={"region": zone, "start": utc(first), "end": utc(last), "signal_type": "co2_moer"},
            headers={"Authorization": f"Bearer {token}"},
        )
        rows = rows_in(answer, NAME)
        meta: dict[str, Any] = answer.get("meta") or {}
        if meta.get("units") != "lbs_co2_per_mwh":
            raise ProbeError(f"{NAME} sent units {meta.get('units')!r}; only lbs_co2_per_mwh is known here")
        seconds = meta.get("data_point_period_seconds")
        period = timedelta(seconds=seconds) if isinstance(seconds, int) else period
        for n, row in enumerate(rows):
            where = f"{NAME}, entry {n}"
            at = instant_of(row.get("point_time"), where)
            value = row.get("value")
            if first <= at < last and value is not None:
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise ProbeError(f"{where}: value = {value!r} is not a number")
                grams = checked_intensity(value * G_PER_KWH_OF_LB_PER_MWH, where)
                points.append(Point(at=at, gco2e_per_kwh=grams, where=where))
    return whole_hours(points, period=period)
