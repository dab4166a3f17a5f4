"""How fast and how dear providers were when the survey looked: the picture that today's points are drawn before."""

from dataclasses import dataclass

from warehouse.reference.ledgers import ledger

LEDGER = "landscape_2024"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Speed and price of some providers on one day; None is an end that was not stated.

    Speed is that of one stream as its reader sees it, in tokens per second; price a single one for all tokens, US
    dollars per 10^6: neither is quite what we measure.
    """

    who: str
    least_output_tokens_per_s: float
    most_output_tokens_per_s: float | None
    least_usd_per_mtok: float
    most_usd_per_mtok: float
    valid_from: str  # ISO date
    source: str
    tag: str
    retrieved_on: str  # ISO date


def landscape_2024() -> tuple[Reach, ...]:
    """What the survey says of 2024, in the order of its ledger."""
    return tuple(
        Reach(
            who=row["who"],
            least_output_tokens_per_s=float(row["least_output_tokens_per_s"]),
            most_output_tokens_per_s=float(most) if (most := row["most_output_tokens_per_s"]) else None,
            least_usd_per_mtok=float(row["least_usd_per_mtok"]),
            most_usd_per_mtok=float(row["most_usd_per_mtok"]),
            valid_from=row["valid_from"],
            source=row["source"],
            tag=row["tag"],
            retrieved_on=row["retrieved_on"],
        )
        for row in ledger(LEDGER)
    )
