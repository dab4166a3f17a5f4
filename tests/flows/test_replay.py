"""Failed attempts: what was sent and said lands without secrets, is shown, and is sent once more."""

import gzip
import json
import socketserver
import threading
from base64 import b64encode
from urllib.parse import quote

import duckdb
import pytest

from flows.cli import main
from flows.exchanges import MOST_OF_A_CLASS, ends_of
from tests.flows.nights import megatoken

KEY = "sk-Planted/Key+0123456789abcdef"
FORMS = {
    KEY.lower(),
    quote(KEY, safe="").lower(),
    KEY.encode().hex(),
    b64encode(KEY.encode()).decode().rstrip("=")[:-1].lower(),
}
ECHO = f"{KEY} {KEY.upper()} {quote(KEY, safe='')} {KEY.encode().hex()} {b64encode(KEY.encode()).decode()}"


def event(text):
    return b'data: {"choices":[{"index":0,"delta":{"content":%s}}]}\n\n' % json.dumps(text).encode()


OK = event("Hi ") + event(f"you {KEY}") + b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
REFUSAL = json.dumps({"error": {"message": f"the key {ECHO} may not"}}).encode()


class Parrot(socketserver.BaseRequestHandler):
    """Repeats the key in one way after another; says hello to a request that is sent again."""

    def handle(self):
        received = b""
        while b"\r\n\r\n" not in received or not received.endswith(b"}"):
            received += self.request.recv(65536)
        self.server.heads.append(received.partition(b"\r\n\r\n")[0].decode())
        self.server.bodies.append(received.partition(b"\r\n\r\n")[2])
        if b".replay-" in received:
            way = self.server.ways["ok"]
        else:
            way = list(self.server.ways.values())[self.server.asked % len(self.server.ways)]
            self.server.asked += 1
        for piece in way:
            self.request.sendall(piece)


def answer(status, body, *headers):
    fields = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body


def stream(*pieces):
    return (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n" + pieces[0], *pieces[1:])


WAYS = {
    "ok": stream(OK),
    "headers": (answer(500, REFUSAL, f"Server: {ECHO}", f"Location: /?key={ECHO}", f"X-Request-Id: {KEY}"),),
    "packed": (answer(500, gzip.compress(REFUSAL), "Content-Encoding: gzip"),),
    "after 200, cut": stream(
        event("Hi"),
        b'data: {"error":{"message":"' + ECHO.encode()[:12],
        ECHO.encode()[12:] + b'"}}\n\n',
    ),
    "truncated": stream(event(f"so {KEY}"), event(f"and {KEY.upper()}"), KEY.encode()),
    "not http": (ECHO.encode() + b"\r\n\r\n",),
}


@pytest.fixture(scope="module")
def parrot(tmp_path_factory):
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        ways = WAYS
        asked = 0
        heads: tuple = []
        bodies: tuple = []

    with Server(("127.0.0.1", 0), Parrot) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


NIGHT = """
night = { name = "planted", max_usd = 1.0 }

[[targets]]
kind = "endpoint"
id = "parrot"
provider = "parrot"
model = "m"
base_url = "URL"
api = "openai-chat"
api_key_env = "PARROT_KEY"
price = { usd_per_input_mtok = 1.0, usd_per_output_mtok = 1.0 }

[[workloads]]
id = "chat"
arrivals = "closed"
concurrency = 1
requests = 6
warmup_requests = 1
prompt_tokens = 20
output_tokens = 8
slo_ttft_ms = 1000
slo_tpot_ms = 100
"""


@pytest.fixture(scope="module")
def landed(parrot, tmp_path_factory):
    """The data folder of a night and a bench whose endpoint repeats the key, published."""
    data = tmp_path_factory.mktemp("replay") / "data"
    url = f"http://127.0.0.1:{parrot.server_address[1]}/v1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEGATOKEN_DATA", str(data))
        patch.setenv("PARROT_KEY", KEY)
        given = [
            "--model",
            "m",
            "--concurrency",
            "1",
            "--warmup",
            "0",
            "--requests",
            "12",
            "--api-key-env",
            "PARROT_KEY",
        ]
        done = megatoken(data, "bench", url, *given, PARROT_KEY=KEY)
        assert (done.returncode, holds_key(done.stdout + done.stderr)) == (0, False)
        assert main(["publish"]) == 0
        yield data


