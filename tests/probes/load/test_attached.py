"""What a picture or a sound is thought to be in tokens: by the size that it says, at the dearest published rule."""

import io

import pytest
from PIL import Image as Pillow

from probes.load.attached import SOUND_TOKENS_PER_S, image_tokens, picture_tokens, size_px, sound_tokens
from probes.load.prompt import Image
from probes.load.wav import wav_of_tones


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [
        (1, 1, 258),  # a tile at Google
        (512, 512, 630),  # 256 patches at OpenAI's nano model
        (1024, 1024, 2520),
        (1600, 1600, 3779),  # as many patches as there may be
        (3000, 2000, 8000),  # by the pixel, at Anthropic
    ],
)
def test_the_dearest_rule_counts(width, height, tokens):
    assert picture_tokens(width, height) == tokens


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("GIF", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "exif": b"Exif\0\0" + bytes(300)}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0" + bytes(10)}),
        ("TIFF", {}),
        ("BMP", {}),
        ("AVIF", {}),
    ],
)
def test_a_picture_says_its_size_and_a_piece_of_it_says_none_or_the_same(kind, options):
    file = io.BytesIO()
    Pillow.new("RGB", (301, 77), "teal").save(file, kind, **options)
    data = file.getvalue()
    assert size_px(data) == (301, 77)
    assert {size_px(data[:end]) for end in range(len(data))} == {None, (301, 77)}
    assert image_tokens(Image(data=data, media_type="any")) == picture_tokens(301, 77)


@pytest.mark.parametrize("data", [b"", b"BM123456", b"<svg", b"\x89PNG\r\n\x1a\n" + bytes(30), b"\xff\xd8\xff\xd9"])
def test_what_says_no_size_is_estimated_by_its_bytes(data):
    assert size_px(data) is None
    assert image_tokens(Image(data=data + bytes(64_000), media_type="image/x")) >= 1000


def test_sound_counts_by_how_long_it_says_it_is_or_by_its_bytes():
    assert sound_tokens(wav_of_tones(seconds=3, seed="a")) == 3 * SOUND_TOKENS_PER_S
    assert sound_tokens(b"ID3" + bytes(9_997)) == 10 * SOUND_TOKENS_PER_S
