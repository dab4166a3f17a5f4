"""The config of a night: TOML read once, checked whole, every mistake reported before the first request."""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from flows.bodies import body_problem
from flows.configfiles import table_with_paths, with_prices, with_tariff, with_tokenizer
from flows.errors import ConfigError
from flows.gridprovider import GridProvider
from flows.meterhook import MeterHook
from flows.mistakes import sentences
from flows.notify_config import Email, Notify
from flows.pacing import limit_problem
from flows.site import CountedDevice, Hardware, Hosting, Market, NonNegative, Range, Site
from flows.tables import STRICT_KEYS
from flows.targets import EndpointTarget, LocalTarget, Price, Target, Timeouts, api_key
from flows.traces import completed
from flows.workload import SearchLimits, Workload
from probes.errors import ProbeError
from probes.load.ingredients import Images
from probes.load.spread import Spread

__all__ = [
    "BenchmarkConfig", "EndpointTarget", "Hosting", "LoadedConfig", "LocalTarget", "Night", "Price", "Pulse", "Range",
    "Site", "Target", "Timeouts", "Workload", "api_key", "check_config", "check_table", "load_config",
]  # fmt: skip


class _Table(BaseModel):
    model_config = STRICT_KEYS | ConfigDict(frozen=True, defer_build=True)


class Night(_Table):
    """The run as a whole."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]
    max_usd: NonNegative
    idle_baseline_s: Annotated[float, Field(ge=1, le=600)] = 30.0  # model loaded, no requests; shorter ones are noted
    idle_fresh_h: Annotated[float, Field(ge=0, le=8784)] = 24.0  # for how long a target's is used again; 0: always anew
    paired: bool = True  # endpoints of one group are measured interleaved, by one client
    canary: bool = True  # every target answers the same few questions each night: see `flows.canary`
    keep_events_days: Annotated[int, Field(ge=0, le=36_500)] = 30  # of single events; attempts are kept for good
    timeouts: Timeouts = Timeouts()


class Pulse(_Table):
    """A few attempts at hosted targets between nights: when they are slow or down. See `flows.pulse`."""

    max_usd_per_day: NonNegative  # of UTC, for all pulses of this config; none is started that could pass it
    workload: str | None = None  # the first one, if None
    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    local_targets: bool = False  # engines of this machine too


class Prices(_Table):
    """Where prices are stated, beside `[targets.price]`, which rules, and the public list, which comes last."""

    file: str  # a CSV of the project's own, see `warehouse.pricebook.file`


class BenchmarkConfig(_Table):
    """A whole config file, checked."""

    night: Night
    pulse: Pulse | None = None
    prices: Prices | None = None
    notify: Notify | None = None
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
            f"{name}: workload {workload.id!r} needs {_room(workload)} tokens, target"
            f" {target.id!r} has context_tokens = {target.context_tokens}; raise it or shorten the workload"
            for workload in self.workloads
            for target in self.targets
            if target.kind == "local" and _room(workload) > target.context_tokens
        ]
        if problems:
            raise ConfigError(problems)

    def check_bodies(self, name: str) -> None:
        """Raise ConfigError for each endpoint whose extra_body would pass what its requests are quoted as."""
        problems = [
            f'{name}: target "{target.id}" extra_body {problem}'
            for target in self.targets
            if target.kind == "endpoint" and (problem := body_problem(target.extra_body)) is not None
        ]
        if problems:
            raise ConfigError(problems)

    def check_pacing(self, name: str) -> None:
        """Raise ConfigError for each open loop that would pass a limit which its target names."""
        problems = [
            f"{name}: workload {workload.id!r} on target {target.id!r}: {problem}"
            for workload in self.workloads
            for target in self.targets
            if (problem := limit_problem(target, workload)) is not None
        ]
        if problems:
            raise ConfigError(problems)


def _room(workload: Workload) -> int:
    """Tokens of the longest request with its answer."""
    return workload.most_prompt_tokens + workload.most_output_tokens


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
        ours, here = Path(__file__).with_name("configs"), Path.cwd()
        some = ours.relative_to(here) if ours.is_relative_to(here) else ours
        raise ConfigError([f"{path}: no such file; {some}/ has some to start from"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            [f"{path}: cannot be read: byte {error.start} is not UTF-8, which TOML is written in"]
        ) from error
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
        raw = {
            **raw,
            "workloads": [table_with_paths(table, n, folder, name, problems) for n, table in enumerate(tables)],
        }
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
    price_file = None if config.prices is None else config.prices.file
    config = config.model_copy(
        update={
            "workloads": workloads,
            "targets": [with_tokenizer(each, folder) for each in with_prices(config.targets, price_file, folder, name)],
            "site": with_tariff(config.site, folder, name),
        }
    )
    config.check_room(name)
    config.check_pacing(name)
    config.check_bodies(name)
    return config


AnyTable = TypeVar("AnyTable")


def check_table(model: type[AnyTable], raw: Mapping[str, Any], *, name: str) -> AnyTable:
    """Check one table that did not come from a file, such as a command line's.

    Raises:
        ConfigError: with one sentence for every mistake.
    """
    try:
        return TypeAdapter(model).validate_python(raw)
    except ValidationError as error:
        raise ConfigError([f"{name}: {sentence}" for sentence in sentences(error, raw, _holders())]) from None


def _holders() -> dict[str, type[Any]]:
    """Which table stands under which key, for naming the nearest known key."""
    return {
        "night": Night, "pulse": Pulse, "prices": Prices, "notify": Notify, "email": Email, "site": Site,
        "timeouts": Timeouts, "hardware": Hardware,
        "price": Price, "hosting": Hosting,
        "meters": MeterHook, "grid_provider": GridProvider, "devices": CountedDevice, "market": Market,
        "endpoint": EndpointTarget, "local": LocalTarget, "workloads": Workload,
        "search_limits": SearchLimits, "prompt_lengths": Spread, "output_lengths": Spread, "think_s": Spread,
        "images": Images, "": BenchmarkConfig,
    }  # fmt: skip
