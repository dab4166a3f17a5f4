"""Every fixture in every format, plain and chunked, with LF and CRLF: the real client calls each what it is."""

import json
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import pytest

from probes.fake.fixtures import FIXTURES
from probes.fake.formats import FORMATS
from probes.load.client import LoadSpec, Timeouts
from probes.load.group import GroupMember, run_load_group
from probes.load.protocols import PROTOCOLS
from probes.load.raw import RawAttempt, read_raw
from probes.load.record import AttemptRecord
from probes.load.recorder import record_of
from tests.probes.fake.expected import EXPECTED, expected
from tests.probes.fake.members import MEMBERS, NAMELESS, WAITING, Member, cycles, groups, has

KEY = "sk-planted-5c1e77"
WIRES = (("chunked", "lf"), ("chunked", "crlf"), ("close", "lf"), ("close", "crlf"), ("length", "lf"))

PATIENT = Timeouts(connect_s=60, first_token_s=60, stall_s=60, total_s=60)
# Of a document the whole is waited for. Nothing else ends by these: however slow the machine is, they are no race.
BRIEF = replace(PATIENT, total_s=0.4)
IMPATIENT = {
    "stall": replace(PATIENT, stall_s=0.3),
    "silent": replace(PATIENT, first_token_s=0.4),
    "role-then-silent": replace(PATIENT, first_token_s=0.4),
}


