"""What a client should make of every fixture when it asks for eight tokens: written by hand, from the specification.

A fixture means the same in every format that has it; where a format cannot say so, `EXCEPTIONS` gives the reason.
"""

from dataclasses import dataclass, replace

WORDS = (" the", " quick", " grüne", " fox", " über", " tokens", " 日本", " again")
ALL, HALF = "".join(WORDS), "".join(WORDS[:4])


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Of an answer in a format of words; the others are checked for their class alone."""

    error_class: str | None = None
    chunks: int | None = 8  # events with payload; None: no answer, or none that is read
    text: str | None = ALL  # what a person would see
    output_tokens: int | None = 8  # as the server tells
    streamed_tokens: int | None = 8
    prompt_told: bool = True
    usage_fault: bool = False


OK = Expected()
NOTHING = {"text": None, "output_tokens": None, "streamed_tokens": None, "prompt_told": False}


def refused(error_class: str) -> Expected:
    """No answer."""
    return Expected(error_class=error_class, chunks=None, **NOTHING)


def half(error_class: str) -> Expected:
    """Four tokens, then something else."""
    return Expected(error_class=error_class, chunks=4, **NOTHING | {"text": HALF})


NO_COUNT = replace(OK, output_tokens=None, streamed_tokens=None, usage_fault=True)

EXPECTED = {
    "none": OK,
    "role-early": OK,
    "no-role": OK,
    "many-tokens-a-chunk": replace(OK, chunks=3),
    "one-write": OK,
    "cut-in-character": OK,
    "crlf": OK,
    "crlf-cut": OK,
    "comments": OK,
    "usage-own-chunk": OK,
    "usage-in-finish": OK,
    "usage-on-every-chunk": OK,
    "no-usage": replace(OK, output_tokens=None, streamed_tokens=None, prompt_told=False),
    "reasoning": replace(OK, text="".join(WORDS[4:])),
    "hidden-reasoning": replace(OK, output_tokens=13),
    "empty-choices-first": OK,
    "choice-without-delta": OK,
    "error-before-first-token": replace(refused("stream_error"), chunks=0),
    "error-after-200": half("stream_error"),
    "bare-json-error": half("stream_error"),
    "truncated": half("truncated"),
    "truncated-in-event": half("truncated"),
    "hold-open": OK,
    "http-429": refused("rate_limited"),
    "http-429-ms": refused("rate_limited"),
    "http-429-date": refused("rate_limited"),
    "http-429-no-delay": refused("quota_or_spend"),
    "http-401": refused("auth"),
    "http-404-model": refused("model_not_found"),
    "http-500": refused("server_error"),
    "http-503": refused("overloaded"),
    "http-529": refused("overloaded"),
    "stall": half("stall"),
    "one-token": replace(OK, chunks=1, text=WORDS[0], output_tokens=1, streamed_tokens=1),
    "empty": Expected(error_class="empty", chunks=0, text=None, output_tokens=0, streamed_tokens=0),
    "gzip": OK,
    "big-event": replace(OK, text=" " + "x" * 70_000 + "".join(WORDS[1:])),
    "tool-calls": replace(OK, text=""),
    "cut-in-line": OK,
    "bad-crc": half("parse_error"),
    "exception-frame": half("stream_error"),
    "slow-headers": OK,
    "close-silently": OK,
    "http-400-context": refused("context_length"),
    "http-402": refused("quota_or_spend"),
    "http-403": refused("auth"),
    "http-424": refused("server_error"),
    "echo-key-401": refused("auth"),
    "echo-key": half("stream_error"),
    "bad-http": refused("parse_error"),
    "json-answer": replace(OK, chunks=1),  # a document: no first token, and all counts
    "not-json": half("parse_error"),
    "drop": half("truncated"),
    "drop-unanswered": refused("truncated"),
    "silent": refused("timeout_first_token"),
    "role-then-silent": replace(refused("timeout_first_token"), chunks=0),
    "filtered": replace(OK, error_class="filtered"),
    "no-length": OK,
    "connection-close": OK,
    "early-hints": OK,
    "usage-negative": NO_COUNT,
    "usage-text": NO_COUNT,
    "usage-tenfold": NO_COUNT,
    "rate-limits": OK,
    "text-so-far": OK,
}

OVERLOADED, WAITED_OUT = refused("overloaded"), refused("timeout_total")
RATES = ("http-429", "http-429-ms", "http-429-date", "http-429-no-delay")

BEGUN = (
    "error-before-first-token", "error-after-200", "bare-json-error", "truncated", "truncated-in-event", "stall",
    "echo-key", "not-json", "drop", "role-then-silent",
)  # fmt: skip

EXCEPTIONS = {
    # What a 429 means there.
    **{(api, name): OVERLOADED for api in ("tgi", "tei-rerank") for name in RATES},
    ("bedrock", "http-429-no-delay"): refused("rate_limited"),
    # A document has no first token to wait for.
    **{
        (api, "silent"): WAITED_OUT
        for api in (
            "openai-embeddings", "rerank", "cohere-rerank", "tei-rerank", "openai-images", "openai-transcription",
        )
    },
    # The start of a block names the tool, and a name is payload.
    **{(api, "tool-calls"): replace(EXPECTED["tool-calls"], chunks=9) for api in ("anthropic", "bedrock")},
    # The first event tells how long the prompt was.
    **{("anthropic", name): replace(EXPECTED[name], prompt_told=True) for name in BEGUN},
    # What is shown is a summary, which the count of reasoning is not about.
    ("openai-responses", "reasoning"): replace(EXPECTED["reasoning"], streamed_tokens=4),
    # The token that ends the text is counted.
    ("tgi", "one-token"): replace(EXPECTED["one-token"], output_tokens=2, streamed_tokens=2),
    ("tgi", "empty"): replace(EXPECTED["empty"], output_tokens=1, streamed_tokens=1),
}  # fmt: skip


def expected(api: str, name: str, *, streams: bool = True) -> Expected:
    """What that fixture should be in that format."""
    if not streams and (f"{api} document", name) in EXCEPTIONS:
        return EXCEPTIONS[f"{api} document", name]
    return EXCEPTIONS.get((api, name), EXPECTED[name])
