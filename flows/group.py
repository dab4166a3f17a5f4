"""Which trials are measured together. Pure.

Endpoints of one group (by default, of one model) under one workload are interleaved by one client, so that what the
network and the hour did to one of them they did to all. A local target is always alone: it would share its machine.
"""

from collections.abc import Callable, Hashable, Sequence

from flows.config import EndpointTarget
from flows.plan import PlannedTrial


def units(due: Sequence[PlannedTrial], *, paired: bool) -> list[list[PlannedTrial]]:
    """The trials that are due, each alone or with its group, in the order of each unit's first."""
    found: dict[Hashable, list[PlannedTrial]] = {}
    for planned in due:
        target, workload = planned.target, planned.workload
        key: Hashable = planned.trial_id
        if paired and isinstance(target, EndpointTarget) and workload.search is None:
            key = (planned.repeat_number, workload.id, target.group or target.model)
        found.setdefault(key, []).append(planned)
    return list(found.values())


def within_capacity(
    unit: Sequence[PlannedTrial], streams: Callable[[PlannedTrial], int], holds: Callable[[int], bool]
) -> list[list[PlannedTrial]]:
    """A unit, halved until the client is certified to hold what each part plans; one trial is never divided.

    Args:
        streams: requests that a trial is planned to have in flight.
        holds: whether the client passes its self-test with so many streams.
    """
    if len(unit) == 1 or holds(sum(map(streams, unit))):
        return [list(unit)]
    half = (len(unit) + 1) // 2
    return within_capacity(unit[:half], streams, holds) + within_capacity(unit[half:], streams, holds)


def affordable(unit: Sequence[PlannedTrial], left_usd: float) -> list[PlannedTrial]:
    """The first trials of a unit whose worst cases together stay within what is left of the limit."""
    kept: list[PlannedTrial] = []
    for planned in unit:
        left_usd -= planned.quote_usd_worst or 0.0
        if left_usd < 0:
            break
        kept.append(planned)
    return kept


def group_id(unit: Sequence[PlannedTrial]) -> str | None:
    """A name for trials measured together, unique because a trial_id is; None for one alone."""
    return f"{unit[0].trial_id}+{len(unit) - 1}" if len(unit) > 1 else None
