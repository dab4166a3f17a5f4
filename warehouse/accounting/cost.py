"""What a trial cost: by a price list, or by electricity and hardware."""

from collections.abc import Mapping

from warehouse.accounting import quantities as q
from warehouse.accounting.account import Account, TrialFacts, derive, no_window, uncounted
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
    notes = []
    if tokens.uncounted_failed:
        notes.append(f"failed attempts that report no tokens are not in the cost: {tokens.uncounted_failed}")
    needed = [q.INPUT_PRICE, q.OUTPUT_PRICE]
    if tokens.cached_tokens and q.CACHED_PRICE in trial.facts:
        needed.append(q.CACHED_PRICE)
    elif tokens.cached_tokens:
        notes.append(f"no price for cached input is listed: {tokens.cached_tokens} cached tokens at the input price")

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        return price.tokens_usd(
            prompt_tokens=tokens.prompt_tokens,
            cached_tokens=tokens.cached_tokens,
            output_tokens=tokens.output_tokens,
            usd_per_input_mtok=of[q.INPUT_PRICE],
            usd_per_cached_input_mtok=of[q.CACHED_PRICE] if q.CACHED_PRICE in of else of[q.INPUT_PRICE],
            usd_per_output_mtok=of[q.OUTPUT_PRICE],
        )

    return derive(
        "tokens",
        "tokens-x-price",
        trial.facts,
        needed,
        formula,
        blocked=uncounted(tokens),
        note="; ".join(notes) or None,
    )
