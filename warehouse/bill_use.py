"""What a target's bill of a span of time is made of: requests, tokens of each kind and prices, or work of a machine."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.formulas.price import REQUESTS_PER_FEE, TOKENS_PER_MTOK
from warehouse.formulas.shapley import Factors, shapley_parts

# Of what is bought by the token, and of a machine of ours; in the order in which people are shown them.
OF_TOKENS = ("volume", "price", "input", "output", "reasoning", "cache", "failed", "warm-up")
OF_MACHINE = ("volume", "price", "work")
_WASTE = ("failed", "warm-up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Billed tokens by kind, the requests that they came in, and the fees of these."""

    requests: int = 0
    fees: int = 0  # how often that of a request was charged: once each, or a rerank's searches
    fresh: int = 0  # of the prompt, neither read from a cache nor written to one
    cached: int = 0
    written: int = 0
    output: int = 0
    reasoning: int | None = 0  # part of output; None where an answer does not say

    @property
    def prompt(self) -> int:
        """All of the prompt."""
        return self.fresh + self.cached + self.written

    @property
    def billed(self) -> tuple[int, int, int, int, int]:
        """In the order of prices: fresh, cached, written, output, fees."""
        return self.fresh, self.cached, self.written, self.output, self.fees


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """What was bought by the token.

    `prices` are those paid on average, US dollars a token and a fee in the order of `Tokens.billed`; of a kind of
    which none was bought, the one that was stated.
    """

    usd: float
    lines: Mapping[str, Tokens]  # answered, failed, warm-up
    prices: tuple[float, ...]

    @property
    def answered(self) -> Tokens:
        """What answers took."""
        return self.lines.get("answered", Tokens())


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineUse:
    """What a machine of ours did in the measured windows, and what that cost."""

    usd: float
    attempts: int
    energy_j: float
    window_s: float
    electricity_usd: float
    hardware_usd: float


Use = TokenUse | MachineUse


def parts_of(before: Use, after: Use) -> dict[str, float]:
    """The change of a target's bill, split among what it is made of, US dollars; parts sum to the change.

    Bought by the token, it is answers x (prompt, fees and output tokens of one, by their prices, the prompt divided by
    how much of it was cached) and what failed attempts and warm-ups took beside each answer. Of a machine, it is
    attempts x (joules and seconds of one, by their prices). Where a span of time has nothing of which something could
    be told, as the share that was cached of no prompt, it is taken to be that of the other.

    Args:
        before: of the earlier span of time.
        after: of the later one, bought in the same way.

    Returns:
        By factor: `OF_TOKENS`, or `OF_MACHINE` in which work is joules and seconds of an attempt.

    Raises:
        ValueError: one is bought by the token and the other is not.

    Source: `formulas.shapley`.
    """
    if isinstance(before, TokenUse) and isinstance(after, TokenUse):
        return _token_parts(before, after)
    if isinstance(before, MachineUse) and isinstance(after, MachineUse):
        return _machine_parts(before, after)
    raise ValueError("what is bought by the token and what a machine costs have no factors in common")


def _token_parts(before: TokenUse, after: TokenUse) -> dict[str, float]:
    # what failed is taken beside each answer; where there was no answer, as it is
    by_answer = before.answered.requests > 0 and after.answered.requests > 0
    splits = all(use.answered.reasoning is not None for use in (before, after))
    factors = [_token_factors(use, other, by_answer, splits) for use, other in ((before, after), (after, before))]

    def total(of: Factors) -> float:
        (answers,), (prompt, fees), (spoken,), (thought,) = of["volume"], of["input"], of["output"], of["reasoning"]
        cached, written = of["cache"]
        one = (prompt * (1 - cached - written), prompt * cached, prompt * written, spoken + thought, fees)
        usd = answers * _usd(one, of["price"])
        return usd + sum((answers if by_answer else 1.0) * _usd(of[line], of["price"]) for line in _WASTE)

    return shapley_parts(total, *factors)


def _token_factors(use: TokenUse, other: TokenUse, by_answer: bool, splits: bool) -> Factors:
    said = use.answered if use.answered.requests else other.answered
    prompts = said if said.prompt else other.answered
    requests, prompt = max(said.requests, 1), max(prompts.prompt, 1)
    thought = (said.reasoning or 0) if splits else 0
    answers = use.answered.requests
    return {
        "volume": (float(answers),),
        "price": use.prices,
        "input": (said.prompt / requests, said.fees / requests),
        "output": ((said.output - thought) / requests,),
        "reasoning": (thought / requests,),
        "cache": (prompts.cached / prompt, prompts.written / prompt),
        **{
            line: tuple(n / (answers if by_answer else 1) for n in use.lines.get(line, Tokens()).billed)
            for line in _WASTE
        },
    }


def _usd(tokens: tuple[float, ...], prices: tuple[float, ...]) -> float:
    return sum(count * price for count, price in zip(tokens, prices, strict=True))


def _machine_parts(before: MachineUse, after: MachineUse) -> dict[str, float]:
    def factors(use: MachineUse, other: MachineUse) -> Factors:
        worked = use if use.attempts else other
        attempts = max(worked.attempts, 1)
        drew, ran = use if use.energy_j else other, use if use.window_s else other
        return {
            "volume": (float(use.attempts),),
            "price": (
                drew.electricity_usd / drew.energy_j if drew.energy_j else 0.0,
                ran.hardware_usd / ran.window_s if ran.window_s else 0.0,
            ),
            "work": (worked.energy_j / attempts, worked.window_s / attempts),
        }

    def total(of: Factors) -> float:
        return of["volume"][0] * _usd(of["work"], of["price"])

    return shapley_parts(total, factors(before, after), factors(after, before))


def per_token(usd_per_mtok: float) -> float:
    """US dollars a token."""
    return usd_per_mtok / TOKENS_PER_MTOK


def per_request(usd_per_1k_requests: float) -> float:
    """US dollars a request."""
    return usd_per_1k_requests / REQUESTS_PER_FEE
