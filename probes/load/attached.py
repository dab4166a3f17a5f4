"""How many tokens a picture or a sound in a prompt may be, where nobody has counted: for worst cases only."""

import math
import struct
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
_MARKERS_WITH_SIZE: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # of JPEG: starts of frames


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
    """Width and height that a PNG, GIF, WebP or JPEG says; None if it says none.

    Source: RFC 2083 (PNG), GIF89a, RFC 9649 (WebP), ITU-T T.81 (JPEG).
    """
    found: tuple[int, int] | None
    try:
        if data.startswith(b"\x89PNG"):
            found = struct.unpack_from(">II", data, 16)
        elif data.startswith(b"GIF8"):
            found = struct.unpack_from("<HH", data, 6)
        elif data[8:12] == b"WEBP":
            found = _webp_px(data)
        elif data.startswith(b"\xff\xd8"):
            found = _jpeg_px(data)
        else:
            return None
    except struct.error:
        return None
    return found if found is not None and min(found) > 0 else None


def _webp_px(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            (more,) = struct.unpack_from("<Q", data, 22)  # two numbers of 24 bits, after four bytes that are not ours
            return (more >> 16 & 0xFFFFFF) + 1, (more >> 40 & 0xFFFFFF) + 1
        case _:
            return None


def _jpeg_px(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _MARKERS_WITH_SIZE:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        if marker == 0xFF:  # filling
            at += 1
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None
