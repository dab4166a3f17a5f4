"""Prompts: natural text of our own, of the length asked for.

Random tokens would distort speculative decoding and tokenise badly; a repeated prompt would be answered from a prefix
cache. So each prompt is a stretch of one text, begun at a random word, behind a nonce that no other attempt has: no two
are alike from the first token on. Only where sharing is asked for - by a trace that says what its prompts shared, or by
a workload - do prompts share just that.

Length is told in words, which a `TokenFit` turns into tokens; where somebody has said how many tokens each word of the
text is (`token_table`), it is told in tokens, and hit exactly.
"""

import hashlib
import string
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from probes.load.texts import Text, read_text

_INSTRUCTION: Final = "Continue these notes at length, in plain prose, and do not stop early:"
_NONCE_WORDS: Final = 6
_FEWEST_SINGLES: Final = 128  # words of one token: six of them and a letter are then more than 10^14 nonces
_MOST_OVERHEAD_TOKENS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFit:
    """How a server counts our text: prompt tokens = overhead_tokens + tokens_per_word * words.

    Where the tokens of each word are known, a "word" is a token, and tokens_per_word is 1.
    """

    tokens_per_word: float
    overhead_tokens: float  # nonce, instruction and the server's chat template

    def words(self, prompt_tokens: int) -> int:
        """Words of text that make a prompt of about so many tokens; at least 1."""
        return max(1, round((prompt_tokens - self.overhead_tokens) / self.tokens_per_word))

    def added_words(self, tokens: int) -> int:
        """Words that make a prompt longer by about so many tokens; at least 1."""
        return max(1, round(tokens / self.tokens_per_word))

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


