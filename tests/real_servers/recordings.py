"""Answers of real servers, kept: the bytes as they came, where from, and what they must be read as.

A recording is two files, `NAME.gz` (the body) and `NAME.json` (a `Recording`). What it must be read as is what the same
server said to the same request without a stream, not what our parsers made of it; only the classes of the events are
ours, looked through by eye. Where the server itself says two things, the one of its stream stands, and `contradicts`
names it.
"""

import datetime
import gzip
import json
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from probes.load.protocols.base import EventClass
from tests.real_servers.case import Outcome

FOLDER = Path(__file__).resolve().parents[1] / "recordings" / "streams"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One answer and its provenance. Unknown is None."""

    api: str
    server: str
    version: str
    what: str  # model and way of serving
    recorded_on: str
    content_type: str
    text: str
    finish_reason: str | None
    prompt_tokens: int | None
    output_tokens: int | None
    items: int | None  # vectors or scores
    audio_s: float | None  # of the sound that was made
    events: str  # classes in order, runs with their length: "EMPTY TEXT*12 FINISH DONE"
    contradicts: dict[str, str]  # field -> why the stream is believed, not the plain answer
    notes: list[str]


def write_recording(folder: Path, *, server: str, version: str, what: str, outcome: Outcome) -> None:
    """Keep an answer, unless nobody knows why it is not what the plain answer says."""
    if outcome.unknown or "error" in outcome.differences:
        return
    folder.mkdir(parents=True, exist_ok=True)
    case, record = outcome.case, outcome.record
    recording = Recording(
        api=case.api,
        server=server,
        version=version,
        what=what,
        recorded_on=datetime.datetime.now(datetime.UTC).date().isoformat(),
        content_type=outcome.raw.headers.get("content-type", ""),
        text=outcome.text,
        finish_reason=record.finish_reason,
        prompt_tokens=record.prompt_tokens,
        output_tokens=record.output_tokens,
        items=record.input_items,
        audio_s=record.output_audio_s,
        events=runs(outcome.event_classes),
        contradicts=dict(case.known) | dict(case.incomparable),
        notes=list(case.notes),
    )
    name = "-".join([server, case.api, *case.variant.split()])
    (folder / f"{name}.gz").write_bytes(gzip.compress(outcome.raw.body, 9, mtime=0))
    (folder / f"{name}.json").write_text(json.dumps(asdict(recording), indent=1, ensure_ascii=False) + "\n")


def read_recordings() -> dict[str, tuple[Recording, bytes]]:
    """All that are kept, by name."""
    return {
        path.stem: (Recording(**json.loads(path.read_text())), gzip.decompress(path.with_suffix(".gz").read_bytes()))
        for path in sorted(FOLDER.glob("*.json"))
    }


def runs(event_classes: bytes) -> str:
    """Classes in words."""
    found = ((EventClass(kind).name, len(list(group))) for kind, group in groupby(event_classes))
    return " ".join(name if count == 1 else f"{name}*{count}" for name, count in found)
