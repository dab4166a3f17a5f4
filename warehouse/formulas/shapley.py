"""How much of a change each factor brought, whatever the order in which they are looked at."""

import math
from collections.abc import Callable, Mapping
from itertools import combinations

MOST_FACTORS = 12  # 2^12 evaluations; more factors than that are no explanation

# A factor may be several numbers that move together, as the prices of a list do.
Factors = Mapping[str, tuple[float, ...]]


def shapley_parts(total: Callable[[Factors], float], before: Factors, after: Factors) -> dict[str, float]:
    """The change of a figure, split among the factors that it is made of.

    A factor's part is what the figure changes when that factor alone goes from `before` to `after`, averaged over all
    orders in which the factors may do so. So no order is preferred, parts sum to the whole change, a factor that did
    not change has none, and going back gives the same parts with the other sign. For a product of two factors it is
    the change of one at the mean of the other.

    Args:
        total: the figure out of a value of every factor.
        before: the factors' values.
        after: the same factors' values.

    Returns:
        By factor, in the order of `before`, its part in the unit of `total`; they sum to
        total(after) - total(before) but for rounding.

    Raises:
        ValueError: the factors differ, or more than 12 of them changed.

    Source: Shapley 1953, A value for n-person games; for products of factors Sun 1998, Changes in energy consumption
    and energy intensity: a complete decomposition model, Energy Economics 20, and Shorrocks 2013, Decomposition
    procedures for distributional analysis, Journal of Economic Inequality 11.
    """
    if before.keys() != after.keys():
        raise ValueError(f"the factors {', '.join(before)} and {', '.join(after)} are not the same")
    moved = [name for name in before if before[name] != after[name]]
    if len(moved) > MOST_FACTORS:
        raise ValueError(f"{len(moved)} factors changed; {MOST_FACTORS} are the most that can be told apart")
    reached = {
        frozenset(some): total({name: after[name] if name in some else before[name] for name in before})
        for size in range(len(moved) + 1)
        for some in combinations(moved, size)
    }
    orders = math.factorial(len(moved))
    parts = dict.fromkeys(before, 0.0)
    for name in moved:
        parts[name] = math.fsum(
            math.factorial(len(some)) * math.factorial(len(moved) - len(some) - 1) / orders * (figure_with - figure)
            for some, figure in reached.items()
            if name not in some
            for figure_with in [reached[some | {name}]]
        )
    return parts
