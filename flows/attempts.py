"""One pass over what a trial saw on the wire: rows of its attempts, its single events, its steady window."""

import dataclasses
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.exchanges import Exchanges
from flows.spec import TrialSpec
from probes.load.raw import RawAttempt, read_raw
from probes.load.record import AttemptRecord
from probes.load.recorder import AttemptReading, read_attempt
from probes.load.redaction import Secrets
from warehouse.rows import AttemptRow, ExchangeRow

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
    exchanges: list[ExchangeRow] = dataclasses.field(default_factory=list)


def read_attempts(
    spool: Path, spec: TrialSpec, *, events: "EventFile | None", base_url: str | None = None
) -> TrialAttempts:
    """Read a spool, finished or torn; its events go to `events`, if that is given.

    Args:
        spool: the file.
        spec: the trial's.
        events: takes the single events.
        base_url: of an engine that was started for the trial.

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
    kept = Exchanges(spec, base_url)
    for raw in read_raw(spool):
        reading = read_attempt(raw)
        kept.add(raw, reading.record)
        records.append(_without_key(reading.record, kept.secrets))
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
        rows=rows,
        steady_start_ns=window.start_ns,
        steady_end_ns=window.end_ns,
        steady_output_tokens=tokens,
        exchanges=kept.rows,
    )


def _without_key(record: AttemptRecord, secrets: Secrets) -> AttemptRecord:
    """A failure's words without the key in any form; the client looks for all of them only where a status failed."""
    if record.error_message is None:
        return record
    message = secrets.star_text(record.error_message)
    return record if message == record.error_message else dataclasses.replace(record, error_message=message)


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
        AttemptRow(trial_id=trial_id, qoe_share=score if _is_told(record) else None, **_fields(record))
        for record, score in zip(records, book.add(answers), strict=True)
    ]


def _is_told(record: AttemptRecord) -> bool:
    """Whether its tokens came one after the other: those of a document came at once, a picture's not at all."""
    return record.answer_streamed is not False and record.output_images is None


def _fields(record: AttemptRecord) -> dict[str, Any]:
    return dict(zip(AttemptRecord.__slots__, _VALUES(record), strict=True))
