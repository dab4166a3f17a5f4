"""Water, materials and primary energy: what running takes beside greenhouse gases."""

from warehouse.formulas.carbon import J_PER_KWH, facility_kwh
from warehouse.formulas.interval import AnyQuantity


def water_l(
    energy_j: AnyQuantity, pue: AnyQuantity, wue_site_l_per_kwh: AnyQuantity, wue_grid_l_per_kwh: AnyQuantity
) -> AnyQuantity:
    """Water consumed by running: cooling at the site, and generating the electricity that the site took.

    E_IT x (WUE_site + PUE x WUE_grid). The site's figure is per kWh of IT energy, so it is not multiplied by the PUE:
    codecarbon 3.3.2 multiplies it by facility energy, and over-counts by the PUE.

    Args:
        energy_j: energy at the device, joules.
        pue: power usage effectiveness, at least 1.
        wue_site_l_per_kwh: water usage effectiveness of the site, litres per kWh of IT energy.
        wue_grid_l_per_kwh: water of generating electricity, litres per kWh.

    Returns:
        Litres.

    Raises:
        ValueError: a PUE below 1.

    Source: Li, P. et al.: Making AI Less "Thirsty" (2023), arXiv 2304.03271; WUE after ISO/IEC 30134-9.
    """
    return energy_j / J_PER_KWH * wue_site_l_per_kwh + facility_kwh(energy_j, pue) * wue_grid_l_per_kwh


def grid_impact(energy_j: AnyQuantity, pue: AnyQuantity, impact_per_kwh: AnyQuantity) -> AnyQuantity:
    """Another impact of the electricity that the site took, such as materials (ADPe) or primary energy.

    Args:
        energy_j: energy at the device, joules.
        pue: power usage effectiveness, at least 1.
        impact_per_kwh: of the grid, in the unit of the result per kWh.

    Raises:
        ValueError: a PUE below 1.

    Source: EcoLogits 0.11.3, methodology of the usage phase.
    """
    return facility_kwh(energy_j, pue) * impact_per_kwh
