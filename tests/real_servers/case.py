"""One wire format of one server: our client's reading of a stream, held against the same request asked for plainly."""

import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from probes.load.client import run_load
from probes.load.origin import parse_origin
from probes.load.protocols import PROTOCOLS, protocol
from probes.load.raw import RawAttempt, read_raw
from probes.load.record import AttemptRecord
from probes.load.recorder import read_attempt
from probes.load.requests import RequestSource
from probes.load.spec import LoadSpec
from tests.real_servers.plain import PlainAnswer, ask_plainly


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What to ask for in one wire format, and where this server is known to leave it.

    `known` names the fields of `Outcome.differences` that this server is known to get wrong, with the reason: they are
    shown, and fail nothing. One that is not there any more is a failure: the note is out of date. `incomparable` names
    fields that its plain answer has no truth about.
    """

    api: str
    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    variant: str = ""  # to tell two of one api apart
    extra_body: Mapping[str, object] = field(default_factory=dict)
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    output_tokens: int = 16
    documents: int = 0  # to rank
    known: Mapping[str, str] = field(default_factory=dict)
    incomparable: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # other ways in which its bytes leave the standard

    @property
    def title(self) -> str:
        return f"{self.api} {self.variant}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a case. `differences` are by field: ours against the plain answer's."""

    case: Case
    raw: RawAttempt
    record: AttemptRecord
    event_classes: bytes
    text: str
    plain: PlainAnswer
    differences: Mapping[str, str]

    @property
    def unknown(self) -> list[str]:
        """Differences that nobody has explained yet, and explanations of what is not there any more."""
        found, known = self.differences, self.case.known
        new = [f"{name}: {told}" for name, told in found.items() if name not in known]
        return new + [f"{name} is right now: its note is out of date" for name in known if name not in found]


class Running(Protocol):
    """A server that answers."""

    @property
    def version(self) -> str: ...
    @property
    def cases(self) -> list[Case]: ...


class Server(Protocol):
    """A module of this folder: one server or proxy."""

    NAME: str
    WHAT: str  # the model and the way it is served, in a few words

    def missing(self, folder: Path) -> str | None:
        """Why it cannot be started from the venvs in that folder, and what to do; None: it can."""

    def install(self, folder: Path) -> None:
        """Bring it, from packages, into that folder and nowhere else."""

    def start(self, folder: Path, log_folder: Path) -> AbstractContextManager[Running]:
        """Serve on the loopback address for as long as the `with` lasts."""


def is_spoken(case: Case) -> bool:
    """Whether that wire format is one of ours yet."""
    return case.api in PROTOCOLS


def try_case(case: Case) -> Outcome:
    """Two requests by our client over one connection, then the second of them by hand; see `Case`."""
    spec = LoadSpec(
        base_url=case.base_url,
        model=case.model,
        api=case.api,
        api_key=case.api_key,
        extra_body=case.extra_body,
        extra_headers=case.extra_headers,
        concurrency=1,
        requests=2,
        prompt_tokens=24,
        output_tokens=case.output_tokens,
        documents=case.documents,
        document_tokens=24 if case.documents else 0,
        attempt_prefix="real",
    )
    wire = protocol(case.api)
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "attempts.spool"
        run_load(spec, spool_path=spool)
        raw = list(read_raw(spool))[-1]
    origin = parse_origin(case.base_url, wire.path(spec))
    request = list(RequestSource(spec, wire, origin).unscheduled())[-1].request
    plain = ask_plainly(case.api, case.base_url, request)
    reading = read_attempt(raw)
    answered = reading.record.error_class is None
    text = wire.answer_text(raw.body) if answered else ""
    return Outcome(
        case=case,
        raw=raw,
        record=reading.record,
        event_classes=bytes(reading.event_classes),
        text=text,
        plain=plain,
        differences=_differences(case, reading.record, text, plain),
    )


def _differences(case: Case, record: AttemptRecord, text: str, plain: PlainAnswer) -> dict[str, str]:
    if record.error_class is not None:
        return {"error": f"{record.error_class}: {record.error_message}"}
    pairs: dict[str, tuple[object, object]] = {
        "prompt_tokens": (record.prompt_tokens, plain.prompt_tokens),
        "output_tokens": (record.output_tokens, plain.output_tokens),
    }
    if plain.text is not None:
        pairs |= {"text": (text, plain.text), "finish_reason": (record.finish_reason, plain.finish_reason)}
    if plain.items is not None:
        pairs["items"] = (record.input_items, plain.items)
    if plain.audio_s is not None:
        pairs["audio_s"] = (record.output_audio_s, plain.audio_s)
    return {
        name: f"{ours!r}, plainly {theirs!r}"
        for name, (ours, theirs) in pairs.items()
        if ours != theirs and name not in case.incomparable
    }
