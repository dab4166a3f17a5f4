"""`megatoken watch` and who is told of changes: a real web server, a real mail server, a feed that is XML."""

import asyncio
import json
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest
from rich.console import Console

from flows import told as told_module
from flows.cli import main
from flows.config import check_config
from flows.errors import ConfigError
from flows.notify import notify
from flows.notify_config import Notify
from flows.notify_feed import write_feed
from flows.told import Told, add_told, told
from flows.watchtable import changes_table, print_changes, recent_sentences
from tests.warehouse.begun import begun
from tests.warehouse.synthetic import FIRST_NIGHT_AT, Target, land_night
from warehouse.changes import Change, named
from warehouse.loader import load
from warehouse.publish import publish
from warehouse.watch import Watch, record_changes

NIGHTS = 16
API = Target(id="api", provider="a", model="m", ttft_s=0.3, tpot_s=0.010, usd_per_mtok=(1.0, 2.0))
NOW = datetime(2026, 11, 14, 3, 0, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Sixteen nights: three times as slow from the thirteenth on, dearer from the fifteenth on."""
    folder = tmp_path_factory.mktemp("data")
    random = Random(1)
    for number in range(NIGHTS):
        target = replace(API, ttft_s=0.9) if number >= 12 else API
        target = replace(target, usd_per_mtok=(1.0, 3.0)) if number >= 14 else target
        land_night(folder, FIRST_NIGHT_AT + timedelta(days=number), random, 3, targets=[target])
    load(begun(folder))
    record_changes(folder)
    publish(folder, now=NOW)
    return folder


@pytest.fixture
def data(published, tmp_path):
    """The same snapshot, and nobody told anything."""
    (tmp_path / "published").symlink_to(published / "published")
    yield tmp_path
    (published / "published" / "changes.atom").unlink(missing_ok=True)


# the command


def test_watch_prints_what_changed_with_what_else_differed(published, capsys):
    assert main(["watch", "--data", str(published)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "2026-11-13 api under chat-1" in said
    assert re.search(r"TTFT p50 \d+ -> \d+ ms x [\d.]+ worse 4 after 12", said)
    assert "2026-11-15 api Price of output tokens 2 -> 3 USD/Mtok +50 % worse 2 after 14" in said
    assert "series of 16 nights up to 2026-11-16" in said


def test_watch_as_json_has_base_units_and_takes_a_day_and_a_target(published, capsys):
    assert main(["watch", "api", "--json", "--since", "2026-11-15", "--data", str(published)]) == 0
    found = json.loads(capsys.readouterr().out)
    (price,) = [row for row in found if row["change_kind"] == "price"]
    assert (price["metric_id"], price["value_before"], price["value_after"]) == ("price_usd_per_output_mtok", 2.0, 3.0)
    assert price["relative"] == 0.5
    assert all(row["changed_on"] >= "2026-11-15" for row in found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--since", "yesterday"], "write it as 2026-11-01"), (["nobody"], "nobody has not been measured; there are api")],
)
def test_watch_says_what_is_wrong_with_a_day_or_a_target(published, arguments, said, capsys):
    assert main(["watch", *arguments, "--data", str(published)]) == 2
    assert said in capsys.readouterr().err


def test_the_report_of_a_night_and_the_artifact_name_what_lasts(published):
    said = recent_sentences(published)
    assert any(sentence.startswith("watch: api under chat-1: TTFT p50") for sentence in said)
    assert any("see `megatoken watch`" in sentence for sentence in said)
    rows = changes_table(published)
    assert rows[0]["since"] >= rows[-1]["since"]
    assert {"since", "kind", "target", "before", "after", "change", "nights", "that night"} <= rows[0].keys()


def test_a_warehouse_that_nobody_has_watched_says_so(capsys):
    print_changes(Console(width=100), [], None, None, with_nights=False)
    assert "megatoken publish" in capsys.readouterr().out


@pytest.mark.parametrize(("nights", "said"), [(1, "so far there is 1"), (9, "so far there are 9")])
def test_before_there_are_nights_enough_it_is_not_said_that_nothing_changed(nights, said, capsys):
    seen = Watch(
        watched_at=FIRST_NIGHT_AT, newest_on=FIRST_NIGHT_AT.date(), nights=nights, watched_series=0, short_series=66
    )
    print_changes(Console(width=100), [], seen, FIRST_NIGHT_AT.date(), with_nights=False)
    shown = capsys.readouterr().out
    assert f"changes show after 10 nights; {said}\n" in shown
    assert "nothing changed" not in shown


# who is told


@contextmanager
def web_server(status=200):
    """A server that keeps what is posted to it."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook/s3cret", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def mail_server(*, takes=True) -> Iterator[tuple[int, list[str]]]:
    """A mail server that keeps the messages it takes."""
    messages: list[str] = []
    ready = threading.Event()
    port = 0

    async def session(reader, writer):
        async def say(line):
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await say("220 here")
        while line := (await reader.readline()).decode().strip():
            verb = line.split()[0].upper()
            if verb == "DATA":
                await say("354 go on")
                lines = []
                while (part := (await reader.readline()).decode().rstrip("\r\n")) != ".":
                    lines.append(part)
                messages.append("\n".join(lines))
                await say("250 kept")
            elif verb == "RCPT" and not takes:
                await say("550 nobody here")
            elif verb == "QUIT":
                await say("221 bye")
                break
            else:
                await say("250 fine")
        writer.close()

    async def serve():
        nonlocal port
        server = await asyncio.start_server(session, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        ready.set()
        while not done.is_set():
            await asyncio.sleep(0.02)
        server.close()

    done = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(60)
    try:
        yield port, messages
    finally:
        done.set()
        thread.join()


def by_webhook(**more):
    return Notify(webhook_url_env="HOOK", **more)


def by_mail(port, **more):
    mail = {"host": "127.0.0.1", "port": port, "security": "none", "from": "a@b.example", "to": ["c@d.example"]}
    return Notify.model_validate({"email": mail | more})


def tell(data, config, **environment):
    return notify(data, config, run_id="night-16", environment=environment, now=NOW)


def test_a_webhook_is_told_each_change_once_with_a_text_and_ids(data):
    with web_server() as (url, got):
        (said,) = tell(data, by_webhook(), HOOK=url)
        assert tell(data, by_webhook(), HOOK=url) == []
    ((path, body),) = got
    assert path == "/hook/s3cret"
    assert said == f"webhook was told of {len(body['changes'])} changes"
    assert "s3cret" not in said
    assert body["run_id"] == "night-16"
    assert "- api under chat-1: TTFT p50" in body["text"]
    assert {change["kind"] for change in body["changes"]} == {"shift", "price"}
    assert all(re.fullmatch(r"[0-9a-f]{12}", change["id"]) for change in body["changes"])
    assert len({change["id"] for change in body["changes"]}) == len(body["changes"])


@pytest.mark.parametrize(("status", "reason"), [(500, "answered 500"), (302, "answered 302")])
def test_a_webhook_that_refuses_is_said_without_its_address_and_told_the_next_night(data, status, reason):
    with web_server(status) as (url, _):
        (said,) = tell(data, by_webhook(), HOOK=url)
    assert reason in said
    assert "the next night tries again" in said
    assert "s3cret" not in said
    assert told(data) == []
    with web_server() as (url, got):
        assert tell(data, by_webhook(), HOOK=url)
    assert len(got) == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (None, "HOOK is not set"),
        ("ftp://s3cret", "holds no http:// or https:// address"),
        ("http://127.0.0.1:1/s3cret", "could not be reached"),
        ("http://127.0.0.1:1/s3cret \x01", "could not be used"),
    ],
)
def test_an_address_that_cannot_be_used_is_said_without_it(data, url, reason):
    (said,) = tell(data, by_webhook(), **({} if url is None else {"HOOK": url}))
    assert reason in said
    assert "s3cret" not in said


