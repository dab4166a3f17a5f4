"""Joules from counters and from sampled power, clipped to a window."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Readings further apart than this inside a window say nothing about what happened between them.
MAX_SAMPLE_GAP_S = 3.0
# The first or last reading may miss the edge of the window by this much; the nearest power is held until there.
MAX_EDGE_GAP_S = 0.5

Floats = NDArray[np.float64]
Series = Sequence[float] | Floats


def integrate_power_j(t_s: Series, power_w: Series) -> float:
    """Energy under a sampled power curve, by the trapezoidal rule.

    For devices without an energy counter only: peaks shorter than the sampling step are lost.

    Args:
        t_s: shape (n,), n >= 2; monotonic clock, seconds, strictly rising.
        power_w: shape (n,); power at those instants, watts.

    Returns:
        Joules between t_s[0] and t_s[-1]; nothing is extrapolated beyond them.

    Raises:
        ValueError: lengths differ, n < 2, time stands still or power is negative; names the first bad sample.

    Source: NIST Digital Library of Mathematical Functions, 3.5(i).
    """
    times, powers = _checked(t_s, power_w, "power")
    return float(np.trapezoid(powers, times))


def power_window_j(t_s: Series, power_w: Series, start_s: float, end_s: float) -> float:
    """Energy in a window under a sampled power curve; at the edges of the window power is interpolated.

    Args:
        t_s: shape (n,), n >= 2; monotonic clock, seconds, strictly rising.
        power_w: shape (n,); watts at those instants.
        start_s: start of the window on the same clock, seconds.
        end_s: its end, seconds; not before start_s.

    Returns:
        Joules in the window.

    Raises:
        ValueError: bad samples; a gap above `MAX_SAMPLE_GAP_S` inside the window; samples that miss an edge of the
            window by more than `MAX_EDGE_GAP_S`.
    """
    times, powers = _checked(t_s, power_w, "power")
    _check_covers(times, start_s, end_s)
    gap_s, gap_at_s = _longest_gap_s(times, start_s, end_s)
    if gap_s > MAX_SAMPLE_GAP_S:
        raise ValueError(
            f"no power reading for {gap_s:.2f} s, {gap_at_s - start_s:.2f} s into the window;"
            f" readings must be at most {MAX_SAMPLE_GAP_S:g} s apart"
        )
    inside = (times > start_s) & (times < end_s)
    window_t = np.concatenate(([start_s], times[inside], [end_s]))
    return float(np.trapezoid(np.interp(window_t, times, powers), window_t))


def counter_window_j(t_s: Series, energy_j: Series, start_s: float, end_s: float) -> float:
    """Energy in a window from a cumulative counter: its difference, interpolated at the edges of the window.

    Exact between two readings however far apart they are, so gaps inside the window do no harm.

    Args:
        t_s: shape (n,), n >= 2; monotonic clock, seconds, strictly rising.
        energy_j: shape (n,); the counter, unwrapped, joules.
        start_s: start of the window on the same clock, seconds.
        end_s: its end, seconds; not before start_s.

    Returns:
        Joules in the window. Where the readings miss an edge by at most `MAX_EDGE_GAP_S`, the mean power of the
        readings is held until there.

    Raises:
        ValueError: bad samples, a counter that went back, or readings that miss an edge of the window by more.
    """
    times, counter = _checked(t_s, energy_j, "energy")
    back = np.flatnonzero(np.diff(counter) < 0)
    if back.size:
        first = int(back[0])
        raise ValueError(
            f"the energy counter went back at reading {first + 1},"
            f" from {counter[first]:g} J to {counter[first + 1]:g} J"
        )
    _check_covers(times, start_s, end_s)
    mean_power_w = (counter[-1] - counter[0]) / (times[-1] - times[0])
    missed_s = max(0.0, times[0] - start_s) + max(0.0, end_s - times[-1])
    edges = np.interp([start_s, end_s], times, counter)
    return float(edges[1] - edges[0] + mean_power_w * missed_s)


def mean_power_w(energy_j: float, duration_s: float) -> float:
    """Watts that spend an energy in a time.

    Raises:
        ValueError: the time is not above 0 s.
    """
    if not duration_s > 0:
        raise ValueError(f"a mean power needs a time above 0 s, not {duration_s} s")
    return energy_j / duration_s


def idle_energy_j(idle_power_w: float, window_s: float) -> float:
    """What the device would have drawn in the window without a request: idle power times time, joules."""
    return idle_power_w * window_s


def active_energy_j(energy_j: float, idle_j: float) -> float:
    """Energy on top of idle, joules; noise can push it below 0 where load adds little."""
    active_j = energy_j - idle_j
    # What two sums of one constant power differ by is the rounding of a double, not energy.
    return 0.0 if abs(active_j) < 1e-12 * energy_j else active_j


def others_active_j(active_j: float, others_cpu_share: float, busy_cpu_share: float) -> float:
    """Part of a CPU's active energy that other processes drew: active energy in proportion to CPU time.

    A counter or a load curve meters the whole CPU. Of the seconds in which its threads were busy, those that were not
    ours carry their part of the energy on top of idle; that a second of theirs is as hungry as one of ours is the
    assumption. The idle energy stays where it is: the machine is reserved for the trial.

    Args:
        active_j: energy of the CPU on top of idle in the window, joules; below 0 it is noise around nothing.
        others_cpu_share: of the machine's CPU, taken by processes that are not ours, 0 to 1.
        busy_cpu_share: of the machine's CPU, taken by anyone, 0 to 1. Time that a hypervisor stole may count among
            the others' but not here; a part above the whole is the whole.

    Returns:
        Joules, from 0 to active_j.

    Raises:
        ValueError: a share that is not between 0 and 1, or a machine that nobody used although others did.
    """
    for name, share in (("others_cpu_share", others_cpu_share), ("busy_cpu_share", busy_cpu_share)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} cannot be {share}; it must be between 0 and 1")
    if others_cpu_share == 0 or active_j <= 0:
        return 0.0
    if busy_cpu_share == 0:
        raise ValueError(f"others took {others_cpu_share:.3g} of a CPU that was not busy at all")
    return active_j * min(others_cpu_share / busy_cpu_share, 1.0)


def _checked(t_s: Series, values: Series, name: str) -> tuple[Floats, Floats]:
    times, readings = np.asarray(t_s, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if times.shape != readings.shape or times.ndim != 1:
        raise ValueError(f"{times.size} instants but {readings.size} {name} readings")
    if times.size < 2:
        raise ValueError(f"{times.size} {name} reading{'' if times.size == 1 else 's'}; at least 2 are needed")
    still = np.flatnonzero(~(np.diff(times) > 0))
    if still.size:
        raise ValueError(f"time must rise strictly; reading {int(still[0]) + 1} is at {times[still[0] + 1]} s")
    bad = np.flatnonzero(~(np.isfinite(readings) & (readings >= 0)))
    if bad.size:
        raise ValueError(f"{name} reading {int(bad[0])} is {readings[bad[0]]}; it must be finite and not negative")
    return times, readings


def _check_covers(times: Floats, start_s: float, end_s: float) -> None:
    if end_s < start_s:
        raise ValueError(f"the window ends {start_s - end_s:g} s before it starts")
    late_s, early_s = times[0] - start_s, end_s - times[-1]
    if max(late_s, early_s) > MAX_EDGE_GAP_S:
        which, gap_s = ("start", late_s) if late_s >= early_s else ("end", early_s)
        raise ValueError(
            f"readings miss the {which} of the window by {gap_s:.2f} s; at most {MAX_EDGE_GAP_S:g} s can be bridged"
        )


def _longest_gap_s(times: Floats, start_s: float, end_s: float) -> tuple[float, float]:
    """The longest stretch of the window without a reading, and when it began."""
    # readings just outside count: the curve between them and the next one is interpolated all the same
    first = max(int(np.searchsorted(times, start_s, side="right")) - 1, 0)
    last = min(int(np.searchsorted(times, end_s, side="left")) + 1, times.size)
    near = times[first:last]
    if near.size < 2:
        return 0.0, start_s
    gaps = np.diff(near)
    worst = int(np.argmax(gaps))
    return float(gaps[worst]), float(near[worst])
