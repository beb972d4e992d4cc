"""A character's picture as somebody uploaded it: checked by its bytes, and made one small PNG.

png = normalised(data)          # 256 x 256 at most, square, without metadata

What is no picture, too large a file or too many pixels is refused before it is decoded. The door to
Pillow.
"""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from characters.words import SaidProblem, Words

LARGEST = 8 << 20  # bytes of an upload
MOST_PIXELS = 40_000_000  # before it is made smaller: a decoded one takes four bytes each
SIZE = 256  # pixels of either side
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")

NO_PICTURE = Words(
    "那不是图像：请用 PNG、JPEG、WebP 或 GIF。", "That is no picture: use PNG, JPEG, WebP or GIF."
)
TOO_LARGE = Words("图像太大：{}，最多 {}。", "The picture is too large: {}, at most {}.")


class PictureError(SaidProblem):
    """An upload that is no picture that can be used; `told` is one sentence on why."""


def normalised(data: bytes) -> bytes:
    """The middle square of a picture's first frame, as a PNG of at most 256 x 256.

    Raises:
        PictureError: it is no picture of a kind we know, broken, or too large.
    """
    if len(data) > LARGEST:
        raise PictureError(TOO_LARGE, f"{len(data) >> 20} MB", f"{LARGEST >> 20} MB")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > MOST_PIXELS:  # read from the header: nothing is decoded yet
                most = f"{MOST_PIXELS // 1_000_000} MP"
                raise PictureError(TOO_LARGE, f"{width} x {height}", most)
            opened.draft("RGB", (SIZE * 2, SIZE * 2))
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
            side = min(SIZE, *upright.size)
            small = ImageOps.fit(upright, (side, side))
    except PictureError:
        raise
    except Image.DecompressionBombError as problem:
        most = f"{MOST_PIXELS // 1_000_000} MP"
        raise PictureError(TOO_LARGE, "?", most) from problem
    except (
        UnidentifiedImageError, OSError, SyntaxError, ValueError,
        EOFError, IndexError, KeyError, TypeError, MemoryError, OverflowError,
    ) as problem:  # fmt: skip  # what Pillow raises for broken files
        raise PictureError(NO_PICTURE) from problem
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()
