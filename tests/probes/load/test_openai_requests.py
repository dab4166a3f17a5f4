"""What is asked of servers that speak OpenAI's chat and completions, and of Azure's."""

import orjson
import pytest

from probes.load.origin import parse_origin
from probes.load.prompt import Image, Prompt, Turn
from probes.load.protocols import PROTOCOLS
from probes.load.protocols.openai_hosts import stream_options
from probes.load.spec import LoadSpec

CHAT, AZURE, COMPLETIONS = (PROTOCOLS[name] for name in ("openai-chat", "azure-openai", "openai-completions"))
TURNS = (
    Turn(role="system", text="Be brief."),
    Turn(role="user", text="What?", images=(Image(data=b"\x00\xff", media_type="image/png"),)),
    Turn(role="assistant", text="A dot."),
    Turn(role="user", text="Sure?"),
)


def body_of(wire, prompt, **given):
    given = {"base_url": "http://h", "model": "m", "concurrency": 1, "requests": 1, "attempt_prefix": "p"} | given
    return orjson.loads(wire.request_body(LoadSpec(output_tokens=5, **given), prompt))


@pytest.mark.parametrize("wire", [CHAT, AZURE])
def test_a_chat_asks_for_a_stream_with_usage(wire):
    assert body_of(wire, Prompt.of("hello")) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 5,
        "temperature": 0.0,
    }


def test_a_completion_asks_to_go_on_from_one_text():
    assert body_of(COMPLETIONS, Prompt.of("hello"), max_tokens_field="max_completion_tokens") == {
        "model": "m",
        "prompt": "hello",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 5,
        "temperature": 0.0,
    }
    assert body_of(COMPLETIONS, Prompt(turns=TURNS))["prompt"] == "Be brief.\n\nWhat?\n\nA dot.\n\nSure?"


def test_turns_keep_their_roles_and_pictures_are_parts():
    assert body_of(CHAT, Prompt(turns=TURNS))["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AP8="}},
            ],
        },
        {"role": "assistant", "content": "A dot."},
        {"role": "user", "content": "Sure?"},
    ]


@pytest.mark.parametrize("wire", [CHAT, COMPLETIONS])
def test_what_the_user_adds_wins_and_is_merged(wire):
    extra = {"temperature": 1, "ignore_eos": True, "stream_options": {"continuous_usage_stats": True}}
    body = body_of(wire, Prompt.of("x"), extra_body=extra)
    assert (body["temperature"], body["ignore_eos"]) == (1, True)
    assert body["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    assert "temperature" not in body_of(wire, Prompt.of("x"), temperature=None)


def test_a_chat_names_its_limit_as_it_is_told():
    body = body_of(CHAT, Prompt.of("x"), max_tokens_field="max_completion_tokens")
    assert (body["max_completion_tokens"], "max_tokens" in body) == (5, False)


@pytest.mark.parametrize(
    ("base_url", "asked"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://me.openai.azure.com/openai/v1", True),
        ("https://me.openai.azure.com/openai/v1/", True),
        ("https://me.cognitiveservices.azure.com/openai/v1?api-version=preview", True),
        ("https://me.openai.azure.com/openai/deployments/d?api-version=2024-10-21", False),
        ("https://api.openai.com.example.org/v1", False),
        ("https://myapi.openai.com/v1", False),
        ("https://openrouter.ai/api/v1", False),
        ("http://127.0.0.1:8000/v1", False),
    ],
)
def test_padding_is_asked_off_only_of_servers_that_are_known_to_understand(base_url, asked):
    assert stream_options(base_url, include_usage=True) == {"include_usage": True} | (
        {"include_obfuscation": False} if asked else {}
    )


@pytest.mark.parametrize(
    ("wire", "base_url", "target"),
    [
        (CHAT, "https://api.openai.com/v1", "/v1/chat/completions"),
        (CHAT, "https://openrouter.ai/api/v1/", "/api/v1/chat/completions"),
        (CHAT, "http://127.0.0.1:8000", "/chat/completions"),
        (COMPLETIONS, "http://127.0.0.1:8000/v1", "/v1/completions"),
        (PROTOCOLS["openai-responses"], "https://api.openai.com/v1", "/v1/responses"),
        (
            AZURE,
            "https://me.openai.azure.com/openai/deployments/gpt-4o?api-version=2024-10-21",
            "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
        ),
        (
            AZURE,
            "https://me.openai.azure.com/openai/deployments/gpt-4o/?api-version=2024-10-21",
            "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
        ),
        (AZURE, "https://me.openai.azure.com/openai/v1", "/openai/v1/chat/completions"),
    ],
)
def test_a_request_goes_to_the_path_that_the_server_serves(wire, base_url, target):
    spec = LoadSpec(base_url=base_url, model="m", concurrency=1, requests=1, attempt_prefix="p")
    assert parse_origin(base_url, wire.path(spec)).target == target


def test_azure_has_a_header_of_its_own_for_the_key():
    assert AZURE.key_headers("secret") == {"api-key": "secret"}
    assert CHAT.key_headers("secret") == COMPLETIONS.key_headers("secret") == {"Authorization": "Bearer secret"}


def test_azure_is_read_as_chat_is():
    assert (AZURE.read_stream, AZURE.answer_text) == (CHAT.read_stream, CHAT.answer_text)
