"""What accelerators and CPUs can do at most, by their data sheets: memory, bandwidth, dense peaks, design power."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from warehouse.errors import ReferenceDataError
from warehouse.reference.ledgers import held, ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One variant of a device. Peaks are dense, without sparsity; None is not supported, or not published."""

    name: str
    aliases: tuple[str, ...]
    memory_gb: float | None  # 10^9 bytes, on the device
    bandwidth_gb_per_s: float | None  # 10^9 bytes per second, of that memory
    bf16_tflops: float | None
    fp16_tflops: float | None
    fp8_tflops: float | None
    int8_tops: float | None
    tdp_w: float | None
    embodied: str | None  # its row of embodied.csv
    valid_from: str  # ISO date: the first day of the year in which it came out
    source: str
    tag: str  # the weakest of its figures: read, computed or recalled
    retrieved_on: str

    def peak_tflops(self, bits: int) -> float | None:
        """Dense peak for operands of so many bits, TFLOP/s (or TOP/s); 4 bits are computed as 8, or as 16.

        Raises:
            ValueError: bits other than 4, 8 or 16.
        """
        if bits not in (4, 8, 16):
            raise ValueError(f"weights of {bits} bits have no peak here; give 4, 8 or 16")
        half = self.bf16_tflops or self.fp16_tflops
        return half if bits == 16 else self.fp8_tflops or self.int8_tops or half


def device(name: str, on: date | None = None) -> Device:
    """A device by its name or one of its other names, whatever their case; a brand or a hyphen may be left out.

    Args:
        name: for example `H100`, `nvidia-h100-sxm`, `A100 80GB` or what NVML calls it.
        on: day on which it must have been on the market; any day, if None.

    Raises:
        ReferenceDataError: devices.csv does not have it, or not yet on that day; names those nearest to it.
    """
    names = _names()
    found = names.get(_plain(name))
    if found is None:
        near = difflib.get_close_matches(_plain(name), names, n=4, cutoff=0.5)
        nearest = ", ".join(dict.fromkeys(names[each] for each in near))
        known = f"nearest are {nearest}" if nearest else f"it has {', '.join(dict.fromkeys(names.values()))}"
        raise ReferenceDataError(f"no device {name!r} in devices.csv; {known}; add a row with its source")
    rows = [row for row in ledger("devices") if row["device"] == found]
    return _device(held(rows, on, ledger_name="devices", wanted=f"device {name!r}")[-1])


@cache
def _names() -> dict[str, str]:
    """Every name that a device answers to, without case, brand and punctuation, and the name of its rows."""
    names: dict[str, str] = {}
    for row in ledger("devices"):
        for each in (row["device"], *row["aliases"].split(";")):
            if names.setdefault(_plain(each), row["device"]) != row["device"]:
                raise ReferenceDataError(
                    f"devices.csv gives the name {each!r} to {names[_plain(each)]} and to {row['device']};"
                    " leave it with one of them"
                )
    return names


def _plain(name: str) -> str:
    words = name.lower().replace("-", " ").replace("_", " ").split()
    return "".join(word for word in words if word not in ("nvidia", "amd", "intel", "google"))


def _device(row: Mapping[str, str]) -> Device:
    def figure(column: str) -> float | None:
        return float(row[column]) if row[column] else None

    return Device(
        name=row["device"],
        aliases=tuple(row["aliases"].split(";")),
        memory_gb=figure("memory_gb"),
        bandwidth_gb_per_s=figure("bandwidth_gb_per_s"),
        bf16_tflops=figure("bf16_tflops"),
        fp16_tflops=figure("fp16_tflops"),
        fp8_tflops=figure("fp8_tflops"),
        int8_tops=figure("int8_tops"),
        tdp_w=figure("tdp_w"),
        embodied=row["embodied"] or None,
        valid_from=row["valid_from"],
        source=row["source"],
        tag=row["tag"],
        retrieved_on=row["retrieved_on"],
    )
