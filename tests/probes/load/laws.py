"""What holds of every answer, whatever its bytes are."""

from collections.abc import Callable, Sequence

from probes.load.document import as_it_came
from probes.load.event_stream import cut_frames
from probes.load.protocols import PROTOCOLS, openai_speech
from probes.load.protocols.anthropic import MessagesReader
from probes.load.protocols.base import StreamFacts
from probes.load.protocols.bedrock import ConverseReader
from probes.load.protocols.gemini import _DOCUMENT, _cut
from probes.load.protocols.gemini_events import GeminiReader
from probes.load.protocols.openai_events import ChatReader, CompletionsReader
from probes.load.protocols.openai_responses_events import ResponsesReader
from probes.load.protocols.openai_speech import SpeechReader
from probes.load.protocols.reading import read_json_events
from probes.load.protocols.triton import TritonReader
from probes.load.raw import RawAttempt
from probes.load.recorder import read_attempt
from probes.load.sse import cut_events


def _frames_one_by_one(body: bytes) -> StreamFacts:
    cut = cut_frames(body)
    return read_json_events(cut.events, ConverseReader(broken=cut.broken, torn=cut.torn))


def _sound_one_by_one(body: bytes) -> StreamFacts:
    is_events = openai_speech._is_sse(body)
    return (
        read_json_events(cut_events(body), SpeechReader())
        if is_events
        else PROTOCOLS["openai-speech"].read_stream(body)
    )


# Formats with a quick way for events that are alike, and how each event is read where there is none.
THOROUGH: dict[str, Callable[[bytes], StreamFacts]] = {
    "anthropic": lambda body: read_json_events(cut_events(body), MessagesReader()),
    "bedrock": _frames_one_by_one,
    "gemini": lambda body: read_json_events(_cut(body), GeminiReader(streamed=_DOCUMENT(body) is None)),
    "openai-chat": lambda body: read_json_events(cut_events(body), ChatReader()),
    "openai-completions": lambda body: as_it_came(body, read_json_events(cut_events(body), CompletionsReader())),
    "openai-responses": lambda body: read_json_events(cut_events(body), ResponsesReader()),
    "openai-speech": _sound_one_by_one,
    "triton": lambda body: as_it_came(body, read_json_events(cut_events(body), TritonReader())),
}


def check_ways(api: str, body: bytes) -> None:
    """The quick way to read a body says what the thorough way says."""
    if api in THOROUGH:
        assert PROTOCOLS[api].read_stream(body) == THOROUGH[api](body)


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
    check_ways(api, body)
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
