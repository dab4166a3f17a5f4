"""How the pages say times, ages, sums of money and states."""

from datetime import datetime

from ui.markup import Badge, Tone
from warehouse.formulas.carbon import J_PER_KWH
from warehouse.metrics import UNKNOWN

STALE_AFTER_S = 2 * 24 * 3600  # twice the nightly schedule

# What a class of failed attempts means to somebody who has not read the taxonomy.
_STATES: dict[str, tuple[str, Tone]] = {
    "completed": ("completed", "good"),
    "failed_targets": ("targets failed", "bad"),
    "stopped_at_budget": ("stopped at budget", "warn"),
    "aborted": ("aborted", "bad"),
    "unfinished": ("unfinished", "warn"),
    "done": ("done", "good"),
    "failed": ("failed", "bad"),
    "skipped": ("skipped", "quiet"),
    "waiting": ("waiting", "warn"),
    "timed_out": ("timed out", "bad"),
    "crashed": ("crashed", "bad"),
    "setup_failed": ("setup failed", "bad"),
}


def state_badge(state: str) -> Badge:
    """A state of a run, a trial or a cell of a plan, as a word in its colour."""
    text, tone = _STATES.get(state, (state, "quiet"))
    return Badge(text=text, tone=tone)


def sentence(text: str) -> str:
    """The same with a capital at its start."""
    return text[:1].upper() + text[1:]


def instant(at: datetime) -> str:
    """2026-11-22 02:15 UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def span(first: datetime, last: datetime) -> str:
    """A window of time, the date said once where it is the same."""
    if first.date() == last.date():
        until = "" if f"{first:%H:%M}" == f"{last:%H:%M}" else f" to {last:%H:%M}"
        return f"{first:%Y-%m-%d %H:%M}{until} UTC"
    return f"{first:%Y-%m-%d %H:%M} to {instant(last)}"


def age(at: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says enough."""
    seconds = max((now - at).total_seconds(), 0.0)
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit_s or (unit != "d" and seconds >= unit_s):
            return f"{seconds // unit_s:.0f} {unit} ago"
    return "just now"


def is_stale(at: datetime, now: datetime) -> bool:
    """Whether a nightly measurement should have come since."""
    return (now - at).total_seconds() > STALE_AFTER_S


def stale_verdict(newest: datetime, now: datetime) -> tuple[Badge, str]:
    """What a page says over figures of which all are stale."""
    badge = Badge(text="stale", tone="warn")
    return badge, f"Nothing here was measured since {instant(newest)}, {age(newest, now)}."


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None:
        return UNKNOWN
    if seconds < 120:
        return f"{figure(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def energy(joules: float | None, *, like: float | None = None) -> str:
    """Joules as an electricity meter counts them, in the unit that suits them, or that suits `like`."""
    if joules is None:
        return UNKNOWN
    kwh, measure = joules / J_PER_KWH, (joules if like is None else like) / J_PER_KWH
    if measure < 1:
        return f"{figure(1e3 * kwh)} Wh"
    return f"{figure(kwh)} kWh" if measure < 1e4 else f"{figure(kwh / 1e3)} MWh"


def usd(value: float | None) -> str:
    """A sum of money: cents where there are any, else two significant digits."""
    if value is None:
        return UNKNOWN
    if value == 0 or value >= 0.1:
        return f"{value:,.2f} USD"
    return f"{figure(value, 2)} USD"


def figure(value: float | None, digits: int = 3) -> str:
    """A number in so many significant digits, never as a power of ten."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= 10 ** (digits - 1):
        return f"{rounded:,.0f}"
    text = f"{rounded:.12f}".rstrip("0").rstrip(".")
    return text if text not in ("0", "-0") else f"{rounded:.{digits}g}"


def share(value: float | None) -> str:
    """A share of one, in percent."""
    return UNKNOWN if value is None else f"{figure(100 * value, 2)} %"


def chance(p: float | None) -> str:
    """A chance in percent; what is not quite sure is not said to be."""
    if p is None:
        return UNKNOWN
    if p >= 0.995:
        return "> 99 %"
    return "< 1 %" if p <= 0.005 else f"{100 * p:.0f} %"


def count(number: int, one: str, many: str | None = None) -> str:
    """1 trial, 2 trials."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def nights_ranked_by(number: int, window: str) -> str:
    """5 nights of the last 28 days: those whose load client is trusted enough to rank by."""
    return f"{count(number, 'night')} of the last {window}" if number else f"no night of the last {window} to rank by"


def listed(names: list[str], most: int = 4) -> str:
    """a, b and c; a, b, c, d and 3 more."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
