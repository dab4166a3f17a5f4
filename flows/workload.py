"""A workload as a config or the command line gives it: prompts, arrivals, lengths, service level, and how often.

What prompts are made of is told in `probes.load`: `spread` (lengths), `texts`, `prompt_file`, `ingredients` (the rest).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal

from flows.tables import STRICT_KEYS, Allowed, Before
from probes.load.ingredients import History, Images, ingredients_problem
from probes.load.orders import PromptsOrder
from probes.load.spread import Spread
from probes.load.texts import TextKind
from warehouse.rows import Arrivals

# To stop as soon as an interval happens to be narrow is to stop when the repeats happened to agree: looked at from the
# third on, 95 % intervals held the truth in 91 to 92 %, from the fifth on in 93 to 94 %, and without stopping in 93 to
# 95 % (log-normal trials, spread 5 to 20 %, up to 6 and 10 repeats; half a repeat more on average).
LEAST_REPEATS: Final = 5

Id = Annotated[str, Allowed(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]
Positive = Annotated[float, Allowed(gt=0, allow_inf_nan=False)]
Rate = Annotated[float, Allowed(gt=0, le=100_000)]
Share = Annotated[float, Allowed(gt=0, le=1)]
SearchKind = Literal["slo", "sweep"]

# What each kind of arrivals needs, as a person would write it. What belongs to another kind is refused, not ignored.
NEEDS: dict[str, dict[str, str]] = {
    "closed": {"concurrency": "concurrency = N"},
    "constant": {"rate_rps": "rate_rps = X"},
    "poisson": {"rate_rps": "rate_rps = X"},
    "gamma": {"rate_rps": "rate_rps = X", "burstiness": "burstiness = B (1 is Poisson, below 1 comes in bursts)"},
    "linear-ramp": {
        "rate_rps": "rate_rps = X (where it starts)",
        "rate_end_rps": "rate_end_rps = Y (where it ends)",
        "duration_s": "duration_s = S (how long it takes)",
    },
    "exponential-ramp": {
        "rate_rps": "rate_rps = X (where it starts)",
        "rate_end_rps": "rate_end_rps = Y (where it ends)",
        "duration_s": "duration_s = S (how long it takes)",
    },
    "piecewise": {"rates_file": 'rates_file = "FILE"'},
    "trace": {"trace_file": 'trace_file = "FILE"'},
}
LEAST_POINT_REQUESTS = 60  # behind a p95
_OF_SOME_ARRIVALS = ("concurrency", "rate_rps", "burstiness", "rate_end_rps", "rates_file", "trace_file")
_END_BY_THEMSELVES = ("linear-ramp", "exponential-ramp", "piecewise", "trace")
_SEARCHABLE = ("constant", "poisson", "gamma")


def _spread(value: object) -> object:
    """A plain number stands for itself each time."""
    return {"kind": "fixed", "mean": value} if type(value) in (int, float) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """Where a search over rates looks, and when it has looked enough."""

    __pydantic_config__ = STRICT_KEYS

    rate_min_rps: Rate = 1.0
    rate_max_rps: Rate
    tolerance: Annotated[float, Allowed(gt=1, le=2)] = 1.05
    point_repeats: Annotated[int, Allowed(ge=1, le=9)] = 2
    max_points: Annotated[int, Allowed(ge=1, le=200)] = 40
    max_s: Positive = 3600.0

    def __post_init__(self) -> None:
        """Raise ValueError if the limits are none."""
        if self.rate_min_rps > self.rate_max_rps:
            raise ValueError(
                f"rate_min_rps = {self.rate_min_rps:g} must not be above rate_max_rps = {self.rate_max_rps:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Prompts, arrivals, lengths and the service level they are judged by."""

    __pydantic_config__ = STRICT_KEYS

    id: Id
    arrivals: Arrivals
    concurrency: Annotated[int, Allowed(ge=1, le=100_000)] | None = None
    rate_rps: Rate | None = None
    rate_end_rps: Rate | None = None
    burstiness: Annotated[float, Allowed(ge=0.01, le=1e6)] | None = None
    rates_file: Path | None = None  # absolute once the config is read
    trace_file: Path | None = None
    trace_speed: Positive = 1.0
    connections: Literal["warm", "cold"] = "warm"
    requests: Annotated[int, Allowed(ge=1, le=10_000_000)] | None = None
    duration_s: Positive | None = None
    warmup_requests: Annotated[int, Allowed(ge=0, le=1000)] = 2
    prompt_tokens: Annotated[int, Allowed(ge=1, le=2_000_000)]  # of a trace, a file or drawn lengths: the mean
    output_tokens: Annotated[int, Allowed(ge=1, le=1_000_000)]
    prompt_lengths: Spread | None = None  # drawn for each request, in place of prompt_tokens
    output_lengths: Spread | None = None
    prompt_tokens_max: int | None = None  # these two are worked out when a config is read; None: all are the same
    output_tokens_max: int | None = None
    text: TextKind = "prose"
    nonce: bool = True
    shared_prefix_share: float = 0.0
    prompts_file: Path | None = None
    prompts_order: PromptsOrder = "file"
    turns: int = 1
    think_s: Annotated[Spread | None, Before(_spread)] = None
    history: History = "answers"
    images: Images | None = None
    documents: int = 0
    document_tokens: int = 0
    audio_s: float = 0.0
    slo_ttft_ms: Positive = 1000.0
    slo_tpot_ms: Positive = 100.0
    seed: Annotated[int, Allowed(ge=0)] = 0
    repeats: Annotated[int, Allowed(ge=1, le=1000)] = 1
    stop_at_relative_half_width: Share | None = None
    client_processes: Annotated[int, Allowed(ge=1, le=256)] = 1
    search: SearchKind | None = None
    search_limits: SearchLimits | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a trial of it would have no plan, or no end."""
        if self.search is None:
            self._arrivals_are_whole()
        else:
            self._search_is_whole()
        problem = ingredients_problem(self)
        if problem is not None:
            raise ValueError(problem)
        if self.stop_at_relative_half_width is not None and self.repeats <= LEAST_REPEATS:
            raise ValueError(
                f"stop_at_relative_half_width leaves out repeats after the first {LEAST_REPEATS}, and there are"
                f" {self.repeats}; set repeats = {LEAST_REPEATS + 1} or more"
            )

    @property
    def most_prompt_tokens(self) -> int:
        """The longest prompt that can come: for worst cases."""
        return max(self.prompt_tokens, self.prompt_tokens_max or 0)

    @property
    def most_output_tokens(self) -> int:
        """The longest answer that can be asked for."""
        return max(self.output_tokens, self.output_tokens_max or 0)

    def _arrivals_are_whole(self) -> None:
        needs = NEEDS[self.arrivals]
        missing = [text for key, text in needs.items() if getattr(self, key) is None]
        foreign = [key for key in _OF_SOME_ARRIVALS if key not in needs and getattr(self, key) is not None]
        if self.trace_speed != 1.0 and self.arrivals != "trace":
            foreign.append("trace_speed")
        if missing or foreign:
            wants = " and ".join(missing or [next(iter(needs.values()))])
            raise ValueError(
                f'arrivals = "{self.arrivals}" needs {wants}' + (f" and no {', '.join(foreign)}" if foreign else "")
            )
        if self.requests is None and self.duration_s is None and self.arrivals not in _END_BY_THEMSELVES:
            raise ValueError("neither requests nor duration_s is set, so a trial would never end; set one")
        if self.search_limits is not None:
            raise ValueError('search_limits belong to a search; set search = "slo" or "sweep"')

    def _search_is_whole(self) -> None:
        if self.arrivals not in _SEARCHABLE:
            raise ValueError(f'search = "{self.search}" needs arrivals = {_either(_SEARCHABLE)}, not "{self.arrivals}"')
        foreign = [key for key in _OF_SOME_ARRIVALS if key != "burstiness" and getattr(self, key) is not None]
        if foreign:
            raise ValueError(f'search = "{self.search}" chooses the rates itself: leave {", ".join(foreign)} out')
        if (self.burstiness is None) is (self.arrivals == "gamma"):
            raise ValueError('burstiness = B goes with arrivals = "gamma", and only with it')
        if self.search_limits is None:
            raise ValueError(
                f'search = "{self.search}" needs search_limits = {{ rate_max_rps = X }}, the highest rate to try'
            )
        if self.requests is not None and self.requests < LEAST_POINT_REQUESTS:
            raise ValueError(
                f"requests = {self.requests} at a point of a search: a p95 needs at least {LEAST_POINT_REQUESTS}"
            )
        if self.repeats != 1:
            raise ValueError("a search repeats its points: set search_limits point_repeats = N and leave repeats out")


def _either(names: tuple[str, ...]) -> str:
    *others, last = (f'"{name}"' for name in names)
    return f"{', '.join(others)} or {last}"


def point_of(workload: Workload, *, rate_rps: float, requests: int) -> Workload:
    """The workload of one point of a search: the same prompts and arrivals at one rate, of a fixed length."""
    return replace(workload, rate_rps=rate_rps, requests=requests, duration_s=None, search=None, search_limits=None)
