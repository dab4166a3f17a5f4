"""A conversation under way: what has been said, and the next turn once an answer has come and been thought about.

first turn -> landed -> think -> second turn with all that was said before -> landed -> ...
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from probes.load.composing import Composer
from probes.load.flight import Following, Landed, Planned
from probes.load.prompt import Prompt, Turn
from probes.load.prompt_file import FilePrompt
from probes.load.sends import Send
from probes.load.spec import LoadSpec
from probes.load.spread import Draws

_S: Final = 1_000_000_000

Request = Callable[[int, Send, Prompt], Planned]  # seq, its send, what it asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """What all conversations of a trial are made with."""

    spec: LoadSpec
    composer: Composer
    request: Request
    think: Draws
    answer_text: Callable[[bytes], str]  # of the wire format
    attempt_id: Callable[[int], str]  # seq -> id


class Conversation:
    """One of them.

    Args:
        make: what it is made with.
        turns: (seq, send) of each of its turns.
        row: of the file of prompts; None: our own text.
    """

    __slots__ = ("_make", "_row", "_said", "_thoughts", "_turn", "_turns")

    def __init__(self, make: Maker, turns: Sequence[tuple[int, Send]], row: FilePrompt | None) -> None:
        self._make = make
        self._turns = turns
        self._row = row
        self._turn = 0
        self._said: tuple[Turn, ...] = ()
        number = turns[0][1].conversation
        self._thoughts = random.Random(f"think:{make.spec.seed}:{number}").random

    def first(self) -> Planned:
        """The first turn, due at once."""
        return self._planned()

    def _planned(self) -> Planned:
        """The turn that is next, with all that was said before."""
        seq, send = self._turns[self._turn]
        new = self._new_turns(seq, send)
        planned = self._make.request(seq, send, Prompt(turns=self._said + new))
        planned.turn_number = self._turn + 1
        planned.conversation_id = f"{self._make.spec.attempt_prefix}.c{send.conversation:05d}"
        self._said += new
        if self._turn + 1 < len(self._turns):
            planned.follow = self._follow
        return planned

    def _new_turns(self, seq: int, send: Send) -> tuple[Turn, ...]:
        """What the user says now; in a file that may be more than one turn."""
        composer, attempt_id = self._make.composer, self._make.attempt_id(seq)
        if self._row is None:
            if not self._said:
                return composer.prompt(attempt_id, f"measured:{seq}", send, None).turns
            return (Turn(role="user", text=composer.turn_text(f"measured:{seq}", send)),)
        places = self._row.user_turns
        start = places[self._turn - 1] + 1 if self._turn else 0
        new = self._row.turns[start : places[self._turn] + 1]
        if self._turn:
            new = tuple(turn for turn in new if turn.role != "assistant")  # what was answered is said already
        return new if self._said else composer.nonced(attempt_id, new)

    def _follow(self, landed: Landed) -> Following:
        """When an answer has come: the next turn, built when it is asked for."""
        think_ns = round(self._make.think.at(self._thoughts()) * _S)

        def build() -> Planned:
            self._hear(landed)
            self._turn += 1
            return self._planned()

        return Following(due_ns=landed.t_end_ns + think_ns, build=build)

    def _hear(self, landed: Landed) -> None:
        """Put the answer behind what was said; without one, the user goes on as if he had not asked."""
        answer = self._answer(landed)
        if answer:
            self._said = (*self._said, Turn(role="assistant", text=answer))
        else:
            while self._said and self._said[-1].role == "user":
                self._said = self._said[:-1]

    def _answer(self, landed: Landed) -> str:
        seq, send = self._turns[self._turn]
        if self._make.spec.history == "recorded":
            return self._recorded(seq, send)
        response = landed.response
        if landed.failure is not None or response is None or response.status != 200 or response.spilled_bytes:
            return ""  # of an answer that was moved to disk while it came only the end is at hand
        return self._make.answer_text(b"".join(response.parts))

    def _recorded(self, seq: int, send: Send) -> str:
        if self._row is None:
            return self._make.composer.answer_text(f"answer:{seq}", send)
        after = self._row.turns[self._row.user_turns[self._turn] + 1 :]
        spoken: list[str] = []
        for turn in after:
            if turn.role == "user":
                break
            if turn.role == "assistant":
                spoken.append(turn.text)
        return "\n\n".join(spoken)
