"""Whether a workload can keep to the limits that its target names; said before anything is sent."""

from flows.targets import EndpointTarget, LocalTarget
from flows.workload import Workload
from probes.load.pacing import pacing_problem


def limit_problem(target: EndpointTarget | LocalTarget, workload: Workload) -> str | None:
    """Why not, in one sentence; None if it can."""
    if isinstance(target, LocalTarget):
        return None
    limits = workload.search_limits
    if workload.search is not None and limits is not None:
        if target.pace is None and (target.max_rps is None or limits.rate_max_rps <= target.max_rps):
            return None
        limit = f"max_rps = {target.max_rps:g}" if target.max_rps is not None else f'pace = "{target.pace}"'
        return (
            f"a search up to rate_max_rps = {limits.rate_max_rps:g} does not go with {limit}: its loops are open and"
            " never wait"
        )
    return pacing_problem(
        workload, max_rps=target.max_rps, max_tokens_per_minute=target.max_tokens_per_minute, pace=target.pace
    )
