"""Prompts: natural English of our own, of the length asked for.

Random tokens would distort speculative decoding and tokenise badly; a repeated prompt would be answered from a prefix
cache. So each prompt is a stretch of one text, begun at a random word, behind a nonce that no other attempt has: no two
are alike from the first token on. Only a trace that says what its prompts shared gets prompts that share just that.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_TEXT: Final = """
A machine that answers questions spends most of its life waiting. The weights of a model lie in memory, and for every
word it writes they are all read once more, layer after layer, like a library whose every book must be opened before a
single sentence can be spoken. The arithmetic is quick; the carrying is slow. That is why the first word of an answer
and the words after it have such different prices. To read a question, the processor can take all of its words at
once, and its many small engines are busy. To write, it must take one step at a time, for each word depends on the one
before. Engineers call the first part prefill and the second part decode, and they argue about how to share one device
between the two without making anybody wait too long.
Electricity has a place and an hour. The same kilowatt hour can come from falling water in the north, from wind over a
cold sea, from gas in the evening or from coal in a still winter night. A computer does not feel the difference, but
the air does. When the sun stands high over the plains, power can be so plentiful that its price falls below nothing,
and a patient operator moves the work that can wait into those hours. Work that cannot wait, such as a conversation
with an impatient person, has to take the power as it comes. So the cost of an answer is not one number. It is a
little money for the machine, a little for the current, and a little debt to the climate that nobody sends a bill for.
Buildings full of servers breathe warm air. For each unit of energy that reaches a chip, some more is spent on fans,
pumps and the losses of transformers, and in summer a part of the heat is carried away by evaporating water. Good
sites waste a tenth, poor ones waste half. The machines were also made once: ore was mined, silicon was grown, etched
and polished in clean rooms, boards were flown across an ocean. This first debt is shared among all the answers that a
machine will ever give, and the longer it serves, the smaller each share becomes. A device that idles for most of the
day divides its debt among few answers, and that is one reason why small, busy machines can be kinder than large,
lonely ones.
Measuring is a craft of its own. Whoever times a runner with a slow thumb measures the thumb. A client that is busy
with many streams notices each word late and blames the server for it. A careful observer writes down when a packet
came, as close to the wire as possible, and thinks about its meaning afterwards. He counts the failures together with
the successes, for a shop that turns away every second guest should not be praised for its quick service. He repeats
the trial on another day, because the neighbours were loud, and he says how sure he is. Averages hide what people
remember: not the usual pause but the long one, in the middle of a sentence, when the cursor blinked and nothing came.
Small models have a charm that large ones lack. They fit into the memory of a telephone, they wake up quickly, and
they can be taught a narrow trade in an afternoon. They know less about history and poetry, yet for sorting letters,
drafting a reply or finding a name in a long report they are often enough. A sensible team sends the easy questions to
the small model and keeps the large one for the hard ones, much as a hospital does not call the surgeon for a
scratch. The difficulty lies in knowing beforehand which questions are hard, and in noticing when the small model was
wrong with a steady voice.
"""
_INSTRUCTION: Final = "Continue these notes at length, in plain prose, and do not stop early:"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFit:
    """How a server counts our text: prompt tokens = overhead_tokens + tokens_per_word * words."""

    tokens_per_word: float
    overhead_tokens: float  # nonce, instruction and the server's chat template

    def words(self, prompt_tokens: int) -> int:
        """Words of text that make a prompt of about so many tokens; at least 1."""
        return max(1, round((prompt_tokens - self.overhead_tokens) / self.tokens_per_word))

    def block_words(self, prompt_tokens: int, blocks: int, block_tokens: int) -> list[int]:
        """Words of each block of a prompt that is cut every block_tokens tokens; its overhead counts to the first.

        The n-th is the same for every prompt that has more than n whole blocks, so that blocks can be shared.

        Args:
            prompt_tokens: of the whole prompt.
            blocks: how many are wanted; the last ends where the prompt ends, if that is earlier.
            block_tokens: length of a block.

        Returns:
            Words >= 0 of each block, then of what is left behind them.
        """
        ends = [0, *(self.words(min(n * block_tokens, prompt_tokens)) for n in range(1, blocks + 1))]
        ends.append(self.words(prompt_tokens))
        return [after - before for before, after in pairwise(ends)]


UNCALIBRATED: Final = TokenFit(tokens_per_word=1.17, overhead_tokens=40.0)


def fit_tokens(samples: Sequence[tuple[int, int]]) -> TokenFit:
    """What the server's own counts say about our text.

    Two or more lengths give a straight line by least squares; one gives the ratio, with the usual overhead. A count
    that cannot be right (under 0.3 or over 6 tokens a word, as from a server that counts nothing) is not used.

    Args:
        samples: (words of text sent, prompt tokens that the server reported), any order.
    """
    if not samples:
        return UNCALIBRATED
    n = len(samples)
    mean_words = sum(words for words, _ in samples) / n
    mean_tokens = sum(tokens for _, tokens in samples) / n
    spread = sum((words - mean_words) ** 2 for words, _ in samples)
    if spread > 0:
        slope = sum((words - mean_words) * (tokens - mean_tokens) for words, tokens in samples) / spread
    else:
        slope = max(mean_tokens - UNCALIBRATED.overhead_tokens, 0.0) / mean_words
    if not 0.3 <= slope <= 6:
        return UNCALIBRATED
    return TokenFit(tokens_per_word=slope, overhead_tokens=mean_tokens - slope * mean_words)


class PromptSource:
    """Prompts of one trial. The text follows the seed and the key; the nonces follow the attempt and the trial.

    So targets that are measured side by side get the same text, and a repeated trial finds no cache.

    Args:
        seed: of the text.
        trial: what tells this trial from every other, its repetitions too.
    """

    __slots__ = ("_period", "_period_words", "_seed", "_starts", "_text", "_trial")

    def __init__(self, *, seed: int, trial: str = "") -> None:
        pieces = _TEXT.split()
        self._seed = seed
        self._trial = _digest(f"trial:{trial}")
        self._period = " ".join(pieces) + " "
        self._period_words = len(pieces)
        self._starts = [0]  # of each word in a period; and where the period ends
        for piece in pieces:
            self._starts.append(self._starts[-1] + len(piece) + 1)
        self._text = self._period * 2

    def prompt(self, attempt_id: str, *, words: int, key: str = "") -> str:
        """A nonce, an instruction and exactly `words` words of text.

        Args:
            attempt_id: for the nonce.
            words: >= 1.
            key: which text; with the same seed, the same key gives the same.
        """
        return f"{_digest(attempt_id)} {_INSTRUCTION}\n\n{self._stretch(self._mark(key), words)}"

    def shared_prompt(self, attempt_id: str, *, blocks: Iterable[tuple[str, int]]) -> str:
        """A prompt made of blocks, which equals another of the trial exactly as far as their blocks are the same.

        Each block begins with a mark of its own, so that blocks of different keys differ from their first token on. The
        nonce of the trial stands before them, that of the attempt behind.

        Args:
            attempt_id: for the nonce at the end.
            blocks: (key, words) of each, in order; words >= 0, the mark being the first of them.
        """
        parts = []
        for key, words in blocks:
            if words > 0:
                mark = self._mark(key)
                parts.append(f"{mark} {self._stretch(mark, words - 1)}" if words > 1 else mark)
        return f"{self._trial} {_INSTRUCTION}\n\n{' '.join(parts)}\n\n{_digest(attempt_id)}"

    def _mark(self, key: str) -> str:
        return _digest(f"text:{self._seed}:{key}")

    def _stretch(self, mark: str, words: int) -> str:
        """So many words of the text, begun where the mark says; the text repeats itself when it is at its end."""
        first = int(mark, 16) % self._period_words
        periods, last = divmod(first + words, self._period_words)
        end = periods * len(self._period) + self._starts[last]
        while len(self._text) < end:
            self._text += self._text
        return self._text[self._starts[first] : end - 1]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
