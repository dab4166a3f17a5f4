"""Weights of one's own as a person types them: `cost=2,ttft_p95=1`."""

from collections.abc import Mapping
from math import isfinite

from warehouse.errors import WarehouseError
from warehouse.metrics import METRICS, TASK_METRICS

# metric id -> weight, all above 0
Weights = Mapping[str, float]


def parse_weights(text: str) -> dict[str, float]:
    """Weights by metric id out of `cost=2,ttft_p95=1`: aliases or ids of the registry, each at most once; 0 is none.

    Raises:
        WarehouseError: a name or a number is none, or nothing has a weight; says which.
    """
    known = (*METRICS, *TASK_METRICS)
    by_name = {name: of.id for of in known for name in (of.alias, of.id)}
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in by_name:
            raise WarehouseError(f"weight {part.strip()!r} is of no metric; use {', '.join(of.alias for of in known)}")
        metric_id = by_name[name]
        if metric_id in found:
            raise WarehouseError(f"weight {name} is given twice; give it once")
        found[metric_id] = _weight(name, number)
    weights = {metric_id: weight for metric_id, weight in found.items() if weight > 0}
    if not weights:
        raise WarehouseError("all weights are 0; give one above 0, as in cost=2,ttft_p95=1")
    return weights


def _weight(name: str, number: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        raise WarehouseError(f"weight {name} = {number!r} is no number; give one, as in {name}=2") from None
    if not (isfinite(weight) and weight >= 0):
        raise WarehouseError(f"weight {name} = {number} must be 0 or above, as in {name}=2")
    return weight
