"""What a month of mine would cost, emit and take at each target that was measured, re-ranked with its uncertainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np

from warehouse.accounting import quantities as q
from warehouse.break_even import MIN_GOODPUT_SHARE
from warehouse.calculator_bill import bill
from warehouse.calculator_figure import Figure, basis_of, facts_as_inputs, figure, known, unknown
from warehouse.calculator_inputs import Measured
from warehouse.calculator_machines import Machines, machines_needed, own_kg, own_usd
from warehouse.formulas import carbon
from warehouse.formulas.interval import AnyQuantity
from warehouse.formulas.price import TOKENS_PER_MTOK
from warehouse.formulas.ranking import rank_bands
from warehouse.formulas.usage import Usage
from warehouse.pricebook.entry import PriceEntry

By = Literal["usd", "kg", "s"]
G_PER_KG = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is wanted in a month, and on which terms."""

    usage: Usage
    at: datetime  # UTC instant whose prices hold
    batch_share: float = 0.0  # of the requests that may wait for the batch tier, where one is sold
    service_tier: str | None = None  # for the others; None: as each target was measured
    contracts: Mapping[str, PriceEntry] = field(default_factory=dict)  # by target: they rule over all that is on record
    min_goodput_share: float = MIN_GOODPUT_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A month at one target. Ranks are None where the figure ranked by is not known; 1 is best."""

    target: Measured
    usd: Figure  # a month, US dollars
    kg: Figure  # a month, kilograms of CO2 equivalent, operational by location and embodied
    seconds: Figure  # from the send to the last token of one request, median
    machines: Machines | None = None  # of a target that is ours to run
    rank_low: int | None = None
    rank_high: int | None = None
    p_first: float | None = None

    def of(self, by: By) -> Figure:
        """The figure to rank by."""
        return {"usd": self.usd, "kg": self.kg, "s": self.seconds}[by]


def estimates(targets: Sequence[Measured], demand: Demand, *, by: By = "usd") -> list[Estimate]:
    """A month at each target: those with a known figure first, the least of it on top, each with its band of ranks.

    A band is as wide as the ranges of the inputs leave it, family-wise at 95 % (`formulas.ranking`): two targets stay
    apart only if the difference of their draws does not hold 0, and an input that they share is drawn once for both.

    Args:
        targets: what was measured, see `calculator_inputs.measured_targets`.
        demand: the month.
        by: figure to rank by; less is better.
    """
    found = [_estimate(target, demand) for target in targets]
    ranked = [each for each in found if each.of(by).value is not None]
    rest = [each for each in found if each.of(by).value is None]
    return [*_banded(ranked, by), *sorted(rest, key=lambda each: each.target.target_id)]


def _estimate(target: Measured, demand: Demand) -> Estimate:
    seconds = _seconds(target, demand)
    if target.is_own and target.target_id not in demand.contracts:
        machines, why = machines_needed(target, demand.usage.total, min_goodput_share=demand.min_goodput_share)
        if machines is None:
            return Estimate(target=target, usd=unknown(why), kg=unknown(why), seconds=seconds)
        return Estimate(
            target=target,
            usd=own_usd(target, machines),
            kg=own_kg(target, machines),
            seconds=seconds,
            machines=machines,
        )
    usd = bill(
        target,
        demand.usage,
        at=demand.at,
        batch_share=demand.batch_share,
        service_tier=demand.service_tier,
        contract=demand.contracts.get(target.target_id),
    )
    return Estimate(target=target, usd=usd, kg=_hosted_kg(target, demand), seconds=seconds)


def _hosted_kg(target: Measured, demand: Demand) -> Figure:
    needed = [q.J_PER_TOKEN, q.PUE, q.GRID, q.EMBODIED_PER_MTOK]
    inputs, missing = facts_as_inputs(target.facts, needed, target.target_id)
    if missing:
        return unknown(*missing)
    output = demand.usage.total.output_tokens

    def formula(of: Mapping[str, AnyQuantity]) -> AnyQuantity:
        operational = carbon.operational_gco2e(of[q.J_PER_TOKEN] * output, of[q.PUE], of[q.GRID])
        return (operational + of[q.EMBODIED_PER_MTOK] * (output / TOKENS_PER_MTOK)) / G_PER_KG

    note = "emissions by output tokens: what is stated of its energy counts prompts with them"
    return figure(inputs, formula, basis=basis_of(target.facts, needed), notes=[note])


def _seconds(target: Measured, demand: Demand) -> Figure:
    """First token as it was measured, then my output tokens at its speed."""
    ttft, tpot = target.figures.get("ttft_p50_s"), target.figures.get("tpot_p50_s")
    if ttft is None or tpot is None:
        return unknown("no attempt succeeded" if not target.requests else "its time per token is not known")
    total = demand.usage.total
    more_tokens = max(total.output_tokens / total.requests - 1, 0.0)
    notes = []
    if target.prompt_tokens is not None and target.requests:
        notes.append(f"first token as measured, with prompts of {target.prompt_tokens / target.requests:,.0f} tokens")
    return known(ttft + tpot * more_tokens, basis="measured", notes=notes)


def _banded(found: Sequence[Estimate], by: By) -> list[Estimate]:
    if not found:
        return []
    values = [each.of(by).value for each in found]
    central = np.array([[value.central if value else np.nan] for value in values])
    if by == "s":  # intervals of samples: nothing is shared between targets
        low = np.array([[value.low if value else np.nan] for value in values])
        high = np.array([[value.high if value else np.nan] for value in values])
        draws = None
    else:
        low = high = central
        draws = np.stack([each.of(by).draws() for each in found])
    standings = rank_bands(
        central,
        direction="lower",
        within_low=low,
        within_high=high,
        input_draws=draws,
        linear=bool(central.min() <= 0 or (draws is not None and draws.min() <= 0)),
    )
    placed = [
        Estimate(
            target=each.target,
            usd=each.usd,
            kg=each.kg,
            seconds=each.seconds,
            machines=each.machines,
            rank_low=standing.rank_low,
            rank_high=standing.rank_high,
            p_first=standing.p_first,
        )
        for each, standing in zip(found, standings, strict=True)
    ]
    return [placed[n] for n in np.argsort(central[:, 0], kind="stable").tolist()]
