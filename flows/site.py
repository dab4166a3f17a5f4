"""Where machines stand and what they are, as a config declares it: `[site]` ours, `[targets.hosting]` others'."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from flows.gridprovider import GridProvider
from flows.meterhook import MeterHook
from flows.tables import STRICT_KEYS, Allowed, Before, Checked
from flows.workload import Positive, Share

NonNegative = Annotated[float, Allowed(ge=0, allow_inf_nan=False)]
ShareOrNone = Annotated[float, Allowed(ge=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A figure with its range. A bare number in the TOML is a central value whose range is not known."""

    __pydantic_config__ = STRICT_KEYS

    low: float | None = None
    central: float
    high: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if it is no range of something that is there."""
        known = [v for v in (self.low, self.central, self.high) if v is not None]
        if known != sorted(known):
            raise ValueError("must rise: low <= central <= high")
        if min(known) < 0:
            raise ValueError("must not be negative")


def _from_bare_number(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever the file held
    return {"central": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


# A range as a config gives it.
Figure = Annotated[Range, Before(_from_bare_number)]


def _divisible(value: Range) -> Range:
    low = value.central if value.low is None else value.low
    if low <= 0:
        raise ValueError("must be > 0: what making the machine took is divided by it")
    return value


def _share_of_life(value: Range) -> Range:
    _divisible(value)
    if (value.central if value.high is None else value.high) > 1:
        raise ValueError("must be <= 1: it is a share of the life of the machine")
    return value


def _pue(value: Range | None) -> Range | None:
    if value is not None and (value.low if value.low is not None else value.central) < 1:
        raise ValueError("a PUE must be >= 1: facility energy includes the machine's own")
    return value


def _time_zone(value: str | None) -> str | None:
    if value is not None:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f'there is no time zone {value!r}; give one such as "Europe/Berlin" or "UTC"') from None
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedDevice:
    """Some devices of one kind, a row of `warehouse/reference/embodied.csv`; of memory and disks so many GB or TB."""

    __pydantic_config__ = STRICT_KEYS

    name: str
    count: Positive = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What the machine that serves local targets cost, in money and in manufacture."""

    __pydantic_config__ = STRICT_KEYS

    price_usd: Figure | None = None
    rent_usd_per_h: Figure | None = None  # instead, where the machine is rented; with its electricity in it, tariff 0
    lifetime_years: Annotated[Figure, Checked(_divisible)]
    utilisation_share: Annotated[Figure, Checked(_share_of_life)]
    embodied_kgco2e: Figure | None = None
    # instead: what the machine is made of, its host among them
    devices: list[CountedDevice] = field(default_factory=list)
    adpe_kgsbeq: Figure | None = None
    primary_mj: Figure | None = None
    share: Share  # of the machine that a target reserves while it is measured

    def __post_init__(self) -> None:
        """Raise ValueError if two fields say the same, or none says what the machine costs."""
        if self.price_usd is None and self.rent_usd_per_h is None:
            raise ValueError("neither price_usd nor rent_usd_per_h says what the machine costs; give one of them")
        if self.price_usd is not None and self.rent_usd_per_h is not None:
            raise ValueError("price_usd and rent_usd_per_h both say what the machine costs; give one of them")
        if self.embodied_kgco2e is not None and self.devices:
            raise ValueError("embodied_kgco2e and devices both say what making the machine emitted; give one of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Which electricity was bought: contracts or certificates for a part, the residual mix of the grid for the rest."""

    __pydantic_config__ = STRICT_KEYS

    covered_share: ShareOrNone
    contract_gco2e_per_kwh: Figure | None = None
    residual_gco2e_per_kwh: Figure | None = None  # else that of the zone, if residual_mix.csv has it
    source: str

    def __post_init__(self) -> None:
        """Raise ValueError if something was bought that nobody states."""
        if self.covered_share > 0 and self.contract_gco2e_per_kwh is None:
            raise ValueError(
                "contract_gco2e_per_kwh is missing: what is covered has the intensity that its contract states"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What may be known of any place."""

    __pydantic_config__ = STRICT_KEYS

    grid_gco2e_per_kwh: Figure | None = None
    wue_l_per_kwh: Figure | None = None  # water of cooling, per kWh of IT energy
    wue_of: str | None = None  # instead: a row of warehouse/reference/wue.csv, such as "room"
    market: Market | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if two fields say the same."""
        if self.wue_l_per_kwh is not None and self.wue_of is not None:
            raise ValueError("wue_l_per_kwh and wue_of both say how much water cooling takes; give one of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(_Place):
    """Where this machine stands. Nothing here has a default: a place is declared, never guessed."""

    zone: str
    pue: Annotated[Figure, Checked(_pue)]
    electricity_usd_per_kwh: Figure
    tariff_file: str | None = None  # a CSV of its hours, see `flows.tariff`; what it does not say costs the flat figure
    tariff_timezone: Annotated[str | None, Checked(_time_zone)] = None  # of its hours of the week
    hardware: Hardware
    cpu_tdp_w: Figure | None = None
    rapl_psys: bool = False  # read the platform's counter as the whole machine; else only packages and memory
    meters: list[MeterHook] = field(default_factory=list)  # of the user's own: a smart plug, a BMC
    grid_provider: GridProvider | None = None  # who publishes this grid by the hour; asked by `megatoken grid fetch`


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting(_Place):
    """What is known of where and how a provider serves: all declared, all optional."""

    zone: str | None = None
    pue: Annotated[Figure | None, Checked(_pue)] = None
    j_per_output_token: Figure | None = None
    embodied_gco2e_per_output_mtok: Figure | None = None
    estimate: bool = True  # take from EcoLogits what is not declared here, labelled estimated
    source: str = "declared in the config"
