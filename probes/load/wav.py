"""Sound made on the spot, for transcription: tones in the rhythm of speech, another sequence for each seed.

Nobody speaks in it, so what a server makes of it says nothing about its quality; reading it costs what reading as much
speech costs. It is made of a few syllables that are worked out once, so that a minute of it is made in a millisecond.
"""

import math
import struct
from functools import cache
from random import Random
from typing import Final

RATE: Final = 16_000  # samples a second, of 16 bits, one channel: what speech models take in
_SYLLABLE_SAMPLES: Final = RATE // 4
_PITCHES_HZ: Final = (110, 131, 147, 165, 196, 220, 262, 0)  # the last is a pause
_AMPLITUDE: Final = 9000  # of 32767
_WORDS_PER_MINUTE: Final = 150


def wav_of_tones(*, seconds: float, seed: str) -> bytes:
    """A WAV file of 16 kHz, 16 bits, one channel.

    Args:
        seconds: > 0; how long, to the next sample.
        seed: two of them give different sounds, the same gives the same bytes.
    """
    import io
    import wave  # here: other wire formats need none of it

    samples = max(1, round(seconds * RATE))
    order = Random(seed).choices(_syllables(), k=-(-samples // _SYLLABLE_SAMPLES))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(b"".join(order)[: 2 * samples])
    return file.getvalue()


def reading_s(text: str) -> float:
    """How long reading a text aloud takes, seconds, at 150 words a minute; at least a second."""
    return max(1.0, len(text.split()) * 60 / _WORDS_PER_MINUTE)


@cache
def _syllables() -> tuple[bytes, ...]:
    """A quarter of a second of each pitch with its overtones, fading in and out; little endian."""
    noise = Random(0)
    made = []
    for pitch_hz in _PITCHES_HZ:
        samples = []
        for n in range(_SYLLABLE_SAMPLES):
            at_s = n / RATE
            tone = sum(math.sin(2 * math.pi * pitch_hz * k * at_s) / k for k in (1, 2, 3, 5)) if pitch_hz else 0.0
            fade = math.sin(math.pi * n / _SYLLABLE_SAMPLES)
            samples.append(round(_AMPLITUDE * (fade * tone / 2 + noise.uniform(-0.02, 0.02))))
        made.append(struct.pack(f"<{_SYLLABLE_SAMPLES}h", *samples))
    return tuple(made)
