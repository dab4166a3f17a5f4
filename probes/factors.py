"""Facts shipped by codecarbon: TDP of CPUs, power of RAM, intensity of grids. Read from disk, never from a network.

The data files are found without importing the package, which takes 0.3 to 0.5 s.
"""

import csv
import importlib.util
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from probes.errors import ProbeError

_LB_PER_MWH_TO_G_PER_KWH = 0.45359237
_GIB = 1024**3

# Combustion only, kg/kWh, as codecarbon applies them to the provinces of Canada (hydro and nuclear count as 0).
_CANADA_G_PER_KWH = {"coal": 995.725971, "petroleum": 816.6885263, "naturalGas": 743.8415916}
_CANADA_CODES = {
    "AB": "alberta",
    "BC": "british columbia",
    "MB": "manitoba",
    "NB": "new brunswick",
    "NL": "newfoundland and labrador",
    "NS": "nova scotia",
    "NT": "northwest territories",
    "NU": "nunavut",
    "ON": "ontario",
    "PE": "prince edward island",
    "QC": "quebec",
    "SK": "saskatchewan",
    "YT": "yukon",
}
_LISTED = {
    "nordic_emissions.json": "ENTSO-E generation mix",
    "2023/china_provincial_emissions.json": "MEE/NBS, CO2 only",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tdp:
    """Thermal design power of one CPU package."""

    watts: float
    name: str  # the row of the table that matched
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GridIntensity:
    """Yearly mean intensity of a grid, location-based."""

    zone: str
    gco2e_per_kwh: float
    year: int | None
    source: str


def cpu_tdp_w(cpu_model: str) -> Tdp | None:
    """TDP of one package of this CPU, from codecarbon's table of 4,900 models.

    Args:
        cpu_model: the name as the system gives it, for example "AMD EPYC 7763 64-Core Processor".

    Returns:
        The row whose name is the same once brand signs, clock and core count are left out; else the longest row whose
        every word is in `cpu_model`, if one model number is among them; None when the table does not know the CPU.

    Raises:
        ProbeError: codecarbon is not installed.
    """
    words = _cpu_words(cpu_model)
    if not words:
        return None
    table = _tdp_rows(words)
    found = table.get(words)
    if found is None:
        # A row without a digit ("AMD EPYC") names a family, and would match all of it.
        inside = [key for key in table if set(key) <= set(words) and any(map(_has_digit, key))]
        longest = max((len(key) for key in inside), default=0)
        best = [table[key] for key in inside if len(key) == longest]
        if len({watts for _, watts in best}) != 1 or longest < 2:
            return None
        found = best[0]
    name, watts = found
    return Tdp(watts=watts, name=name, source=f"codecarbon {version()} cpu_power.csv: {name}")


def ram_power_w(ram_bytes: int, *, arm: bool = False) -> float:
    """Power of this much memory by codecarbon's rule: DIMMs guessed from the size, watts by DIMM, fewer for later ones.

    Args:
        ram_bytes: memory of the machine, > 0.
        arm: an ARM machine: 1.5 W a DIMM instead of 5 W, at least 3 W instead of 10 W.

    Returns:
        Watts, the same at any load.

    Source: codecarbon 3.3 methodology, "RAM"; checked in the tests against codecarbon's own class.
    """
    dimms = dimm_count(ram_bytes)
    watts_per_dimm = 1.5 if arm else 5.0
    floor_w = 3.0 if arm else 10.0
    tiers = ((4, 1.0), (4, 0.9), (8, 0.8), (16, 0.7))
    watts, left = 0.0, dimms
    for size, share in tiers:
        taken = min(left, size)
        watts += taken * watts_per_dimm * share
        left -= taken
    return max(watts, floor_w)


def dimm_count(ram_bytes: int) -> int:
    """DIMMs that a machine with this much memory is taken to have, by codecarbon's rule."""
    gib = ram_bytes / _GIB
    for up_to_gib, dimms in ((2, 1), (16, 2), (64, 4), (128, 8)):
        if gib <= up_to_gib:
            return dimms
    dimm_gib = max(size for size in (4, 8, 16, 32, 64, 128) if size <= gib / 8)
    return min(-int(-gib // dimm_gib), 32)


def grid_intensity(zone: str) -> GridIntensity:
    """Yearly intensity of one grid.

    Args:
        zone: an ISO 3166 alpha-3 country ("FRA"), a state of the USA ("USA-CA"), a province of Canada ("CAN-QC") or of
            China ("CN-BJ"), or a Nordic bidding zone ("SE3").

    Returns:
        Intensity in gCO2e/kWh with the year it holds for.

    Raises:
        ProbeError: no such zone in the data, with the nearest names; or codecarbon is not installed.

    Source: codecarbon's data: Our World in Data/Ember, EPA eGRID, Canada Energy Regulator, MEE/NBS, ENTSO-E.
    """
    found = _country(zone) or _us_state(zone) or _canadian_province(zone) or _listed_zone(zone)
    if found is None:
        raise ProbeError(
            f'no grid intensity for zone "{zone}"; {_nearest(zone)}'
            "use an ISO alpha-3 country (FRA), a US state (USA-CA), a Canadian province (CAN-QC), "
            "or give grid_gco2e_per_kwh yourself"
        )
    gco2e_per_kwh, year, source = found
    return GridIntensity(
        zone=zone, gco2e_per_kwh=gco2e_per_kwh, year=year, source=f"codecarbon {version()}, yearly mean: {source}"
    )


def version() -> str:
    """Version of the codecarbon that the facts come from; ProbeError when it is not installed."""
    return _package()[0]


@cache
def _package() -> tuple[str, Path]:
    found = importlib.util.find_spec("codecarbon")
    if found is not None and found.submodule_search_locations:
        folder = Path(found.submodule_search_locations[0])
        # An installed wheel has its version in the name of the folder beside it. Asking importlib.metadata takes 50 ms,
        # for which a metered command would wait.
        beside = list(folder.parent.glob("codecarbon-*.dist-info"))
        if len(beside) == 1:
            return beside[0].name.removeprefix("codecarbon-").removesuffix(".dist-info"), folder / "data"
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        package = distribution("codecarbon")
    except PackageNotFoundError as error:
        raise ProbeError(
            "codecarbon, which ships the CPU and grid data, is not installed; pip install codecarbon"
        ) from error
    return package.version, Path(str(package.locate_file("codecarbon/data")))


@cache
def _read_json(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((_package()[1] / "private_infra" / name).read_text(encoding="utf-8"))
    return data


@cache
def _tdp_text() -> str:
    return (_package()[1] / "hardware" / "cpu_power.csv").read_text(encoding="utf-8")


def _tdp_rows(words: tuple[str, ...]) -> dict[tuple[str, ...], tuple[str, float]]:
    """Every row that may be a CPU of these words, by the words of its name; and others, to be told apart by theirs.

    A row whose every word is among `words` has one with a digit in common with them, or has none and then must be the
    same throughout. Looking first where those stand spares 50 ms, for which a metered command would wait.
    """
    header, *lines = _tdp_text().split("\n")
    numbers = [word for word in words if _has_digit(word)]
    near = sorted({at for word in numbers or [max(words, key=len)] for at in _lines_with(word)})
    # Four old Celerons have cells such as 27.29.5.
    rows = [
        row for row in csv.DictReader([header, *(lines[at] for at in near)]) if re.fullmatch(r"\d+(\.\d+)?", row["TDP"])
    ]
    return {_cpu_words(row["Name"]): (row["Name"], float(row["TDP"])) for row in rows}


def _lines_with(word: str) -> Iterator[int]:
    """Numbers of the table's lines beneath its header that hold a word in lower case; no cell holds a line break."""
    text = _tdp_text().partition("\n")[2].lower()
    number = counted = 0
    at = text.find(word)
    while at >= 0:
        number += text.count("\n", counted, at)
        yield number
        counted = at
        at = text.find(word, at + 1)


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)


def _cpu_words(name: str) -> tuple[str, ...]:
    name = re.sub(r"\((r|tm)\)|®|™", " ", name.lower())
    # Most of the table's 4,900 rows have neither clock nor core count: looking first takes a third off reading it.
    if "@" in name:
        name = re.sub(r"@\s*[\d.]+\s*ghz", " ", name)
    if "-core" in name or "radeon" in name:
        name = re.sub(r"\b(\w+-core|with radeon.*|w/ radeon.*)", " ", name)
    return tuple(word for word in name.split() if word not in {"cpu", "processor", "coprocessor"})


_Found = tuple[float, int | None, str] | None


def _country(zone: str) -> _Found:
    row = _read_json("global_energy_mix.json").get(zone)
    if row is None:
        return None
    return row["carbon_intensity"], row["year"], f"{row['country_name']} (Our World in Data, Ember)"


def _us_state(zone: str) -> _Found:
    if not zone.startswith("USA-"):
        return None
    states = _read_json("2023/usa_emissions.json")
    source = states["_source"]
    for name, row in states.items():
        if row.get("regionCode") == zone.removeprefix("USA-") and name != "usa":
            return row["emissions"] * _LB_PER_MWH_TO_G_PER_KWH, source["year"], f"{name.title()} ({source['name']})"
    return None


def _canadian_province(zone: str) -> _Found:
    name = _CANADA_CODES.get(zone.removeprefix("CAN-")) if zone.startswith("CAN-") else None
    if name is None:
        return None
    mix = _read_json("2023/canada_energy_mix.json")[name]
    intensity = sum(mix[fuel] / mix["total"] * factor for fuel, factor in _CANADA_G_PER_KWH.items())
    return intensity, 2023, f"{name.title()} (generation mix, combustion only)"


def _listed_zone(zone: str) -> _Found:
    for file, title in _LISTED.items():
        row = _read_json(file)["data"].get(zone)
        if row is not None:
            return row["emission_factor"], row["year"], f"{row['description']} ({title})"
    return None


def _nearest(zone: str) -> str:
    import difflib

    names = {row["country_name"].lower(): code for code, row in _read_json("global_energy_mix.json").items()}
    for state, row in _read_json("2023/usa_emissions.json").items():
        if len(row.get("regionCode", "")) == 2:
            names[state] = f"USA-{row['regionCode']}"
    names |= {province: f"CAN-{code}" for code, province in _CANADA_CODES.items()}
    for file in _LISTED:
        names |= {row["description"].lower(): code for code, row in _read_json(file)["data"].items()}
    named = [names[name] for name in difflib.get_close_matches(zone.lower(), names, n=2, cutoff=0.8)]
    alike = difflib.get_close_matches(zone.upper(), names.values(), n=3, cutoff=0.5)
    nearest = list(dict.fromkeys([*named, *alike]))[:4]
    return f"nearest: {', '.join(nearest)}; " if nearest else ""
