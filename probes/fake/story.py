"""What a request asks for, and what an answer says, in no wire format yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

Kind = Literal["text", "reasoning", "tool"]
Finish = Literal["length", "stop", "sequence", "tool", "filter"]
UsagePlace = Literal["usual", "own", "finish", "every", "none"]
UsageFault = Literal["none", "negative", "text", "tenfold"]

WORDS: Final = ("the", "quick", "grüne", "fox", "über", "tokens", "日本", "again")
HIDDEN_TOKENS: Final = 5  # of reasoning that is counted and never shown
BIG_CHARACTERS: Final = 70_000  # more than 64 KiB in one event

TOOL_NAME: Final = "say"
_ARGUMENTS: Final = ('{"words":"', '"}')


class BadAskError(Exception):
    """A request that no server of its kind would serve; the message is one sentence for the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a request asks for, whatever format it came in."""

    model: str
    prompt_tokens: int  # words, see `count_words`
    tokens: int | None = None  # how many it allows; None if it does not say
    stream: bool = True
    wants_usage: bool = True
    stops: tuple[str, ...] = ()  # texts before which the answer ends
    inputs: tuple[str, ...] = ()  # texts to embed, documents to rank
    query: str = ""  # what to rank by
    variant: str = ""  # what else decides about the form of the answer: encoding, audio format
    count: int = 1  # pictures, dimensions, results: what the format counts
    audio_s: float = 0.0  # sound that came with the request


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event brings."""

    kind: Kind
    text: str  # of a tool: a part of the JSON of its arguments
    tokens: int

    @property
    def words(self) -> str:
        """The words alone, for formats whose calls come whole."""
        return self.text.removeprefix(_ARGUMENTS[0]).removesuffix(_ARGUMENTS[1]) if self.kind == "tool" else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What an answer says."""

    model: str
    prompt_tokens: int
    pieces: tuple[Piece, ...]
    hidden_tokens: int = 0  # of reasoning, counted and never shown
    finish: Finish = "stop"
    stopped_at: str | None = None  # the text before which it ended
    role: bool = True  # False: no event that only opens
    usage_place: UsagePlace = "usual"
    usage_fault: UsageFault = "none"
    text_so_far: bool = False  # each event repeats all the text before it

    @property
    def output_tokens(self) -> int:
        """All that was generated, reasoning included."""
        return sum(piece.tokens for piece in self.pieces) + self.hidden_tokens

    @property
    def reasoning_tokens(self) -> int:
        """Shown or hidden."""
        return sum(piece.tokens for piece in self.pieces if piece.kind == "reasoning") + self.hidden_tokens

    def said(self, kind: Kind) -> str:
        """All of one kind."""
        return "".join(piece.text for piece in self.pieces if piece.kind == kind)

    def told(self, tokens: int) -> Any:  # noqa: ANN401 - a lie may have any type
        """A count of output tokens as this answer tells it: the truth, or what no count can be."""
        lies: dict[UsageFault, Any] = {"negative": -tokens - 1, "text": "many", "tenfold": tokens * 10}
        return lies.get(self.usage_fault, tokens)

    def total(self) -> int:
        """Prompt and output, in truth."""
        return self.prompt_tokens + self.output_tokens


@lru_cache(maxsize=64)
def make_pieces(
    tokens: int, *, per_piece: int = 1, reasoning: bool = False, tool: bool = False, big: bool = False
) -> tuple[Piece, ...]:
    """The words of an answer, cut into pieces.

    Args:
        tokens: how many words.
        per_piece: words in a piece.
        reasoning: the first half of the pieces is thinking.
        tool: arguments of one call: a JSON object, once joined.
        big: the first piece is longer than 64 KiB.
    """
    words = [" " + WORDS[n % len(WORDS)] for n in range(tokens)]
    if big and words:
        words[0] = " " + "x" * BIG_CHARACTERS
    texts = [words[n : n + per_piece] for n in range(0, tokens, per_piece)]
    thoughts = len(texts) // 2 if reasoning else 0
    pieces = []
    for n, part in enumerate(texts):
        text = "".join(part)
        if tool:
            text = _ARGUMENTS[0] * (n == 0) + text + _ARGUMENTS[1] * (n == len(texts) - 1)
        kind: Kind = "tool" if tool else "reasoning" if n < thoughts else "text"
        pieces.append(Piece(kind, text, len(part)))
    return tuple(pieces)


def until_stop(pieces: Sequence[Piece], stops: Sequence[str]) -> tuple[tuple[Piece, ...], str | None]:
    """The pieces of an answer up to the first of those texts in what a person sees, and that text; all without one."""
    seen = "".join(piece.text for piece in pieces if piece.kind == "text")
    found = [(at, stop) for stop in stops if (at := seen.find(stop)) >= 0]
    if not found:
        return tuple(pieces), None
    left, stop = min(found)
    kept = []
    for piece in pieces:
        if piece.kind == "text":
            text, left = piece.text[:left], left - len(piece.text)
            if text:
                kept.append(piece if text == piece.text else Piece(piece.kind, text, max(count_words(text), 1)))
            if left <= 0:
                break
        else:
            kept.append(piece)
    return tuple(kept), stop


def count_words(said: object) -> int:
    """The one rule by which this endpoint counts prompts: a token is a word between white space.

    Every text counts, wherever a format keeps it: a string, a list of parts, `content`, `text` or `parts` of an
    object. Roles, pictures and sounds count nothing.
    """
    if isinstance(said, str):
        return len(said.split())
    if isinstance(said, dict):
        return sum(count_words(said[name]) for name in ("content", "text", "parts") if name in said)
    if isinstance(said, Sequence):
        return sum(map(count_words, said))
    return 0
