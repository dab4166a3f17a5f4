"""Recorded traffic: when requests came, how long they were, and what they shared with earlier ones.

Two published formats, told apart by their first line:

- Azure's LLM inference traces of 2023 and 2024: CSV with TIMESTAMP, ContextTokens, GeneratedTokens (Patel et al.,
  Splitwise, ISCA 2024; Stojkovic et al., DynamoLLM, HPCA 2025).
- Mooncake's traces: one JSON object a line with timestamp (milliseconds), input_length, output_length and hash_ids,
  the prompt cut in blocks of 512 tokens (Qin et al., Mooncake, FAST 2025). An id stands for its block and all before
  it: prompts share text exactly as far as their ids agree from the first on.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from probes.errors import ProbeError

BLOCK_TOKENS: Final = 512

_AZURE: Final = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_MOONCAKE: Final = ("timestamp", "input_length", "output_length", "hash_ids")
_FORMATS: Final = f"Azure's CSV ({','.join(_AZURE)}) or Mooncake's JSON lines ({', '.join(_MOONCAKE)})"
_MOST_LINE_BYTES: Final = 1 << 20
_MOST_TOKENS: Final = 10_000_000  # a slip in a file is not to fill the memory with one prompt
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?")
_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """One recorded request."""

    offset_ns: int  # since the first row, as recorded
    prompt_tokens: int
    output_tokens: int
    hash_ids: tuple[int, ...]  # blocks of 512 tokens, from the first on; empty where the trace tells nothing of sharing


# Instant in nanoseconds, prompt tokens, output tokens, hash ids: a row before its time is set against the first one's.
_Reading = tuple[int, int, int, tuple[int, ...]]
_Parser = Callable[[str, str], _Reading]  # where it stands, for errors; the line


def read_trace(path: Path) -> Iterator[TraceRow]:
    """The rows of a trace in order, read as they are asked for. Empty lines are passed over.

    Raises:
        ProbeError: no such file, or a bad row: not UTF-8, a column or a value missing or wrong, time going backwards,
            no row at all. Names the row as an editor numbers lines, what is wrong and what would be right.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ProbeError(f"trace_file {path} cannot be read: {error.strerror}; it must be {_FORMATS}") from error
    with file:
        first_ns: int | None = None
        last_ns = 0
        parse: _Parser | None = None
        for row, line in _lines(file, path.name):
            where = f"{path.name} row {row}"
            if parse is None:
                if not line.startswith("{"):
                    parse = _azure_parser(where, line)
                    continue
                parse = _mooncake
            at_ns, prompt_tokens, output_tokens, hash_ids = parse(where, line)
            if first_ns is None:
                first_ns = at_ns
            elif at_ns < last_ns:
                back_s = (last_ns - at_ns) / _NS_PER_S
                raise ProbeError(f"{where}: time goes backwards by {back_s:g} s; sort the trace by time")
            last_ns = at_ns
            yield TraceRow(
                offset_ns=at_ns - first_ns, prompt_tokens=prompt_tokens, output_tokens=output_tokens, hash_ids=hash_ids
            )
        if parse is None:
            raise ProbeError(f"{path.name} is empty; a trace is {_FORMATS}")
        if first_ns is None:
            raise ProbeError(f"{path.name} has a header and no rows; a trace is {_FORMATS}")


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, str]]:
    row = 0
    while raw := file.readline(_MOST_LINE_BYTES):
        row += 1
        if len(raw) == _MOST_LINE_BYTES:
            raise ProbeError(f"{name} row {row} is over 1 MiB; a trace is {_FORMATS}")
        try:
            line = raw.decode("utf-8-sig" if row == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise ProbeError(f"{name} row {row} is not UTF-8 ({error.reason}); a trace is text, {_FORMATS}") from error
        if line:
            yield row, line


# Azure.


def _azure_parser(where: str, header: str) -> _Parser:
    columns = _cells(where, header)
    missing = [name for name in _AZURE if name not in columns]
    if len(missing) == len(_AZURE):
        raise ProbeError(f'{where} begins "{header[:60]}"; a trace is {_FORMATS}')
    if missing:
        raise ProbeError(f"{where}: no column {missing[0]}; there are {', '.join(columns)[:120]}")
    at, prompt, output = (columns.index(name) for name in _AZURE)

    def parse(where: str, line: str) -> _Reading:
        cells = _cells(where, line)
        if len(cells) != len(columns):
            raise ProbeError(f"{where} has {len(cells)} cells; the header has {len(columns)}")
        return (
            _instant_ns(where, cells[at]),
            _count_in_text(where, _AZURE[1], cells[prompt]),
            _count_in_text(where, _AZURE[2], cells[output]),
            (),
        )

    return parse


def _cells(where: str, line: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line]))]
    except csv.Error as error:
        raise ProbeError(f"{where} is not CSV: {error}") from error


