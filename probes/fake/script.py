"""What a fake endpoint plays, and to whom: pace, framing, and which fixture meets which request."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from probes.errors import ProbeError
from probes.fake.fixtures import FIXTURES, fixture_named, nearest
from probes.fake.formats import FORMATS, plays
from probes.fake.steps import Framing, LineEnd

HOLD_S: Final = 3600.0
_MOST_TOKENS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Which fixture meets which of the requests that fit it. Requests are counted from 1, for each rule its own way.

    Give one of `requests`, `every` and neither (all of them), and one of `fixture`, `cycle` and `weights`.

    Raises:
        ProbeError: a name or number that cannot be; says what would be right.
    """

    fixture: str | None = None
    cycle: tuple[str, ...] = ()  # each in turn, then the first again
    weights: Mapping[str, float] = field(default_factory=dict)  # fixture -> share, of any sum
    api: str | None = None  # only requests in that format
    path: str | None = None  # only requests whose path begins so
    model: str | None = None  # only requests for that model
    requests: tuple[int, ...] = ()  # those of the requests that fit
    every: int | None = None  # each n-th of them
    start: int | None = None  # the first that `every` hits; None: the n-th

    def __post_init__(self) -> None:
        given = [name for name in ("fixture", "cycle", "weights") if getattr(self, name)]
        if len(given) != 1:
            raise ProbeError(
                f"a rule has {' and '.join(given) or 'no fixture'}; give one of fixture, cycle and weights"
            )
        if self.requests and self.every is not None:
            raise ProbeError("a rule has both requests and every; give one")
        if self.start is not None and self.every is None:
            raise ProbeError(f"start = {self.start} goes with every; leave it out")
        for name, number in (("every", self.every), ("start", self.start), *(("requests", n) for n in self.requests)):
            if number is not None and number < 1:
                raise ProbeError(f"{name} = {number} must be 1 or more: requests are counted from 1")
        if self.api is not None and self.api not in FORMATS:
            raise ProbeError(f'api "{self.api}" is not a format of this endpoint{nearest(self.api, FORMATS)}')
        for name in self.names:
            fixture = fixture_named(name)
            if self.api is not None and not plays(FORMATS[self.api], fixture):
                raise ProbeError(
                    f'{self.api} has no fixture "{name}"; megatoken fake --list shows which formats have it'
                )
        for name, weight in self.weights.items():
            if not weight >= 0 or weight == float("inf"):
                raise ProbeError(f"weights: {name} = {weight} must be 0 or more")
        if self.weights and not sum(self.weights.values()) > 0:
            raise ProbeError("weights: all are 0; give one of them more")

    @property
    def names(self) -> tuple[str, ...]:
        """The fixtures that it may play."""
        return (self.fixture,) if self.fixture is not None else self.cycle or tuple(self.weights)

    def fits(self, api: str, path: str, model: str) -> bool:
        """Whether requests of that kind are counted."""
        if self.path is not None and not path.startswith(self.path):
            return False
        return self.api in (None, api) and self.model in (None, model)

    def choose(self, number: int, seed: str) -> str | None:
        """The fixture for the n-th request that fits; None to leave it to the next rule."""
        if self.requests and number not in self.requests:
            return None
        if self.every is not None:
            first = self.every if self.start is None else self.start
            if number < first or (number - first) % self.every:
                return None
        if self.fixture is not None:
            return self.fixture
        if self.cycle:
            return self.cycle[(number - 1) % len(self.cycle)]
        dice = Random(f"{seed}:{number}")  # the same for everybody who plays this script
        return dice.choices(list(self.weights), list(self.weights.values()))[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeScript:
    """How the endpoint answers.

    Raises:
        ProbeError: a value is out of range; names it, the value and the remedy.
    """

    ttft_s: float = 0.0
    itl_s: float = 0.0
    gap_s: float = 0.3  # least time to the first payload where a fixture is silent before it
    hold_s: float = HOLD_S  # how long a stall or another silence lasts
    tokens: int = 8  # when the request asks for none
    model: str = "fake"  # the name that it lists
    models: tuple[str, ...] = ()  # the names it serves; none: any
    framing: Framing = "usual"
    line_end: LineEnd = "lf"
    seed: int = 0
    plays: tuple[Play, ...] = ()  # the first that has something for a request wins
    fault: str = "none"  # a rule of its own, before all others
    fault_every: int = 1  # it hits request 1, 1 + n, 1 + 2n, ...
    certificate: Path | None = None  # PEM; with it the endpoint speaks TLS
    key: Path | None = None

    def __post_init__(self) -> None:
        fixture_named(self.fault)
        for name in ("ttft_s", "itl_s", "gap_s", "hold_s"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ProbeError(f"{name} = {value} must be 0 or more seconds")
        if not 1 <= self.tokens <= _MOST_TOKENS:
            raise ProbeError(f"tokens = {self.tokens} must be 1 to {_MOST_TOKENS}")
        if self.fault_every < 1:
            raise ProbeError(f"fault_every = {self.fault_every} must be 1 or more; 1 hits every request")
        if (self.certificate is None) != (self.key is None):
            raise ProbeError("TLS needs both a certificate and a key; give both or neither")

    def rules(self) -> tuple[Play, ...]:
        """All of them, in the order in which they are asked."""
        if self.fault == "none":
            return self.plays
        return (Play(fixture=self.fault, every=self.fault_every, start=1), *self.plays)


class Selector:
    """Chooses a fixture for each request, in the order in which they come."""

    def __init__(self, script: FakeScript) -> None:
        self._seed = script.seed
        self._rules = script.rules()
        self._counts = [0] * len(self._rules)

    def choose(self, api: str, path: str, model: str) -> str:
        """The name of the fixture for the next request of that format, at that path, for that model."""
        chosen = None
        for n, rule in enumerate(self._rules):
            if rule.fits(api, path, model):
                self._counts[n] += 1
                if chosen is None:
                    chosen = rule.choose(self._counts[n], f"{self._seed}:{n}")
        return chosen or "none"


def forecast(script: FakeScript, api: str, requests: int, *, path: str = "", model: str = "") -> Counter[str]:
    """How often each fixture is played to so many requests of one kind: the plan, before anything is sent."""
    selector = Selector(script)
    return Counter(_playable(api, selector.choose(api, path, model)) for _ in range(requests))


def _playable(api: str, name: str) -> str:
    return name if plays(FORMATS[api], FIXTURES[name]) else "none"
