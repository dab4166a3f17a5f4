"""Who publishes the hourly intensity of a site's grid, as `[site.grid_provider]` of a config names it."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from flows.tables import STRICT_KEYS

ProviderName = Literal["electricity-maps", "watttime", "uk-carbon-intensity"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What each needs, and takes: the British service is open, and covers one zone.
_TAKES: dict[str, tuple[str, ...]] = {
    "electricity-maps": ("zone", "key_env"),
    "watttime": ("zone", "user_env", "key_env"),
    "uk-carbon-intensity": (),
}
_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class GridProvider:
    """Nothing is fetched unless a config has this table; keys are named in it, never held."""

    __pydantic_config__ = STRICT_KEYS

    name: ProviderName
    zone: str | None = None  # as the provider calls it, such as "DE" or "CAISO_NORTH"
    key_env: str | None = None  # environment variable that holds the key; WattTime: the password
    user_env: str | None = None  # WattTime: environment variable that holds the user name
    base_url: str | None = None  # instead of the provider's own address

    def __post_init__(self) -> None:
        """Raise ValueError if it could not be asked."""
        missing = [field for field in _TAKES[self.name] if getattr(self, field) is None]
        if missing:
            raise ValueError(f"{self.name} needs {' and '.join(missing)}")
        given = {field for field in ("zone", "key_env", "user_env") if getattr(self, field) is not None}
        unknown = sorted(given - set(_TAKES[self.name]))
        if unknown:
            raise ValueError(f"{self.name} takes no {' or '.join(unknown)}; leave it out")
        for field in ("key_env", "user_env"):
            value = getattr(self, field)
            if value is not None and not _VARIABLE.fullmatch(value):
                # The value itself is not repeated: it may be a key pasted in the wrong place.
                raise ValueError(f"{field} must be the NAME of an environment variable, such as GRID_KEY, not a key")
        if self.base_url is not None:
            parts = urlsplit(self.base_url)
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
                raise ValueError("base_url must be an https:// address, or http:// of this machine: it is sent the key")
            if parts.username or parts.password:
                raise ValueError("base_url must hold no user name or password; use user_env and key_env")
