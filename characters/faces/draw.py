"""Draws the faces of the cast: flat shapes, made here and free to use like the rest of the project.

    python -m characters.faces.draw            writes characters/faces/ID.png, 256 × 256
    python -m characters.faces.draw FOLDER     writes there

Coordinates are in a square from 0 to 100; pictures are drawn four times as large and scaled down.
A card of your own needs a picture of its own beside it: `faces/ID.png` in the folder of the cards.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

SIZE = 256
_TIMES = 4
_UNIT = SIZE * _TIMES / 100

INK = "#2b2118"
SKIN = "#f2c9a0"
PALE = "#f8e6d8"
GOLD = "#f0b429"
RED = "#c8402f"

Point = tuple[float, float]


class Paper:
    """Shapes on a square of 100 × 100, around the middle where only a size is given."""

    def __init__(self, ground: str) -> None:
        self._image = Image.new("RGB", (SIZE * _TIMES, SIZE * _TIMES), ground)
        self._draw = ImageDraw.Draw(self._image)

    def oval(self, x: float, y: float, wide: float, high: float, colour: str) -> None:
        box = [(x - wide) * _UNIT, (y - high) * _UNIT, (x + wide) * _UNIT, (y + high) * _UNIT]
        self._draw.ellipse(box, fill=colour)

    def shape(self, points: Sequence[Point], colour: str) -> None:
        self._draw.polygon([(x * _UNIT, y * _UNIT) for x, y in points], fill=colour)

    def line(self, points: Sequence[Point], width: float, colour: str = INK) -> None:
        scaled = [(x * _UNIT, y * _UNIT) for x, y in points]
        self._draw.line(scaled, fill=colour, width=int(width * _UNIT), joint="curve")
        for x, y in (scaled[0], scaled[-1]):
            r = width * _UNIT / 2
            self._draw.ellipse([x - r, y - r, x + r, y + r], fill=colour)

    def arc(
        self, oval: tuple[float, float, float, float], begin: float, end: float,
        width: float, colour: str = INK,
    ) -> None:  # fmt: skip
        """A part of an oval (middle x and y, half its width and height), in degrees clockwise."""
        x, y, wide, high = oval
        box = [(x - wide) * _UNIT, (y - high) * _UNIT, (x + wide) * _UNIT, (y + high) * _UNIT]
        self._draw.arc(box, begin, end, fill=colour, width=int(width * _UNIT))

    def both(self, draw: Callable[[Callable[[float], float], int], None]) -> None:
        """The same on the left and, mirrored, on the right: `draw(x, side)`."""
        draw(lambda x: x, -1)
        draw(lambda x: 100 - x, 1)

    def picture(self) -> Image.Image:
        small = self._image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        return small.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def _eyes(p: Paper, y: float, apart: float, size: float = 3.2, *, white: float = 0.0) -> None:
    for x in (50 - apart, 50 + apart):
        if white:
            p.oval(x, y, white * 1.25, white, "white")
        p.oval(x, y, size, size, INK)
        p.oval(x + size * 0.3, y - size * 0.35, size * 0.3, size * 0.3, "white")


def _brows(p: Paper, y: float, apart: float, rise: float, width: float = 2.6) -> None:
    for side in (-1, 1):
        p.line([(50 + side * (apart - 7), y), (50 + side * (apart + 7), y - rise)], width, INK)


def wukong() -> Paper:
    p = Paper("#f6d77a")
    p.both(lambda x, _: p.oval(x(19), 55, 10, 12, "#9c5a2b"))
    p.both(lambda x, _: p.oval(x(20), 55, 6, 8, SKIN))
    p.oval(50, 54, 35, 37, "#9c5a2b")
    p.oval(38, 50, 15, 16, SKIN)
    p.oval(62, 50, 15, 16, SKIN)
    p.oval(50, 70, 20, 16, SKIN)
    p.shape([(14, 33), (86, 33), (84, 25), (50, 18), (16, 25)], GOLD)
    p.line([(15, 33), (50, 29), (85, 33)], 3.4, "#c98b12")
    p.oval(50, 25, 5, 5, RED)
    _eyes(p, 51, 12, 4.2, white=6.5)
    _brows(p, 42, 12, 4)
    p.oval(46.5, 63, 1.6, 2, INK)
    p.oval(53.5, 63, 1.6, 2, INK)
    p.arc((50, 67, 12, 10), 20, 160, 2.6)
    return p


def bajie() -> Paper:
    p = Paper("#b9d3c2")
    p.both(lambda x, _: p.shape([(x(10), 22), (x(40), 24), (x(20), 60)], "#e79a94"))
    p.oval(50, 57, 36, 36, "#f3b5ab")
    p.shape([(22, 33), (78, 33), (70, 16), (50, 10), (30, 16)], "#33456b")
    p.line([(22, 34), (78, 34)], 4, GOLD)
    _eyes(p, 49, 15, 3.4)
    _brows(p, 42, 15, -1)
    p.oval(50, 64, 17, 12.5, "#e58f88")
    p.oval(43.5, 64, 3.4, 5, "#8f3f3c")
    p.oval(56.5, 64, 3.4, 5, "#8f3f3c")
    p.arc((50, 74, 15, 10), 25, 155, 2.6)
    return p


def tangseng() -> Paper:
    p = Paper("#e9dcc3")
    p.shape([(14, 100), (86, 100), (74, 80), (26, 80)], "#b5392c")
    p.oval(50, 54, 29, 34, PALE)
    p.shape([(20, 38), (80, 38), (80, 24), (65, 8), (50, 14), (35, 8), (20, 24)], "#c8402f")
    p.line([(20, 38), (80, 38)], 4, GOLD)
    for x in (30, 50, 70):
        p.oval(x, 26, 4.6, 6, GOLD)
    p.line([(20, 40), (19, 74)], 3.4, GOLD)
    p.line([(80, 40), (81, 74)], 3.4, GOLD)
    for side in (-1, 1):
        p.arc((50 + side * 12, 54, 6, 3.4), 10, 170, 2.2)
        p.line([(50 + side * 6, 47), (50 + side * 18, 46)], 2)
    p.line([(50, 56), (48.5, 64), (51, 65)], 1.6, "#c79a7c")
    p.arc((50, 68, 6.5, 5), 20, 160, 2.2, "#b4503f")
    return p


def shaseng() -> Paper:
    p = Paper("#a9bfd6")
    p.both(lambda x, _: p.oval(x(18), 46, 11, 20, "#a33a1f"))
    p.oval(50, 52, 32, 36, "#7f94a3")
    p.oval(50, 78, 27, 20, "#a33a1f")
    p.oval(50, 67, 12, 7, "#7f94a3")
    p.arc((50, 36, 34, 22), 180, 360, 5, GOLD)
    _eyes(p, 49, 13, 3.6, white=5.6)
    _brows(p, 41, 13, 5, 3.6)
    p.oval(50, 60, 6, 4, "#6d8190")
    p.line([(43, 70), (57, 70)], 2.4)
    for number in range(9):
        p.oval(14 + number * 9, 94 - abs(4 - number) * 1.6, 4.2, 4.2, "#efe6d2")
    return p


def longma() -> Paper:
    p = Paper("#8fb8cf")
    p.both(lambda x, _: p.shape([(x(26), 34), (x(30), 6), (x(43), 26)], "#f4f4f0"))
    p.both(lambda x, _: p.shape([(x(30), 30), (x(32), 14), (x(39), 26)], "#e9b9ae"))
    p.shape([(28, 28), (72, 28), (68, 66), (62, 92), (38, 92), (32, 66)], "#f4f4f0")
    p.oval(50, 84, 17, 13, "#e3e0da")
    p.shape([(42, 8), (58, 8), (56, 44), (50, 52), (44, 44)], "#6f8ea3")
    p.line([(31, 62), (69, 62)], 3, "#b5392c")
    p.line([(34, 74), (66, 74)], 3, "#b5392c")
    for x in (36, 64):
        p.oval(x, 50, 3.6, 4.6, INK)
        p.oval(x + 1, 48.4, 1.1, 1.2, "white")
    p.oval(43, 85, 2.4, 3.2, INK)
    p.oval(57, 85, 2.4, 3.2, INK)
    return p


def guanyin() -> Paper:
    p = Paper("#cfe3dc")
    p.oval(50, 50, 46, 46, "#f4e3a8")
    p.oval(50, 34, 34, 30, "#2f2a3a")
    p.shape([(16, 100), (84, 100), (88, 44), (70, 30), (30, 30), (12, 44)], "#fbfaf4")
    p.oval(50, 55, 24, 29, PALE)
    p.shape([(27, 46), (34, 28), (50, 24), (66, 28), (73, 46), (60, 36), (50, 40), (40, 36)],
            "#2f2a3a")  # fmt: skip
    p.oval(50, 22, 9, 9, "#2f2a3a")
    p.oval(50, 26, 4.4, 5.4, GOLD)
    p.oval(50, 45, 2.2, 2.6, RED)
    for side in (-1, 1):
        p.arc((50 + side * 10.5, 54, 5.6, 3.2), 10, 170, 2)
        p.arc((50 + side * 10.5, 52, 7, 5), 205, 335, 1.6)
    p.line([(50, 57), (49, 64), (51, 64.5)], 1.4, "#d0a48a")
    p.oval(50, 71, 4.4, 2.2, "#c8402f")
    return p


def honghaier() -> Paper:
    p = Paper("#f3a33c")
    p.shape([(10, 60), (18, 26), (28, 40), (38, 8), (50, 30), (62, 8), (72, 40), (82, 26),
             (90, 60), (50, 100)], RED)  # fmt: skip
    p.oval(50, 60, 29, 29, SKIN)
    p.both(lambda x, _: p.oval(x(32), 28, 8.5, 8.5, INK))
    p.both(lambda x, _: p.line([(x(32), 36), (x(34), 40)], 3.4, RED))
    p.shape([(24, 52), (36, 37), (50, 34), (64, 37), (76, 52), (62, 44), (50, 48), (38, 44)], INK)
    _eyes(p, 60, 12, 3.8, white=5.2)
    _brows(p, 53, 12, 4, 2.8)
    p.both(lambda x, _: p.oval(x(30), 69, 4.4, 3, "#eb8f74"))
    p.arc((50, 70, 7.5, 6), 15, 165, 2.4)
    p.shape([(50, 38), (46.4, 46), (53.6, 46)], RED)
    return p


def niumowang() -> Paper:
    p = Paper("#caa9a0")
    p.both(
        lambda x, _: p.shape(
            [(x(34), 34), (x(12), 30), (x(8), 6), (x(20), 20), (x(40), 24)], "#efe6d2"
        )
    )
    p.both(lambda x, _: p.shape([(x(28), 42), (x(6), 46), (x(26), 56)], "#5b4638"))
    p.oval(50, 54, 29, 34, "#6f5646")
    p.oval(50, 76, 20, 15, "#b59a86")
    p.shape([(34, 26), (66, 26), (58, 42), (50, 36), (42, 42)], "#2d231c")
    _eyes(p, 50, 13, 3.4, white=5)
    _brows(p, 43, 13, 6, 4)
    p.oval(43, 74, 3, 3.8, INK)
    p.oval(57, 74, 3, 3.8, INK)
    p.arc((50, 80, 8, 8), 20, 160, 3.2, GOLD)
    return p


def baigu() -> Paper:
    p = Paper("#4b4460")
    p.oval(50, 46, 36, 40, "#17141f")
    p.shape([(14, 46), (24, 96), (36, 70)], "#17141f")
    p.shape([(86, 46), (76, 96), (64, 70)], "#17141f")
    p.oval(50, 54, 24, 31, "#f3efe9")
    p.shape([(26, 50), (36, 27), (50, 24), (50, 40)], "#17141f")
    p.shape([(74, 50), (64, 27), (50, 24), (50, 40)], "#17141f")
    for side in (-1, 1):
        p.oval(50 + side * 10.5, 53, 6, 4.6, "#b9aec9")
        p.oval(50 + side * 10.5, 53, 2.6, 3.4, "#7a1626")
        p.line([(50 + side * 4.5, 47), (50 + side * 17, 43.5)], 1.8)
    p.line([(50, 57), (49, 63.5), (51, 64)], 1.3, "#b9aec9")
    p.shape([(43, 71), (50, 69), (57, 71), (50, 75)], "#9c1f33")
    p.line([(70, 26), (84, 18)], 2.6, "#efe6d2")
    p.oval(85, 16, 3, 3, "#efe6d2")
    p.oval(87, 20, 3, 3, "#efe6d2")
    return p


FACES: dict[str, Callable[[], Paper]] = {
    draw.__name__: draw
    for draw in (
        wukong, bajie, tangseng, shaseng, longma, guanyin, honghaier, niumowang, baigu
    )
}  # fmt: skip


def main(argv: Sequence[str]) -> int:
    folder = Path(argv[0]) if argv else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in FACES.items():
        draw().picture().save(folder / f"{name}.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