def test_a_mail_holds_every_change_once_and_its_subject_is_one_line(data):
    with mail_server() as (port, messages):
        (said,) = tell(data, by_mail(port))
        assert tell(data, by_mail(port)) == []
    (message,) = messages
    assert said.startswith("email was told of")
    assert re.search(r"^Subject: Megatoken: \d+ changes", message, re.MULTILINE)
    assert "To: c@d.example" in message
    assert "Price of output tokens 2 -> 3 USD/Mtok" in message.replace("=\n", "")


def test_a_mail_server_that_refuses_is_said_and_told_the_next_night(data):
    with mail_server(takes=False) as (port, messages):
        (said,) = tell(data, by_mail(port))
    assert "refused c@d.example" in said
    assert messages == []
    (said,) = tell(data, by_mail(1))
    assert "127.0.0.1:1 could not be reached" in said
    assert told(data) == []


def test_a_mail_server_that_cannot_encrypt_is_told_nothing(data):
    with mail_server() as (port, messages):
        (said,) = tell(data, by_mail(port, security="starttls", user="me", password_env="P"), P="s3cret")
    assert "could not be used: SMTPNotSupportedError" in said
    assert messages == []


def test_a_password_that_is_not_set_is_said_by_the_name_of_its_variable(data):
    with mail_server() as (port, _):
        (said,) = tell(data, by_mail(port, user="me", password_env="MAIL_PASSWORD"))
    assert "MAIL_PASSWORD is not set" in said


