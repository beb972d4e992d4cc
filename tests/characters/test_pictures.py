"""Uploaded pictures: real ones become one small PNG, everything else is refused in a sentence."""

import io
import struct
import zlib

import pytest
from PIL import Image

from characters.pictures import LARGEST, SIZE, PictureError, normalised


def picture(kind="PNG", size=(300, 200), mode="RGB"):
    out = io.BytesIO()
    Image.new(mode, size, 128 if mode == "L" else 1).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("size", [(300, 200), (2000, 1500), (40, 90), (1, 1)])
def test_a_picture_becomes_a_small_square_png(kind, size):
    made = Image.open(io.BytesIO(normalised(picture(kind, size))))
    assert made.format == "PNG"
    assert made.size == (min(SIZE, *size),) * 2


def test_nothing_but_pixels_is_left():
    data = io.BytesIO()
    image = Image.new("RGB", (300, 300))
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    image.save(data, "JPEG", exif=exif)
    assert b"where I live" in data.getvalue()
    assert b"where I live" not in normalised(data.getvalue())


def huge(width, height):
    """A PNG that says it is huge, in 60 bytes."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no picture"),
        (b"hello", "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (b"%PDF-1.7", "no picture"),
        (picture()[:60], "no picture"),
        (picture("BMP"), "no picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "no picture"),
        (b"x" * (LARGEST + 1), "too large"),
        (huge(60_000, 60_000), "too large"),
        (huge(300, 300), "no picture"),
    ],
    ids=range(10),
)
def test_what_is_no_picture_is_refused(data, says):
    with pytest.raises(PictureError, match=says):
        normalised(data)
