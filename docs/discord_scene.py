"""Draws docs/discord-scene.png: a scene that the shipped model played on the test server.

python docs/discord_scene.py FONT.ttc [BOLD.ttc]      any font with Chinese characters
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
FACES = HERE.parent / "characters" / "faces"
WIDE, ROW = 960, 62
GROUND, PANEL, TEXT, DIM = "#313338", "#2b2d31", "#dbdee1", "#949ba4"

# (face or colour, name, colour of the name, badge, text)
LINES = (
    ("#5865f2", "小明", "#f2f3f5", "", "/召唤 猴哥、老猪"),
    ("wukong", "孙悟空", "#f2f3f5", "应用", "老孙来也！一个筋斗到了此处，有甚么事只管说！"),
    ("bajie", "猪八戒", "#f2f3f5", "应用", "都在这里呢？有好吃的可莫瞒着老猪！"),
    ("#5865f2", "小明", "#f2f3f5", "", "你们两个，今晚吃什么？"),
    ("bajie", "猪八戒", "#f2f3f5", "应用", "莫慌，待老猪搬块石头丢下去听听响，便知这河有多深。"),
    (
        "wukong",
        "孙悟空",
        "#f2f3f5",
        "应用",
        "老孙便是五百年前大闹天宫的齐天大圣孙悟空，你竟不认得？",
    ),
)
BUTTONS = ("接着说", "重说 (2/2)", "停", "说话")


def main(argv: list[str]) -> int:
    regular, bold = argv[0], argv[-1]
    words = ImageFont.truetype(regular, 21)
    names = ImageFont.truetype(bold, 21)
    small = ImageFont.truetype(bold, 13)
    high = ROW * len(LINES) + 40 + 178
    page = Image.new("RGB", (WIDE, high), GROUND)
    draw = ImageDraw.Draw(page)
    y = 20
    for face, name, colour, badge, text in LINES:
        place = (24, y + 4, 24 + 44, y + 48)
        if face.startswith("#"):
            draw.ellipse(place, fill=face)
            draw.text((46, y + 26), name[0], font=names, fill="white", anchor="mm")
        else:
            picture = Image.open(FACES / f"{face}.png").convert("RGB").resize((44, 44))
            mask = Image.new("L", (176, 176), 0)
            ImageDraw.Draw(mask).ellipse((0, 0, 175, 175), fill=255)
            page.paste(picture, place[:2], mask.resize((44, 44)))
        draw.text((84, y), name, font=names, fill=colour)
        right = 84 + draw.textlength(name, font=names)
        if badge:
            draw.rounded_rectangle((right + 8, y + 7, right + 44, y + 26), 4, fill="#5865f2")
            draw.text((right + 26, y + 16), badge, font=small, fill="white", anchor="mm")
        draw.text((84, y + 27), text, font=words, fill=TEXT)
        y += ROW
    y += 6
    draw.rounded_rectangle((84, y, WIDE - 24, y + 168), 8, fill=PANEL)
    draw.text((104, y + 14), "在场  孙悟空、猪八戒", font=names, fill=TEXT)
    x = 104
    for label in BUTTONS:
        right = x + draw.textlength(label, font=words) + 32
        draw.rounded_rectangle((x, y + 50, right, y + 86), 6, fill="#4e5058")
        draw.text(((x + right) / 2, y + 67), label, font=words, fill="white", anchor="mm")
        x = right + 12
    for number, hint in enumerate(("让谁接着说…", "请谁退场…")):
        left = 104 + number * 380
        draw.rounded_rectangle((left, y + 104, left + 360, y + 150), 6, fill="#1e1f22")
        draw.text((left + 16, y + 127), hint, font=words, fill=DIM, anchor="lm")
        draw.polygon(
            [(left + 328, y + 122), (left + 344, y + 122), (left + 336, y + 132)], fill=DIM
        )
    page.quantize(96, dither=Image.Dither.NONE).save(HERE / "discord-scene.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
