"""Prompts from a file: JSON lines of messages or of texts, or conversations in the form of ShareGPT.

    {"prompt": "..."}                                          "output_tokens": 200 in any of them: length to ask for
    {"messages": [{"role": "user", "content": "..."}]}         "documents": ["..."] to rank or embed
    {"conversations": [{"from": "human", "value": "..."}]}     "images": ["a.png"], "audio": "a.wav": files beside it

One object a line, or one JSON list of them. It is read and checked whole before the first request; nothing is fetched.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from probes.errors import ProbeError
from probes.load.attached import image_tokens, sound_tokens
from probes.load.prompt import Image, Prompt, Turn

_FORMS: Final = 'an object with "messages", "prompt" or "conversations"'
_ROLES: Final[dict[str, Literal["system", "user", "assistant"]]] = {
    "system": "system", "developer": "system", "user": "user", "human": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant",
}  # fmt: skip
_MAGIC: Final = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
_MOST_FILE_BYTES: Final = 1 << 30
_MOST_ATTACHED_BYTES: Final = 64 << 20
_MOST_TOKENS: Final = 1_000_000
# For quotes: no text of any language has more tokens than bytes, and hardly any more than one for three.
_BYTES_A_TOKEN: Final = 3
_TOKENS_A_TURN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePrompt:
    """One row: a conversation, whose assistant turns are answers that somebody once got."""

    turns: tuple[Turn, ...]  # with a user turn at least
    documents: tuple[str, ...] = ()
    audio: bytes | None = None
    output_tokens: int | None = None  # None: as the workload says

    @property
    def user_turns(self) -> list[int]:
        """Where in `turns` the user speaks."""
        return [n for n, turn in enumerate(self.turns) if turn.role == "user"]

    def prompt(self, nth_user_turn: int) -> Prompt:
        """All that is said up to the n-th thing that the user says."""
        end = self.user_turns[nth_user_turn] + 1
        return Prompt(turns=self.turns[:end], documents=self.documents, audio=self.audio)


def estimated_tokens(prompt: Prompt) -> int:
    """The most tokens that a prompt is thought to have, where nobody has counted: for worst cases, not for figures."""
    text = sum(len(turn.text.encode()) for turn in prompt.turns) + sum(len(text.encode()) for text in prompt.documents)
    pictures = sum(image_tokens(image) for turn in prompt.turns for image in turn.images)
    sound = 0 if prompt.audio is None else sound_tokens(prompt.audio)
    return -(-text // _BYTES_A_TOKEN) + _TOKENS_A_TURN * len(prompt.turns) + pictures + sound


@lru_cache(maxsize=2)
def read_prompts(path: Path) -> tuple[tuple[FilePrompt, ...], int]:
    """The prompts of a file in order, and how many rows were left out because no user says anything in them.

    Raises:
        ProbeError: no such file, a row that is none, an attached file that cannot be read, no row at all. Names the
            line, or in a JSON list the item, what is wrong and what would be right.
    """
    prompts: list[FilePrompt] = []
    left_out = 0
    for where, fields in _rows(path):
        found = _prompt(where, fields, path.parent)
        if found is None:
            left_out += 1
        else:
            prompts.append(found)
    if not prompts:
        raise ProbeError(f"{path.name} has no prompt; each line must be {_FORMS}")
    return tuple(prompts), left_out


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import orjson

    data = _bytes_of(path, f"prompts_file {path}", _MOST_FILE_BYTES)
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        try:
            items = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError as error:
            raise ProbeError(f"{path.name} is not JSON: {error}; it must be a list of objects") from error
        numbered: Iterator[tuple[str, Any]] = ((f"{path.name} item {n}", item) for n, item in enumerate(items, start=1))
    else:
        numbered = _lines(path.name, data)
    for where, item in numbered:
        if not isinstance(item, dict):
            raise ProbeError(f"{where} is no JSON object; it must be {_FORMS}")
        yield where, item


def _lines(name: str, data: bytes) -> Iterator[tuple[str, Any]]:
    import orjson

    for row, line in enumerate(data.splitlines(), start=1):
        text = line.removeprefix(b"\xef\xbb\xbf") if row == 1 else line
        if text.strip():
            try:
                yield f"{name} row {row}", orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise ProbeError(f"{name} row {row} is not JSON: {error}; each line must be {_FORMS}") from error


def _prompt(where: str, fields: Mapping[str, Any], folder: Path) -> FilePrompt | None:
    """A row; None if no user says anything in it."""
    given = [name for name in ("messages", "prompt", "conversations") if name in fields]
    if len(given) != 1:
        raise ProbeError(f"{where} has {' and '.join(given) or 'none of them'}; it must be {_FORMS}")
    if given == ["prompt"]:
        turns = [Turn(role="user", text=_text(where, "prompt", fields["prompt"]))]
    else:
        role, text = ("role", "content") if given == ["messages"] else ("from", "value")
        turns = [_turn(where, item, role, text) for item in _list(where, given[0], fields[given[0]])]
    turns = [turn for turn in turns if turn.text.strip() or turn.images]
    while turns and turns[0].role == "assistant":  # exports begin in the middle of a talk
        del turns[0]
    speaks = [n for n, turn in enumerate(turns) if turn.role == "user"]
    if not speaks:
        return None
    images = tuple(_image(where, name, folder) for name in _texts(where, "images", fields.get("images", [])))
    if images:
        turns[speaks[0]] = replace(turns[speaks[0]], images=(*turns[speaks[0]].images, *images))
    audio = fields.get("audio")
    return FilePrompt(
        turns=tuple(turns),
        documents=tuple(_texts(where, "documents", fields.get("documents", []))),
        audio=None if audio is None else _attached(where, _text(where, "audio", audio), folder),
        output_tokens=_count(where, fields.get("output_tokens")),
    )


def _turn(where: str, item: object, role_key: str, text_key: str) -> Turn:
    if not isinstance(item, dict) or role_key not in item or text_key not in item:
        raise ProbeError(f'{where}: {str(item)[:60]} is no turn; it must have "{role_key}" and "{text_key}"')
    role = _ROLES.get(str(item[role_key]).lower())
    if role is None:
        raise ProbeError(
            f'{where}: "{role_key}" is {str(item[role_key])[:40]!r}; it must be one of {", ".join(_ROLES)}'
        )
    content = item[text_key]
    if not isinstance(content, list):
        return Turn(role=role, text=_text(where, text_key, content))
    texts = [_text(where, "text", part.get("text")) for part in content if _kind(where, part) == "text"]
    images = tuple(_data_uri(where, part) for part in content if _kind(where, part) == "image_url")
    return Turn(role=role, text="\n".join(texts), images=images)


def _kind(where: str, part: object) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in ("text", "image_url"):
        raise ProbeError(f'{where}: a part of type {kind!r} cannot be sent; it must be "text" or "image_url"')
    return str(kind)


def _data_uri(where: str, part: Mapping[str, Any]) -> Image:
    given = part.get("image_url")
    url = given.get("url") if isinstance(given, dict) else given
    head, _, data = str(url).partition(";base64,")
    if not head.startswith("data:image/"):
        raise ProbeError(f'{where}: image_url "{str(url)[:40]}" is no data URI of an image; nothing is fetched')
    try:
        return Image(data=base64.b64decode(data, validate=True), media_type=head.removeprefix("data:"))
    except binascii.Error as error:
        raise ProbeError(f"{where}: an image_url is not base64: {error}") from error


def _image(where: str, name: str, folder: Path) -> Image:
    data = _attached(where, name, folder)
    for magic, media_type in _MAGIC.items():
        if data.startswith(magic):
            return Image(data=data, media_type=media_type)
    raise ProbeError(f"{where}: {name} is no picture; it must be PNG, JPEG, GIF or WebP")


def _attached(where: str, name: str, folder: Path) -> bytes:
    return _attachment((folder / name).resolve(), f"{where}: {name}")


@lru_cache(maxsize=256)
def _attachment(path: Path, what: str) -> bytes:
    return _bytes_of(path, what, _MOST_ATTACHED_BYTES)


def _bytes_of(path: Path, what: str, most: int) -> bytes:
    try:
        if path.stat().st_size > most:
            raise ProbeError(f"{what} is over {most >> 20} MiB; take a part of it")
        return path.read_bytes()
    except OSError as error:
        raise ProbeError(f"{what} cannot be read: {error.strerror}") from error


def _list(where: str, name: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ProbeError(f'{where}: "{name}" is {str(value)[:40]!r}; it must be a list')
    return value


def _texts(where: str, name: str, value: object) -> list[str]:
    return [_text(where, name, item) for item in _list(where, name, value)]


def _text(where: str, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ProbeError(f'{where}: "{name}" is {str(value)[:40]!r}; it must be text')
    return value


def _count(where: str, value: object) -> int | None:
    if value is not None and (type(value) is not int or not 1 <= value <= _MOST_TOKENS):
        raise ProbeError(f'{where}: "output_tokens" is {str(value)[:40]!r}; it must be 1 to {_MOST_TOKENS}')
    return value
