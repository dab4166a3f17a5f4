"""Tokens of each word of a text, as servers and tokenizer files tell them."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from probes.engines.llamacpp import start_llamacpp
from probes.engines.process import EngineSpec
from probes.engines.weights import shipped_smollm2
from probes.errors import ProbeError
from probes.load.composing import Composer
from probes.load.plan import Plan
from probes.load.sends import Send
from probes.load.spec import LoadSpec
from probes.load.texts import Text, read_text
from probes.load.token_table import table_of_file, table_of_server

TEXT = Text((" The", " pilot,", " über", " it:", "\n\n日本", " again"))
PIECE = re.compile(r" ?[A-Za-z]{1,3}|\s+|.", re.DOTALL)  # a tokenizer of sorts: three letters a token
EXPECTED = [1, 3, 3, 2, 3, 2]


def split(text):
    return PIECE.findall(text)


def llama_cpp(asked):
    return {"tokens": [{"id": 1, "piece": _bytes_or_text(piece)} for piece in split(asked["content"])]}


def _bytes_or_text(piece):
    return piece if piece.isascii() else list(piece.encode())


def vllm(asked):
    pieces = split(asked["prompt"])
    return {"count": len(pieces), "tokens": [1] * len(pieces), "token_strs": [_byte_level(piece) for piece in pieces]}


PLAIN = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
LETTERS = {byte: chr(byte) for byte in PLAIN} | {
    byte: chr(256 + n) for n, byte in enumerate(byte for byte in range(256) if byte not in PLAIN)
}


def _byte_level(piece):
    """As byte-level vocabularies write: bytes that are no letters as the 256th and following ones."""
    return "".join(LETTERS[byte] for byte in piece.encode())


def sentence_piece(asked):
    """As vocabularies of SentencePiece write, with a space before everything."""
    pieces = split(asked["prompt"])
    strings = ["▁", *("<0x0A>" if piece == "\n" else piece.replace(" ", "▁") for piece in pieces)]
    return {"count": len(strings), "tokens": [1] * len(strings), "token_strs": strings}


def sglang(asked):
    prompt = asked["prompt"]
    if isinstance(prompt, list):
        return {"tokens": [[1] * len(split(each)) for each in prompt]}
    return {"tokens": [1] * len(split(prompt))}


def merging(asked):
    found = sglang(asked)
    return found if isinstance(asked["prompt"], list) else {"tokens": found["tokens"][1:]}


SAYS = {
    "llama.cpp": llama_cpp,
    "vllm": vllm,
    "sglang": sglang,
    "merging": merging,
    "ids": lambda asked: {"tokens": [1, 2]},
    "other": lambda asked: {"tokens": [1], "token_strs": ["nonsense"]},
    "text": lambda asked: None,
    "list": lambda asked: [1],
}


@pytest.fixture(scope="module")
def server():
    """A server whose path says how it answers; it keeps what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            question = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append((self.path, dict(self.headers), question))
            says = SAYS.get(self.path.split("/")[1])
            body = b"oops" if says is None else json.dumps(says(question) or "text").encode()
            self.send_response(404 if says is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with serving(Handler) as url:
        yield SimpleNamespace(url=url, asked=asked)


@contextmanager
def serving(handler):
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def endpoint(url, **changes):
    return SimpleNamespace(**{"base_url": url, "model": "m", "ca_file": None} | changes)


@pytest.mark.parametrize("kind", ["llama.cpp", "vllm", "sglang"])
def test_each_server_says_it_in_its_own_way(server, kind):
    table = table_of_server(endpoint(f"{server.url}/{kind}/v1"), TEXT, {"Authorization": "Bearer k"})
    assert table == EXPECTED
    path, headers, question = server.asked[-1]
    assert (path, headers["Authorization"], question["model"]) == (f"/{kind}/tokenize", "Bearer k", "m")
    assert question["add_special_tokens"] is question["add_special"] is False


@pytest.mark.parametrize("kind", ["llama.cpp", "vllm"])
def test_a_long_text_is_asked_about_in_a_few_pieces(server, kind):
    text = read_text("code")
    before = len(server.asked)
    table = table_of_server(endpoint(f"{server.url}/{kind}"), text, {})
    assert sum(table) == len(split(text.joined()))
    assert len(table) == len(text.units)
    assert len(server.asked) - before <= 10


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nowhere", 'says HTTP 404; set tokenizer = "usage"'),
        ("ids", "does not say which piece of text is which token"),
        ("merging", "tokens word by word and"),
        ("other", "answers with other text than it was asked about"),
        ("text", "answers without a list of tokens"),
        ("list", "answers without a list of tokens"),
    ],
)
def test_a_server_that_does_not_say_it_is_said(server, path, sentence):
    with pytest.raises(ProbeError) as caught:
        table_of_server(endpoint(f"{server.url}/{path}/v1"), TEXT, {})
    assert sentence in str(caught.value)


