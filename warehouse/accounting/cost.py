"""What a trial cost: by a price list, or by electricity and hardware."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from warehouse.accounting import quantities as q
from warehouse.accounting.account import Account, Billed, TrialFacts, derive, no_window, uncounted
from warehouse.accounting.energy import energy_of
from warehouse.formulas import price
from warehouse.formulas.interval import AnyQuantity


def cost_accounts(trial: TrialFacts, energy: Account) -> list[Account]:
    """What the measured attempts cost, US dollars: by a price list, or by electricity and hardware.

    A price list rules where there is one, and at every endpoint of which no hardware was declared.
    """
    if q.INPUT_PRICE in trial.facts or q.OUTPUT_PRICE in trial.facts:
        return [_token_cost(trial)]
    is_rented = q.RENT in trial.facts
    if trial.kind == "endpoint" and not is_rented and q.HARDWARE_PRICE not in trial.facts:
        return [_token_cost(trial)]

    def electricity(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return price.electricity_usd(energy_of(energy, of), of[q.PUE], of[q.TARIFF])

    def hardware(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return price.hardware_usd(
            of[q.HARDWARE_PRICE], trial.window_s or 0.0, of[q.LIFETIME], of[q.SHARE], of[q.UTILISATION]
        )

    def rent(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return price.rent_usd(of[q.RENT], trial.window_s or 0.0, of[q.SHARE], of[q.UTILISATION])

    return [
        derive("electricity", "energy-x-pue-x-tariff", trial.facts, [q.PUE, q.TARIFF], electricity, upon=energy),
        derive(
            "hardware",
            "rent-by-time-and-utilisation" if is_rented else "straight-line-by-time-and-utilisation",
            trial.facts,
            [q.RENT, q.SHARE, q.UTILISATION] if is_rented else [q.HARDWARE_PRICE, *q.HARDWARE_USE],
            rent if is_rented else hardware,
            blocked=no_window(trial),
        ),
    ]


def _token_cost(trial: TrialFacts) -> Account:
    tokens = trial.tokens
    if all(price in trial.facts and trial.facts[price].central == 0 for price in (q.INPUT_PRICE, q.OUTPUT_PRICE)):
        tokens = replace(
            tokens,
            uncounted_ok=tokens.uncounted_ok - tokens.searched_ok,
            uncounted_failed=tokens.uncounted_failed - tokens.searched_failed,
        )
    notes = []
    if tokens.uncounted_failed:
        notes.append(f"failed attempts that report no tokens are not in the cost: {tokens.uncounted_failed}")
    needed: list[str] = []
    bands = list(_bands(trial))
    for above, billed in bands:
        needed += [q.above(q.INPUT_PRICE, above), q.above(q.OUTPUT_PRICE, above)]
        for count, price_of, said in (
            (billed.cached_tokens, q.CACHED_PRICE, "cached input is listed: {} cached tokens"),
            (billed.cache_write_tokens, q.CACHE_WRITE_PRICE, "writing to a cache is listed: {} tokens"),
        ):
            if count and q.above(price_of, above) in trial.facts:
                needed.append(q.above(price_of, above))
            elif count:
                notes.append(f"no price for {said.format(count)} at the input price")
        if billed.fees and q.above(q.REQUEST_FEE, above) in trial.facts:
            needed.append(q.above(q.REQUEST_FEE, above))

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        first, *others = (_band_usd(billed, above, of) for above, billed in bands)
        for other in others:
            first += other
        return first

    return derive(
        "tokens",
        "tokens-x-price" if len(bands) == 1 else "tokens-x-price-by-length",
        trial.facts,
        needed,
        formula,
        blocked=uncounted(tokens),
        note="; ".join(notes) or None,
    )


def _bands(trial: TrialFacts) -> Iterator[tuple[int, Billed]]:
    """What was billed at each price: a prompt that is longer than a step pays its price for the whole request."""
    tokens = trial.tokens
    steps = sorted(tokens.longer)
    rest: Billed = Billed(
        fees=tokens.fees,
        prompt_tokens=tokens.prompt_tokens,
        cached_tokens=tokens.cached_tokens,
        cache_write_tokens=tokens.cache_write_tokens,
        output_tokens=tokens.output_tokens,
    )
    below = 0
    for above in steps:
        within = rest - tokens.longer[above]
        if within != Billed():
            yield below, within
        rest, below = tokens.longer[above], above
    if rest != Billed() or not steps:
        yield below, rest


def _band_usd(billed: Billed, above: int, of: Mapping[str, AnyQuantity]) -> AnyQuantity:
    fresh = of[q.above(q.INPUT_PRICE, above)]
    return price.tokens_usd(
        prompt_tokens=billed.prompt_tokens,
        cached_tokens=billed.cached_tokens,
        output_tokens=billed.output_tokens,
        usd_per_input_mtok=fresh,
        usd_per_cached_input_mtok=of.get(q.above(q.CACHED_PRICE, above), fresh),
        usd_per_output_mtok=of[q.above(q.OUTPUT_PRICE, above)],
        cache_write_tokens=billed.cache_write_tokens,
        usd_per_cache_write_mtok=of.get(q.above(q.CACHE_WRITE_PRICE, above)),
        requests=billed.fees,
        usd_per_1k_requests=of.get(q.above(q.REQUEST_FEE, above)),
    )
