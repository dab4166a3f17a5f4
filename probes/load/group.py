"""Paired groups: several targets under one load at the same time, so that their differences are differences of theirs.

Rounds are sent, not requests: in each, every member gets one request, with the same text but for its nonce, in an order
drawn anew. What the hour, the network and this machine do, they do to all members of a round alike.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from time import monotonic_ns
from typing import Final

from probes.errors import ProbeError
from probes.load.client import check_platform, cpu_s, nothing, read_result
from probes.load.clock import sample_offset_ns
from probes.load.flight import Planned
from probes.load.session import Session
from probes.load.spec import LoadResult, LoadSpec, Progress

_OPEN_LOOP_LEAD_NS: Final = 5_000_000  # from fixing the plan to its start

# What belongs to a target. The rest of a spec is the load, and one for all members.
_OWN: Final = frozenset(
    {
        "base_url",
        "model",
        "api",
        "api_key",
        "extra_headers",
        "extra_body",
        "max_tokens_field",
        "temperature",
        "tokenizer",
        "attempt_prefix",
        "timeouts",
        "ca_file",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """One target of a group, and where its attempts go."""

    spec: LoadSpec
    spool_path: Path  # a file that does not exist yet, in a directory that does


def run_load_group(
    members: Sequence[GroupMember],
    *,
    on_progress: Callable[[int, Progress], None] | None = None,
    stop: Callable[[], str | None] = lambda: None,
    on_window_start: Callable[[], None] | None = None,
) -> list[LoadResult]:
    """Measure several targets in rounds, by one client.

    An open loop plans rounds (`rate_rps` of them a second). A closed loop keeps `concurrency` rounds in flight: a slot
    begins its next when every attempt of its last has ended. Attempts of a round share `pair_id`. Each member has
    warm-ups, calibration and connections of its own. One that refuses everybody gets no more requests after three
    failures of that kind in a row, which its result says; the others go on.

    Args:
        members: at least one; their specs differ in target and key only.
        on_progress: called about four times a second for each member, with its index.
        stop: polled at least four times a second; a reason ends all trials, with what is in flight as "aborted".
        on_window_start: called right before the first measured request is sent.

    Returns:
        One result a member, in their order. Evidence and CPU seconds are the client's, so the same in all but for the
        sends.

    Raises:
        ProbeError: no member, members whose loads differ, and whatever `run_load` raises it for.
    """
    check_platform()
    _check(members)
    cpu_start_s = cpu_s()
    offset_start_ns = sample_offset_ns()
    specs = [member.spec for member in members]
    paths = [member.spool_path for member in members]
    with Session(specs, paths, stop=stop, on_progress=on_progress) as session:
        session.get_ready(session.warm_up())
        if not session.loop.is_over:
            rounds = _rounds([source.unscheduled() for source in session.requests], specs[0].seed)
            session.measure(rounds, before=on_window_start or nothing)
        evidence = session.evidence()
        reasons = [session.stopped_reason(n) for n in range(len(members))]
    return [
        read_result(
            path, offset_start_ns=offset_start_ns, evidence=told, stopped_reason=reason, cpu_before_s=cpu_start_s
        )
        for path, told, reason in zip(paths, evidence, reasons, strict=True)
    ]


def _check(members: Sequence[GroupMember]) -> None:
    if not members:
        raise ProbeError("a group has no member; name at least one")
    first = members[0].spec
    for member in members[1:]:
        for field in fields(LoadSpec):
            ours, theirs = getattr(first, field.name), getattr(member.spec, field.name)
            if field.name not in _OWN and ours != theirs:
                raise ProbeError(
                    f"the members of a group share one load, but {field.name} is {ours!r} for {first.attempt_prefix} "
                    f"and {theirs!r} for {member.spec.attempt_prefix}; make it the same, or measure them apart"
                )
    prefixes = [member.spec.attempt_prefix for member in members]
    if len(set(prefixes)) < len(prefixes):
        raise ProbeError(f"attempt_prefix must differ between the members of a group; they are {', '.join(prefixes)}")


def _rounds(plans: Sequence[Iterator[Planned]], seed: int) -> Iterator[Sequence[Planned]]:
    """The plans of all members side by side: one request of each, all due at once, in an order of their own."""
    draw = random.Random(f"rounds:{seed}")
    start_ns: int | None = None
    for n, requests in enumerate(zip(*plans, strict=True)):
        if start_ns is None:
            start_ns = monotonic_ns() + _OPEN_LOOP_LEAD_NS
        for lane, planned in enumerate(requests):
            planned.lane = lane
            if planned.t_sched_ns is not None:
                planned.t_sched_ns += start_ns
            planned.pair_id = f"{n:05d}"
        yield draw.sample(requests, len(requests))