def test_a_server_that_is_not_there_is_said():
    with pytest.raises(ProbeError, match=r"does not answer: .*Connection refused"):
        table_of_server(endpoint("http://127.0.0.1:9/v1"), TEXT, {})


def test_sentence_pieces_may_begin_with_a_space_of_their_own(server, monkeypatch):
    ascii_text = Text((" The", " pilot", "\n", "again"))
    monkeypatch.setitem(SAYS, "sp", sentence_piece)
    assert sum(table_of_server(endpoint(f"{server.url}/sp"), ascii_text, {})) == len(split(ascii_text.joined())) + 1


def test_a_tokenizer_file_tells_the_same(tmp_path):
    tokenizers = pytest.importorskip("tokenizers", reason="of the extra [tokenizers]")
    text = read_text("languages")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([text.joined()], trainer)
    made.save(str(tmp_path / "tokenizer.json"))
    table = table_of_file(tmp_path / "tokenizer.json", text)
    assert sum(table) == len(made.encode(text.joined()).ids)
    for start in (0, 17, 400):
        stretch = "".join(text.units[start : start + 100])
        assert sum(table[start : start + 100]) == len(made.encode(stretch).ids)


def test_a_tokenizer_file_that_is_none_is_said(tmp_path):
    pytest.importorskip("tokenizers", reason="of the extra [tokenizers]")
    for name, content, sentence in (
        ("gone.json", None, "cannot be read: No such file"),
        ("list.json", "[]", "is no JSON object"),
        ("text.json", "hello", "is no JSON object"),
        ("other.json", "{}", 'has no "model"'),
    ):
        path = Path(tmp_path / name)
        if content is not None:
            path.write_text(content)
        with pytest.raises(ProbeError) as caught:
            table_of_file(path, TEXT)
        assert sentence in str(caught.value)


@pytest.mark.engine
@pytest.mark.parametrize("kind", ["prose", "code", "table"])
def test_prompts_are_as_long_as_asked_by_a_real_servers_own_tokenizer(kind, tmp_path):
    given = EngineSpec(model_path=shipped_smollm2(), threads=1, slots=1, context_tokens_per_slot=128)
    spec = LoadSpec(
        base_url="http://h", model="m", attempt_prefix="t", concurrency=1, requests=1, text=kind, tokenizer="server"
    )
    with start_llamacpp(given, log_path=tmp_path / "log", ready_timeout_s=120.0) as engine:
        composer = Composer(spec, Plan(spec))
        composer.take_table(table_of_server(endpoint(engine.base_url), composer.table_text, {}))
        overheads = set()
        for size in (1, 30, 333, 2222):
            asked = Send(offset_ns=None, prompt_tokens=size + 40, output_tokens=1)
            text = composer.prompt(f"t.{size}", f"{size}", asked, size).text
            overheads.add(sum(table_of_server(endpoint(engine.base_url), Text((text,)), {})) - size)
    assert len(overheads) == 1  # nonce and instruction, always as many
