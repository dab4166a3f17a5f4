"""The sends of a plan, one by one: how long each is, and what of a file it is. Endless where nothing ends them.

orders -> lengths drawn, rows of a file, rows of a trace, turns of conversations -> Send
"""

import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, repeat
from typing import Final

from probes.load.orders import Orders
from probes.load.prompt_file import FilePrompt, estimated_tokens, read_prompts
from probes.load.spread import Draws, Spread, draws_of, whole
from probes.load.traces import TraceRow, read_trace

_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One request that is to be sent."""

    offset_ns: int | None  # from the start of the window; None in a closed loop
    prompt_tokens: int  # of all of it; of a file's prompts and of later turns an estimate
    output_tokens: int
    hash_ids: Sequence[int] = ()  # blocks of the prompt, from the first on, that equal those of other requests
    row: int | None = None  # of the file of prompts, from 0
    conversation: int | None = None  # from 0; None: it is no turn of any
    turn: int = 0  # of its conversation, from 0
    turn_tokens: int = 0  # what this turn adds to what has been said, where the text is ours


class Lengths:
    """Lengths of prompts and answers, as they are drawn for one send after the other.

    Raises:
        ProbeError: a file of lengths cannot be read.
    """

    def __init__(self, orders: Orders) -> None:
        prompt = orders.prompt_lengths or Spread.always(orders.prompt_tokens)
        output = orders.output_lengths or Spread.always(orders.output_tokens)
        self.varies = orders.prompt_lengths is not None or orders.output_lengths is not None
        self._seed = orders.seed
        self._paired = prompt.file is not None and prompt.file == output.file  # a row of the file is one request
        self.prompt: Draws = draws_of(prompt)
        self.output: Draws = draws_of(output, column=1)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """(prompt tokens, output tokens), the same at every call, without an end."""
        if not self.varies:
            yield from repeat((whole(self.prompt, 0), whole(self.output, 0)))
        draw = random.Random(f"lengths:{self._seed}").random
        while True:
            first, second = draw(), draw()
            yield whole(self.prompt, first), whole(self.output, first if self._paired else second)


class FileRows:
    """The rows of a file of prompts, in the order asked for, from the first on again when the last is sent.

    Raises:
        ProbeError: as `read_prompts`.
    """

    def __init__(self, orders: Orders) -> None:
        assert orders.prompts_file is not None
        self.name = orders.prompts_file.name
        self.prompts, self.left_out = read_prompts(orders.prompts_file)
        self._order = list(range(len(self.prompts)))
        if orders.prompts_order == "shuffled":
            random.Random(f"prompts:{orders.seed}").shuffle(self._order)

    def __iter__(self) -> Iterator[int]:
        while True:
            yield from self._order

    def tokens(self, row: int, turn: int) -> int:
        """The most tokens that a prompt is thought to have, up to that user turn; -1 is the last."""
        return estimated_tokens(self.prompts[row].prompt(turn))


def plain_sends(offsets: Iterator[int | None], lengths: Lengths) -> Iterator[Send]:
    """Requests of our own text, at these offsets."""
    for offset_ns, (prompt_tokens, output_tokens) in zip(offsets, lengths, strict=False):
        yield Send(offset_ns=offset_ns, prompt_tokens=prompt_tokens, output_tokens=output_tokens)


def file_sends(offsets: Iterator[int | None], rows: FileRows, lengths: Lengths) -> Iterator[Send]:
    """Requests of a file at these offsets, each with all its messages up to the last that a user says."""
    known: dict[int, int] = {}
    for offset_ns, row, (_, output_tokens) in zip(offsets, rows, lengths, strict=False):
        prompt = rows.prompts[row]
        if row not in known:
            known[row] = rows.tokens(row, -1)
        yield Send(
            offset_ns=offset_ns,
            prompt_tokens=known[row],
            output_tokens=prompt.output_tokens or output_tokens,
            row=row,
        )


def conversation_sends(rows: FileRows | None, lengths: Lengths, turns: int) -> Iterator[Send]:
    """Turns of conversations, one conversation after the other, without an end.

    Args:
        rows: what is said; None: text of ours, of which each turn adds a drawn length.
        lengths: of what each turn adds, and of the answers.
        turns: the most of a conversation; one of a file may have fewer.
    """
    drawn = iter(lengths)
    order = repeat(None) if rows is None else iter(rows)
    for conversation, row in zip(count(), order, strict=False):
        spoken = None if rows is None or row is None else rows.prompts[row]
        so_far = 0
        for turn in range(turns if spoken is None else min(turns, len(spoken.user_turns))):
            turn_tokens, output_tokens = next(drawn)
            if spoken is not None and rows is not None and row is not None:
                output_tokens = spoken.output_tokens or output_tokens
                # The answers may be longer than those of the file.
                prompt_tokens = rows.tokens(row, turn) + so_far
            else:
                so_far += turn_tokens
                prompt_tokens = so_far
            so_far += output_tokens
            yield Send(
                offset_ns=None,
                prompt_tokens=prompt_tokens,
                output_tokens=output_tokens,
                row=row,
                conversation=conversation,
                turn=turn,
                turn_tokens=turn_tokens,
            )


def most_tokens(rows: FileRows | None, lengths: Lengths, turns: int) -> tuple[int, int]:
    """The longest prompt and the longest answer that can come, in tokens; of a file's prompts an estimate."""
    prompt, output = whole(lengths.prompt, 0), whole(lengths.output, 0)
    prompt, output = max(prompt, round(lengths.prompt.most)), max(output, round(lengths.output.most))
    if rows is None:
        return prompt * turns + output * (turns - 1), output
    output = max(output, *(each.output_tokens or 0 for each in rows.prompts))
    longest = max(_longest(rows, row, each, turns) for row, each in enumerate(rows.prompts))
    return longest + output * (turns - 1), output


