"""One pass over what a trial saw on the wire: rows of its attempts, its single events, its steady window."""

import dataclasses
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.spec import TrialSpec
from probes.load.raw import RawAttempt, read_raw
from probes.load.record import AttemptRecord
from probes.load.recorder import AttemptReading, read_attempt
from warehouse.rows import AttemptRow

if TYPE_CHECKING:
    from warehouse.answers import AnswerBook
    from warehouse.event_file import Answer, EventFile

_BLOCK_EVENTS: Final = 1 << 16
_VALUES: Final = attrgetter(*AttemptRecord.__slots__)  # in one call: there are some for every attempt
_PHASE_ORDER: Final = {"warmup": 0, "measured": 1, "lost": 2}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialAttempts:
    """The attempts of a trial: warm-ups first, then measured, each by seq."""

    rows: list[AttemptRow]
    steady_start_ns: int | None
    steady_end_ns: int | None
    steady_output_tokens: float | None  # None also if a success inside the window does not tell its tokens


def read_attempts(spool: Path, spec: TrialSpec, *, events: "EventFile | None") -> TrialAttempts:
    """Read a spool, finished or torn; its events go to `events`, if that is given.

    Raises:
        ProbeError: it is no spool.
        WarehouseError: the disk would not take the events.
    """
    from warehouse.answers import AnswerBook, steady_window

    workload = spec.workload
    book = AnswerBook(slo_ttft_s=workload.slo_ttft_ms / 1000, slo_tpot_s=workload.slo_tpot_ms / 1000, events=events)
    rows: list[AttemptRow] = []
    records: list[AttemptRecord] = []
    answers: list[Answer] = []
    held_events = 0
    for raw in read_raw(spool):
        reading = read_attempt(raw)
        records.append(reading.record)
        answers.append(_answer(raw, reading))
        held_events += len(reading.event_classes)
        if held_events >= _BLOCK_EVENTS:
            rows += _rows(spec.trial_id, records, answers, book)
            records, answers, held_events = [], [], 0
    rows += _rows(spec.trial_id, records, answers, book)
    rows.sort(key=lambda row: (_PHASE_ORDER[row.phase], row.seq))
    window = steady_window(rows, concurrency=workload.concurrency)
    tokens = None
    if window.start_ns is not None and window.end_ns is not None:
        tokens = book.tokens_between(window.start_ns, window.end_ns)
    return TrialAttempts(
        rows=rows, steady_start_ns=window.start_ns, steady_end_ns=window.end_ns, steady_output_tokens=tokens
    )


def _answer(raw: RawAttempt, reading: AttemptReading) -> "Answer":
    from warehouse.event_file import Answer

    return Answer(
        phase=raw.phase,
        seq=raw.seq,
        t_start_ns=raw.t_start_ns,
        error_class=reading.record.error_class,
        streamed_tokens=reading.record.streamed_tokens,
        event_ends=reading.event_ends,
        event_classes=reading.event_classes,
        read_ends=raw.read_ends,
        read_stamps_ns=raw.read_stamps_ns,
    )


def _rows(
    trial_id: str, records: "list[AttemptRecord]", answers: "list[Answer]", book: "AnswerBook"
) -> list[AttemptRow]:
    return [
        AttemptRow(trial_id=trial_id, qoe_share=score, **_fields(record))
        for record, score in zip(records, book.add(answers), strict=True)
    ]


def _fields(record: AttemptRecord) -> dict[str, Any]:
    return dict(zip(AttemptRecord.__slots__, _VALUES(record), strict=True))
