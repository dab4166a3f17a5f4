"""Where machines stand and what they are, as a config declares it: `[site]` ours, `[targets.hosting]` others'."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from flows.gridprovider import GridProvider
from flows.meterhook import MeterHook
from flows.workload import Positive, Share

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
ShareOrNone = Annotated[float, Field(ge=0, le=1)]


class Table(BaseModel):
    """A table of a config: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, defer_build=True)


class Range(Table):
    """A figure with its range. A bare number in the TOML is a central value whose range is not known."""

    low: float | None = None
    central: float
    high: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_number(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever the file held
        return {"central": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        known = [v for v in (self.low, self.central, self.high) if v is not None]
        if known != sorted(known):
            raise ValueError("must rise: low <= central <= high")
        if min(known) < 0:
            raise ValueError("must not be negative")
        return self


class CountedDevice(Table):
    """Some devices of one kind, a row of `warehouse/reference/embodied.csv`; of memory and disks so many GB or TB."""

    name: str
    count: Positive = 1.0


class Hardware(Table):
    """What the machine that serves local targets cost, in money and in manufacture."""

    price_usd: Range
    lifetime_years: Range
    utilisation_share: Range
    embodied_kgco2e: Range | None = None
    devices: list[CountedDevice] = []  # instead: what the machine is made of, its host among them
    adpe_kgsbeq: Range | None = None
    primary_mj: Range | None = None
    share: Share = Field(description="of the machine that a target reserves while it is measured")

    @field_validator("lifetime_years", "utilisation_share")
    @classmethod
    def _divisible(cls, value: Range, info: ValidationInfo) -> Range:
        low, high = (value.central if end is None else end for end in (value.low, value.high))
        if low <= 0:
            raise ValueError("must be > 0: what making the machine took is divided by it")
        if info.field_name == "utilisation_share" and high > 1:
            raise ValueError("must be <= 1: it is a share of the life of the machine")
        return value

    @model_validator(mode="after")
    def _made_of_one_thing(self) -> Self:
        if self.embodied_kgco2e is not None and self.devices:
            raise ValueError("embodied_kgco2e and devices both say what making the machine emitted; give one of them")
        return self


class Market(Table):
    """Which electricity was bought: contracts or certificates for a part, the residual mix of the grid for the rest."""

    covered_share: ShareOrNone
    contract_gco2e_per_kwh: Range | None = None
    residual_gco2e_per_kwh: Range | None = None  # else that of the zone, if residual_mix.csv has it
    source: str

    @model_validator(mode="after")
    def _contract_of_what_is_covered(self) -> Self:
        if self.covered_share > 0 and self.contract_gco2e_per_kwh is None:
            raise ValueError(
                "contract_gco2e_per_kwh is missing: what is covered has the intensity that its contract states"
            )
        return self


class _Place(Table):
    """What may be known of any place."""

    grid_gco2e_per_kwh: Range | None = None
    wue_l_per_kwh: Range | None = None  # water of cooling, per kWh of IT energy
    wue_of: str | None = None  # instead: a row of warehouse/reference/wue.csv, such as "room"
    market: Market | None = None

    @model_validator(mode="after")
    def _one_water(self) -> Self:
        if self.wue_l_per_kwh is not None and self.wue_of is not None:
            raise ValueError("wue_l_per_kwh and wue_of both say how much water cooling takes; give one of them")
        return self


class Site(_Place):
    """Where this machine stands. Nothing here has a default: a place is declared, never guessed."""

    zone: str
    pue: Range
    electricity_usd_per_kwh: Range
    hardware: Hardware
    cpu_tdp_w: Range | None = None
    rapl_psys: bool = False  # read the platform's counter as the whole machine; else only packages and memory
    meters: list[MeterHook] = []  # of the user's own: a smart plug, a BMC
    grid_provider: GridProvider | None = None  # who publishes this grid by the hour; asked by `megatoken grid fetch`

    @field_validator("pue")
    @classmethod
    def _pue_at_least_one(cls, value: Range) -> Range:
        return _pue(value)


class Hosting(_Place):
    """What is known of where and how a provider serves: all declared, all optional."""

    zone: str | None = None
    pue: Range | None = None
    j_per_output_token: Range | None = None
    embodied_gco2e_per_output_mtok: Range | None = None
    estimate: bool = True  # take from EcoLogits what is not declared here, labelled estimated
    source: str = "declared in the config"

    @field_validator("pue")
    @classmethod
    def _pue_at_least_one(cls, value: Range | None) -> Range | None:
        return None if value is None else _pue(value)


def _pue(value: Range) -> Range:
    if (value.low if value.low is not None else value.central) < 1:
        raise ValueError("a PUE must be >= 1: facility energy includes the machine's own")
    return value
