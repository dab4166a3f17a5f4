"""How many tokens each word of a text is, by the server's own tokenizer or by a file of it. Asked before the window.

Tokenizers cut text at white space before they look for tokens, so a word with the white space before it has the same
tokens wherever it stands. One look at the whole text therefore tells the length of every prompt that is cut from it;
whether that holds is seen in the warm-ups, and in every attempt, by what the server counted.

- llama.cpp: POST /tokenize {content, add_special, with_pieces} -> {tokens: [{id, piece}]}
- vLLM: POST /tokenize {model, prompt, add_special_tokens, return_token_strs} -> {count, tokens, token_strs}
- SGLang: POST /tokenize {model, prompt, add_special_tokens} -> {count, tokens}, lists of them for a list of prompts
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from probes.errors import ProbeError
from probes.load.texts import Text

if TYPE_CHECKING:
    from http.client import HTTPConnection

TOKENIZER_WORDS: Final = ("usage", "server")  # what is no file
_CHUNK_UNITS: Final = 2000  # a call: ten of them for the longest text
_TIMEOUT_S: Final = 20.0
_REMEDY: Final = 'set tokenizer = "usage", or name a tokenizer.json'
_BYTE_LEVEL_START: Final = "Ġ"  # how byte-level vocabularies write a space


class Endpoint(Protocol):
    """Where to ask; a `LoadSpec` is one."""

    @property
    def base_url(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def ca_file(self) -> str | None: ...


def table_of_file(path: Path, text: Text) -> list[int]:
    """Tokens of each word of a text, by a tokenizer.json.

    Raises:
        ProbeError: the file cannot be read, or the package that reads it is not installed.
    """
    try:
        tokenizers: Any = importlib.import_module("tokenizers")
    except ImportError as error:
        raise ProbeError(
            f"tokenizer = \"{path.name}\" needs the package tokenizers; install it: uv pip install '.[tokenizers]'"
        ) from error
    tokenizer = tokenizers.Tokenizer.from_str(_tokenizer_json(path))
    encoding = tokenizer.encode(text.joined(), add_special_tokens=False)
    ends = list(accumulate(map(len, text.units)))
    return _tokens_by_unit((start for start, _ in encoding.offsets), ends)


def _tokenizer_json(path: Path) -> str:
    """The text of such a file; the library says little about one that is something else."""
    import orjson

    try:
        text = path.read_text(encoding="utf-8")
        model = orjson.loads(text).get("model")
    except OSError as error:
        raise ProbeError(
            f'tokenizer {path} cannot be read: {error.strerror}; name a tokenizer.json, or "server", or "usage"'
        ) from error
    except (ValueError, AttributeError) as error:
        raise ProbeError(f"tokenizer {path.name} is no JSON object; it must be a tokenizer.json") from error
    if not isinstance(model, dict):
        raise ProbeError(f'tokenizer {path.name} has no "model"; it must be a tokenizer.json')
    return text


def table_of_server(endpoint: Endpoint, text: Text, headers: Mapping[str, str]) -> list[int]:
    """Tokens of each word of a text, by the server's /tokenize.

    Args:
        endpoint: the server; /tokenize stands beside its /v1.
        text: the text.
        headers: those that carry the key.

    Raises:
        ProbeError: it has no /tokenize, or does not say in it which piece of text is which token.
    """
    with _Asker(endpoint, headers) as asker:
        counts: list[int] = []
        for start in range(0, len(text.units), _CHUNK_UNITS):
            units = text.units[start : start + _CHUNK_UNITS]
            answer = asker.ask("".join(units))
            pieces = _pieces(answer)
            counts += _one_by_one(asker, units, answer) if pieces is None else _by_pieces(pieces, units, asker.url)
        return counts


class _Asker:
    """A connection to a server's /tokenize."""

    def __init__(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        parts = urlsplit(endpoint.base_url)
        self._path = parts.path.rstrip("/").removesuffix("/v1") + "/tokenize"
        self.url = f"{parts.scheme}://{parts.netloc}{self._path}"
        self._model = endpoint.model
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        host = parts.hostname or ""
        import http.client  # brings ssl and email, which most trials need not

        if parts.scheme == "https":
            from probes.load.tls import client_context

            context = client_context(endpoint.ca_file)
            self._connection: HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=_TIMEOUT_S, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_S)

    def __enter__(self) -> "_Asker":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, prompt: str | Sequence[str]) -> dict[str, Any]:
        """One question, in the words of all three servers: each takes its own and leaves the others."""
        from http.client import HTTPException

        import orjson

        question = {
            "model": self._model,
            "prompt": prompt,
            "content": prompt,
            "add_special_tokens": False,
            "add_special": False,
            "return_token_strs": True,
            "with_pieces": True,
        }
        try:
            self._connection.request("POST", self._path, orjson.dumps(question), self._headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            raise ProbeError(f"{self.url} does not answer: {error}; {_REMEDY}") from error
        if response.status != 200:
            raise ProbeError(f"{self.url} says HTTP {response.status}; {_REMEDY}")
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ProbeError(f"{self.url} does not answer in JSON: {error}; {_REMEDY}") from error
        if not isinstance(answer, dict) or not isinstance(answer.get("tokens"), list):
            raise ProbeError(f"{self.url} answers without a list of tokens; {_REMEDY}")
        return answer


def _pieces(answer: Mapping[str, Any]) -> list[bytes] | None:
    """The text of each token; None if the server does not say."""
    tokens, strings = answer["tokens"], answer.get("token_strs")
    if isinstance(strings, list) and all(isinstance(each, str) for each in strings):
        byte_level = any(each.startswith(_BYTE_LEVEL_START) for each in strings)
        return [_byte_level(each) if byte_level else _sentence_piece(each) for each in strings]
    if tokens and all(isinstance(each, dict) and "piece" in each for each in tokens):
        found = [each["piece"] for each in tokens]
        return [bytes(each) if isinstance(each, list) else str(each).encode() for each in found]
    return None


def _byte_level(token: str) -> bytes:
    """Byte-level vocabularies write each byte as a letter: those that are none as the 256th and following ones."""
    return b"".join(bytes((_LETTERS[letter],)) if letter in _LETTERS else letter.encode() for letter in token)


def _letters() -> Iterator[tuple[str, int]]:
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    yield from ((chr(byte), byte) for byte in plain)
    yield from ((chr(256 + n), byte) for n, byte in enumerate(others))


_LETTERS: Final = dict(_letters())


def _sentence_piece(token: str) -> bytes:
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes((int(token[3:5], 16),))
    return token.replace("▁", " ").encode()


def _by_pieces(pieces: Sequence[bytes], units: Sequence[str], url: str) -> list[int]:
    ends = list(accumulate(len(unit.encode()) for unit in units))
    sizes = [len(piece) for piece in pieces]
    extra = sum(sizes) - ends[-1]  # some tokenizers put a space before everything
    if extra not in (0, 1):
        raise ProbeError(f"{url} answers with other text than it was asked about ({extra:+d} bytes); {_REMEDY}")
    starts = islice(accumulate(sizes, initial=-extra), len(sizes))
    return _tokens_by_unit(starts, ends)


def _tokens_by_unit(starts: Iterator[int], ends: Sequence[int]) -> list[int]:
    """A token belongs to the word in which it starts."""
    counts = [0] * len(ends)
    unit = 0
    for start in starts:
        while start >= ends[unit]:
            unit += 1
        counts[unit] += 1
    return counts


def _one_by_one(asker: _Asker, units: Sequence[str], answer: Mapping[str, Any]) -> list[int]:
    """Every word that there is by itself, in one question; right if together they are as many as the whole."""
    words = sorted(set(units))
    tokens = asker.ask(words)["tokens"]
    if len(tokens) != len(words) or not all(isinstance(each, list) for each in tokens):
        raise ProbeError(f"{asker.url} does not say which piece of text is which token; {_REMEDY}")
    known = dict(zip(words, map(len, tokens), strict=True))
    counts = [known[unit] for unit in units]
    if sum(counts) != len(answer["tokens"]):
        raise ProbeError(
            f"{asker.url} counts {sum(counts)} tokens word by word and {len(answer['tokens'])} in the whole; {_REMEDY}"
        )
    return counts
