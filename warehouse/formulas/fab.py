"""What making chips emits, from their area and process: the fab model ACT.

Source: Gupta, U. et al.: ACT: Designing Sustainable Computer Systems With An Architectural Carbon Modeling Tool,
ISCA 2022.
"""

from warehouse.formulas.interval import Interval


def carbon_per_area_gco2e(
    *,
    fab_grid_gco2e_per_kwh: Interval,
    epa_kwh_per_cm2: Interval,
    gpa_gco2e_per_cm2: Interval,
    mpa_gco2e_per_cm2: Interval,
    yield_share: Interval,
) -> Interval:
    """Carbon per area (CPA) of good dies: (CI_fab x EPA + GPA + MPA) / yield.

    Args:
        fab_grid_gco2e_per_kwh: intensity of the fab's electricity.
        epa_kwh_per_cm2: its energy per area of wafer.
        gpa_gco2e_per_cm2: gases of the process, after abatement.
        mpa_gco2e_per_cm2: materials.
        yield_share: dies that work, above 0 to 1.

    Returns:
        Grams of CO2 equivalent per cm2 of dies that work.

    Raises:
        ValueError: a yield that may be 0 or is above 1.

    Source: ACT, equation for CPA.
    """
    if yield_share.high > 1:
        raise ValueError(f"a yield of {yield_share.high} is above 1; give it as a share, 0 to 1")
    return (fab_grid_gco2e_per_kwh * epa_kwh_per_cm2 + gpa_gco2e_per_cm2 + mpa_gco2e_per_cm2) / yield_share


def chip_gco2e(area_cm2: Interval, gco2e_per_cm2: Interval, packaging_gco2e: Interval, packages: int = 1) -> Interval:
    """A chip of some area in one or more packages: area x CPA + packages x packaging, grams.

    Raises:
        ValueError: a negative count of packages.

    Source: ACT, integrated circuits.
    """
    if packages < 0:
        raise ValueError(f"a chip cannot have {packages} packages; give 0 for a bare die")
    return area_cm2 * gco2e_per_cm2 + packaging_gco2e * packages


def memory_gco2e(capacity_gb: Interval, gco2e_per_gb: Interval) -> Interval:
    """DRAM, flash or disk by its capacity, grams. Source: ACT, memory and storage."""
    return capacity_gb * gco2e_per_gb
