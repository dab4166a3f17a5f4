"""OpenAI speech (raw sound, or events with base64) and transcription (multipart in, a document or events out)."""

import io
import re
import wave
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import orjson

from probes.fake.formats.base import SSE, Body, Format, Writer, need, sse, traits, words_of
from probes.fake.story import Ask, BadAskError, Piece, Story

SAMPLE_RATE_HZ: Final = 24_000
PIECE_S: Final = 0.02  # of sound, that a token stands for
_SAMPLE_BYTES: Final = 2
_PIECE_BYTES: Final = round(SAMPLE_RATE_HZ * PIECE_S) * _SAMPLE_BYTES
_BIG_PIECES: Final = 80  # in one write: more than 64 KiB
# MPEG-1 layer III, 128 kbit/s, 44.1 kHz, no padding: a silent frame is its header and zeros.
_MP3_FRAME: Final = b"\xff\xfb\x90\x00" + bytes(413)
_AUDIO_TOKENS_PER_S: Final = 10


def read_speech(body: Body, _: Mapping[str, str]) -> Ask:
    """What a speech request asks for."""
    need(body, "input", str)
    form = body.get("response_format", "mp3")
    if form not in ("wav", "pcm", "mp3"):
        raise BadAskError(f"response_format = {str(form)[:60]}: this endpoint makes wav, pcm and mp3")
    stream_format = body.get("stream_format", "audio")
    if stream_format not in ("audio", "sse"):
        raise BadAskError(f"stream_format = {str(stream_format)[:60]} must be audio or sse")
    return Ask(
        model=need(body, "model", str),
        prompt_tokens=words_of(body, "instructions", "input"),
        variant=f"{stream_format}:{form}",
    )


class SpeechWriter(Writer):
    """Silence of the right length: a container's header first, if there is one."""

    def __init__(self, ask: Ask, story: Story) -> None:
        super().__init__(ask, story)
        how, self._form = ask.variant.split(":")
        self._is_sse = how == "sse"
        types = {"wav": "audio/wav", "pcm": "audio/pcm", "mp3": "audio/mpeg"}
        self.content_type = "text/event-stream" if self._is_sse else types[self._form]

    def opening(self) -> list[bytes]:
        header = _wav_header() if self._form == "wav" else b""
        return [self._sound(header)] if header and self.story.pieces else []

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        one = _MP3_FRAME if self._form == "mp3" else bytes(_PIECE_BYTES)
        return [self._sound(one * (_BIG_PIECES if len(piece.text) > _BIG_PIECES * 100 else piece.tokens))]

    def ending(self) -> list[bytes]:
        story = self.story
        if not self._is_sse:
            return []
        done: dict[str, Any] = {"type": "speech.audio.done"}
        if story.usage_place != "none":
            done["usage"] = {
                "input_tokens": story.prompt_tokens,
                "output_tokens": story.told(story.output_tokens),
                "total_tokens": story.total(),
            }
        return [sse(done)]

    def error(self, message: str) -> bytes:
        return sse({"error": {"message": message, "type": "server_error", "param": None, "code": 500}})

    def _sound(self, sound: bytes) -> bytes:
        return sse({"type": "speech.audio.delta", "audio": b64encode(sound).decode()}) if self._is_sse else sound


def _wav_header() -> bytes:
    """Of a stream whose length is not known yet: the lengths are the largest there are."""
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(_SAMPLE_BYTES)
        sound.setframerate(SAMPLE_RATE_HZ)
        sound.writeframes(b"")
    unknown = b"\xff\xff\xff\xff"
    plain = data.getvalue()
    return plain[:4] + unknown + plain[8:40] + unknown


def read_transcription(body: Body, _: Mapping[str, str]) -> Ask:
    """What a transcription request asks for; its fields are text, its file bytes."""
    audio_s = _duration_s(need(body, "file", bytes))
    return Ask(
        model=need(body, "model", str),
        prompt_tokens=words_of(body, "prompt") + round(audio_s * _AUDIO_TOKENS_PER_S),
        stream=body.get("stream") == "true",
        audio_s=audio_s,
    )


def _duration_s(sound: bytes) -> float:
    try:
        with wave.open(io.BytesIO(sound)) as heard:
            return float(heard.getnframes() / heard.getframerate())
    except (wave.Error, EOFError) as error:
        raise BadAskError(f"file is no WAV that this endpoint can read: {error}") from error


class TranscriptionWriter(Writer):
    """The words of the answer, as if they had been heard."""

    def piece(self, piece: Piece, *, last: bool) -> list[bytes]:
        return [sse({"type": "transcript.text.delta", "delta": piece.text})]

    def ending(self) -> list[bytes]:
        return [sse({"type": "transcript.text.done", "text": self.story.said("text")} | self._usage())]

    def error(self, message: str) -> bytes:
        return sse({"error": {"message": message, "type": "server_error", "param": None, "code": 500}})

    def document(self) -> bytes:
        return orjson.dumps({"text": self.story.said("text")} | self._usage())

    def _usage(self) -> dict[str, Any]:
        """By duration of a model called whisper, else by tokens, as OpenAI bills them."""
        story, ask = self.story, self.ask
        if story.usage_place == "none":
            return {}
        if "whisper" in story.model:
            return {"usage": {"type": "duration", "seconds": ask.audio_s}}
        heard = round(ask.audio_s * _AUDIO_TOKENS_PER_S)
        usage = {
            "type": "tokens",
            "input_tokens": story.prompt_tokens,
            "input_token_details": {"audio_tokens": heard, "text_tokens": story.prompt_tokens - heard},
            "output_tokens": story.told(story.output_tokens),
            "total_tokens": story.total(),
        }
        return {"usage": usage}


OPENAI_SPEECH: Final = Format(
    name="openai-speech",
    path=re.compile(r"/v1/audio/speech"),
    base="/v1",
    family="openai",
    traits=traits("stream", "big"),  # raw sound by default: it has no room for anything else
    read=read_speech,
    writer=SpeechWriter,
)
OPENAI_TRANSCRIPTION: Final = Format(
    name="openai-transcription",
    path=re.compile(r"/v1/audio/transcriptions"),
    base="/v1",
    family="openai",
    traits=SSE - {"zero"} | traits("usage", "limits"),  # a sound without speech has an empty text
    read=read_transcription,
    writer=TranscriptionWriter,
    multipart=True,
)
