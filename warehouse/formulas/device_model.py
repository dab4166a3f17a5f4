"""What making devices emits, from their parts: the parametric model of Boavizta, for GPUs and servers.

The formulas and their coefficients are facts of boaviztapi 2.5.0; the code is ours. It gives most of a card's emissions
to its HBM, where a life-cycle assessment of an A100 (arXiv 2509.00093) finds the GPU chip: take it as an upper end.
"""

import math
from dataclasses import dataclass

from warehouse.formulas.interval import Interval, exactly

WAFER_RADIUS_MM = 150.0
SCRIBE_LINE_MM = 0.2
DEFECTS_PER_CM2 = 0.1
MEMORY_MM2_PER_GB = 15.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuParts:
    """What a GPU card is made of."""

    die_mm2: float
    memory_gb: float
    memory_stacks_count: int  # the memory's area is divided among so many dies
    casing_kg: float
    heatsink_kg: float
    board_cm2: float
    mass_kg: float
    boat_km: float
    truck_km: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuEmbodied:
    """Emissions of making a GPU card, grams of CO2 equivalent; the rest is assembly, transport and end of life."""

    die_gco2e: float
    memory_gco2e: float
    board_gco2e: float
    casing_gco2e: float
    heatsink_gco2e: float
    rest_gco2e: float

    @property
    def total_gco2e(self) -> float:
        """The whole card, grams."""
        return (
            self.die_gco2e
            + self.memory_gco2e
            + self.board_gco2e
            + self.casing_gco2e
            + self.heatsink_gco2e
            + self.rest_gco2e
        )


def effective_area_mm2(die_mm2: float) -> float:
    """Area of a 300 mm wafer that a die which works takes: its share of the wafer's edge and of the dies that fail.

    Args:
        die_mm2: area of the die, above 0 and small enough that a wafer holds at least one.

    Raises:
        ValueError: an area that is not above 0, or of which no wafer holds a whole die.

    Source: boaviztapi 2.5.0; dies per wafer after de Vries 2005, yield exp(-sqrt(area x defects)).
    """
    if not die_mm2 > 0:
        raise ValueError(f"a die of {die_mm2} mm2 is none; give an area above 0")
    cut_mm2 = (math.sqrt(die_mm2) + SCRIBE_LINE_MM) ** 2
    wafer_mm2 = math.pi * WAFER_RADIUS_MM**2
    dies_per_wafer = wafer_mm2 / cut_mm2 - math.pi * 2 * WAFER_RADIUS_MM / math.sqrt(2 * cut_mm2)
    if dies_per_wafer < 1:
        raise ValueError(f"no wafer of {2 * WAFER_RADIUS_MM:g} mm holds a die of {die_mm2:g} mm2; give the area of one")
    yield_share = math.exp(-math.sqrt(cut_mm2 / 100 * DEFECTS_PER_CM2))
    return wafer_mm2 / dies_per_wafer / yield_share


def gpu_gco2e(parts: GpuParts) -> GpuEmbodied:
    """Making a GPU card, part by part.

    Raises:
        ValueError: a die or a stack of memory without area, or too large for a wafer; less than one stack.

    Source: boaviztapi 2.5.0, GPU.
    """
    if parts.memory_stacks_count < 1:
        raise ValueError(f"memory in {parts.memory_stacks_count} stacks has no area; give at least 1")
    stack_mm2 = effective_area_mm2(parts.memory_gb * MEMORY_MM2_PER_GB / parts.memory_stacks_count)
    per_kg = 0.25955 + parts.boat_km * 1.33e-5 + parts.truck_km * 5.04e-5 + 1.5062
    return GpuEmbodied(
        die_gco2e=effective_area_mm2(parts.die_mm2) * 42.592,
        memory_gco2e=stack_mm2 * parts.memory_stacks_count * 183.79,
        board_gco2e=parts.board_cm2 * 32.549,
        casing_gco2e=parts.casing_kg * 8254.2,
        heatsink_gco2e=parts.heatsink_kg * 5741.2,
        rest_gco2e=parts.mass_kg * per_kg * 1000,
    )


def cpu_gco2e(die_mm2: float) -> float:
    """A CPU by the area of its dies together, grams. Source: boaviztapi 2.5.0, CPU."""
    return die_mm2 * 19.7 + 9140


def ram_module_gco2e(capacity_gb: float, density_gb_per_cm2: Interval) -> Interval:
    """A module of RAM, grams; densities are 0.625 to 2.375 GB/cm2 by maker and node. Source: boaviztapi 2.5.0, RAM."""
    return exactly(capacity_gb) / density_gb_per_cm2 * 2200 + exactly(5220)


def ssd_gco2e(capacity_gb: float, density_gb_per_cm2: Interval) -> Interval:
    """A solid-state drive, grams. Source: boaviztapi 2.5.0, SSD."""
    return exactly(capacity_gb) / density_gb_per_cm2 * 2200 + exactly(6340)


def server_gco2e(
    *, components_gco2e: Interval, motherboard_gco2e: Interval, power_supplies_gco2e: Interval,
    case_gco2e: Interval, assembly_gco2e: Interval,
) -> Interval:  # fmt: skip
    """A server: its CPUs, memory, drives and cards, and what carries, feeds and holds them.

    Source: boaviztapi 2.5.0, server.
    """
    return components_gco2e + motherboard_gco2e + power_supplies_gco2e + case_gco2e + assembly_gco2e
