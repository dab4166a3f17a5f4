"""From a send of the plan to its prompt: text of the right length, or a row of a file, with what else was asked for.

How long our text comes out is learnt in the warm-ups (`TokenFit`); a table of tokens, if there is one, makes it exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from probes.load.ingredients import Images
from probes.load.pictures import draw_image
from probes.load.plan import Plan
from probes.load.prompt import Image, Prompt, Turn
from probes.load.prompts import UNCALIBRATED, PromptSource, TokenFit, fit_overhead, fit_tokens, single_words
from probes.load.sends import Send
from probes.load.spec import LoadSpec
from probes.load.texts import Text, read_text
from probes.load.traces import BLOCK_TOKENS
from probes.load.wav import wav_of_tones

_FEWEST_WORDS_OF_OWN: Final = 1
_CALIBRATION_WORDS: Final = 32  # of the first warm-up, at least; half as many of the second


class Composer:
    """The prompts of one trial.

    Args:
        spec: of the trial.
        plan: its plan, which tells what is shared and has read the file of prompts.
    """

    def __init__(self, spec: LoadSpec, plan: Plan) -> None:
        self._spec = spec
        self._plan = plan
        self._text = read_text(spec.text)
        self._unit_tokens: Sequence[int] | None = None
        self._singles: Sequence[str] | None = None
        self._source = self._make_source()
        self._fit: TokenFit = UNCALIBRATED
        beside = spec.images or spec.documents or spec.audio_s or spec.shared_prefix_share
        self._is_plain = spec.prompts_file is None and not beside and not plan.shares_prefixes

    @property
    def is_counted(self) -> bool:
        """Whether a server's count of a prompt is one of our text, so that its length can be learnt and judged."""
        spec = self._spec
        return spec.prompts_file is None and not (spec.documents or spec.audio_s)

    def take_table(self, unit_tokens: Sequence[int]) -> None:
        """From now on text is counted in tokens: those of each word of `table_text`."""
        here, prose = len(self._text.units), read_text("prose").units
        self._unit_tokens = unit_tokens[:here]
        self._singles = single_words(prose, unit_tokens[-len(prose) :])
        self._source = self._make_source()
        self._fit = fit_overhead([])

    @property
    def table_text(self) -> Text:
        """What a table of tokens has to be of: the text, and English words for nonces behind it."""
        return self._text if self._spec.text == "prose" else Text(self._text.units + read_text("prose").units)

    def learn(self, samples: Sequence[tuple[int, int]]) -> None:
        """Take (words sent, prompt tokens counted by the server) of warm-ups, so that prompts get the length asked."""
        if self.is_counted:
            self._fit = fit_tokens(samples) if self._unit_tokens is None else fit_overhead(samples)

    def calibration_words(self, n: int) -> int:
        """Words of text for the n-th warm-up sent to learn how the server counts: each of another length."""
        # A prompt may be hardly longer than what stands around its text; two lengths must differ to tell a slope.
        return max(self._fit.words(self._plan.mean_send.prompt_tokens) // (n + 1), _CALIBRATION_WORDS >> n)

    def words(self, send: Send) -> int:
        """Words of our text that a send is."""
        return self._fit.words(send.prompt_tokens)

    def prompt(self, attempt_id: str, key: str, send: Send, words: int | None) -> Prompt:
        """The prompt of a send that repeats nothing said before.

        Args:
            attempt_id: for its nonce.
            key: which text.
            send: of the plan.
            words: how long, where that is not to follow from the send: to learn how the server counts.
        """
        spec = self._spec
        if self._is_plain:  # the quick way of what nearly all trials send
            return Prompt.of(self._source.prompt(attempt_id, words=words or self.words(send), key=key))
        if send.row is not None and words is None:
            return self._of_file(attempt_id, send)
        text = self._own_text(attempt_id, key, send, words)
        images = () if spec.images is None or words is not None else self._images(attempt_id, spec.images)
        return Prompt(
            turns=(Turn(role="user", text=text, images=images),),
            documents=self._documents(attempt_id, key),
            audio=wav_of_tones(seconds=spec.audio_s, seed=attempt_id) if spec.audio_s else None,
        )

    def turn_text(self, key: str, send: Send) -> str:
        """What a later turn of a conversation of ours says."""
        return self._source.plain(words=self._fit.added_words(send.turn_tokens), key=key)

    def answer_text(self, key: str, send: Send) -> str:
        """What stands for an answer in a conversation of ours that does not repeat the target's own."""
        return self._source.plain(words=self._fit.added_words(send.output_tokens), key=key)

    def nonced(self, attempt_id: str, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """Turns of a file with a nonce before the first of them."""
        return (replace(turns[0], text=self._source.nonced(attempt_id, turns[0].text)), *turns[1:])

    def _make_source(self) -> PromptSource:
        spec = self._spec
        return PromptSource(
            seed=spec.seed,
            trial=spec.attempt_prefix,
            text=self._text,
            unit_tokens=self._unit_tokens,
            singles=self._singles,
            nonce=spec.nonce,
        )

    def _of_file(self, attempt_id: str, send: Send) -> Prompt:
        assert send.row is not None
        row = self._plan.file_prompts[send.row]
        prompt = row.prompt(send.turn if send.conversation is not None else -1)
        return replace(prompt, turns=self.nonced(attempt_id, prompt.turns))

    def _own_text(self, attempt_id: str, key: str, send: Send, words: int | None) -> str:
        share = self._spec.shared_prefix_share
        if words is None and not send.hash_ids:
            words = self.words(send)
        if self._plan.shares_prefixes:
            blocks = self._shared(send, key) if words is None else self._unshared(words, key)
            return self._source.shared_prompt(attempt_id, blocks=blocks)
        assert words is not None  # only a plan that shares has hash ids
        if not share:
            return self._source.prompt(attempt_id, words=words, key=key)
        own = max(_FEWEST_WORDS_OF_OWN, words - round(words * share))
        return self._source.prefixed_prompt(attempt_id, shared_words=words - own, own_words=own, key=key)

    def _images(self, attempt_id: str, images: Images) -> tuple[Image, ...]:
        return tuple(
            draw_image(f"{attempt_id}:{n}", width_px=images.width_px, height_px=images.height_px)
            for n in range(images.count)
        )

    def _documents(self, attempt_id: str, key: str) -> tuple[str, ...]:
        spec = self._spec
        words = self._fit.added_words(spec.document_tokens) if spec.documents else 0
        return tuple(
            self._source.nonced(f"{attempt_id}:{n}", self._source.plain(words=words, key=f"{key}:{n}"))
            for n in range(spec.documents)
        )

    def _shared(self, send: Send, key: str) -> Iterator[tuple[str, int]]:
        """Blocks of a prompt that shares some: those of the trace, then what is its own."""
        words = self._fit.block_words(send.prompt_tokens, len(send.hash_ids), BLOCK_TOKENS)
        keys = (*(f"block:{hash_id}" for hash_id in send.hash_ids), key)
        return zip(keys, words, strict=True)

    def _unshared(self, words: int, key: str) -> Iterator[tuple[str, int]]:
        """Blocks of the same size for a prompt that shares none; so it is counted as those that do."""
        size = self._fit.words(BLOCK_TOKENS)
        return ((f"{key}:{start}", min(size, words - start)) for start in range(0, words, size))
