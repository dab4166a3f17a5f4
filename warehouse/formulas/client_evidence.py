"""What a trial leaves behind about the client that measured it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a trial's client. None is unknown, or does not apply, as concurrency in an open loop."""

    status: str  # of the trial
    status_reason: str | None = None
    attempts: int  # measured ones
    kind: str  # 'endpoint' or 'local'
    arrivals: str  # 'closed', or a kind of open loop
    in_group: bool = False  # measured in rounds with other targets
    send_lag_p99_s: float | None = None  # open loop: send after its planned instant
    rate_share: float | None = None  # open loop: rate reached / planned
    missed_share: float | None = None  # open loop: sends not made, or over 50 ms late / planned sends
    concurrency_share: float | None = None  # closed loop: mean in flight, ramp and drain apart / asked
    rounds_share: float | None = None  # group: rounds that it took part in / rounds of the group
    streams: float | None = None  # in flight: asked in a closed loop, on average in an open one
    stamp_source: str | None = None  # 'kernel' or 'read'
    receive_lag_p99_s: float | None = None  # from the kernel's stamp to our read
    coalesced_share: float | None = None  # events that shared a read with an earlier one / events
    cached_token_share: float | None = None  # prompt tokens that came from the server's cache / prompt tokens
    cpu_share_others: float | None = None  # of the machine's CPU, taken by processes that are not ours
    load_average_1m: float | None = None
    cpu_threads: int | None = None  # hardware threads that share that load
    loop_busy_share: float | None = None  # of the time of the load loop
    suspended_s: float | None = None  # longest time off the CPU against our will
    clock_step_s: float | None = None  # jump of the wall clock against the monotonic one, of either sign
    selftest_streams: int | None = None
    selftest_ttft_error_p99_s: float | None = None
    selftest_tpot_error_p99_s: float | None = None
    selftest_concurrency_share: float | None = None
    ttft_p50_s: float | None = None  # of the trial: what an error is held against
    tpot_p50_s: float | None = None
