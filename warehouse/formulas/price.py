"""US dollars: tokens at a price list, and electricity plus hardware, bought or rented, for what we serve ourselves."""

from warehouse.formulas.carbon import facility_kwh, use_share
from warehouse.formulas.interval import AnyQuantity

TOKENS_PER_MTOK = 1e6
SECONDS_PER_HOUR = 3600.0
REQUESTS_PER_FEE = 1000.0


def tokens_usd(
    *,
    prompt_tokens: int,
    cached_tokens: int,
    output_tokens: int,
    usd_per_input_mtok: AnyQuantity,
    usd_per_cached_input_mtok: AnyQuantity,
    usd_per_output_mtok: AnyQuantity,
    cache_write_tokens: int = 0,
    usd_per_cache_write_mtok: AnyQuantity | None = None,
    requests: int = 0,
    usd_per_1k_requests: AnyQuantity | None = None,
) -> AnyQuantity:
    """What a price list asks for some tokens, and for the requests that they came in.

    Args:
        prompt_tokens: all prompt tokens, the cached ones included.
        cached_tokens: those of them that were read from the cache.
        output_tokens: all generated tokens, hidden reasoning included.
        usd_per_input_mtok: US dollars per million uncached prompt tokens.
        usd_per_cached_input_mtok: US dollars per million cached prompt tokens.
        usd_per_output_mtok: US dollars per million output tokens.
        cache_write_tokens: those of the prompt that were written to the cache.
        usd_per_cache_write_mtok: US dollars per million of these; that of uncached ones, if None.
        requests: how many there were.
        usd_per_1k_requests: fee, US dollars per thousand requests; none, if None.

    Returns:
        US dollars.

    Raises:
        ValueError: a negative count, or more cached and written tokens than prompt tokens.
    """
    counts = (prompt_tokens, cached_tokens, cache_write_tokens, output_tokens, requests)
    if min(counts) < 0 or cached_tokens + cache_write_tokens > prompt_tokens:
        written = f" {cache_write_tokens} written," if cache_write_tokens else ""
        raise ValueError(
            f"{prompt_tokens} prompt, {cached_tokens} cached,{written} and {output_tokens} output tokens cannot be;"
            " none may be negative and cached ones are part of the prompt"
        )
    usd = (
        usd_per_input_mtok * (prompt_tokens - cached_tokens - cache_write_tokens)
        + usd_per_cached_input_mtok * cached_tokens
        + usd_per_output_mtok * output_tokens
    ) / TOKENS_PER_MTOK
    if cache_write_tokens:
        written_usd = usd_per_input_mtok if usd_per_cache_write_mtok is None else usd_per_cache_write_mtok
        usd = usd + written_usd * cache_write_tokens / TOKENS_PER_MTOK
    if requests and usd_per_1k_requests is not None:
        usd = usd + usd_per_1k_requests * (requests / REQUESTS_PER_FEE)
    return usd


def electricity_usd(energy_j: AnyQuantity, pue: AnyQuantity, usd_per_kwh: AnyQuantity) -> AnyQuantity:
    """What the electricity costs that the site takes: energy x PUE x tariff, US dollars.

    Raises:
        ValueError: a PUE below 1.
    """
    return facility_kwh(energy_j, pue) * usd_per_kwh


def hardware_usd(
    price_usd: AnyQuantity,
    reserved_s: float,
    lifetime_s: AnyQuantity,
    resource_share: AnyQuantity,
    utilisation_share: AnyQuantity,
) -> AnyQuantity:
    """The part of a machine's price that falls to a use of it, US dollars: straight-line over the hours it works.

    Raises:
        ValueError: a share outside 0 to 1, or a lifetime or utilisation that may be 0.
    """
    return price_usd * use_share(reserved_s, lifetime_s, resource_share, utilisation_share)


def rent_usd(
    usd_per_h: AnyQuantity, reserved_s: float, resource_share: AnyQuantity, utilisation_share: AnyQuantity
) -> AnyQuantity:
    """The part of a machine's rent that falls to a use of it, US dollars: its hours bear the paid hours without work.

    Raises:
        ValueError: a share above 1, or a utilisation that may be 0.
    """
    for name, share in (("resource share", resource_share), ("utilisation", utilisation_share)):
        if share.high > 1:
            raise ValueError(f"a {name} of {share.high} is above 1; give it as a share, 0 to 1")
    return usd_per_h * resource_share * (reserved_s / SECONDS_PER_HOUR) / utilisation_share
