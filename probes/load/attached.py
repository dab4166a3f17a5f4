"""How many tokens a picture or a sound in a prompt may be, where nobody has counted: for worst cases only."""

import io
import math
from typing import Final

from probes.load.containers import audio_s
from probes.load.prompt import Image

SOUND_TOKENS_PER_S: Final = 50  # the most that a second is thought to be; Google counts 32
_LEAST_BYTES_PER_S: Final = 1000  # of sound that does not say how long it is: hardly any speech has fewer
_UNSEEN_BYTES_A_TOKEN: Final = 64  # of a picture that does not say how large it is

_TILE_PX: Final = 768
_TOKENS_A_TILE: Final = 258
_PX_A_TOKEN: Final = 750
_PATCH_PX: Final = 32
_TOKENS_A_PATCH: Final = 2.46
_MOST_PATCHES: Final = 1536


def picture_tokens(width_px: int, height_px: int) -> int:
    """The tokens of a picture by the dearest of the published rules for its size.

    They are 258 a tile of 768 px at Google, a token for 750 pixels at Anthropic, and at OpenAI, by model, 1 to 2.46 a
    patch of 32 px of which there are at most 1536. OpenAI's gpt-4o-mini, alone, counts thirty times as many, at a price
    that is so much lower.

    Source: ai.google.dev/gemini-api/docs/tokens; Anthropic and OpenAI, guides to vision, 2026.
    """
    tiles = math.ceil(width_px / _TILE_PX) * math.ceil(height_px / _TILE_PX)
    patches = min(math.ceil(width_px / _PATCH_PX) * math.ceil(height_px / _PATCH_PX), _MOST_PATCHES)
    return max(
        tiles * _TOKENS_A_TILE, math.ceil(width_px * height_px / _PX_A_TOKEN), math.ceil(patches * _TOKENS_A_PATCH)
    )


def image_tokens(image: Image) -> int:
    """The same of a picture that is there; of one that does not say its size, by its bytes."""
    size = size_px(image.data)
    if size is None:
        return max(_TOKENS_A_TILE, len(image.data) // _UNSEEN_BYTES_A_TOKEN)
    return picture_tokens(*size)


def sound_tokens(sound: bytes) -> int:
    """The most tokens that a sound is thought to be."""
    seconds = audio_s(sound, tail=sound, total_bytes=len(sound))
    return math.ceil(SOUND_TOKENS_PER_S * (len(sound) / _LEAST_BYTES_PER_S if seconds is None else seconds))


def size_px(data: bytes) -> tuple[int, int] | None:
    """Width and height that a picture says, as it is stored; None if it says none."""
    import imagesize  # brings urllib and TLS, which no load client needs for less

    width, height = map(math.ceil, imagesize.get(io.BytesIO(data), exif_rotation=False))
    return (width, height) if min(width, height) > 0 else None
