"""What holds of every answer, whatever its bytes are."""

from collections.abc import Sequence

from probes.load.protocols import PROTOCOLS
from probes.load.raw import RawAttempt
from probes.load.recorder import read_attempt


def raw_of(api: str, body: bytes, ends: Sequence[int] | None = None, cut_short: str | None = None) -> RawAttempt:
    """An answer that came in reads that ended at those places."""
    ends = [len(body)] if ends is None else list(ends)
    return RawAttempt(
        attempt_id="t.00000", seq=0, phase="measured", api=api, t_sched_ns=None, t_start_ns=0, t_conn_ns=None,
        t_sent_ns=1, t_end_ns=10_000, wall_offset_ns=0, stamp_source="kernel", connection_reused=True, http_status=200,
        headers={}, failure_class=None, failure_message=None, cut_short=cut_short, body=body,
        read_stamps_ns=list(range(2, 2 + len(ends))), read_ends=ends,
    )  # fmt: skip


def check(api: str, body: bytes) -> None:
    """Read a body in all ways; the laws hold whatever it is."""
    wire = PROTOCOLS[api]
    reading = read_attempt(raw_of(api, body))
    ends = list(reading.event_ends)
    assert ends == sorted(ends)
    assert len(ends) == len(reading.event_classes)
    assert not ends or ends[-1] <= len(body)
    record = reading.record
    for name in ("prompt_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "streamed_tokens"):
        count = getattr(record, name)
        assert count is None or count >= 0
    assert record.error_message is None or len(record.error_message) <= 300
    wire.has_payload(body)
    wire.has_terminator(body)
    wire.output_tokens(body)
    wire.answer_text(body).encode("utf-8", "surrogatepass")