def wires_of(member):
    """Line ends mean nothing to what has no lines; a length is what documents come with, and a stream hardly ever."""
    has_lines = member.streams and "lines" in FORMATS[member.api].traits
    with_length = not member.streams or member.api in ("openai-chat", "bedrock")
    return [w for w in WIRES if (has_lines or w[1] == "lf") and (with_length or w[0] != "length")]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A member, asked by one wire."""

    member: Member
    wire: tuple[str, str]
    cycle: list[str]
    waiting: str = ""  # the one fixture of its cycle, if it ends when the client's patience does

    @property
    def name(self):
        return f"{self.member.name} {' '.join(self.wire)}"

    @property
    def timeouts(self):
        if not self.waiting:
            return PATIENT
        # Who may get one document is not waited for by its first token, until a stream has begun.
        awaits_token = self.member.streams and (PROTOCOLS[self.member.api].streams or self.waiting != "silent")
        return IMPATIENT[self.waiting] if awaits_token else BRIEF


def asked():
    """Loads, each of members that are asked at one time; first what leaves no connection behind that may be stale."""
    for name in WAITING:
        for group in groups():
            members = [member for member in group if has(member, name)]
            yield [Ask(member=m, wire=wire, cycle=[name], waiting=name) for m in members for wire in wires_of(m)]
    for group in groups():
        yield [Ask(member=m, wire=wire, cycle=cycles(group)[m.name]) for m in group for wire in wires_of(m)]


ASKED = [asks for asks in asked() if asks]


SPARE = ["none"] * 8  # for what is sent again


def named(member):
    return "" if member.api in NAMELESS else f'model = "{member.name}"\n'


@contextmanager
def endpoint(folder, wire):
    """The command, with a script that plays its fixtures to every member in turn."""
    framing, line_end = wire
    cycles_of = {}
    for ask in (ask for group in ASKED for ask in group if ask.wire == wire):
        cycles_of.setdefault(ask.member, []).extend(ask.cycle)
    rules = [
        f'[[play]]\napi = "{member.api}"\n{named(member)}cycle = {json.dumps([*cycle, *SPARE])}\n'
        for member, cycle in cycles_of.items()
    ]
    head = f'ttft_ms = 0\nitl_ms = 0\ngap_ms = 20\ntokens = 8\nframing = "{framing}"\nline_end = "{line_end}"\n'
    script, log = folder / f"{framing}-{line_end}.toml", folder / f"{framing}-{line_end}.jsonl"
    script.write_text(head + "".join(rules))
    command = [sys.executable, "-m", "probes.fake_endpoint", "--port", "0", "--script", script, "--log", log]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One attempt, and what the endpoint knows of it."""

    where: str
    member: Member
    raw: RawAttempt
    record: AttemptRecord
    truth: dict[str, object]


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Every attempt at every endpoint."""
    folder = tmp_path_factory.mktemp("table")
    attempts = []
    with ExitStack() as stack:
        started = {wire: stack.enter_context(endpoint(folder, wire)) for wire in WIRES}
        origins = {wire: process.stdout.readline().strip().removesuffix("/v1") for wire, process in started.items()}
        for group in ASKED:
            members = [member_of(ask, folder, origins[ask.wire]) for ask in group]
            results = run_load_group(members)
            assert [result.stopped_reason for result in results] == [None] * len(results)
            for ask, member in zip(group, members, strict=True):
                attempts += [(ask, raw) for raw in read_raw(member.spool_path)]
    truth = {}
    for log in folder.glob("*.jsonl"):
        for row in map(json.loads, log.read_text().splitlines()):
            # What was dropped unanswered on a connection that was used before is sent again, as after any lost send.
            if row["request_id"] in truth:
                truth[row["request_id"] + ".lost"] = truth[row["request_id"]]
            truth[row["request_id"]] = row
    for path in folder.iterdir():
        assert KEY.encode() not in path.read_bytes(), path
    assert all(raw.attempt_id in truth or raw.attempt_id.endswith(".lost") for _, raw in attempts)
    return [
        Seen(where=ask.name, member=ask.member, raw=raw, record=record_of(raw), truth=truth[raw.attempt_id])
        for ask, raw in attempts
        if raw.attempt_id in truth  # not the row of a send that met a closed connection and never arrived
    ]


def member_of(ask, folder, origin):
    member = ask.member
    prefix = f"{ask.name} {ask.waiting}".strip().replace(" ", ".")
    spec = LoadSpec(
        base_url=origin + FORMATS[member.api].base,
        model=member.name,
        api=member.api,
        api_key=KEY,
        extra_body=member.body or {},
        concurrency=4,
        requests=len(ask.cycle),
        prompt_tokens=30,
        output_tokens=8,
        attempt_prefix=prefix,
        timeouts=ask.timeouts,
        **(member.load or {}),
    )
    return GroupMember(spec=spec, spool_path=folder / prefix)


def text_of(each):
    return PROTOCOLS[each.member.api].answer_text(each.raw.body)


def test_every_fixture_is_expected():
    assert set(EXPECTED) == set(FIXTURES)


def test_every_fixture_is_played_to_every_member(seen):
    played = {(each.where, each.truth["fault"]) for each in seen}
    assert played >= {
        (f"{member.name} {' '.join(wire)}", name)
        for member in MEMBERS
        for wire in wires_of(member)
        for name in FIXTURES
        if has(member, name)
    }


def test_every_fixture_has_its_class(seen):
    wrong = []
    for each in seen:
        name = each.truth["fault"]
        want = expected(each.member.api, name, streams=each.member.streams)
        kind = each.record.error_class
        if name == "drop-unanswered" and kind == each.truth["error_class"] == "stale_connection":
            continue  # on a connection that was used before, nobody can tell
        if name == "json-answer":
            assert not each.record.answer_streamed
            assert each.record.t_first_ns is None
        if kind != want.error_class:
            wrong.append((each.where, name, want.error_class, each.record.error_class, each.record.error_message))
        elif each.truth["error_class"] != kind and each.member.body is None:
            wrong.append((each.where, name, "planned as", each.truth["error_class"]))
    assert not wrong, "\n".join(map(str, wrong))


def test_every_answer_is_read_as_it_was_written(seen):
    wrong = []
    for each in seen:
        name, record = each.truth["fault"], each.record
        want = expected(each.member.api, name, streams=each.member.streams)
        if "text" not in FORMATS[each.member.api].traits or record.error_class != want.error_class:
            continue
        counts = "usage" in FORMATS[each.member.api].traits
        told = {
            "chunks": (
                record.chunks or 0,
                (want.chunks or 0) if each.member.streams else int(want.error_class is None),
            ),
            "text": (
                text_of(each) if record.http_status == 200 and record.chunks else None,
                want.text if each.member.streams or want.error_class is None else None,
            ),
            "output_tokens": (record.output_tokens, want.output_tokens if counts else None),
            "streamed_tokens": (record.streamed_tokens, want.streamed_tokens if counts else None),
            "prompt_tokens": (
                record.prompt_tokens,
                each.truth["prompt_tokens"] if counts and want.prompt_told else None,
            ),
            "usage_fault": (record.usage_fault is not None, want.usage_fault if counts else False),
        }
        wrong += [(each.where, name, what, due, got) for what, (got, due) in told.items() if got != due]
    assert not wrong, "\n".join(map(str, wrong))
