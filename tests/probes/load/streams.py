"""One whole answer in each wire format, and what it says. Written after the specification, not after a parser."""

import base64
import json
import struct
import zlib
from dataclasses import dataclass

WORDS = ("Grüne ", "日本 ", '"quoted" ', "end")
TEXT = "".join(WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A body, its visible text, and the counts that it states."""

    body: bytes
    text: str = TEXT
    payloads: int = len(WORDS)
    prompt_tokens: int | None = 9
    output_tokens: int | None = 4
    finish_reason: str | None = "stop"


def sse(*events: object, done: bool = False) -> bytes:
    body = b"".join(b"data: " + dumped(event) + b"\n\n" for event in events)
    return body + b"data: [DONE]\n\n" if done else body


def named(*events: dict[str, object]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), dumped(event)) for event in events)


def lines(*events: object) -> bytes:
    return b"".join(dumped(event) + b"\n" for event in events)


def dumped(event: object) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def frame(kind: str, event_type: str, payload: object) -> bytes:
    """One frame of Amazon's event stream."""
    headers = b""
    for name, value in ((":message-type", kind), (":event-type", event_type), (":content-type", "application/json")):
        headers += struct.pack(">B", len(name)) + name.encode() + b"\x07"
        headers += struct.pack(">H", len(value)) + value.encode()
    data = dumped(payload)
    prelude = struct.pack(">II", 16 + len(headers) + len(data), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + data
    return message + struct.pack(">I", zlib.crc32(message))


def chat(choice: dict[str, object] | None, **more: object) -> dict[str, object]:
    choices = [] if choice is None else [{"index": 0, "finish_reason": None, **choice}]
    return {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": choices, **more}


def _chat() -> bytes:
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    return sse(
        chat({"delta": {"role": "assistant", "content": ""}}),
        *(chat({"delta": {"content": word}}) for word in WORDS),
        chat({"delta": {}, "finish_reason": "stop"}),
        chat(None, usage=usage),
        done=True,
    )


def _completions() -> bytes:
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    text = [{"index": 0, "text": word, "finish_reason": None} for word in WORDS]
    return sse(
        *({"object": "text_completion", "model": "m", "choices": [one]} for one in text),
        {"model": "m", "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]},
        {"model": "m", "choices": [], "usage": usage},
        done=True,
    )


def _responses() -> bytes:
    usage = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 4, "total_tokens": 13}
    delta = [{"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "delta": word} for word in WORDS]
    done = {"id": "r", "status": "completed", "model": "m", "usage": usage}
    return named(
        {"type": "response.created", "sequence_number": 0, "response": {"id": "r", "status": "in_progress"}},
        {"type": "response.output_item.added", "sequence_number": 1, "item": {"type": "message", "content": []}},
        *({**one, "sequence_number": n} for n, one in enumerate(delta, 2)),
        {"type": "response.output_text.done", "sequence_number": 6, "text": TEXT},
        {"type": "response.completed", "sequence_number": 7, "response": done},
    )


def _anthropic() -> bytes:
    usage = {"input_tokens": 6, "cache_creation_input_tokens": 1, "cache_read_input_tokens": 2, "output_tokens": 1}
    message = {"id": "m1", "role": "assistant", "content": [], "model": "m", "stop_reason": None, "usage": usage}
    return named(
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in WORDS),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    )


def _gemini() -> bytes:
    def chunk(word: str, **more: object) -> dict[str, object]:
        candidate = {"content": {"role": "model", "parts": [{"text": word}]}, "index": 0, **more}
        usage = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}

    *first, last = WORDS
    return sse(*map(chunk, first), chunk(last, finishReason="STOP")).replace(b"\n", b"\r\n")


def _bedrock() -> bytes:
    deltas = [{"contentBlockIndex": 0, "delta": {"text": word}} for word in WORDS]
    usage = {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13}
    return b"".join(
        frame("event", kind, payload)
        for kind, payload in [
            ("messageStart", {"role": "assistant"}),
            *(("contentBlockDelta", delta) for delta in deltas),
            ("contentBlockStop", {"contentBlockIndex": 0}),
            ("messageStop", {"stopReason": "end_turn"}),
            ("metadata", {"usage": usage, "metrics": {"latencyMs": 12}}),
        ]
    )


def _ollama(key: str) -> bytes:
    def says(text: str) -> dict[str, object]:
        return {"message": {"role": "assistant", "content": text}} if key == "message" else {key: text}

    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 4, "eval_duration": 700_000_000}
    return lines(*({"model": "m", **says(word), "done": False} for word in WORDS), {"model": "m", **says(""), **end})


def _tgi() -> bytes:
    *first, last = [
        {"index": n, "token": {"id": n, "text": word, "logprob": -0.1, "special": False}, "generated_text": None}
        for n, word in enumerate(WORDS, 1)
    ]
    details = {"finish_reason": "stop_sequence", "generated_tokens": 4, "seed": None, "input_length": 9}
    body = sse(*first, last | {"generated_text": TEXT, "details": details})
    return body.replace(b"data: ", b"data:")


def _vectors() -> bytes:
    vector = base64.b64encode(struct.pack("<4f", 0.1, 0.2, 0.3, 0.4)).decode()
    data = [{"object": "embedding", "index": n, "embedding": vector} for n in range(2)]
    return dumped({"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 9, "total_tokens": 9}})


def _wav(seconds: float) -> bytes:
    samples = bytes(range(256)) * round(seconds * 32000 / 256)
    head = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    return head + b"data" + struct.pack("<I", len(samples)) + samples


def _image() -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 1000, "total_tokens": 1009}
    picture = base64.b64encode(bytes(range(256)) * 8).decode()
    return dumped({"created": 1, "data": [{"b64_json": picture}], "usage": usage})


_SCORES = [{"index": 1, "relevance_score": 0.91}, {"index": 0, "relevance_score": 0.2}]
_UNTEXT = {"text": "", "output_tokens": None, "finish_reason": None}
_READ_ONLY = {"output_tokens": 0}  # all of the total was read: known, and what makes the cost known

STREAMS: dict[str, Stream] = {
    "openai-chat": Stream(body=_chat()),
    "azure-openai": Stream(body=_chat()),
    "openai-completions": Stream(body=_completions()),
    "openai-responses": Stream(body=_responses(), finish_reason="completed"),
    "anthropic": Stream(body=_anthropic(), finish_reason="end_turn"),
    "gemini": Stream(body=_gemini(), finish_reason="STOP"),
    "vertex-gemini": Stream(body=_gemini(), finish_reason="STOP"),
    "bedrock": Stream(body=_bedrock(), finish_reason="end_turn"),
    "ollama": Stream(body=_ollama("message")),
    "ollama-generate": Stream(body=_ollama("response")),
    "tgi": Stream(body=_tgi(), finish_reason="stop_sequence"),
    "triton": Stream(
        body=sse(*({"model_name": "m", "model_version": "1", "text_output": word} for word in WORDS)),
        prompt_tokens=None,
        output_tokens=None,
        finish_reason=None,
    ),
    "openai-embeddings": Stream(body=_vectors(), payloads=1, **_UNTEXT | _READ_ONLY),
    "rerank": Stream(
        body=dumped({"results": _SCORES, "usage": {"total_tokens": 9}}), payloads=1, **_UNTEXT | _READ_ONLY
    ),
    "cohere-rerank": Stream(
        body=dumped({"id": "x", "results": _SCORES, "meta": {"billed_units": {"search_units": 1}}}),
        payloads=1,
        prompt_tokens=None,
        **_UNTEXT,
    ),
    "tei-rerank": Stream(
        body=dumped([{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}]),
        payloads=1,
        prompt_tokens=None,
        **_UNTEXT,
    ),
    "openai-speech": Stream(body=_wav(0.25), payloads=0, prompt_tokens=None, **_UNTEXT),
    "openai-transcription": Stream(
        body=dumped({"text": TEXT, "usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 4}}),
        payloads=1,
        finish_reason=None,
    ),
    "openai-images": Stream(body=_image(), payloads=1, text="", output_tokens=1000, finish_reason=None),
}
