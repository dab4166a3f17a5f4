"""What serves tokens, as a config or the command line names it: an endpoint, or an engine of ours; and its timeouts."""

import os
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from flows.site import Hosting, NonNegative
from flows.tables import STRICT_KEYS, Allowed, Checked, OneOf
from flows.workload import Id, Positive

PRIVATE_VALUE = re.compile(r"^(sk-|gsk_|AIza|xox|Bearer )", re.IGNORECASE)


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_ok = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValueError(f"is no URL ({error})") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise ValueError('must be an http:// or https:// address with a host, such as "https://api.example.com/v1"')
    if parts.username or parts.password:
        raise ValueError("must hold no user name or password; name an environment variable in api_key_env")
    return value.rstrip("/")


def _a_name_not_a_key(value: str | None) -> str | None:
    if value is not None and (PRIVATE_VALUE.match(value) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value)):
        # The value itself is not repeated: it may be a key pasted in the wrong place.
        raise ValueError("must be the NAME of an environment variable, such as OPENAI_API_KEY, not a key")
    return value


def _day(value: str | None) -> str | None:
    if value is not None:
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a day, as 2026-11-01") from None
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A contract or list price that overrides the price list, USD per 10^6 tokens."""

    __pydantic_config__ = STRICT_KEYS

    usd_per_input_mtok: NonNegative
    usd_per_output_mtok: NonNegative
    usd_per_cached_input_mtok: NonNegative | None = None
    usd_per_cache_write_mtok: NonNegative | None = None
    usd_per_1k_requests: NonNegative | None = None
    valid_from: Annotated[str | None, Checked(_day)] = None
    note: str = "declared in the config"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTarget:
    """A server that someone else runs, reached by URL."""

    __pydantic_config__ = STRICT_KEYS

    kind: Literal["endpoint"]
    id: Id
    provider: str
    model: str
    base_url: Annotated[str, Checked(_http_url)]
    api: str
    api_key_env: Annotated[str | None, Checked(_a_name_not_a_key)] = None
    region: str | None = None
    group: str | None = None  # targets of one group are measured interleaved; the model's name, if None
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: dict[str, Any] = field(default_factory=dict)
    max_rps: Positive | None = None  # its limit, under which a closed loop waits; an open loop may not be above it
    max_tokens_per_minute: Positive | None = None  # the same, of prompt and longest answer
    pace: Literal["headers"] | None = None  # wait as its answers say
    price: Price | None = None
    price_file: str | None = None  # that of the config's [prices] table; price rules over it
    hosting: Hosting | None = None
    tokenizer: str = "usage"  # how prompts are counted: by answers to warm-ups, by its "server", or by a tokenizer.json


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTarget:
    """An engine that we start on this machine."""

    __pydantic_config__ = STRICT_KEYS

    kind: Literal["local"]
    id: Id
    engine: Literal["llama.cpp", "transformers"]
    model: str  # for transformers: the path of a local folder
    quantisation: str | None = None
    device: Literal["cpu", "cuda"]
    threads: Annotated[int, Allowed(ge=1, le=1024)]
    slots: Annotated[int, Allowed(ge=1, le=256)]
    context_tokens: Annotated[int, Allowed(ge=64)] = 2048
    port: Annotated[int, Allowed(ge=0, le=65535)] = 0
    tokenizer: str = "usage"  # llama.cpp has a "server" one

    @property
    def provider(self) -> str:
        """The engine stands where a provider's name would."""
        return self.engine


Target = Annotated[EndpointTarget | LocalTarget, OneOf("kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds after which an attempt is a failure. `trial` ends a whole trial, with what it had measured."""

    __pydantic_config__ = STRICT_KEYS

    connect_s: Positive = 10.0
    first_token_s: Positive = 120.0
    stall_s: Positive = 60.0
    total_s: Positive = 300.0
    engine_ready_s: Positive = 120.0
    trial_s: Positive = 900.0


def api_key(target: EndpointTarget) -> str | None:
    """The target's key from the environment, or None if it names none or the variable is unset or empty."""
    return (os.environ.get(target.api_key_env) or None) if target.api_key_env else None