def mean_tokens(rows: FileRows | None, lengths: Lengths) -> tuple[float, float]:
    """Means of what one request, or one turn, asks for and gets; of a file's prompts an estimate."""
    if rows is None:
        return lengths.prompt.mean, lengths.output.mean
    count = len(rows.prompts)
    prompt = sum(rows.tokens(row, -1) for row in range(count)) / count
    return prompt, sum(each.output_tokens or lengths.output.mean for each in rows.prompts) / count


def _longest(rows: FileRows, row: int, prompt: FilePrompt, turns: int) -> int:
    return rows.tokens(row, -1 if turns == 1 else min(turns, len(prompt.user_turns)) - 1)


class Recorded:
    """The part of a trace that is replayed, in arrays."""

    __slots__ = ("hash_ids", "ids_end", "name", "offsets_ns", "output_tokens", "prompt_tokens", "without")

    def __init__(self, name: str) -> None:
        self.name = name
        self.offsets_ns = array("q")
        self.prompt_tokens = array("I")
        self.output_tokens = array("I")
        self.hash_ids = array("Q")  # of all rows
        self.ids_end = array("q")  # where those of each row end
        self.without = {"prompt": 0, "output": 0}  # rows of 0 tokens

    def add(self, row: TraceRow, offset_ns: int) -> None:
        # No protocol can ask for 0 tokens, and leaving the request out would change the load: counted, and said.
        self.without["prompt"] += not row.prompt_tokens
        self.without["output"] += not row.output_tokens
        self.offsets_ns.append(offset_ns)
        self.prompt_tokens.append(max(row.prompt_tokens, 1))
        self.output_tokens.append(max(row.output_tokens, 1))
        self.hash_ids.extend(row.hash_ids)
        self.ids_end.append(len(self.hash_ids))

    def sends(self) -> Iterator[Send]:
        start = 0
        for n, offset_ns in enumerate(self.offsets_ns):
            end = self.ids_end[n]
            yield Send(
                offset_ns=offset_ns,
                prompt_tokens=self.prompt_tokens[n],
                output_tokens=self.output_tokens[n],
                hash_ids=self.hash_ids[start:end],
            )
            start = end

    def notes(self) -> list[str]:
        return [
            f"{self.name}: {count} of {len(self.offsets_ns)} requests have 0 {what} tokens and are asked for 1"
            for what, count in self.without.items()
            if count
        ]


def record(orders: Orders) -> Recorded:
    """The part of the trace that orders ask for.

    Raises:
        ProbeError: as `read_trace`.
    """
    assert orders.trace_file is not None
    recorded = Recorded(orders.trace_file.name)
    end_ns = None if orders.duration_s is None else round(orders.duration_s * _NS_PER_S)
    for row in islice(read_trace(orders.trace_file), orders.requests):
        offset_ns = round(row.offset_ns / orders.trace_speed)
        if end_ns is not None and offset_ns >= end_ns:
            break
        recorded.add(row, offset_ns)
    return recorded
