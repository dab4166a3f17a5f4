"""Numbers that are drawn anew for each request: lengths of prompts and answers, pauses between the turns of a talk.

    fixed       mean
    uniform     min to max
    normal      mean, stdev        }  both cut off at min and max: what lies beyond is drawn again, as it were,
    lognormal   median, sigma      }  not moved to the end
    empirical   the numbers of a file, each as likely as it is frequent there

A draw takes one number between 0 and 1, so draws of one seed are the same for every target, and quick.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from probes.errors import ProbeError
from probes.load.number_file import MOST, number_in, read_numbers

if TYPE_CHECKING:
    from statistics import NormalDist

SpreadKind = Literal["fixed", "uniform", "normal", "lognormal", "empirical"]

_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "fixed": ("mean",),
    "uniform": ("min", "max"),
    "normal": ("mean", "stdev", "max"),
    "lognormal": ("median", "sigma", "max"),
    "empirical": ("file",),
}
_TAKES: Final[dict[str, tuple[str, ...]]] = {
    **_NEEDS,
    "normal": ("mean", "stdev", "min", "max"),
    "lognormal": ("median", "sigma", "min", "max"),
}
_LEAST_INSIDE: Final = 1e-6  # of a distribution, between min and max: a slip would draw nothing but the ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A distribution. Which fields a kind needs stands above; `min` is 0 where it is not given.

    The unit is that of what it is drawn for: tokens, or seconds. `problem` says what is wrong with one.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    kind: SpreadKind
    mean: float | None = None
    stdev: float | None = None
    median: float | None = None
    sigma: float | None = None  # standard deviation of the logarithm
    min: float | None = None
    max: float | None = None
    file: Path | None = None  # a number a line, or two: of the prompt, of the answer

    @classmethod
    def always(cls, value: float) -> "Spread":
        """The same each time."""
        return cls(kind="fixed", mean=value)

    def problem(self) -> str | None:
        """What is wrong, as the end of a sentence that names the field; None if nothing is."""
        given = [field.name for field in fields(self) if field.name != "kind" and getattr(self, field.name) is not None]
        missing = [name for name in _NEEDS[self.kind] if name not in given]
        foreign = [name for name in given if name not in _TAKES[self.kind]]
        if missing:
            return f'kind = "{self.kind}" needs {" and ".join(missing)}'
        if foreign:
            return f'kind = "{self.kind}" takes no {" and no ".join(foreign)}; it takes {", ".join(_TAKES[self.kind])}'
        for name in given:
            value = getattr(self, name)
            least = 0 if name in ("min", "mean") else math.ulp(0)
            if name != "file" and not least <= value <= MOST:
                return f"{name} = {value:g} must be {'>= 0' if least == 0 else '> 0'} and at most {MOST:g}"
        if self.max is not None and self.max < (self.min or 0):
            return f"max = {self.max:g} must not be below min = {self.min:g}"
        if self.kind in ("normal", "lognormal") and self.max != self.min and _inside(self) < _LEAST_INSIDE:
            return f"nearly nothing of it lies between min = {self.min or 0:g} and max = {self.max:g}; widen them"
        return None

    def words(self) -> str:
        """It in words that fit into a column, such as lognormal(median=500, sigma=0.8, max=8000)."""
        named = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "kind" and value is not None:
                named.append(f"{field.name}={value.name if isinstance(value, Path) else format(value, 'g')}")
        return f"{self.kind}({', '.join(named)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """A spread that is ready to be drawn from."""

    at: Callable[[float], float]  # 0 <= u < 1 -> the number below which a share u of all lies
    share_below: Callable[[float], float]  # the other way round
    mean: float
    most: float


def draws_of(spread: Spread, *, column: int = 0) -> Draws:
    """Get ready to draw; reads the file of an empirical one.

    Args:
        spread: one without a `problem`.
        column: of its file: 0 for prompts, 1 for answers; a file of one column has the same for both.

    Raises:
        ProbeError: the file cannot be read, or has a bad row, which it names.
    """
    low, high = spread.min or 0.0, spread.max
    if spread.kind == "fixed":
        assert spread.mean is not None
        return _always(spread.mean)
    if spread.kind == "empirical":
        assert spread.file is not None
        return _empirical(read_numbers(spread.file, column))
    assert high is not None
    if high == low:
        return _always(high)
    if spread.kind == "uniform":
        return Draws(
            at=lambda u: low + u * (high - low),
            share_below=lambda x: min(max((x - low) / (high - low), 0.0), 1.0),
            mean=(low + high) / 2,
            most=high,
        )
    return _bell(spread, low, high)


def whole(draws: Draws, u: float) -> int:
    """A draw as a whole number of tokens, at least 1."""
    return max(1, round(draws.at(u)))


def _always(value: float) -> Draws:
    return Draws(at=lambda _: value, share_below=lambda x: float(x >= value), mean=value, most=value)


@lru_cache(maxsize=1)
def _standard() -> "NormalDist":
    from statistics import NormalDist  # 5 ms, and few trials need it

    return NormalDist()


def _bell(spread: Spread, low: float, high: float) -> Draws:
    """Normal or log-normal, between low and high."""
    centre, width = _shape(spread)
    normal = _standard()
    logarithmic = spread.kind == "lognormal"

    def place(x: float) -> float:
        return ((math.log(x) if x > 0 else -math.inf) if logarithmic else x) - centre

    def below(x: float) -> float:
        return 0.0 if place(x) == -math.inf else normal.cdf(place(x) / width)

    first, last = below(low), below(high)
    inside = last - first

    def at(u: float) -> float:
        share = min(max(first + u * inside, 1e-15), 1 - 1e-15)
        x = centre + width * normal.inv_cdf(share)
        return min(max(math.exp(x) if logarithmic else x, low), high)

    ends = [place(low) / width, place(high) / width]
    if logarithmic:  # the mean between two ends, by the shifted distribution function
        shifted = [0.0 if end == -math.inf else normal.cdf(end - width) for end in ends]
        mean = math.exp(centre + width**2 / 2) * (shifted[1] - shifted[0]) / inside
    else:
        mean = centre + width * (normal.pdf(ends[0]) - normal.pdf(ends[1])) / inside
    return Draws(at=at, share_below=lambda x: min(max((below(x) - first) / inside, 0.0), 1.0), mean=mean, most=high)


def _shape(spread: Spread) -> tuple[float, float]:
    """Centre and width, of the logarithm of a log-normal one."""
    if spread.kind == "lognormal":
        assert spread.median is not None and spread.sigma is not None
        return math.log(spread.median), spread.sigma
    assert spread.mean is not None and spread.stdev is not None
    return spread.mean, spread.stdev


def _inside(spread: Spread) -> float:
    centre, width = _shape(spread)
    normal = _standard()
    assert spread.max is not None
    low, high = spread.min or 0.0, spread.max
    if spread.kind == "lognormal":
        below = normal.cdf((math.log(low) - centre) / width) if low > 0 else 0.0
        return normal.cdf((math.log(high) - centre) / width) - below if high > 0 else 0.0
    return normal.cdf((high - centre) / width) - normal.cdf((low - centre) / width)


def _empirical(numbers: Sequence[float]) -> Draws:
    """Not sorted for drawing: two columns that are drawn with one number between 0 and 1 give the pairs of the file."""
    count = len(numbers)
    return Draws(
        at=lambda u: numbers[int(u * count)],
        share_below=lambda x: sum(number <= x for number in numbers) / count,
        mean=math.fsum(numbers) / count,
        most=max(numbers),
    )


def parse_spread(text: str) -> Spread:
    """A spread as it is written on a command line: 500, or lognormal:median=500,sigma=0.8,max=8000.

    Raises:
        ProbeError: it is neither; says what would be.
    """
    plain = number_in(text)
    if plain is not None:
        return Spread.always(plain)
    kind, _, rest = text.partition(":")
    known = {field.name for field in fields(Spread)} - {"kind"}
    values: dict[str, float | Path] = {}
    for part in filter(None, rest.split(",")):
        name, _, value = part.partition("=")
        number = number_in(value)
        if name not in known or (name != "file" and number is None):
            raise ProbeError(f'"{part}" in "{text}" is not one of {", ".join(sorted(known))} with a number >= 0')
        values[name] = Path(value) if name == "file" or number is None else number
    if kind not in _NEEDS:
        raise ProbeError(f'"{text}" is neither a number nor one of {", ".join(_NEEDS)} with :name=value,...')
    spread = Spread(kind=kind, **values)  # type: ignore[arg-type]  # names and kinds are checked above
    problem = spread.problem()
    if problem is not None:
        raise ProbeError(f'"{text}": {problem}')
    return spread
