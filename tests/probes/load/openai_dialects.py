"""Whole answers as the servers behind OpenAI's chat path write them, and what each says. After their documentation."""

from dataclasses import dataclass, field

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A body; the names of its events' classes; the facts that differ from None."""

    body: bytes
    classes: str
    text: str = "Hi there"
    says: dict[str, object] = field(default_factory=dict)


def sse(*events: object, prefix: bytes = b"data: ") -> bytes:
    """Events as a stream; bytes go as they are."""
    return b"".join(one if isinstance(one, bytes) else prefix + orjson.dumps(one) + b"\n\n" for one in events)


def chunk(delta: object = None, finish: str | None = None, **more: object) -> dict[str, object]:
    """One event with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def bare(**more: object) -> dict[str, object]:
    """One event without a choice."""
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], **more}


DONE = b"data: [DONE]\n\n"
ROLE, HI, THERE, END = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hi"}),
    chunk({"content": " there"}),
    chunk({}, "stop"),
)
USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
COUNTED: dict[str, object] = {"prompt_tokens": 9, "output_tokens": 2, "finish_reason": "stop", "model_returned": "m"}
_FILTERED = {"hate": {"filtered": False, "severity": "safe"}}
_GROQ = USAGE | {"queue_time": 0.019, "prompt_time": 0.058, "completion_time": 0.06, "total_time": 0.118}

DIALECTS: dict[str, Dialect] = {
    "openai": Dialect(
        body=sse(
            *(
                one | {"usage": None, "service_tier": "default", "system_fingerprint": "fp_1"}
                for one in (ROLE, HI, THERE, END)
            ),
            bare(
                service_tier="default",
                usage=USAGE
                | {
                    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
                    "completion_tokens_details": {"reasoning_tokens": 0, "accepted_prediction_tokens": 0},
                },
            ),
            DONE,
        ),
        classes="EMPTY TEXT TEXT FINISH USAGE DONE",
        says=COUNTED
        | {"cached_tokens": 4, "reasoning_tokens": 0, "service_tier": "default", "system_fingerprint": "fp_1"},
    ),
    "azure": Dialect(
        body=sse(
            {"choices": [], "created": 0, "id": "", "model": "", "object": "",
             "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _FILTERED}]},
            ROLE, HI, THERE, END,
            {"choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"check_offset": 1},
                          "content_filter_results": _FILTERED}], "id": "", "model": "", "object": "extensions"},
            bare(usage=USAGE),
            DONE,
        ),
        classes="OTHER EMPTY TEXT TEXT FINISH EMPTY USAGE DONE",
        says=COUNTED,
    ),
    "vllm": Dialect(  # running usage; two tokens in a chunk
        body=sse(
            ROLE | {"usage": {"prompt_tokens": 9, "total_tokens": 9, "completion_tokens": 0}},
            chunk({"content": "Hi there", "reasoning_content": None, "reasoning": None}, usage=USAGE),
            chunk({"content": ""}, "stop", stop_reason=None, usage=USAGE),
            bare(usage=USAGE),
            DONE,
        ),
        classes="EMPTY TEXT FINISH USAGE DONE",
        says=COUNTED,
    ),
    "vllm-reasoning": Dialect(
        body=sse(
            ROLE, chunk({"reasoning": "hm", "reasoning_content": "hm"}), HI, THERE, END,
            bare(usage=USAGE | {"completion_tokens": 5, "total_tokens": 14}), DONE,
        ),
        classes="EMPTY REASONING TEXT TEXT FINISH USAGE DONE",
        says=COUNTED | {"output_tokens": 5, "reasoning_streamed": True},
    ),
    "sglang": Dialect(
        body=sse(
            chunk({"role": "assistant", "content": "", "reasoning_content": None, "tool_calls": None}),
            chunk({"content": ""}), HI, THERE,
            chunk({}, "stop", matched_stop=2, usage=USAGE | {"prompt_tokens_details": None, "reasoning_tokens": 0}),
            DONE,
        ),
        classes="EMPTY EMPTY TEXT TEXT FINISH DONE",
        says=COUNTED | {"reasoning_tokens": 0},
    ),
    "tgi": Dialect(
        body=sse(
            ROLE, HI, THERE, chunk({"role": "assistant", "content": ""}, "stop"), bare(usage=USAGE), DONE,
            prefix=b"data:",
        ),
        classes="EMPTY TEXT TEXT FINISH USAGE DONE",
        says=COUNTED,
    ),
    "openrouter": Dialect(
        body=sse(
            b": OPENROUTER PROCESSING\n\n" * 2,
            chunk({"role": "assistant", "content": "", "reasoning": None}, provider="P"),
            chunk({"role": "assistant", "content": "Hi"}, provider="P"),
            chunk({"role": "assistant", "content": " there"}, provider="P"),
            b": OPENROUTER PROCESSING\n\n",
            chunk({"role": "assistant", "content": ""}, "stop", provider="P"),
            chunk({"role": "assistant", "content": ""}, provider="P", service_tier="standard", usage=USAGE | {
                "cost": 0.00031, "is_byok": False, "cost_details": {"upstream_inference_cost": None},
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 7},
                "completion_tokens_details": {"reasoning_tokens": 1},
            }),
            DONE,
        ),
        classes="EMPTY TEXT TEXT FINISH EMPTY DONE",
        says=COUNTED | {"billed_usd": 0.00031, "cached_tokens": 0, "cache_write_tokens": 7, "reasoning_tokens": 1,
                        "service_tier": "standard"},
    ),
    "openrouter-error": Dialect(
        body=sse(
            b": OPENROUTER PROCESSING\n\n", HI,
            chunk({"content": ""}, "error", error={"code": 502, "message": "Provider disconnected"}),
        ),
        classes="TEXT ERROR",
        text="Hi",
        says={"fault": ("stream_error", "502: Provider disconnected"), "model_returned": "m"},
    ),
    "groq": Dialect(
        body=sse(
            ROLE | {"x_groq": {"id": "req_1"}}, HI, THERE,
            END | {"x_groq": {"id": "req_1", "usage": _GROQ}}, DONE,
        ),
        classes="EMPTY TEXT TEXT FINISH DONE",
        says=COUNTED | {"server_queue_s": 0.019, "server_prefill_s": 0.058, "server_decode_s": 0.06},
    ),
    "cerebras": Dialect(
        body=sse(
            ROLE, HI, THERE, END,
            bare(usage=USAGE, time_info={"queue_time": 0.001, "prompt_time": 0.006, "completion_time": 0.014}), DONE,
        ),
        classes="EMPTY TEXT TEXT FINISH USAGE DONE",
        says=COUNTED | {"server_queue_s": 0.001, "server_prefill_s": 0.006, "server_decode_s": 0.014},
    ),
    "deepseek": Dialect(
        body=sse(
            b": keep-alive\n\n",
            chunk({"role": "assistant", "content": None, "reasoning_content": ""}),
            chunk({"content": None, "reasoning_content": "hm"}),
            chunk({"content": "Hi", "reasoning_content": None}),
            chunk({"content": " there", "reasoning_content": None}),
            chunk({"content": "", "reasoning_content": None}, "stop", usage=USAGE | {
                "completion_tokens": 5, "total_tokens": 14, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 5,
                "completion_tokens_details": {"reasoning_tokens": 3},
            }),
            DONE,
        ),
        classes="EMPTY REASONING TEXT TEXT FINISH DONE",
        says=COUNTED | {"output_tokens": 5, "cached_tokens": 4, "reasoning_tokens": 3, "reasoning_streamed": True},
    ),
    "fireworks": Dialect(
        body=sse(
            ROLE, HI, THERE,
            END | {"usage": USAGE, "perf_metrics": {
                "prompt-tokens": 9, "server-time-to-first-token": 0.35, "server-processing-time": "2.5",
                "backend-host": "h", "tokenizer-queue-duration": 0.0, "tokenizer-duration": 0.001,
                "prefill-queue-duration": "0.25", "prefill-duration": 0.09, "generation-queue-duration": 0.5,
                "generation-duration": 1.5,
            }},
            DONE,
        ),
        classes="EMPTY TEXT TEXT FINISH DONE",
        says=COUNTED | {"server_queue_s": 0.75, "server_prefill_s": 0.09, "server_decode_s": 1.5},
    ),
    "fireworks-serverless": Dialect(  # knows no phases, and none are made up
        body=sse(
            ROLE, HI, THERE, END | {"usage": USAGE},
            {"id": "c1", "perf_metrics": {"server-time-to-first-token": 0.3, "server-processing-time": 0.4}}, DONE,
        ),
        classes="EMPTY TEXT TEXT FINISH OTHER DONE",
        says=COUNTED,
    ),
    "gemini-compat": Dialect(  # usage in the last piece of text; thoughts inside the total only
        body=sse(
            chunk({"role": "assistant", "content": "Hi"}),
            chunk({"role": "assistant", "content": " there"}, "stop", usage=USAGE | {"total_tokens": 41}),
            DONE,
        ),
        classes="TEXT TEXT DONE",
        says=COUNTED | {"output_tokens": 32, "reasoning_tokens": 30},
    ),
    "xai": Dialect(
        body=sse(
            ROLE, chunk({"reasoning_content": "Thinking"}), HI, THERE, END,
            bare(usage=USAGE | {
                "total_tokens": 105, "completion_tokens_details": {"reasoning_tokens": 94},
                "cost_in_usd_ticks": 232856000,
            }),
            DONE,
        ),
        classes="EMPTY REASONING TEXT TEXT FINISH USAGE DONE",
        says=COUNTED
        | {"output_tokens": 96, "reasoning_tokens": 94, "reasoning_streamed": True, "billed_usd": 0.0232856},
    ),
    "ollama-compat": Dialect(
        body=sse(
            chunk({"role": "assistant", "content": "Hi"}, system_fingerprint="fp_ollama"),
            chunk({"role": "assistant", "content": " there"}, system_fingerprint="fp_ollama"),
            chunk({"role": "assistant", "content": ""}, "stop", system_fingerprint="fp_ollama"),
            bare(usage=USAGE, system_fingerprint="fp_ollama"),
            DONE,
        ),
        classes="TEXT TEXT FINISH USAGE DONE",
        says=COUNTED | {"system_fingerprint": "fp_ollama"},
    ),
    "llama.cpp": Dialect(
        body=sse(
            chunk({"role": "assistant", "content": None}, system_fingerprint="b7634-f1768d8f0"),
            HI, THERE, END,
            bare(
                usage=USAGE,
                timings={"cache_n": 4, "prompt_n": 5, "prompt_ms": 116.8, "prompt_per_second": 8.5,
                         "predicted_n": 2, "predicted_ms": 824.1, "predicted_per_second": 12.1},
            ),
            DONE,
        ),
        classes="EMPTY TEXT TEXT FINISH USAGE DONE",
        says=COUNTED | {"cached_tokens": 4, "server_prefill_s": 0.1168, "server_decode_s": 0.8241,
                        "system_fingerprint": "b7634-f1768d8f0"},
    ),
    "llama.cpp-without-usage": Dialect(
        body=sse(
            HI, THERE,
            END | {"timings": {"cache_n": 4, "prompt_n": 5, "prompt_ms": 20.0, "predicted_n": 2, "predicted_ms": 30.0}},
            DONE,
        ),
        classes="TEXT TEXT FINISH DONE",
        says=COUNTED | {"cached_tokens": 4, "server_prefill_s": 0.02, "server_decode_s": 0.03},
    ),
    "mistral": Dialect(
        body=sse(
            ROLE,
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
            chunk({"content": [{"type": "text", "text": "Hi"}]}),
            chunk({"content": [{"type": "reference", "reference_ids": [1]}]}),
            THERE,
            chunk({"content": ""}, "stop", usage=USAGE),
            DONE,
        ),
        classes="EMPTY REASONING TEXT EMPTY TEXT FINISH DONE",
        says=COUNTED | {"reasoning_streamed": True},
    ),
    "perplexity": Dialect(
        body=sse(
            chunk({"role": "assistant", "content": "Hi"}),
            chunk({"content": " there"}, "stop", usage=USAGE | {"cost": {"request_cost": 0.005, "total_cost": 0.006}}),
            DONE,
        ),
        classes="TEXT TEXT DONE",
        says=COUNTED | {"billed_usd": 0.006},
    ),
}  # fmt: skip
