"""The bytes of an answer, made once: a paced write then costs a look-up and a send."""

from typing import Final

import orjson

# Common short words: one token each in nearly every tokenizer, so that tools which count for themselves agree with us.
WORDS: Final = tuple(b" the of and to in a is that for it as was with be by on".replace(b" ", b"\0 ").split(b"\0")[1:])
MODEL: Final = "fast"
HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
# All answers share one id: only a client's log could tell them apart by it, and ours goes by X-Request-Id.
_FRONT: Final = b'data: {"id":"fast","object":"%b","created":1,"model":"fast",'


class Answers:
    """The writes of an answer, `burst` tokens each.

    The first brings the response head and, in a chat, the role event with the first tokens, as vLLM does; the last
    brings finish reason, usage, [DONE] and the end of the body with the last ones.

    Args:
        burst: tokens a write.
        chat: chat completions; else the older text completions, which some load generators still ask for.
    """

    __slots__ = ("_blocks", "_finish", "_front", "_head", "_tokens", "burst")

    def __init__(self, burst: int, *, chat: bool = True) -> None:
        self.burst = burst
        self._front = _FRONT % (b"chat.completion.chunk" if chat else b"text_completion")
        said = b'"delta":{"content":"%b"}' if chat else b'"text":"%b"'
        self._tokens = [self._choice(said % word) for word in WORDS]
        self._finish = self._choice(b'"delta":{}' if chat else b'"text":""', b'"length"')
        self._head = HEAD
        if chat:
            self._head += self._choice(b'"delta":{"role":"assistant","content":""}')
        self._blocks = [self._run(start, burst) for start in range(len(WORDS))]

    def write(self, sent: int, tokens: int, prompt_tokens: int) -> bytes:
        """What to send after `sent` of `tokens` tokens."""
        left = tokens - sent
        if left > self.burst:
            block = self._blocks[sent % len(WORDS)]
            return block if sent else self._head + block
        end = self._run(sent % len(WORDS), left) + self._finish + self._usage(tokens, prompt_tokens) + _END
        return end if sent else self._head + end

    def _run(self, start: int, count: int) -> bytes:
        return b"".join(self._tokens[n % len(WORDS)] for n in range(start, start + count))

    def _usage(self, tokens: int, prompt_tokens: int) -> bytes:
        return self._event(
            b'"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
            b'"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}'
            % (prompt_tokens, tokens, prompt_tokens + tokens)
        )

    def _choice(self, said: bytes, finish: bytes = b"null") -> bytes:
        return self._event(b'"choices":[{"index":0,%b,"finish_reason":%b}]' % (said, finish))

    def _event(self, rest: bytes) -> bytes:
        """One server-sent event in one HTTP chunk."""
        return _chunk(self._front + rest + b"}\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_END: Final = _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def plain(status: int, body: object) -> bytes:
    """A whole answer that is one JSON document."""
    data = orjson.dumps(body)
    return b"HTTP/1.1 %d Told\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(data),
        data,
    )
