"""The formula of the mlco2 impact calculator, to be set beside others: TDP x hours x intensity, and nothing else.

No PUE, host, memory or embodied part. The row that LLMCarbon's paper prints for mlco2 does not follow from it (it is
42 to 116 % higher on the same inputs), so that row is a citation of `training_published.csv`.
"""

DECIMALS = 2  # the calculator rounds each step


def mlco2_kwh(tdp_w: float, device_hours: float) -> float:
    """Energy as mlco2 has it, kWh, rounded as it rounds.

    Args:
        tdp_w: thermal design power of the device, watts.
        device_hours: hours times devices; the calculator itself knows of one device only.

    Raises:
        ValueError: power or time that is not above 0.

    Source: mlco2/impact, the calculator's source (read); Lacoste et al. 2019 (arXiv 1910.09700).
    """
    if not (tdp_w > 0 and device_hours > 0):
        raise ValueError(f"mlco2 needs a power and a time above 0, not {tdp_w} W and {device_hours} h")
    return round(tdp_w * device_hours / 1000, DECIMALS)


def mlco2_kgco2e(energy_kwh: float, grid_kgco2e_per_kwh: float) -> float:
    """Emissions as mlco2 has them, kg, rounded as it rounds.

    Raises:
        ValueError: an intensity below 0.

    Source: mlco2/impact, the calculator's source (read); Lacoste et al. 2019 (arXiv 1910.09700).
    """
    if grid_kgco2e_per_kwh < 0:
        raise ValueError(f"a grid intensity of {grid_kgco2e_per_kwh} kg/kWh is below 0")
    return round(energy_kwh * grid_kgco2e_per_kwh, DECIMALS)
