"""How the planned rate moves over a trial: each curve as the inverse of its cumulative rate.

The cumulative rate at t seconds is how many sends are expected by then. Its inverse tells when the u-th is due, for
any real u; inf says never. Laid over a process of rate 1 it gives a process of the rate wanted, exactly: the
time-change of nonhomogeneous Poisson processes (Cinlar, Introduction to Stochastic Processes, 1975, 4.7).
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final

from probes.errors import ProbeError
from probes.load.orders import MAX_RATE_RPS

DueAt = Callable[[float], float]  # units >= 0 -> seconds from the start; inf: never

_COLUMNS: Final = "start_s,rate_rps"
_MOST_BYTES: Final = 16 << 20


def steady(rate_rps: float) -> DueAt:
    """The same rate (> 0) for ever."""
    return lambda units: units / rate_rps


def linear_ramp(start_rps: float, end_rps: float, duration_s: float) -> DueAt:
    """A rate that moves along a straight line; never after duration_s. One of the two rates may be 0."""
    slope = (end_rps - start_rps) / duration_s
    total = (start_rps + end_rps) / 2 * duration_s

    def due_at(units: float) -> float:
        if units > total:
            return math.inf
        # The usual form of the root loses all digits where the slope is small, and divides by a slope of 0.
        root = math.sqrt(max(start_rps * start_rps + 2 * slope * units, 0.0))
        return 2 * units / (start_rps + root) if units else 0.0

    return due_at


def exponential_ramp(start_rps: float, end_rps: float, duration_s: float) -> DueAt:
    """A rate that grows, or falls, by the same factor in each second; never after duration_s. Both rates > 0."""
    growth = math.log(end_rps / start_rps) / duration_s
    # Not (end - start) / growth: of two rates that are nearly the same, both would be rounding errors.
    total = start_rps * math.expm1(growth * duration_s) / growth if growth else start_rps * duration_s

    def due_at(units: float) -> float:
        if units > total:
            return math.inf
        return math.log1p(growth * units / start_rps) / growth if growth else units / start_rps

    return due_at


def piecewise(steps: Sequence[tuple[float, float]]) -> DueAt:
    """A rate that jumps.

    Args:
        steps: (start_s, rate_rps), the starts rising from 0; each rate holds up to the next start, the last for ever.
    """
    starts = [start for start, _ in steps]
    # Units that are due before each step begins.
    before = [0.0, *accumulate((after[0] - step[0]) * step[1] for step, after in pairwise(steps))]

    def due_at(units: float) -> float:
        n = bisect_right(before, units) - 1  # the last of the steps that start here, so never a pause before it
        rate_rps = steps[n][1]
        return starts[n] + (units - before[n]) / rate_rps if rate_rps else math.inf

    return due_at


def read_rates(path: Path) -> list[tuple[float, float]]:
    """The steps of a file of rates: CSV with the columns start_s,rate_rps.

    Starts rise from 0; a rate may be 0 (a pause; as the last row, the end), but not all.

    Raises:
        ProbeError: no such file, or a bad row; names the row as an editor numbers lines, the value and what is right.
    """
    name = path.name
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ProbeError(f"rates_file {path} cannot be read: {error.strerror}; it must be CSV, {_COLUMNS}") from error
    if len(content) > _MOST_BYTES:
        raise ProbeError(f"{name} is over 16 MiB; a file of rates has one row for each change of the rate")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise ProbeError(f"{name} row {row} is not UTF-8; save the file as UTF-8 text") from error
    if not lines:
        raise ProbeError(f"{name} is empty; it must begin with the row {_COLUMNS}")
    if lines[0].replace(" ", "") != _COLUMNS:
        raise ProbeError(f'{name} row 1 is "{lines[0][:80]}"; it must be {_COLUMNS}')
    steps: list[tuple[float, float]] = []
    for row, line in enumerate(lines[1:], 2):
        if line.strip():
            steps.append(_step(f"{name} row {row}", line, steps[-1][0] if steps else None))
    if not any(rate for _, rate in steps):
        raise ProbeError(f"{name} has no row with a rate over 0, so nothing would be sent; add one")
    return steps


def _step(where: str, line: str, last_start_s: float | None) -> tuple[float, float]:
    cells = line.split(",")
    if len(cells) != 2:
        raise ProbeError(f"{where} has {len(cells)} cells; it must have 2: {_COLUMNS}")
    start_s, rate_rps = (_number(where, *pair) for pair in zip(_COLUMNS.split(","), cells, strict=True))
    if last_start_s is None and start_s != 0:
        raise ProbeError(f"{where}: start_s = {start_s:g}; the first row must start at 0")
    if last_start_s is not None and start_s <= last_start_s:
        raise ProbeError(f"{where}: start_s = {start_s:g} must be after the {last_start_s:g} of the row before")
    if rate_rps > MAX_RATE_RPS:
        raise ProbeError(f"{where}: rate_rps = {rate_rps:g} must be at most {MAX_RATE_RPS}")
    return start_s, rate_rps


def _number(where: str, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ProbeError(f'{where}: {column} is "{text.strip()[:40]}"; it must be a number >= 0')
    return value
