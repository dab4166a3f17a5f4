"""Long answers as servers send them: a sample by name, its wire format, and how many events it has.

Those of `tests.probes.load.streams` hold a few words each, and all that stands around them stays as it is. Here counts
go up, events are padded, and forms occur that have no sample there: arrays, sound as events, all text so far.
"""

import base64
import json
import random
from collections.abc import Callable, Iterator
from typing import Final

from tests.probes.load.streams import frame, named, sse

_WORDS: Final = ("The ", "grid ", "in ", "Köln ", 'said "yes"', "\n", "; ", "carbon ", "日本 ", "a", " hour", " by")
_SO_FAR_EVENTS: Final = 512  # of one answer: all of its text stands in the last of them


def _words(count: int) -> Iterator[str]:
    generator = random.Random("words")
    return (generator.choice(_WORDS) for _ in range(count))


def _responses(count: int) -> bytes:
    delta = {"type": "response.output_text.delta", "item_id": "msg_6", "output_index": 0, "content_index": 0}
    generator = random.Random("padding")
    events = [
        {**delta, "sequence_number": n, "delta": word, "logprobs": [], "obfuscation": "x7Kd2" * generator.randrange(4)}
        for n, word in enumerate(_words(count - 1), 4)
    ]
    usage = {"input_tokens": 9, "output_tokens": count, "total_tokens": count + 9}
    return named(*events, {"type": "response.completed", "response": {"status": "completed", "usage": usage}})


def _anthropic(count: int) -> bytes:
    delta = {"type": "content_block_delta", "index": 0}
    events = [{**delta, "delta": {"type": "text_delta", "text": word}} for word in _words(count - 2)]
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": count}}
    return named(*events, end, {"type": "message_stop"})


def _gemini(count: int) -> list[dict[str, object]]:
    def event(n: int, word: str) -> dict[str, object]:
        more = {"finishReason": "STOP"} if n == count else {}
        usage = {"promptTokenCount": 900, "candidatesTokenCount": n, "totalTokenCount": n + 900}
        candidate = {"content": {"parts": [{"text": word}], "role": "model"}, **more, "index": 0}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash"}

    return [event(n, word) for n, word in enumerate(_words(count), 1)]


def _array(count: int) -> bytes:
    return b"[" + b"\n,\r\n".join(json.dumps(event, indent=2).encode() for event in _gemini(count)) + b"\n]\n"


def _bedrock(count: int) -> bytes:
    padding = "abcdefghijklm"
    deltas = [
        {"contentBlockIndex": 0, "delta": {"text": word}, "p": padding[: n % len(padding)]}
        for n, word in enumerate(_words(count - 1))
    ]
    frames = b"".join(frame("event", "contentBlockDelta", delta) for delta in deltas)
    return frames + frame("event", "messageStop", {"stopReason": "end_turn"})


def _speech(count: int) -> bytes:
    sound = random.Random("sound").randbytes(1024 * 64)
    pieces = [base64.b64encode(sound[1024 * n : 1024 * (n + 1)]).decode() for n in range(64)]
    events = [{"type": "speech.audio.delta", "audio": pieces[n % 64]} for n in range(count - 1)]
    return sse(*events, {"type": "speech.audio.done", "usage": {"input_tokens": 9, "output_tokens": count}})


def _so_far(count: int) -> bytes:
    text, events = "", []
    for word in _words(count):
        text += word
        events.append({"model_name": "m", "model_version": "1", "text_output": text})
    return sse(*events)


_MADE: Final[dict[str, tuple[str, Callable[[int], bytes]]]] = {
    "anthropic, long": ("anthropic", _anthropic),
    "bedrock, padded": ("bedrock", _bedrock),
    "gemini, counting": ("gemini", lambda count: sse(*_gemini(count)).replace(b"\n", b"\r\n")),
    "gemini, as an array": ("gemini", _array),
    "openai-responses, padded": ("openai-responses", _responses),
    "openai-speech, 1 KiB an event": ("openai-speech", _speech),
    "triton, text so far": ("triton", _so_far),
}
NAMES: Final = tuple(_MADE)


def long_answer(name: str, events: int) -> tuple[str, bytes, int]:
    """The wire format, one body, and how many events it has: as many as asked, or fewer where bodies would be huge."""
    api, make = _MADE[name]
    count = min(events, _SO_FAR_EVENTS) if make is _so_far else events
    return api, make(count), count


def long_answers(api: str, events: int) -> list[bytes]:
    """All of a wire format."""
    return [make(events) for format_, make in _MADE.values() if format_ == api]
