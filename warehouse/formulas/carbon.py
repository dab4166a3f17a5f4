"""Grams of CO2 equivalent: running the hardware (operational) and making it (embodied)."""

from warehouse.formulas.interval import AnyQuantity, Interval

J_PER_KWH = 3.6e6


def operational_gco2e(energy_j: AnyQuantity, pue: AnyQuantity, grid_gco2e_per_kwh: AnyQuantity) -> AnyQuantity:
    """Emissions of running: IT energy x PUE x intensity of the electricity.

    With the intensity of the grid at the place (a yearly mean, or `hourly_gco2e_per_kwh`) the result is
    location-based; with `market_gco2e_per_kwh` it is market-based.

    Args:
        energy_j: energy at the device, joules.
        pue: power usage effectiveness, facility energy / IT energy, at least 1.
        grid_gco2e_per_kwh: intensity of the electricity it ran on, grams of CO2 equivalent per kWh.

    Returns:
        Grams of CO2 equivalent.

    Raises:
        ValueError: a PUE below 1.

    Source: Green Software Foundation, Software Carbon Intensity (ISO/IEC 21031:2024), O = E x I; PUE after
        ISO/IEC 30134-2.
    """
    return facility_kwh(energy_j, pue) * grid_gco2e_per_kwh


def hourly_gco2e_per_kwh(energy_shares: list[float], intensities: list[Interval]) -> Interval:
    """One intensity for a window, from those of its hours weighted by the energy of each: sum of E_k / E x CI(t_k).

    IT energy x PUE x this is the sum over the hours of E_k x PUE x CI(t_k).

    Args:
        energy_shares: each hour's part of the energy, 0 to 1; they add up to 1.
        intensities: of the same hours, grams of CO2 equivalent per kWh.

    Returns:
        Grams of CO2 equivalent per kWh.

    Raises:
        ValueError: lengths differ, a share is negative, or the shares do not add up to 1.
    """
    if len(energy_shares) != len(intensities):
        raise ValueError(f"{len(energy_shares)} shares of energy but {len(intensities)} hours")
    if min(energy_shares, default=-1.0) < 0 or abs(sum(energy_shares) - 1) > 1e-9:
        raise ValueError(f"shares of energy {energy_shares} must not be negative and must add up to 1")
    return Interval(
        low=sum(share * hour.low for share, hour in zip(energy_shares, intensities, strict=True)),
        central=sum(share * hour.central for share, hour in zip(energy_shares, intensities, strict=True)),
        high=sum(share * hour.high for share, hour in zip(energy_shares, intensities, strict=True)),
    )


def market_gco2e_per_kwh(
    covered_share: Interval, contract_gco2e_per_kwh: Interval, residual_gco2e_per_kwh: Interval
) -> Interval:
    """Intensity of the electricity that was bought: what contracts cover at theirs, the rest at the residual mix.

    Args:
        covered_share: part of the electricity that contracts or certificates cover, 0 to 1.
        contract_gco2e_per_kwh: intensity that they state, grams of CO2 equivalent per kWh.
        residual_gco2e_per_kwh: of the residual mix, which is what nobody has claimed.

    Returns:
        Grams of CO2 equivalent per kWh; its ends are the extremes over all choices within the inputs.

    Raises:
        ValueError: a share above 1.

    Source: WRI, GHG Protocol Scope 2 Guidance (2015), market-based method.
    """
    if covered_share.high > 1:
        raise ValueError(f"a covered share of {covered_share.high} is above 1; give it as a share, 0 to 1")

    def mixed(covered: float, contract: float, residual: float) -> float:
        return covered * contract + (1 - covered) * residual

    shares = (covered_share.low, covered_share.high)  # the result is linear in it: an end is an extreme
    return Interval(
        low=min(mixed(share, contract_gco2e_per_kwh.low, residual_gco2e_per_kwh.low) for share in shares),
        central=mixed(covered_share.central, contract_gco2e_per_kwh.central, residual_gco2e_per_kwh.central),
        high=max(mixed(share, contract_gco2e_per_kwh.high, residual_gco2e_per_kwh.high) for share in shares),
    )


def facility_kwh(energy_j: AnyQuantity, pue: AnyQuantity) -> AnyQuantity:
    """Energy that the site takes for the energy at the device, kWh.

    Raises:
        ValueError: a PUE below 1.

    Source: ISO/IEC 30134-2.
    """
    if pue.low < 1:
        raise ValueError(f"a PUE is facility energy over IT energy and cannot be {pue.low}; it must be at least 1")
    return energy_j * pue / J_PER_KWH


def embodied_gco2e(
    total_gco2e: AnyQuantity,
    reserved_s: float,
    lifetime_s: AnyQuantity,
    resource_share: AnyQuantity,
    utilisation_share: AnyQuantity,
) -> AnyQuantity:
    """The part of making a device that falls to a use of it, by time, part and utilisation.

    What is charged is what was reserved, not what was busy: a trial reserves its part of the machine for its whole
    window, waiting included. Time in which the machine serves nobody is charged through the utilisation.

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
    reserved_s: float, lifetime_s: AnyQuantity, resource_share: AnyQuantity, utilisation_share: AnyQuantity
) -> AnyQuantity:
    """Part of a device's useful life that a use takes: time / lifetime x part reserved / utilisation.

    Raises:
        ValueError: a share outside 0 to 1, or a lifetime or utilisation that may be 0.
    """
    for name, share in (("resource share", resource_share), ("utilisation", utilisation_share)):
        if share.high > 1:
            raise ValueError(f"a {name} of {share.high} is above 1; give it as a share, 0 to 1")
    return resource_share * reserved_s / lifetime_s / utilisation_share
