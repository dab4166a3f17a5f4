"""The calls of a check: what each says and how many tokens it may cost at most."""

import io
import struct
import wave
import zlib
from dataclasses import dataclass
from typing import Final, Literal

from probes.load.prompt import Image, Prompt, Turn

Says = Literal["count", "short", "long", "nothing", "picture", "large picture"]

# A byte is a token at worst; around each prompt stand a chat template and perhaps a system prompt.
_TEMPLATE_TOKENS: Final = 64
_PICTURE_TOKENS: Final = 1600  # the dearest way that a provider counts a small picture
TOO_WIDE_PIXELS: Final = 9000  # over the limit of providers that have one, and still few bytes
_LONG_LINES: Final = 52  # together more than the 1,024 tokens from which providers cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call: its prompt, and the most tokens that it asks for."""

    says: Says
    output_tokens: int


ASKS: Final[dict[str, Ask]] = {
    "plain": Ask(says="count", output_tokens=8),
    "plain-2": Ask(says="count", output_tokens=8),  # these three: the first, if a field of it was refused
    "plain-3": Ask(says="count", output_tokens=8),
    "plain-4": Ask(says="count", output_tokens=8),
    "again": Ask(says="count", output_tokens=8),
    "stop": Ask(says="count", output_tokens=8),
    "seed": Ask(says="count", output_tokens=8),
    "seed-again": Ask(says="count", output_tokens=8),
    "unstreamed": Ask(says="count", output_tokens=8),
    "natural": Ask(says="short", output_tokens=48),
    "ignore-eos": Ask(says="short", output_tokens=48),
    "min-tokens": Ask(says="short", output_tokens=48),
    "prefix": Ask(says="long", output_tokens=1),
    "prefix-again": Ask(says="long", output_tokens=1),
    "picture": Ask(says="picture", output_tokens=4),
    "large-picture": Ask(says="large picture", output_tokens=4),
    "unknown-field": Ask(says="short", output_tokens=1),
    "empty": Ask(says="nothing", output_tokens=1),
    # refused, where all is well
    "made-up-model": Ask(says="short", output_tokens=1),
    "bad-request": Ask(says="short", output_tokens=1),
    "wrong-key": Ask(says="short", output_tokens=1),
    "address": Ask(says="short", output_tokens=1),
    "address-2": Ask(says="short", output_tokens=1),
    "address-3": Ask(says="short", output_tokens=1),
}


# Asked of formats that generate text only.
_OF_TEXT: Final = frozenset(
    {"stop", "seed", "seed-again", "unstreamed", "natural", "ignore-eos", "min-tokens", "prefix", "prefix-again",
     "picture", "large-picture", "empty"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """What a check costs at most. A byte of a prompt counts as a token."""

    requests: tuple[tuple[int, int], ...]  # of each, the most prompt tokens and output tokens

    @property
    def calls(self) -> int:
        return len(self.requests)

    @property
    def prompt_tokens(self) -> int:
        return sum(prompt for prompt, _ in self.requests)

    @property
    def output_tokens(self) -> int:
        return sum(output for _, output in self.requests)


def worst_case(*, generates: bool, answer_tokens: int | None = None) -> WorstCase:
    """All calls, each answered to its limit; fewer of a format that generates no text.

    Args:
        generates: whether it generates text.
        answer_tokens: of any answer, where no field of a request sets a limit; None: there is such a field.
    """
    asked = [ask for name, ask in ASKS.items() if generates or name not in _OF_TEXT]
    return WorstCase(
        requests=tuple(
            (_most_tokens(ask), ask.output_tokens if answer_tokens is None else answer_tokens) for ask in asked
        )
    )


def _most_tokens(ask: Ask) -> int:
    picture = _PICTURE_TOKENS if ask.says in ("picture", "large picture") else 0
    return len(prompt_of(ask.says, nonce="0" * 8).text.encode()) + _TEMPLATE_TOKENS + picture


def prompt_of(says: Says, *, nonce: str) -> Prompt:
    """The prompt of a call. It has documents and sound too, for formats that are about them.

    Args:
        says: which.
        nonce: begins the long one, so that no answer to an earlier check is in a cache.
    """
    if says in ("picture", "large picture"):
        png = _png(32, 32) if says == "picture" else _png(TOO_WIDE_PIXELS, 32)
        image = Image(data=png, media_type="image/png")
        return Prompt(turns=(Turn(role="user", text="Which colour is it? One word.", images=(image,)),))
    text = {
        # for models that answer, and for those that only go on
        "count": "Count from one to forty in words, with a space between them: one two three",
        "short": "Answer with the single word OK.",
        "long": f"{nonce} " + " ".join(_LONG_LINE.format(n) for n in range(_LONG_LINES)) + " Say OK.",
        "nothing": "",
    }[says]
    documents = ("It is OK.", "It is not.") if text else ()
    return Prompt(turns=(Turn(role="user", text=text),), documents=documents, audio=_WAV)


_LONG_LINE: Final = "Line {} of a text that is sent twice: the second time a part of it may come from a cache."


def _png(width: int, height: int) -> bytes:
    """A red rectangle."""
    rows = (b"\0" + b"\xff\0\0" * width) * height

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def _wav(samples: int, rate: int = 16_000) -> bytes:
    """Silence, 16 bit, one channel."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * samples)
    return made.getvalue()


_WAV: Final = _wav(8_000)
