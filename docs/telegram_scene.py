"""Draws docs/telegram-scene.png: the scene of discord-scene.png, as Telegram shows one.

python docs/telegram_scene.py FONT.ttc BOLD.ttc EMOJI.ttf     Chinese characters; colour emoji
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
WIDE, MARGIN = 760, 24
GROUND, OURS, THEIRS, TEXT, KEYS = "#d5e4ef", "#effdde", "#ffffff", "#111b21", "#8fa7b8"

# (who writes: "" is 小明, whose screen this is; emoji and name of the heading; text)
LINES = (
    ("", "", "", "/召唤 猴哥、老猪"),
    ("戏班", "🐵", "孙悟空", "老孙来也！一个筋斗到了此处，有甚么事只管说！"),
    ("戏班", "🐷", "猪八戒", "都在这里呢？有好吃的可莫瞒着老猪！"),
    ("小红", "", "", "你们两个，今晚吃什么？"),
    ("戏班", "🐷", "猪八戒", "莫慌，待老猪搬块石头丢下去听听响，便知这河有多深。"),
    ("戏班", "🐵", "孙悟空", "老孙便是五百年前大闹天宫的齐天大圣孙悟空，你竟不认得？"),
)
ROWS = (
    (("🔄", "重说 2/2"), ("✍", "接着说"), ("➡", "下一位")),
    (
        ("⏹", "停"),
        ("👋", "退场"),
        ("👍", ""),
        ("👎", ""),
    ),
)


class Painter:
    def __init__(self, regular: str, bold: str, emoji: str, page: Image.Image) -> None:
        self.words = ImageFont.truetype(regular, 20)
        self.names = ImageFont.truetype(bold, 19)
        self.page, self.draw = page, ImageDraw.Draw(page)
        self._emoji = ImageFont.truetype(emoji, 109)  # the one size that its pictures have

    def emoji(self, x: float, y: float, sign: str) -> float:
        """Paint an emoji 22 pixels high; returns where it ends."""
        picture = Image.new("RGBA", (136, 128))
        ImageDraw.Draw(picture).text((0, 0), sign, font=self._emoji, embedded_color=True)
        small = picture.resize((23, 22), Image.Resampling.LANCZOS)
        self.page.paste(small, (int(x), int(y)), small)
        return x + 28

    def wrapped(self, text: str, most: int) -> list[str]:
        lines = [""]
        for sign in text:
            if self.draw.textlength(lines[-1] + sign, font=self.words) > most:
                lines.append("")
            lines[-1] += sign
        return lines

    def message(self, y: int, who: str, sign: str, name: str, text: str) -> int:
        """One bubble; returns where the next begins."""
        lines = self.wrapped(text, 500)
        wide = max(self.draw.textlength(line, font=self.words) for line in lines)
        if who:
            heading = self.draw.textlength(name, font=self.names) + 28 * bool(sign)
            wide = max(wide, self.draw.textlength(who, font=self.names), heading)
        high = 16 + 28 * (len(lines) + bool(who) + bool(name))
        left = MARGIN if who else WIDE - MARGIN - wide - 28
        box = (left, y, left + wide + 28, y + high)
        self.draw.rounded_rectangle(box, 14, fill=THEIRS if who else OURS)
        x, top = left + 14, y + 7
        if who:
            self.draw.text((x, top), who, font=self.names, fill="#3a7fb5")
            top += 28
        if name:
            after = self.emoji(x, top + 4, sign) if sign else x
            self.draw.text((after, top), name, font=self.names, fill=TEXT)
            top += 28
        for line in lines:
            self.draw.text((x, top), line, font=self.words, fill=TEXT)
            top += 28
        return y + high + 8

    def keys(self, y: int) -> int:
        """The keyboard under the last line."""
        for row in ROWS:
            each = (528 - 6 * (len(row) - 1)) / len(row)
            for place, (sign, label) in enumerate(row):
                left = MARGIN + place * (each + 6)
                self.draw.rounded_rectangle((left, y, left + each, y + 40), 8, fill=KEYS)
                wide = 28 + self.draw.textlength(label, font=self.words)
                after = self.emoji(left + (each - wide) / 2, y + 9, sign)
                self.draw.text((after, y + 20), label, font=self.words, fill="white", anchor="lm")
            y += 46
        return y


def main(argv: list[str]) -> int:
    page = Image.new("RGB", (WIDE, 900), GROUND)
    painter, y = Painter(*argv, page), 20
    for line in LINES:
        y = painter.message(y, *line)
    y = painter.keys(y)
    page = page.crop((0, 0, WIDE, y + 14))
    page.quantize(128, dither=Image.Dither.NONE).save(HERE / "telegram-scene.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