def fit_overhead(samples: Sequence[tuple[int, int]]) -> TokenFit:
    """The same where text is counted in tokens: only what the server adds is not known.

    Args:
        samples: (tokens of text sent, prompt tokens that the server reported), any order.
    """
    added = sorted(prompt_tokens - tokens for tokens, prompt_tokens in samples)
    overhead = added[len(added) // 2] if added else UNCALIBRATED.overhead_tokens
    if not 0 <= overhead <= _MOST_OVERHEAD_TOKENS:
        overhead = UNCALIBRATED.overhead_tokens
    return TokenFit(tokens_per_word=1.0, overhead_tokens=overhead)


def single_words(units: Sequence[str], unit_tokens: Sequence[int]) -> list[str]:
    """Words of one token, each once: what a nonce of known length is made of; none if there are too few of them.

    Args:
        units: words of a text with the white space before them.
        unit_tokens: tokens of each.
    """
    found = {unit for unit, tokens in zip(units, unit_tokens, strict=False) if tokens == 1}
    singles = sorted(unit for unit in found if unit[0] == " " and unit[1:].isalpha() and unit.isascii())
    return singles if len(singles) >= _FEWEST_SINGLES else []


class PromptSource:
    """Prompts of one trial. The text follows the seed and the key; the nonces follow the attempt and the trial.

    So targets that are measured side by side get the same text, and a repeated trial finds no cache.

    Args:
        seed: of the text.
        trial: what tells this trial from every other, its repetitions too.
        text: to cut from.
        unit_tokens: how many tokens each word of the text is, see `token_table`; None: text is counted in words.
        singles: words of one token, for nonces; None: those of the text itself.
        nonce: False: prompts begin alike, and the same in every trial of the seed.
    """

    __slots__ = (
        "_begins", "_ends", "_lead", "_nonce", "_period", "_seed", "_singles", "_starts", "_text", "_trial", "_units",
    )  # fmt: skip

    def __init__(
        self,
        *,
        seed: int,
        trial: str = "",
        text: Text | None = None,
        unit_tokens: Sequence[int] | None = None,
        singles: Sequence[str] | None = None,
        nonce: bool = True,
    ) -> None:
        self._units = (text or read_text("prose")).units
        self._seed = seed
        self._nonce = nonce
        self._period = "".join(self._units)
        self._starts = list(accumulate(map(len, self._units), initial=0))  # of each word in a period; its end
        self._text = self._period * 2
        # A word begins a prompt only if a space stands before it, which does not become one token with what is there.
        self._begins = [n for n, unit in enumerate(self._units) if unit[0] == " "]
        self._ends = list(accumulate(unit_tokens, initial=0)) if unit_tokens is not None else None
        self._singles = single_words(self._units, unit_tokens or ()) if singles is None else singles
        self._lead = "" if unit_tokens is None else "Notes:"
        self._trial = self._word(f"trial:{trial}")

    def prompt(self, attempt_id: str, *, words: int, key: str = "") -> str:
        """A nonce, an instruction and exactly `words` words of text (or tokens, if their table is known).

        Args:
            attempt_id: for the nonce.
            words: >= 1.
            key: which text; with the same seed, the same key gives the same.
        """
        nonce = f"{self._word(attempt_id)} " if self._nonce else ""
        return f"{nonce}{_INSTRUCTION}\n\n{self._lead}{self._stretch(self._mark(key), words)}"

    def prefixed_prompt(self, attempt_id: str, *, shared_words: int, own_words: int, key: str = "") -> str:
        """A prompt whose first words are those of every other of the trial, and whose last are its own.

        Args:
            attempt_id: for the nonce, which stands between the two.
            shared_words: >= 0, after the nonce of the trial.
            own_words: >= 1.
            key: which text is its own.
        """
        trial, nonce = (f"{self._trial} ", f"{self._word(attempt_id)} ") if self._nonce else ("", "")
        shared = self._stretch(self._mark("shared"), shared_words) if shared_words else ""
        own = self._stretch(self._mark(key), own_words)
        return f"{trial}{_INSTRUCTION}\n\n{self._lead}{shared}\n\n{nonce}{_INSTRUCTION}\n\n{self._lead}{own}"

    def plain(self, *, words: int, key: str) -> str:
        """Text alone: a document, a turn of a conversation."""
        return self._stretch(self._mark(key), words).lstrip()

    def nonced(self, attempt_id: str, text: str) -> str:
        """Somebody else's text behind a nonce, if there are any."""
        return f"{self._word(attempt_id)} {text}" if self._nonce else text

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
                parts.append(f"{mark} {self._stretch(mark, words - 1).lstrip()}" if words > 1 else mark)
        return f"{self._trial} {_INSTRUCTION}\n\n{' '.join(parts)}\n\n{_digest(attempt_id)}"

    def _word(self, name: str) -> str:
        """A nonce: twelve digits, or where tokens are counted a letter and six words, always of as many tokens."""
        if not self._singles:
            return _digest(name)
        number, letter = divmod(int(_digest(name), 16), len(string.ascii_uppercase))
        words = []
        for _ in range(_NONCE_WORDS):
            number, place = divmod(number, len(self._singles))
            words.append(self._singles[place])
        return string.ascii_uppercase[letter] + "".join(words)

    def _mark(self, key: str) -> str:
        return _digest(f"text:{self._seed}:{key}")

    def _stretch(self, mark: str, words: int) -> str:
        """So many words (or tokens) of the text, begun where the mark says; it repeats itself when it is at its end."""
        first = self._begins[int(mark, 16) % len(self._begins)]
        if self._ends is not None:
            return self._token_stretch(first, words)
        return self._cut(first, words)[1:]

    def _cut(self, first: int, units: int) -> str:
        """So many words with the white space before each."""
        periods, last = divmod(first + units, len(self._units))
        end = periods * len(self._period) + self._starts[last]
        while len(self._text) < end:
            self._text += self._text
        return self._text[self._starts[first] : end]

    def _token_stretch(self, first: int, tokens: int) -> str:
        """As many whole words as fit, then words of one token for what is left: exactly so many tokens."""
        assert self._ends is not None
        period_tokens = self._ends[-1]
        periods, rest = divmod(self._ends[first] + tokens, period_tokens)
        last = bisect_right(self._ends, rest) - 1
        left = rest - self._ends[last]
        text = self._cut(first, periods * len(self._units) + last - first)
        filling = self._singles or [" and"]
        return text + "".join(filling[(first + n) % len(filling)] for n in range(left))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
