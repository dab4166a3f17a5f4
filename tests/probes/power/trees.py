"""Powercap trees as the kernel shows them, written into a folder: counters that a test can turn."""

from collections.abc import Mapping
from pathlib import Path

RANGE_UJ = 262_143_328_850  # what Intel packages report


def write_tree(root: Path, domains: Mapping[str, str], *, energy_uj: int = 1_000_000, range_uj: int = RANGE_UJ) -> Path:
    """One folder for each domain, by the kernel's name for it ("intel-rapl:0"), with what it is ("package-0")."""
    for folder, name in domains.items():
        domain = root / folder
        domain.mkdir(parents=True)
        (domain / "name").write_text(f"{name}\n")
        (domain / "max_energy_range_uj").write_text(f"{range_uj}\n")
        (domain / "energy_uj").write_text(f"{energy_uj}\n")
    return root


def set_energy_uj(root: Path, folder: str, energy_uj: int) -> None:
    """Turn one counter; a reader sees the old value or the new one."""
    fresh = root / folder / "fresh"
    fresh.write_text(f"{energy_uj}\n")
    fresh.replace(root / folder / "energy_uj")


SERVER = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "dram",
    "intel-rapl:1": "package-1",
    "intel-rapl:1:0": "dram",
}
LAPTOP = {
    "intel-rapl-mmio:0": "package-0",
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "uncore",
    "intel-rapl:1": "psys",
}
