"""Grams of CO2 equivalent: running the hardware (operational) and making it (embodied)."""

from warehouse.formulas.interval import Interval

J_PER_KWH = 3.6e6


def operational_gco2e(energy_j: Interval, pue: Interval, grid_gco2e_per_kwh: Interval) -> Interval:
    """Location-based emissions of running: IT energy x PUE x grid intensity.

    Args:
        energy_j: energy at the device, joules.
        pue: power usage effectiveness, facility energy / IT energy, at least 1.
        grid_gco2e_per_kwh: intensity of the grid it ran on, grams of CO2 equivalent per kWh.

    Returns:
        Grams of CO2 equivalent.

    Raises:
        ValueError: a PUE below 1.

    Source: Green Software Foundation, Software Carbon Intensity (ISO/IEC 21031:2024), O = E x I; PUE after
        ISO/IEC 30134-2.
    """
    return facility_kwh(energy_j, pue) * grid_gco2e_per_kwh


def facility_kwh(energy_j: Interval, pue: Interval) -> Interval:
    """Energy that the site takes for the energy at the device, kWh.

    Raises:
        ValueError: a PUE below 1.

    Source: ISO/IEC 30134-2.
    """
    if pue.low < 1:
        raise ValueError(f"a PUE is facility energy over IT energy and cannot be {pue.low}; it must be at least 1")
    return energy_j * pue / J_PER_KWH


def embodied_gco2e(
    total_gco2e: Interval,
    reserved_s: float,
    lifetime_s: Interval,
    resource_share: Interval,
    utilisation_share: Interval,
) -> Interval:
    """The part of making a device that falls to a use of it, by time, part and utilisation.

    Args:
        total_gco2e: emissions of making the whole device, grams of CO2 equivalent.
        reserved_s: how long it was reserved, seconds.
        lifetime_s: how long it will serve, seconds.
        resource_share: part of the device that was reserved, above 0 to 1.
        utilisation_share: part of its life in which it does useful work, above 0 to 1; a device idle half its life
            charges double. 1 gives the formula of the standard.

    Returns:
        Grams of CO2 equivalent.

    Raises:
        ValueError: a share outside 0 to 1, or a lifetime or utilisation that may be 0.

    Source: Green Software Foundation, Software Carbon Intensity (ISO/IEC 21031:2024), M = TE x TiR/EL x RR/ToR.
    """
    return total_gco2e * use_share(reserved_s, lifetime_s, resource_share, utilisation_share)


def use_share(
    reserved_s: float, lifetime_s: Interval, resource_share: Interval, utilisation_share: Interval
) -> Interval:
    """Part of a device's useful life that a use takes: time / lifetime x part reserved / utilisation.

    Raises:
        ValueError: a share outside 0 to 1, or a lifetime or utilisation that may be 0.
    """
    for name, share in (("resource share", resource_share), ("utilisation", utilisation_share)):
        if share.high > 1:
            raise ValueError(f"a {name} of {share.high} is above 1; give it as a share, 0 to 1")
    return resource_share * reserved_s / lifetime_s / utilisation_share
