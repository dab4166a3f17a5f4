"""The official SDKs against `megatoken fake`: they complete streamed calls, and read the text and usage we read."""

import json
import signal
import subprocess
import sys
from importlib.metadata import distributions

import pytest

from probes.fake.formats import FORMATS
from probes.fake_endpoint import FakeScript, fake_endpoint
from probes.load.client import LoadSpec, run_load
from probes.load.protocols import PROTOCOLS
from probes.load.raw import read_raw

SDKS = ("openai", "anthropic", "google-genai")
INSTALLED = {(distribution.metadata["Name"] or "").lower() for distribution in distributions()}
pytestmark = [
    pytest.mark.skipif(not INSTALLED.issuperset(SDKS), reason=f"needs {', '.join(SDKS)}"),
    # What they deprecate in each other is not about us.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning"),
]

PROMPT = "how many roads must a man walk down"
KEY = "sk-of-nobody"
TOKENS = 12


@pytest.fixture(scope="module")
def base_urls():
    """Of the command's endpoint, by format."""
    command = [sys.executable, "-m", "flows.cli", "fake", "--port", "0", "--ttft-ms", "5", "--itl-ms", "1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


@pytest.fixture
def ours(base_urls, tmp_path):
    """What our client reads of an answer of as many tokens: text, output tokens, why it ended."""

    def ask(api):
        spool = tmp_path / "spool"
        order = {"model": "fake", "api_key": KEY, "concurrency": 1, "requests": 1, "attempt_prefix": "t"}
        result = run_load(LoadSpec(base_url=base_urls[api], api=api, output_tokens=TOKENS, **order), spool_path=spool)
        [record], [raw] = result.attempts, read_raw(spool)
        assert record.error_class is None
        return PROTOCOLS[api].answer_text(raw.body), record.output_tokens, record.finish_reason

    return ask


def test_the_openai_sdk_streams_a_chat(base_urls, ours):
    import openai

    with openai.OpenAI(base_url=base_urls["openai-chat"], api_key=KEY, max_retries=0) as client:
        stream = client.chat.completions.create(
            model="fake",
            messages=[{"role": "user", "content": PROMPT}],
            max_tokens=TOKENS,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    [reason] = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    usage = chunks[-1].usage
    assert (text, usage.completion_tokens, reason) == ours("openai-chat")
    assert usage.prompt_tokens == len(PROMPT.split())


def test_the_openai_sdk_streams_a_response(base_urls, ours):
    import openai

    with openai.OpenAI(base_url=base_urls["openai-responses"], api_key=KEY, max_retries=0) as client:
        events = list(client.responses.create(model="fake", input=PROMPT, max_output_tokens=TOKENS, stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    final = events[-1].response
    told = (text, final.usage.output_tokens, final.incomplete_details.reason)
    assert told == ours("openai-responses")
    assert final.output_text == text
    assert final.usage.input_tokens == len(PROMPT.split())


def test_the_anthropic_sdk_streams_a_message(base_urls, ours):
    import anthropic

    order = {"model": "fake", "max_tokens": TOKENS, "messages": [{"role": "user", "content": PROMPT}]}
    with (
        anthropic.Anthropic(base_url=base_urls["anthropic"], api_key=KEY, max_retries=0) as client,
        client.messages.stream(**order) as stream,
    ):
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert (text, final.usage.output_tokens, final.stop_reason) == ours("anthropic")
    assert final.usage.input_tokens == len(PROMPT.split())


def test_the_google_sdk_streams_an_answer(base_urls, ours):
    from google import genai

    options = genai.types.HttpOptions(base_url=base_urls["gemini"], retry_options=None)
    with genai.Client(api_key=KEY, http_options=options) as client:
        config = genai.types.GenerateContentConfig(max_output_tokens=TOKENS)
        chunks = list(client.models.generate_content_stream(model="fake", contents=PROMPT, config=config))
    text = "".join(chunk.text or "" for chunk in chunks)
    last = chunks[-1]
    told = (text, last.usage_metadata.candidates_token_count, last.candidates[0].finish_reason.value)
    assert told == ours("gemini")
    assert last.usage_metadata.prompt_token_count == len(PROMPT.split())


def test_the_openai_sdk_reads_the_documents_of_every_task(base_urls):
    import openai

    with openai.OpenAI(base_url=base_urls["openai-chat"], api_key=KEY, max_retries=0) as client:
        vectors = client.embeddings.create(model="fake", input=["a b", "c"])
        picture = client.images.generate(model="fake", prompt="a fox")
        sound = client.audio.speech.create(model="fake", voice="alloy", input=PROMPT, response_format="wav")
        heard = client.audio.transcriptions.create(model="fake", file=("a.wav", whole_wav(sound.content)))
        models = client.models.list()
    assert [len(each.embedding) for each in vectors.data] == [8, 8]
    assert vectors.usage.prompt_tokens == 3
    assert picture.data[0].b64_json.startswith("iVBORw0KGgo")
    assert heard.text.split()[:2] == ["the", "quick"]
    assert [model.id for model in models] == ["fake"]


def whole_wav(streamed):
    """With the lengths that its header could not know while it was streamed."""
    size = len(streamed)
    return (
        streamed[:4]
        + (size - 8).to_bytes(4, "little")
        + streamed[8:40]
        + (size - 44).to_bytes(4, "little")
        + streamed[44:]
    )


@pytest.mark.parametrize(
    ("fixture", "name"),
    [("http-429", "RateLimitError"), ("http-401", "AuthenticationError"), ("http-529", "InternalServerError")],
)
def test_the_sdks_call_a_refusal_what_it_is(fixture, name):
    import anthropic
    import openai

    said = [{"role": "user", "content": PROMPT}]
    with fake_endpoint(FakeScript(fault=fixture)) as fake:
        with (
            openai.OpenAI(base_url=fake.base_urls["openai-chat"], api_key=KEY, max_retries=0) as client,
            pytest.raises(getattr(openai, name)),
        ):
            client.chat.completions.create(model="m", messages=said)
        with (
            anthropic.Anthropic(base_url=fake.base_urls["anthropic"], api_key=KEY, max_retries=0) as other,
            pytest.raises(anthropic.APIStatusError) as refused,
        ):
            other.messages.create(model="m", max_tokens=8, messages=said)
    assert refused.value.status_code == int(fixture.removeprefix("http-"))
    assert set(fake.base_urls) == set(FORMATS)
