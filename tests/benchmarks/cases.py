"""What is measured: a pace of the server and a load of the client, the same for every tool."""

from dataclasses import dataclass, replace

from probes.endpoint.spec import EndpointSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One load against one pace. A closed loop has a concurrency and requests, an open one a rate and a duration."""

    name: str
    pace: EndpointSpec
    tokens: int
    concurrency: int | None = None
    requests: int | None = None
    rate_rps: float | None = None
    duration_s: float | None = None


def case(name: str) -> Case:
    """The case of that name.

    b and b1: as fast as it goes, 32 tokens a write and one, 64 streams, 2000 answers of 128 tokens. aN: N streams,
    first token after 200 ms, then 50 tokens a second, 64 tokens. cN: the same with 200 tokens. d: one request. e: open
    loop, 200 requests a second in a Poisson process for 20 s.

    Raises:
        SystemExit: there is no such case.
    """
    if name in ("b", "b1"):
        pace = EndpointSpec(ttft_s=0.0, itl_s=0.0, burst=32 if name == "b" else 1)
        return Case(name=name, pace=pace, tokens=128, concurrency=64, requests=2000)
    if name == "d":
        return Case(name=name, pace=EndpointSpec(ttft_s=0.02, itl_s=0.001), tokens=64, concurrency=1, requests=1)
    if name == "e":
        return Case(name=name, pace=EndpointSpec(ttft_s=0.05, itl_s=0.005), tokens=16, rate_rps=200.0, duration_s=20.0)
    if name[0] in "ac" and name[1:].isdecimal() and int(name[1:]):
        streams, tokens, rounds = int(name[1:]), 64 if name[0] == "a" else 200, 4 if name[0] == "a" else 2
        return Case(name=name, pace=EndpointSpec(), tokens=tokens, concurrency=streams, requests=rounds * streams)
    raise SystemExit(f"no case {name!r}; there are b, b1, d, e, aN and cN, such as a1000")


def small(of: Case) -> Case:
    """The same case with so little of it that it shows only whether everything works."""
    if of.rate_rps is not None:
        return replace(of, duration_s=1.0)
    return replace(of, requests=min(of.requests or 1, 4 * (of.concurrency or 1), 64), tokens=min(of.tokens, 16))
