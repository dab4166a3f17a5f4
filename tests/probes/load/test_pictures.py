"""Pictures drawn on the spot: real PNGs, of the size asked for, no two alike, too noisy to shrink to nothing."""

import io

import pytest
from PIL import Image as Pillow

from probes.load.pictures import data_uri_bytes, draw_image


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 40), (64, 48), (300, 200)])
def test_it_is_a_png_of_that_size(width, height):
    image = draw_image("a", width_px=width, height_px=height)
    with Pillow.open(io.BytesIO(image.data)) as read:
        read.load()
        assert (read.format, read.size, read.mode) == ("PNG", (width, height), "RGB")
    assert data_uri_bytes(image) == len("data:image/png;base64,") + -(-len(image.data) // 3) * 4


def test_it_follows_its_key():
    one, again, other = (draw_image(key, width_px=64, height_px=64) for key in ("a", "a", "b"))
    assert one == again != other


def test_it_does_not_shrink_to_nothing():
    image = draw_image("a", width_px=256, height_px=256)
    assert 256 * 256 < len(image.data) < 3 * 256 * 256
