"""The config of a night: TOML read once, checked whole, every mistake reported before the first request."""

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from flows.errors import ConfigError
from flows.gridprovider import GridProvider
from flows.meterhook import MeterHook
from flows.mistakes import sentences
from flows.site import CountedDevice, Hardware, Hosting, Market, NonNegative, Range, Site, Table
from flows.traces import completed, with_paths
from flows.workload import Id, Positive, SearchLimits, Workload
from probes.errors import ProbeError

__all__ = [
    "BenchmarkConfig", "EndpointTarget", "Hosting", "LoadedConfig", "LocalTarget", "Night", "Price", "Range", "Site",
    "Target", "Timeouts", "Workload", "api_key", "check_config", "check_table", "load_config",
]  # fmt: skip

PRIVATE_VALUE = re.compile(r"^(sk-|gsk_|AIza|xox|Bearer )", re.IGNORECASE)


class Price(Table):
    """A contract or list price that overrides the price list, USD per 10^6 tokens."""

    usd_per_input_mtok: NonNegative
    usd_per_output_mtok: NonNegative
    usd_per_cached_input_mtok: NonNegative | None = None
    valid_from: str | None = None
    note: str = "declared in the config"


class EndpointTarget(Table):
    """A server that someone else runs, reached by URL."""

    kind: Literal["endpoint"]
    id: Id
    provider: str
    model: str
    base_url: str
    api: str
    api_key_env: str | None = None
    region: str | None = None
    group: str | None = None  # targets of one group are measured interleaved; the model's name, if None
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: Annotated[dict[str, Any], Field(default_factory=dict)]
    price: Price | None = None
    hosting: Hosting | None = None

    @field_validator("base_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
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

    @field_validator("api_key_env")
    @classmethod
    def _a_name_not_a_key(cls, value: str | None) -> str | None:
        if value is not None and (PRIVATE_VALUE.match(value) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value)):
            # The value itself is not repeated: it may be a key pasted in the wrong place.
            raise ValueError("must be the NAME of an environment variable, such as OPENAI_API_KEY, not a key")
        return value


class LocalTarget(Table):
    """An engine that we start on this machine."""

    kind: Literal["local"]
    id: Id
    engine: Literal["llama.cpp", "transformers"]
    model: str  # for transformers: the path of a local folder
    quantisation: str | None = None
    device: Literal["cpu", "cuda"]
    threads: Annotated[int, Field(ge=1, le=1024)]
    slots: Annotated[int, Field(ge=1, le=256)]
    context_tokens: Annotated[int, Field(ge=64)] = 2048
    port: Annotated[int, Field(ge=0, le=65535)] = 0

    @property
    def provider(self) -> str:
        """The engine stands where a provider's name would."""
        return self.engine


Target = Annotated[EndpointTarget | LocalTarget, Field(discriminator="kind")]


class Timeouts(Table):
    """Seconds after which an attempt is a failure. `trial` ends a whole trial, with what it had measured."""

    connect_s: Positive = 10.0
    first_token_s: Positive = 120.0
    stall_s: Positive = 60.0
    total_s: Positive = 300.0
    engine_ready_s: Positive = 120.0
    trial_s: Positive = 900.0


