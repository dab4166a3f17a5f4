"""Text for a sound: a form with a file, answered by a document or by events."""

import email
import email.policy
import io
import wave

import orjson
import pytest

from probes.errors import ProbeError
from probes.load.multipart import CONTENT_TYPE, form_body
from probes.load.prompt import Prompt, Turn
from probes.load.protocols.base import EventClass
from probes.load.protocols.openai_transcription import OPENAI_TRANSCRIPTION, answer_text, has_terminator, read_stream
from probes.load.recorder import record_of
from probes.load.spec import LoadSpec
from probes.load.wav import RATE, reading_s, wav_of_tones
from tests.probes.load.cuts import check_cuts
from tests.probes.load.laws import raw_of

TOKENS = {"type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59}
TEXT, FINISH, RESULT, EMPTY = EventClass.TEXT, EventClass.FINISH, EventClass.RESULT, EventClass.EMPTY


def sse(*events):
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)


def delta(text):
    return {"type": "transcript.text.delta", "delta": text}


def done(text, **more):
    return {"type": "transcript.text.done", "text": text, **more}


def chunk(content, **more):
    choice = {"delta": {"content": content}, "finish_reason": None, **more}
    return {"object": "transcription.chunk", "model": "whisper", "choices": [choice]}


def form_of(body):
    head = f"Content-Type: {CONTENT_TYPE}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    return [(part.get_param("name", header="content-disposition"), part) for part in message.iter_parts()]


def request(prompt, **given):
    given = {"base_url": "http://h", "model": "m", "concurrency": 1, "requests": 1, "attempt_prefix": "t"} | given
    return form_of(OPENAI_TRANSCRIPTION.request_body(LoadSpec(**given), prompt))


def test_a_document_tells_tokens_or_seconds():
    tokens = record_of(raw_of("openai-transcription", orjson.dumps({"text": "Grüße " * 20, "usage": TOKENS})))
    assert (tokens.error_class, tokens.answer_streamed, tokens.t_first_ns) == (None, False, None)
    assert (tokens.prompt_tokens, tokens.output_tokens, tokens.input_audio_s) == (14, 45, None)
    length = {"text": "Grüße", "usage": {"type": "duration", "seconds": 12.3}}
    assert read_stream(orjson.dumps(length)).input_audio_s == 12.3


@pytest.mark.parametrize(
    ("duration", "known"), [(8.5, 8.5), ("8.5", 8.5), ("long", None), ("inf", None), (None, None), (-1, None)]
)
def test_a_verbose_document_tells_its_length_as_number_or_text(duration, known):
    assert read_stream(orjson.dumps({"text": "a", "duration": duration})).input_audio_s == known


@pytest.mark.parametrize(
    ("text", "count", "believed"),
    [("Hello there", 40, False), ("Hello there", 11, True), ("Hi", 9, True), ("", 40, True), ("ü" * 9, 19, False)],
)
def test_a_document_with_more_tokens_than_bytes_of_text_is_not_believed(text, count, believed):
    body = orjson.dumps({"text": text, "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": count}})
    record = record_of(raw_of("openai-transcription", body))
    assert record.output_tokens == (count if believed else None)
    assert (record.usage_fault is None, record.error_class) == (believed, None)


def test_an_empty_transcript_is_an_answer():
    assert record_of(raw_of("openai-transcription", b'{"text":""}')).error_class is None
    assert record_of(raw_of("openai-transcription", sse(done("")))).error_class is None


def test_a_document_without_text_is_a_fault():
    for body in (b'{"segments":[]}', b"[]", b"[1]", b"WEBVTT"):
        assert record_of(raw_of("openai-transcription", body)).error_class in ("parse_error", "truncated")
    assert read_stream(b'{"error":"too large"}').fault == ("stream_error", "too large")


def test_events_are_a_stream_with_a_first_token():
    body = sse(delta("Grü"), delta("ße"), done("Grüße", usage=TOKENS))
    facts = read_stream(body)
    assert list(facts.event_classes) == [TEXT, TEXT, FINISH]
    assert (facts.streamed, facts.terminal, facts.prompt_tokens, facts.output_tokens) == (True, True, 14, 45)
    assert answer_text(body) == "Grüße"
    assert has_terminator(body)
    assert not has_terminator(sse(delta('"transcript.text.done"')))


def test_the_chunks_of_vllm_are_read_as_well():
    usage = {"object": "transcription.chunk", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    body = sse(chunk("Grü"), chunk("ße"), chunk("", finish_reason="stop"), usage) + b"data: [DONE]\n\n"
    facts = read_stream(body)
    assert list(facts.event_classes) == [TEXT, TEXT, FINISH, EventClass.USAGE, EventClass.DONE]
    assert (facts.finish_reason, facts.prompt_tokens, facts.output_tokens) == ("stop", 9, 2)
    assert facts.model_returned == "whisper"
    assert answer_text(body) == "Grüße"
    assert has_terminator(body)


def test_an_error_between_events_is_a_stream_error():
    assert read_stream(sse(delta("a"), {"error": {"message": "died"}})).fault == ("stream_error", "died")


@pytest.mark.parametrize(
    "body", [sse(delta("Grü"), delta("ße"), done("Grüße")), orjson.dumps({"text": "Grüße", "usage": TOKENS})]
)
def test_an_answer_cut_anywhere_is_its_beginning_and_no_success(body):
    check_cuts(OPENAI_TRANSCRIPTION, body)


def test_a_request_is_a_form_with_the_sound_of_the_prompt():
    prompt = Prompt(turns=(Turn(role="user", text="x"),), audio=b"RIFF\r\n--sound\xff")
    asked = {"timestamp_granularities[]": ["word", "segment"], "stream": True, "chunking_strategy": {"type": "auto"}}
    *fields, (name, sound) = request(prompt, temperature=None, extra_body=asked)
    assert [(key, part.get_content().rstrip("\n")) for key, part in fields] == [
        ("model", "m"),
        ("response_format", "json"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
        ("stream", "true"),
        ("chunking_strategy", '{"type":"auto"}'),
    ]
    assert (name, sound.get_filename(), sound.get_content_type()) == ("file", "sound.wav", "audio/wav")
    assert sound.get_payload(decode=True) == b"RIFF\r\n--sound\xff"


def test_a_prompt_without_sound_gets_some_as_long_as_reading_it_takes():
    *_, (_, sound) = request(Prompt.of("word " * 50))
    with wave.open(io.BytesIO(sound.get_payload(decode=True))) as file:
        assert (file.getnframes() / file.getframerate(), file.getnchannels(), file.getsampwidth()) == (20.0, 1, 2)
    assert reading_s("one") == 1.0


def test_sounds_follow_their_seed_and_are_not_silent():
    first, again, other = (wav_of_tones(seconds=2, seed=seed) for seed in "aab")
    assert first == again != other
    assert len(first) == 44 + 2 * 2 * RATE
    assert max(first[44:]) > 0


def test_a_form_refuses_what_would_break_it():
    boundary = CONTENT_TYPE.rpartition("=")[2]
    for fields in ({"a": f"--{boundary}"}, {'a"b': "x"}, {"a\r\nb": "x"}):
        with pytest.raises(ProbeError):
            form_body(fields, file_field="file", file_name="f", media_type="audio/wav", data=b"")