def _instant_ns(where: str, text: str) -> int:
    """Nanoseconds since 1970; without a zone it is read as UTC. Seven digits, as Azure writes them, are kept whole."""
    found = _INSTANT.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        day, clock, fraction, zone = found.groups()
        instant = datetime.fromisoformat(f"{day}T{clock}{zone or 'Z'}")
    except ValueError as error:
        raise ProbeError(
            f'{where}: TIMESTAMP is "{text[:40]}"; it must be an instant such as 2023-11-16 18:15:46.6805900'
        ) from error
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _NS_PER_S + int((fraction or "").ljust(9, "0"))


def _count_in_text(where: str, name: str, text: str) -> int:
    # No sign, no point, no digits of other scripts; and never more digits than a count can have.
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise ProbeError(f'{where}: {name} is "{text[:40]}"; it must be a whole number >= 0')
    return _plausible(where, name, int(text))


# Mooncake.


def _mooncake(where: str, line: str) -> _Reading:
    import orjson

    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ProbeError(f"{where} is not JSON: {error}; each line must be one JSON object") from error
    if not isinstance(fields, dict):
        raise ProbeError(f"{where} is no JSON object; each line must be one, with {', '.join(_MOONCAKE)}")
    for name in _MOONCAKE:
        if name not in fields:
            aid = "; an empty list says that nothing is shared" if name == "hash_ids" else ""
            raise ProbeError(f"{where} has no {name}{aid}")
    at_ms, hash_ids = fields["timestamp"], fields["hash_ids"]
    if type(at_ms) not in (int, float) or not 0 <= at_ms < 1e15:
        raise ProbeError(f"{where}: timestamp is {_shown(at_ms)}; it must be milliseconds, a number >= 0")
    prompt_tokens = _count_in_json(where, "input_length", fields["input_length"])
    blocks = -(-prompt_tokens // BLOCK_TOKENS)
    if not isinstance(hash_ids, list) or any(type(n) is not int or n < 0 for n in hash_ids):
        raise ProbeError(f"{where}: hash_ids is {_shown(hash_ids)}; it must be a list of whole numbers >= 0")
    if len(hash_ids) > blocks:
        raise ProbeError(
            f"{where} has {len(hash_ids)} hash_ids; input_length {prompt_tokens} is {blocks} blocks of {BLOCK_TOKENS}"
        )
    output_tokens = _count_in_json(where, "output_length", fields["output_length"])
    return round(at_ms * _NS_PER_MS), prompt_tokens, output_tokens, tuple(hash_ids)


def _count_in_json(where: str, name: str, value: object) -> int:
    if type(value) is not int or value < 0:
        raise ProbeError(f"{where}: {name} is {_shown(value)}; it must be a whole number >= 0")
    return _plausible(where, name, value)


def _plausible(where: str, name: str, tokens: int) -> int:
    if tokens > _MOST_TOKENS:
        raise ProbeError(f"{where}: {name} is {tokens}; over {_MOST_TOKENS} tokens is taken for a slip")
    return tokens


def _shown(value: object) -> str:
    return repr(value)[:40]
