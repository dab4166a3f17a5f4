"""A meter of the user's own, `[[site.meters]]`: a smart plug, a BMC or a PDU, read by a command or over HTTP."""

import re
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

from flows.tables import STRICT_KEYS, Allowed, Checked
from flows.workload import Id, Positive

MeterUnit = Literal["W", "kW", "J", "kJ", "Wh", "kWh"]
_UNITS = {"power": ("W", "kW"), "energy": ("J", "kJ", "Wh", "kWh")}
_SECRET_NAME = re.compile(r"key|token|secret|passw|pwd|auth|cred", re.IGNORECASE)
# Power readings more than 3 s apart say nothing about what happened between them, and an answer takes its time too.
_MOST_POWER_PERIOD_S = 2.0


def _names_not_keys(value: dict[str, str]) -> dict[str, str]:
    for header, name in value.items():
        if not re.fullmatch(r"[A-Za-z0-9-]+", header):
            raise ValueError(f"{header!r} is no HTTP header's name, such as Authorization")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            # The value itself is not repeated: it may be a key pasted in the wrong place.
            raise ValueError(f"{header} must be the NAME of an environment variable, such as PLUG_TOKEN, not a key")
    return value


def _one_group(value: str | None) -> str | None:
    try:
        groups = 1 if value is None else re.compile(value).groups
    except re.error as error:
        raise ValueError(f"is no regular expression ({error})") from None
    if groups != 1:
        raise ValueError(f"must have one group, around the number, not {groups}; (?:...) groups without counting")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterHook:
    """Where a number stands that tells watts or joules, and how often to ask for it."""

    __pydantic_config__ = STRICT_KEYS

    id: Id
    component: Literal["machine", "cpu", "gpu", "ram"]
    value: Literal["power", "energy"]  # what the number is: power now, or a counter of energy
    unit: MeterUnit
    command: Annotated[list[str], Allowed(min_length=1)] | None = None  # program and arguments; no shell reads them
    url: str | None = None
    # HTTP header -> environment variable that holds it
    header_env: Annotated[dict[str, str], Checked(_names_not_keys)] = field(default_factory=dict)
    json_path: str | None = None  # where the number stands in a JSON answer: "a.b.0.c"
    pattern: Annotated[str | None, Checked(_one_group)] = None  # regular expression whose one group is the number
    period_s: Annotated[float, Allowed(ge=0.1, le=30)] = 1.0
    timeout_s: Annotated[float, Allowed(gt=0, le=10)] = 2.0
    resolution_s: Positive | None = None  # how long a number may be older than its reading

    def __post_init__(self) -> None:
        """Raise ValueError if it cannot be read."""
        if (self.command is None) == (self.url is None):
            raise ValueError('needs either command = ["program", "argument"] or url = "http://...", and not both')
        if self.json_path is not None and self.pattern is not None:
            raise ValueError("takes json_path or pattern, not both; without them the whole answer is the number")
        if self.unit not in _UNITS[self.value]:
            raise ValueError(f'unit = "{self.unit}" is no unit of {self.value}: use {", ".join(_UNITS[self.value])}')
        if self.value == "power" and self.period_s > _MOST_POWER_PERIOD_S:
            raise ValueError(
                f"period_s = {self.period_s:g} is too long for power, which must be read at least every"
                f" {_MOST_POWER_PERIOD_S:g} s; a counter (value = energy) may be read every 30 s"
            )
        if self.header_env and self.url is None:
            raise ValueError("header_env belongs to url; a command finds its secrets in the environment by itself")
        if self.url is not None:
            _check_url(self.url)


def _check_url(url: str) -> None:
    """Refuse what is no URL, and a URL with a secret; ValueError, which never repeats it."""
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("url is no URL: its host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise ValueError('url must be an http:// or https:// address with a host, such as "http://plug.lan/status"')
    secret = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if _SECRET_NAME.search(name)]
    if parts.username or parts.password or secret:
        raise ValueError(
            "url must hold no user name, password or key: the config lands in the warehouse; name an environment"
            ' variable instead, header_env = { Authorization = "PLUG_AUTHORIZATION" }'
        )
