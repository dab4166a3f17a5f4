"""The bytes of an answer, made once: a paced write then costs a look-up and a send."""

from typing import Final

import orjson

# Common short words: one token each in nearly every tokenizer, so that tools which count for themselves agree with us.
WORDS: Final = tuple(b" the of and to in a is that for it as was with be by on".replace(b" ", b"\0 ").split(b"\0")[1:])
MODEL: Final = "fast"
HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
# All answers share one id: only a client's log could tell them apart by it, and ours goes by X-Request-Id.
_FRONT: Final = b'data: {"id":"chatcmpl-fast","object":"chat.completion.chunk","created":1,"model":"fast",'
_DONE: Final = b"data: [DONE]\n\n"


def _event(rest: bytes) -> bytes:
    """One server-sent event in one HTTP chunk."""
    return _chunk(_FRONT + rest + b"}\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _choice(delta: bytes, finish: bytes = b"null") -> bytes:
    return _event(b'"choices":[{"index":0,"delta":{%b},"finish_reason":%b}]' % (delta, finish))


_ROLE: Final = _choice(b'"role":"assistant","content":""')
_TOKENS: Final = tuple(_choice(b'"content":"%b"' % word) for word in WORDS)
_FINISH: Final = _choice(b"", b'"length"')


class Answers:
    """The writes of an answer, `burst` tokens each.

    The first brings the response head and the role event with the first tokens, as vLLM does; the last brings finish
    reason, usage, [DONE] and the end of the body with the last ones.
    """

    __slots__ = ("_blocks", "burst")

    def __init__(self, burst: int) -> None:
        self.burst = burst
        self._blocks = [_tokens(start, burst) for start in range(len(WORDS))]

    def write(self, sent: int, tokens: int, prompt_tokens: int) -> bytes:
        """What to send after `sent` of `tokens` tokens."""
        left = tokens - sent
        if left > self.burst:
            block = self._blocks[sent % len(WORDS)]
            return block if sent else HEAD + _ROLE + block
        end = _tokens(sent % len(WORDS), left) + _FINISH + _usage(tokens, prompt_tokens) + _chunk(_DONE) + b"0\r\n\r\n"
        return end if sent else HEAD + _ROLE + end


def _tokens(start: int, count: int) -> bytes:
    return b"".join(_TOKENS[n % len(WORDS)] for n in range(start, start + count))


def _usage(tokens: int, prompt_tokens: int) -> bytes:
    return _event(
        b'"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
        b'"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}'
        % (prompt_tokens, tokens, prompt_tokens + tokens)
    )


def plain(status: int, body: object) -> bytes:
    """A whole answer that is one JSON document."""
    data = orjson.dumps(body)
    return b"HTTP/1.1 %d Told\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(data),
        data,
    )
