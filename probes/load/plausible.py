"""Counts of tokens that no answer can have: what a server claims is kept in words, and no figure rests on it."""

from dataclasses import replace
from typing import Final

from probes.load.protocols.base import PAYLOAD_FLAGS, EventClass, StreamFacts, WireProtocol

_TIMES_CHUNKS: Final = 10  # below, an answer is nowhere near too short for its count, and is not looked at again
# For bytes.translate: 1 at each class of payload that is no visible text. A result may be a transcript.
_TEXTS: Final = (EventClass.TEXT, EventClass.RESULT)
_NOT_TEXT: Final = bytes(flag and kind not in _TEXTS for kind, flag in enumerate(PAYLOAD_FLAGS))


def plausible_counts(facts: StreamFacts, body: bytes, wire: WireProtocol) -> StreamFacts:
    """The facts, without counts of 0 for what was there, and without counts of output that the answer is too short for.

    litellm's proxy ends a stream of Gemini's format with counts that are all 0: they are unknown.

    A token is a byte at least. So a stream of text whose streamed tokens are ten times its chunks, and more than its
    bytes of text, cannot be what was counted. Where what was streamed is not all visible text it is not judged.

    A transcript that came as one document is text too, and is judged alike. One without any text may have been counted:
    what was heard were no words.
    """
    facts = _without_zeros(facts)
    output, chunks = facts.output_tokens, len(facts.payload_ends)
    if output is None or output < _TIMES_CHUNKS * chunks or not chunks:
        return facts
    if not facts.streamed and EventClass.RESULT not in facts.event_classes:  # there may be more in it than its text
        return facts
    streamed = output - (facts.reasoning_tokens or 0)
    if streamed < _TIMES_CHUNKS * chunks or facts.reasoning_streamed or 1 in facts.event_classes.translate(_NOT_TEXT):
        return facts
    text_bytes = len(wire.answer_text(body).encode("utf-8", "surrogatepass"))
    if not text_bytes or streamed <= text_bytes:
        return facts
    came = f"{chunks} chunks" if chunks > 1 else "one piece"
    return replace(
        facts,
        output_tokens=None,
        reasoning_tokens=None,
        usage_fault=facts.usage_fault
        or f"{output} output tokens cannot be in {text_bytes} bytes of text, which came in {came}",
    )


def _without_zeros(facts: StreamFacts) -> StreamFacts:
    """No prompt is 0 tokens long, and no text."""
    if facts.prompt_tokens == 0:
        fault = facts.usage_fault or "0 prompt tokens cannot be: something was asked"
        facts = replace(facts, prompt_tokens=None, usage_fault=fault)
    if facts.output_tokens == 0 and EventClass.TEXT in facts.event_classes:
        fault = facts.usage_fault or "0 output tokens cannot be: there was text"
        facts = replace(facts, output_tokens=None, reasoning_tokens=None, usage_fault=fault)
    return facts
