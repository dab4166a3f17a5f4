"""Pictures drawn on the spot: seeded, of a known size, different in every request, no library needed."""

import random
import struct
import zlib
from functools import lru_cache
from typing import Final

from probes.load.prompt import Image

_SHAPES: Final = 24
_NOISE: Final = 0x0F  # the low half of each byte: a picture that compresses to about half, as photographs do
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def draw_image(key: str, *, width_px: int, height_px: int) -> Image:
    """A PNG of coloured shapes under noise. Its last rows, a sixteenth of all, are the key's, the rest is the size's.

    So it costs a sixteenth of what drawing it whole would, and still no two are the same picture to any cache.

    Args:
        key: with the same key, the same picture.
        width_px: >= 1.
        height_px: >= 1.
    """
    beginning, compressor, last_rows = _beginning(width_px, height_px)
    own = compressor.copy()
    noise = random.Random(f"noise:{key}").randbytes(len(last_rows))
    data = beginning + own.compress(_rows(_xor(last_rows, noise), width_px)) + own.flush()
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
    png = _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return Image(data=png, media_type="image/png")


@lru_cache(maxsize=4)
def _beginning(width_px: int, height_px: int) -> "tuple[bytes, zlib._Compress, bytes]":
    """What all pictures of a size begin with, compressed; what goes on there; their last rows without noise."""
    canvas = _canvas(width_px, height_px)
    cut = 3 * width_px * (height_px - -(-height_px // 16))
    noise = random.Random("noise").randbytes(cut)
    compressor = zlib.compressobj(1)
    beginning = compressor.compress(_rows(_xor(canvas[:cut], noise), width_px))
    return beginning, compressor, canvas[cut:]


def _rows(pixels: bytes, width_px: int) -> bytes:
    """Rows of a PNG, each after the byte that says that it is not filtered."""
    row_bytes = 3 * width_px
    return b"".join(b"\0" + pixels[start : start + row_bytes] for start in range(0, len(pixels), row_bytes))


def data_uri_bytes(image: Image) -> int:
    """Length of the data URI that carries it in a JSON body."""
    return len(f"data:{image.media_type};base64,") + 4 * -(-len(image.data) // 3)


def _canvas(width_px: int, height_px: int) -> bytes:
    """A gradient with rectangles and discs on it, RGB, row by row."""
    draw = random.Random(f"canvas:{width_px}x{height_px}")
    rows = []
    for y in range(height_px):
        shade = 255 * y // height_px & 0xF0
        rows.append(bytearray(bytes((shade, 0x70, 0xF0 - shade)) * width_px))
    for _ in range(_SHAPES):
        colour = bytes(draw.randrange(0, 256, 16) for _ in range(3))
        x, y = draw.randrange(width_px), draw.randrange(height_px)
        reach = draw.randint(1, max(1, min(width_px, height_px) // 4))
        is_disc = draw.random() < 0.5
        for row in range(max(0, y - reach), min(height_px, y + reach)):
            half = int((reach**2 - (row - y) ** 2) ** 0.5) if is_disc else reach
            left, right = max(0, x - half), min(width_px, x + half)
            if right > left:
                rows[row][3 * left : 3 * right] = colour * (right - left)
    return b"".join(rows)


def _xor(canvas: bytes, noise: bytes) -> bytes:
    """In big numbers: a pixel at a time would take a second."""
    size = len(canvas)
    mask = int.from_bytes(bytes((_NOISE,)) * size)
    return (int.from_bytes(canvas) ^ (int.from_bytes(noise) & mask)).to_bytes(size)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
