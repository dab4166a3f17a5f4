"""What requests are made of, beside their length: kinds of text, files, pictures, documents, sound, turns of a talk."""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol

from probes.load.orders import Asked
from probes.load.spread import Spread
from probes.load.texts import TextKind

History = Literal["answers", "recorded"]

_MOST_SIDE_PX: Final = 8192
_MOST_IMAGES: Final = 100
_MOST_DOCUMENTS: Final = 10_000
_MOST_DOCUMENT_TOKENS: Final = 1_000_000
_MOST_AUDIO_S: Final = 3600.0
_MOST_TURNS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Pictures that are drawn for each request."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    count: int = 1
    width_px: int = 512
    height_px: int = 512

    def problem(self) -> str | None:
        """What is wrong, as the end of a sentence that names the field; None if nothing is."""
        for name, most in (("count", _MOST_IMAGES), ("width_px", _MOST_SIDE_PX), ("height_px", _MOST_SIDE_PX)):
            if not 1 <= getattr(self, name) <= most:
                return f"{name} = {getattr(self, name)} must be 1 to {most}"
        return None


class Ingredients(Asked, Protocol):
    """What is asked of requests. The fields mean what they mean in `LoadSpec`."""

    @property
    def text(self) -> TextKind: ...
    @property
    def nonce(self) -> bool: ...
    @property
    def shared_prefix_share(self) -> float: ...
    @property
    def think_s(self) -> Spread | None: ...
    @property
    def history(self) -> History: ...
    @property
    def images(self) -> Images | None: ...
    @property
    def documents(self) -> int: ...
    @property
    def document_tokens(self) -> int: ...
    @property
    def audio_s(self) -> float: ...


def ingredients_problem(asked: Ingredients) -> str | None:
    """What is wrong with what is asked, as a sentence; None if nothing is."""
    return _out_of_range(asked) or _misplaced(asked)


def _out_of_range(asked: Ingredients) -> str | None:
    for name in ("prompt_lengths", "output_lengths", "think_s", "images"):
        value: Spread | Images | None = getattr(asked, name)
        problem = None if value is None else value.problem()
        if problem is not None:
            return f"{name}: {problem}"
    if not 0 <= asked.shared_prefix_share < 1:
        return f"shared_prefix_share = {asked.shared_prefix_share:g} must be 0 to below 1; 0.5 shares half of a prompt"
    for name, least, most in (
        ("turns", 1, _MOST_TURNS),
        ("documents", 0, _MOST_DOCUMENTS),
        ("document_tokens", 0, _MOST_DOCUMENT_TOKENS),
        ("audio_s", 0, _MOST_AUDIO_S),
    ):
        if not least <= getattr(asked, name) <= most:
            return f"{name} = {getattr(asked, name):g} must be {least} to {most:g}"
    if bool(asked.documents) is not bool(asked.document_tokens):
        return "documents = N and document_tokens = N go together: how many, and how long each"
    return None


def _misplaced(asked: Ingredients) -> str | None:
    """What would be ignored where it stands."""
    own = {
        "prompt_lengths": asked.prompt_lengths is not None,
        "shared_prefix_share": asked.shared_prefix_share > 0,
        "images": asked.images is not None,
        "documents": asked.documents > 0,
        "audio_s": asked.audio_s > 0,
        'text = "' + asked.text + '"': asked.text != "prose",
    }
    if asked.prompts_file is not None and any(own.values()):
        return f"prompts_file brings its own prompts; leave {_named(own)} out"
    of_lengths = {"prompts_file": asked.prompts_file is not None, "output_lengths": asked.output_lengths is not None}
    no_trace = of_lengths | {name: own[name] for name in ("prompt_lengths", "shared_prefix_share")}
    if asked.arrivals == "trace" and any(no_trace.values()):
        return f"a trace says itself how long prompts are and what they share; leave {_named(no_trace)} out"
    if asked.prompts_order != "file" and asked.prompts_file is None:
        return f'prompts_order = "{asked.prompts_order}" is of a prompts_file; name one, or leave it out'
    if not asked.nonce and asked.prompts_file is None and not asked.shared_prefix_share:
        return "nonce = false lets caches answer; it goes with prompts_file or shared_prefix_share only"
    return _misplaced_turns(asked)


def _misplaced_turns(asked: Ingredients) -> str | None:
    of_turns = {"think_s": asked.think_s is not None, f'history = "{asked.history}"': asked.history != "answers"}
    if asked.turns == 1 and any(of_turns.values()):
        return f"{_named(of_turns)} is of conversations; set turns = N, the most that one has"
    if asked.turns > 1 and asked.arrivals != "closed":
        return f'turns = {asked.turns} needs arrivals = "closed": a turn waits for the answer to the one before'
    singles = {name: bool(getattr(asked, name)) for name in ("shared_prefix_share", "documents", "audio_s")}
    if asked.turns > 1 and any(singles.values()):
        return f"turns = {asked.turns} makes conversations of text and pictures; leave {_named(singles)} out"
    return None


def _named(flags: dict[str, bool]) -> str:
    return " and ".join(name for name, is_set in flags.items() if is_set)