class Night(Table):
    """The run as a whole."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]
    max_usd: NonNegative
    idle_baseline_s: Annotated[float, Field(ge=1, le=600)] = 30.0  # model loaded, no requests; shorter ones are noted
    idle_fresh_h: Annotated[float, Field(ge=0, le=8784)] = 24.0  # for how long a target's is used again; 0: always anew
    paired: bool = True  # endpoints of one group are measured interleaved, by one client
    keep_events_days: Annotated[int, Field(ge=0, le=36_500)] = 30  # of single events; attempts are kept for good
    timeouts: Timeouts = Timeouts()


class BenchmarkConfig(Table):
    """A whole config file, checked."""

    night: Night
    site: Site | None = None
    targets: Annotated[list[Target], Field(min_length=1)]
    workloads: Annotated[list[Workload], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_unique_and_places_known(self) -> Self:
        meters = self.site.meters if self.site else []
        for what, named in (("targets", self.targets), ("workloads", self.workloads), ("site.meters", meters)):
            ids = [each.id for each in named]
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                raise ValueError(f"{what} share the id {', '.join(map(repr, twice))}; each must have its own")
        if self.site is None and any(t.kind == "local" for t in self.targets):
            raise ValueError("local targets need a [site] table: zone, pue, electricity_usd_per_kwh and hardware")
        for workload in self.workloads:
            if workload.requests is None and workload.arrivals == "closed" and not self._all_local:
                raise ValueError(
                    f"workload {workload.id!r} is a closed loop that only time ends, so what it costs at an endpoint"
                    " could not be bounded; set requests = N"
                )
        return self

    @property
    def _all_local(self) -> bool:
        return all(target.kind == "local" for target in self.targets)

    def check_room(self, name: str) -> None:
        """Raise ConfigError for each local target whose context cannot hold a request of a workload."""
        problems = [
            f"{name}: workload {workload.id!r} needs {workload.prompt_tokens + workload.output_tokens} tokens, target"
            f" {target.id!r} has context_tokens = {target.context_tokens}; raise it or shorten the workload"
            for workload in self.workloads
            for target in self.targets
            if target.kind == "local" and workload.prompt_tokens + workload.output_tokens > target.context_tokens
        ]
        if problems:
            raise ConfigError(problems)


class LoadedConfig:
    """A checked config with the text it was read from and that text's SHA-256."""

    __slots__ = ("config", "path", "sha256", "text")

    def __init__(self, *, path: Path, text: str, config: BenchmarkConfig) -> None:
        self.path = path
        self.text = text
        self.config = config
        self.sha256 = hashlib.sha256(text.encode()).hexdigest()


def load_config(path: Path) -> LoadedConfig:
    """Read and check a config file.

    Raises:
        ConfigError: with one sentence for every mistake in the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file; flows/configs/ has some to start from"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from error
    return LoadedConfig(path=path, text=text, config=check_config(raw, name=path.name, folder=path.resolve().parent))


def check_config(raw: Mapping[str, Any], *, name: str, folder: Path = Path()) -> BenchmarkConfig:
    """Check parsed TOML, and the files that it names.

    Args:
        name: the file named in the sentences.
        folder: where relative paths in it start.

    Raises:
        ConfigError: with one sentence for every mistake.
    """
    problems: list[str] = []
    tables = raw.get("workloads")
    if isinstance(tables, list):
        raw = {**raw, "workloads": [_with_paths(table, n, folder, name, problems) for n, table in enumerate(tables)]}
    try:
        config = check_table(BenchmarkConfig, raw, name=name)
    except ConfigError as error:
        raise ConfigError(error.problems + problems) from None
    workloads = []
    for n, workload in enumerate(config.workloads):
        try:
            workloads.append(completed(workload))
        except ProbeError as error:
            problems.append(f'{name}: workloads[{n}] "{workload.id}": {error}')
    if problems:
        raise ConfigError(problems)
    config = config.model_copy(update={"workloads": workloads})
    config.check_room(name)
    return config


def _with_paths(table: Any, n: int, folder: Path, name: str, problems: list[str]) -> Any:  # noqa: ANN401 - TOML's own
    if not isinstance(table, dict):
        return table
    found: list[str] = []
    filled = with_paths(table, folder, found)
    problems += [f'{name}: workloads[{n}] "{table.get("id")}" {sentence}' for sentence in found]
    return filled


AnyTable = TypeVar("AnyTable", bound=BaseModel)


def check_table(model: type[AnyTable], raw: Mapping[str, Any], *, name: str) -> AnyTable:
    """Check one table that did not come from a file, such as a command line's.

    Raises:
        ConfigError: with one sentence for every mistake.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise ConfigError([f"{name}: {sentence}" for sentence in sentences(error, raw, _holders())]) from None


def _holders() -> dict[str, type[BaseModel]]:
    """Which table stands under which key, for naming the nearest known key."""
    return {
        "night": Night, "site": Site, "timeouts": Timeouts, "hardware": Hardware, "price": Price, "hosting": Hosting,
        "meters": MeterHook, "grid_provider": GridProvider, "devices": CountedDevice, "market": Market,
        "endpoint": EndpointTarget, "local": LocalTarget, "workloads": Workload,
        "search_limits": SearchLimits, "": BenchmarkConfig,
    }  # fmt: skip


def api_key(target: EndpointTarget) -> str | None:
    """The target's key from the environment, or None if it names none or the variable is unset or empty."""
    return (os.environ.get(target.api_key_env) or None) if target.api_key_env else None
