"""Does the load client keep time at this load, here? A trial against our own endpoint, which knows the truth.

The endpoint is a process of its own on this machine, so the two share its cores: what is found is rather too bad than
too good.
"""

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, log2
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from probes.errors import ProbeError
from probes.host import host_facts
from probes.load.client import LoadResult, LoadSpec, Timeouts, run_load
from probes.load.evidence import LATE_NS
from probes.load.record import AttemptRecord

if TYPE_CHECKING:
    from probes.endpoint.truth import Truth

FRESH_FOR: Final = timedelta(hours=24)

_TTFT_S: Final = 0.1
_ITL_S: Final = 0.02
# What the endpoint can send and keep its schedule; above it, its streams are slower and not fewer.
_MOST_TOKENS_PER_S: Final = 40_000
# Many streams take turns more slowly than once in half a second: their answers would not be that short either.
_MOST_REQUESTS_PER_S: Final = 2_000
_FEWEST_REQUESTS: Final = 16  # a few streams take turns as often as this needs, with shorter answers
_LIMIT_S: Final = 10.0  # beyond the time that it should take
_PROMPT_TOKENS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What came out; the fields are columns of `trials`. Errors are the size of ours minus the truth."""

    selftest_at: datetime
    selftest_streams: int
    selftest_ttft_error_p99_ns: int
    selftest_tpot_error_p99_ns: int
    # Closed loop: mean in flight from when all slots were filled to the last send / streams. Open: sends on time / due.
    selftest_concurrency_share: float


def self_test(
    *, streams: int | None, rate_rps: float | None = None, processes: int = 1, seconds: float = 1.0
) -> SelfTest:
    """Put the client under a planned load for about a second and hold what it reports against the truth.

    Above 1000 streams it takes longer, 4 s at 4000.

    Args:
        streams: requests to hold in flight. Of an open loop: its rate times the mean duration of its answers, or None
            when that is not known.
        rate_rps: of an open loop; None for a closed one. Our answers are short, so more are sent than `rate_rps` where
            that takes `streams` of them.
        processes: of the load client.
        seconds: how long to send, up to 1000 streams.

    Raises:
        ProbeError: neither a number of streams nor a rate, the endpoint did not start, a request failed, or the load
            was not done in time.
    """
    from probes.fast_endpoint import EndpointSpec, fast_endpoint  # a kept result needs no endpoint

    plan = _plan(streams, rate_rps, seconds)
    pace = EndpointSpec(ttft_s=plan.ttft_s, itl_s=plan.itl_s)
    started_at = datetime.now(UTC)
    with fast_endpoint(pace) as endpoint, tempfile.TemporaryDirectory(prefix="megatoken-selftest-") as folder:
        give_up_at = monotonic() + plan.seconds + _LIMIT_S
        result = run_load(
            plan.spec(endpoint.base_url),
            spool_path=Path(folder) / "spool",
            processes=processes,
            stop=lambda: "it was not done in time" if monotonic() > give_up_at else None,
        )
        # inside: the attempts are in the folder
        return _compare(plan, started_at, result, endpoint.truth())


def cached_self_test(
    data_dir: Path,
    *,
    streams: int | None,
    rate_rps: float | None = None,
    processes: int = 1,
    version: str,
    seconds: float = 1.0,
    now: datetime | None = None,
) -> SelfTest:
    """The same at the next power of two of the load; one that is kept in `data_dir`/selftests is taken if it is fresh.

    Fresh is: of this boot of this machine, of this version, and less than a day old.

    Args:
        data_dir: the data folder.
        version: of Megatoken.
        now: UTC; for tests of age.

    Raises:
        ProbeError: as `self_test`, or the result cannot be written down.
    """
    streams = None if streams is None else 1 << max(0, streams - 1).bit_length()
    rate_rps = None if rate_rps is None else 2.0 ** ceil(log2(rate_rps))
    file = data_dir / "selftests" / f"{host_facts().host_id}-{streams or 0}-{rate_rps or 0:g}-{processes}.json"
    made_by = {"boot_id": _boot_id(), "version": version, "seconds": seconds}
    kept = _read(file, made_by, now or datetime.now(UTC))
    if kept is not None:
        return kept
    found = self_test(streams=streams, rate_rps=rate_rps, processes=processes, seconds=seconds)
    _write(file, {**made_by, **asdict(found), "selftest_at": found.selftest_at.isoformat()})
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    streams: int
    rate_rps: float | None
    requests: int
    ttft_s: float
    itl_s: float
    tokens: int
    seconds: float

    def spec(self, base_url: str) -> LoadSpec:
        return LoadSpec(
            base_url=base_url,
            model="selftest",
            arrivals="closed" if self.rate_rps is None else "poisson",
            concurrency=self.streams if self.rate_rps is None else None,
            rate_rps=self.rate_rps,
            requests=self.requests,
            prompt_tokens=_PROMPT_TOKENS,
            output_tokens=self.tokens,
            attempt_prefix="selftest",
            timeouts=Timeouts(connect_s=5.0, first_token_s=10.0, stall_s=10.0, total_s=15.0),
        )


def _plan(streams: int | None, rate_rps: float | None, seconds: float) -> _Plan:
    if streams is None and rate_rps is None:
        raise ProbeError("a self-test needs the streams or the rate of the load that it is for")
    for name, value in (("streams", streams), ("rate_rps", rate_rps), ("seconds", seconds)):
        if value is not None and not 0 < value < float("inf"):
            raise ProbeError(f"self-test: {name} = {value} must be > 0")
    rounds = 2 if rate_rps is not None or streams is None else max(2, ceil(_FEWEST_REQUESTS / streams))
    answer_s = max(seconds / rounds, (streams or 0) / _MOST_REQUESTS_PER_S)
    ttft_s = min(_TTFT_S, answer_s / 2)
    if rate_rps is not None:
        rate_rps = max(rate_rps, (streams or 0) / answer_s, _FEWEST_REQUESTS / seconds)
    in_flight = streams if streams is not None and rate_rps is None else ceil((rate_rps or 0) * answer_s)
    itl_s = max(_ITL_S, in_flight / _MOST_TOKENS_PER_S)
    return _Plan(
        streams=streams if streams is not None else in_flight,
        rate_rps=rate_rps,
        requests=ceil(rate_rps * answer_s * rounds) if rate_rps is not None else in_flight * rounds,
        seconds=answer_s * rounds,
        ttft_s=ttft_s,
        itl_s=itl_s,
        tokens=max(3, round((answer_s - ttft_s) / itl_s) + 1),
    )


def _compare(plan: _Plan, started_at: datetime, result: LoadResult, truth: "Sequence[Truth]") -> SelfTest:
    failed = [attempt for attempt in result.attempts if attempt.error_class is not None]
    if failed or result.stopped_reason is not None:
        why = result.stopped_reason or f"{len(failed)} requests failed, the first with: {failed[0].error_message}"
        raise ProbeError(
            f"the client's self-test at {plan.streams} streams failed: {why}; ease the load on this machine"
        )
    true = {each.request_id: each for each in truth}
    ttft, tpot = [], []
    for attempt in result.attempts:
        told = true[attempt.attempt_id]
        start, first, last = attempt.t_start_ns, attempt.t_first_ns, attempt.t_last_ns
        assert start is not None and first is not None and last is not None  # of an attempt that did not fail
        ttft.append(abs(first - start - told.ttft_ns))
        tpot.append(abs((last - first) - (told.last_mono_ns - told.first_mono_ns)) // (told.n_sent - 1))
    return SelfTest(
        selftest_at=started_at,
        selftest_streams=plan.streams,
        selftest_ttft_error_p99_ns=_p99(ttft),
        selftest_tpot_error_p99_ns=_p99(tpot),
        selftest_concurrency_share=_load_share(plan, result.attempts),
    )


def _load_share(plan: _Plan, attempts: Sequence[AttemptRecord]) -> float:
    starts = sorted(attempt.t_start_ns or 0 for attempt in attempts)
    if plan.rate_rps is not None:
        return sum((a.t_start_ns or 0) - (a.t_sched_ns or 0) <= LATE_NS for a in attempts) / plan.requests
    full_ns, last_ns = starts[plan.streams - 1], starts[-1]
    in_flight_ns = sum(
        max(0, min(attempt.t_end_ns or last_ns, last_ns) - max(attempt.t_start_ns or 0, full_ns))
        for attempt in attempts
    )
    return in_flight_ns / (last_ns - full_ns) / plan.streams


def _p99(values: Sequence[int]) -> int:
    """Nearest rank."""
    return sorted(values)[-(-99 * len(values) // 100) - 1]


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _read(file: Path, made_by: dict[str, Any], now: datetime) -> SelfTest | None:
    """A result that is still fresh; None for one that is not, is not there, or is not whole."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        at = datetime.fromisoformat(kept.pop("selftest_at"))
        fresh = {name: kept.pop(name) for name in made_by} == made_by and timedelta() <= now - at < FRESH_FOR
        return SelfTest(**kept, selftest_at=at) if fresh else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # a test costs a second: anything odd is measured again and overwritten


def _write(file: Path, values: dict[str, Any]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(values), encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise ProbeError(f"the self-test cannot be kept in {file.parent}: {error.strerror}; free some space") from error