def failed(capsys) -> dict[str, str]:
    """A failed attempt of the bench of each class."""
    capsys.readouterr()
    assert main(["replay", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    return {row["error_class"]: row["attempt_id"] for row in rows if row["attempt_id"].startswith("bench")}


def test_every_kind_of_failure_lands_with_what_was_sent_and_said(landed, capsys):
    assert set(failed(capsys)) == {"server_error", "stream_error", "truncated", "parse_error"}
    files = [str(path) for path in landed.glob("landing/*/*-bench-*/exchanges.parquet")]
    assert len(ask("SELECT * FROM read_parquet($files)", files=files)) == 10  # twelve, less those that went well


def test_an_exchange_is_shown_and_nothing_is_sent(landed, parrot, capsys):
    attempt_id = failed(capsys)["stream_error"]
    before = len(parrot.heads)
    assert main(["replay", attempt_id, "--show"]) == 0
    out = capsys.readouterr().out
    assert len(parrot.heads) == before
    assert "POST /v1/chat/completions HTTP/1.1" in out
    assert "Authorization: ***" in out
    assert f"X-Request-Id: {attempt_id}" in out
    assert '"stream":true' in out
    assert "Answer: HTTP 200" in out
    assert '{"content":"Hi"}' in out


def test_the_same_request_is_sent_once_more_under_another_id_and_with_the_key(landed, parrot, capsys):
    attempt_id = failed(capsys)["server_error"]
    assert main(["replay", attempt_id, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["before"]["error_class"], told["now"]["error_class"]) == ("server_error", None)
    assert (told["before"]["http_status"], told["now"]["http_status"]) == (500, 200)
    assert told["now"]["first_token_s"] >= told["now"]["first_byte_s"] > 0
    first, again = (n for n, head in enumerate(parrot.heads) if f"X-Request-Id: {attempt_id}" in head)
    assert parrot.bodies[first] == parrot.bodies[again]
    assert f"Authorization: Bearer {KEY}" in parrot.heads[again]
    own = ("X-Request-Id", "Content-Length")
    heads = [[line for line in parrot.heads[n].split("\r\n") if not line.startswith(own)] for n in (first, again)]
    assert heads[0] == heads[1]
    assert f"X-Request-Id: {attempt_id}.replay-" in parrot.heads[again]


def test_a_key_goes_to_its_own_host_only(landed, parrot, capsys):
    attempt_id = failed(capsys)["truncated"]
    assert main(["replay", attempt_id, "--to", f"http://localhost:{parrot.server_address[1]}/v1"]) == 0
    assert "Authorization" not in parrot.heads[-1]


def test_a_failure_again_is_exit_code_1_and_a_mistake_is_one_sentence(landed, capsys, monkeypatch):
    attempt_id = failed(capsys)["truncated"]
    assert main(["replay", attempt_id, "--to", "http://127.0.0.1:1/v1"]) == 1
    assert "failed again, in another way" in capsys.readouterr().out
    monkeypatch.delenv("PARROT_KEY")
    assert main(["replay", attempt_id]) == 2
    assert "PARROT_KEY, which held the key of adhoc, is not set" in capsys.readouterr().err
    assert main(["replay", "nobody.00001"]) == 2
    assert "no attempt nobody.00001 has landed" in capsys.readouterr().err
    succeeded = attempt_id.rpartition(".")[0] + ".00000"
    assert main(["replay", succeeded]) == 2
    assert "succeeded; what was sent and said is kept of failed attempts only" in capsys.readouterr().err


def holds_key(text: str) -> bool:
    return any(form in text.lower() for form in FORMS)


def test_a_key_that_the_endpoint_repeats_is_found_nowhere(landed, capsys):
    found = failed(capsys)
    printed = []
    for attempt_id in found.values():
        for more in (["--show"], ["--show", "--json"], []):
            main(["replay", attempt_id, *more])
            printed += capsys.readouterr()
    assert not any(holds_key(text) for text in printed)
    for path in landed.rglob("*"):
        if path.is_file():
            assert not holds_key(path.read_bytes().decode("latin-1")), path
    assert (landed / "published").is_dir()
    stored = [said for path in landed.rglob("*.parquet") for said in cells(f"read_parquet('{path}')")]
    snapshot = next(path for path in landed.rglob("*.duckdb") if path.name != "warehouse.duckdb")
    for file in (landed / "warehouse.duckdb", snapshot):
        with duckdb.connect(str(file), read_only=True) as con:
            bodies = con.execute("SELECT count(*), count(request_body), count(response_body) FROM exchanges").fetchall()
            assert bodies[0][0] > 0
            assert bodies[0][1:] == (0, 0)  # what was asked and said is for who measured it
            tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
            stored += [said for table in tables for said in cells(table, con)]
    assert any("***" in said for said in stored)  # it was there, and was taken out
    assert not [said for said in stored if holds_key(said)]


def cells(table, con=None) -> list[str]:
    asked = f"SELECT * FROM {table}"
    rows = ask(asked) if con is None else con.execute(asked).fetchall()
    return [str(cell) for row in rows for cell in row]


def ask(sql, **values) -> list[tuple]:
    with duckdb.connect() as con:
        return con.execute(sql, values).fetchall()


@pytest.mark.parametrize(
    ("size", "kept"), [(131_072, 131_072), (131_073, 131_072 + len(b"\n[... 1 bytes left out ...]\n"))]
)
def test_of_a_long_answer_both_ends_are_kept(size, kept):
    body = bytes(n % 251 for n in range(size))
    ends = ends_of(body)
    assert len(ends) == kept
    assert ends.startswith(body[:65_536])
    assert ends.endswith(body[-65_536:])


def test_of_a_night_of_refusals_the_first_of_each_class_are_kept(tmp_path, monkeypatch, capsys):
    from probes.fake_endpoint import FakeScript, fake_endpoint

    monkeypatch.setenv("MEGATOKEN_DATA", str(tmp_path))
    with fake_endpoint(FakeScript(fault="http-500")) as fake:
        given = ["--model", "m", "--warmup", "0", "--requests", "25", "--concurrency", "5"]
        done = megatoken(tmp_path, "bench", fake.base_url, *given)
    assert done.returncode == 1
    assert "server_error: HTTP 500: " in done.stdout
    assert "megatoken replay bench-" in done.stdout
    files = [str(path) for path in tmp_path.glob("landing/*/*/exchanges.parquet")]
    [(count,)] = ask("SELECT count(*) FROM read_parquet($files)", files=files)
    assert count == MOST_OF_A_CLASS
    landed = ask(
        "SELECT attempt_id FROM read_parquet($attempts) EXCEPT SELECT attempt_id FROM read_parquet($files)",
        files=files,
        attempts=[file.replace("exchanges", "attempts") for file in files],
    )
    assert len(landed) == 5
    capsys.readouterr()
    assert main(["replay", landed[0][0]]) == 2
    assert "the first 20 of each class are" in capsys.readouterr().err


def test_a_bench_under_a_limit_says_for_how_long_it_was_held_back(tmp_path):
    from probes.fake_endpoint import FakeScript, fake_endpoint

    with fake_endpoint(FakeScript()) as fake:
        given = ["--model", "m", "--warmup", "0", "--requests", "4", "--max-rps", "20"]
        held = megatoken(tmp_path, "bench", fake.base_url, *given, "--no-land")
        refused = megatoken(tmp_path, "bench", fake.base_url, *given, "--rate", "30")
    assert "by the limit of the endpoint" in held.stdout
    assert (held.returncode, refused.returncode) == (0, 2)
    assert "a rate of 30 requests/s is over max_rps = 20" in refused.stderr