def test_a_feed_is_atom_with_stable_ids_and_keeps_what_it_had(data):
    config = Notify(rss=True)
    (said,) = tell(data, config)
    assert said.startswith("feed changes.atom has")
    path = data / "published" / "changes.atom"
    first = ET.fromstring(path.read_bytes())
    ids = [entry.findtext(f"{ATOM}id") for entry in first.iter(f"{ATOM}entry")]
    assert len(ids) == len(set(ids)) > 3
    assert all(one.startswith("urn:uuid:") for one in ids)
    assert first.findtext(f"{ATOM}updated") == NOW.isoformat()
    path.unlink()
    assert tell(data, config) == []
    again = ET.fromstring(path.read_bytes())
    assert [entry.findtext(f"{ATOM}id") for entry in again.iter(f"{ATOM}entry")] == ids


def test_a_feed_with_names_that_are_markup_or_no_text_is_still_xml(tmp_path):
    one = told_change(title="<img src=x> & \x00\x08 ]]>", text="\ud800")
    entry = next(ET.fromstring(write_feed(tmp_path, [one], NOW).read_bytes()).iter(f"{ATOM}entry"))
    assert entry.findtext(f"{ATOM}title").startswith("<img src=x> & ")


def test_only_what_is_asked_for_is_told(data):
    with web_server() as (url, got):
        tell(data, by_webhook(about=["price"]), HOOK=url)
    ((_, body),) = got
    assert [change["kind"] for change in body["changes"]] == ["price"]


def test_two_channels_are_told_each_for_itself(data):
    with web_server() as (url, got):
        config = Notify(webhook_url_env="HOOK", rss=True)
        assert [said.split()[0] for said in tell(data, config)] == ["webhook", "feed"]
        assert [said.split()[0] for said in tell(data, config, HOOK=url)] == ["webhook"]
    assert len(got) == 1


# what has been told


def told_change(**changes):
    fields = {
        "channel": "webhook", "told_at": NOW, "change_id": "0" * 12, "change_kind": "shift", "target_id": "a",
        "workload_id": "w", "metric_id": "ttft_p50_s", "is_up": True, "changed_on": NOW.date(), "title": "t",
        "text": "x",
    }  # fmt: skip
    return Told(**(fields | changes))


def change(**changes):
    fields = {
        "target_id": "a", "workload_id": "w", "metric_id": "ttft_p50_s", "change_kind": "shift",
        "changed_on": NOW.date(), "earliest_on": NOW.date(), "latest_on": NOW.date(), "value_before": 1.0,
        "value_after": 2.0, "before_nights": 20, "after_nights": 3, "is_better": False,
    }  # fmt: skip
    return named(Change(**(fields | changes)))


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"changed_on": NOW.date() + timedelta(days=3)}, True),  # found again with more nights
        ({"changed_on": NOW.date() + timedelta(days=9)}, False),
        ({"value_after": 0.5}, False),  # it came back
        ({"metric_id": "tpot_p50_s"}, False),
        ({"change_kind": "night", "changed_on": NOW.date() + timedelta(days=1)}, False),
    ],
)
def test_a_shift_that_is_found_again_a_few_nights_off_has_been_told(changes, same):
    assert told_change().is_of(change(**changes)) is same


def test_what_was_told_survives_a_line_that_a_kill_cut_short(tmp_path):
    add_told(tmp_path, [told_change()])
    with (tmp_path / told_module.FILE).open("a") as file:
        file.write('{"channel": "webhook", "told_at": "2026-')
    add_told(tmp_path, [told_change(target_id="b")])
    assert [one.target_id for one in told(tmp_path)] == ["a", "b"]


# the config


def config_with(notify):
    return {
        "night": {"name": "n", "max_usd": 1.0},
        "notify": notify,
        "targets": [
            {
                "kind": "endpoint",
                "id": "a",
                "provider": "p",
                "model": "m",
                "base_url": "http://x/v1",
                "api": "openai-chat",
            }
        ],
        "workloads": [
            {"id": "w", "arrivals": "closed", "concurrency": 1, "requests": 1, "prompt_tokens": 8, "output_tokens": 8}
        ],
    }


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        ({}, "tells nobody"),
        ({"webhook_url_env": "https://hooks.example/s3cret"}, "must be the NAME of an environment variable"),
        ({"rss": True, "about": []}, "about"),
        ({"rss": True, "abuot": ["shift"]}, "did you mean about?"),
        ({"email": {"host": "h", "from": "nobody", "to": ["a@b.example"]}}, "must be one e-mail address"),
        ({"email": {"host": "h", "from": "a@b.example", "to": ["a@b.example"], "user": "u"}}, "go together"),
        (
            {
                "email": {
                    "host": "h", "security": "none", "from": "a@b.example", "to": ["a@b.example"], "user": "u",
                    "password_env": "P",
                }
            },
            "in the clear",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_the_table_is_a_sentence_without_secrets(notify, said):
    with pytest.raises(ConfigError) as refused:
        check_config(config_with(notify), name="night.toml")
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_config_names_who_is_told():
    config = check_config(config_with({"rss": True, "webhook_url_env": "HOOK"}), name="night.toml")
    assert config.notify == Notify(webhook_url_env="HOOK", rss=True)
