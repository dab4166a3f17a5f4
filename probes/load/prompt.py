"""What one request asks, before a wire format gives it its form."""

from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture that is sent with a turn."""

    data: bytes
    media_type: str  # such as "image/png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a request asks: a conversation, and for some tasks documents to rank, or sound.

    A wire format takes what it has a place for. `text` is for those that know no turns.
    """

    turns: tuple[Turn, ...]
    documents: tuple[str, ...] = ()  # to be ranked against the text
    audio: bytes | None = None  # a WAV file, to be transcribed

    @classmethod
    def of(cls, text: str) -> Self:
        """One turn of a user."""
        return cls(turns=(Turn(role="user", text=text),))

    @property
    def text(self) -> str:
        """All turns as one text."""
        return self.turns[0].text if len(self.turns) == 1 else "\n\n".join(turn.text for turn in self.turns)
