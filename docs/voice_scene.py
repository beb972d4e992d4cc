"""Draws docs/voice-scene.png: notes and their buttons, as Discord and Telegram show them.

python docs/voice_scene.py FONT.ttc BOLD.ttc EMOJI.ttf     Chinese characters; colour emoji

The waveform is that of the line as espeak-ng says it with 孙悟空's voice.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from characters.card import load_cast  # noqa: E402  run as a file, from anywhere
from speech.settings import open_speaker  # noqa: E402
from speech.sound import Sound  # noqa: E402

FACES = HERE.parent / "characters" / "faces"
HALF, HIGH, LEFT = 680, 610, 24
GROUND, PANEL, TEXT, DIM, GREY = "#313338", "#2b2d31", "#dbdee1", "#949ba4", "#4e5058"
BLUE, WHITE, INK, KEYS = "#5865f2", "#ffffff", "#111b21", "#8fa7b8"
SAID = "莫慌莫慌，有老孙在此，管他甚么山高水恶。"
HEARD = "🎤 小明：悟空，前面是什么山？"


async def _sound() -> Sound:
    speaker = open_speaker("espeak")
    assert speaker is not None
    return await speaker.say(SAID, load_cast()["wukong"].voice)


class Painter:
    """One picture, and the three fonts."""

    def __init__(self, regular: str, bold: str, emoji: str) -> None:
        self.words = ImageFont.truetype(regular, 20)
        self.small = ImageFont.truetype(regular, 15)
        self.names = ImageFont.truetype(bold, 20)
        self._emoji = ImageFont.truetype(emoji, 109)  # the one size that its pictures have
        self.page = Image.new("RGB", (2 * HALF, HIGH), GROUND)
        self.draw = ImageDraw.Draw(self.page)
        self.draw.rectangle((HALF, 0, 2 * HALF, HIGH), fill="#d5e4ef")

    def emoji(self, x: float, y: float, sign: str, size: int = 22) -> None:
        picture = Image.new("RGBA", (136, 128))
        ImageDraw.Draw(picture).text((0, 0), sign, font=self._emoji, embedded_color=True)
        small = picture.resize((size + 1, size), Image.Resampling.LANCZOS)
        self.page.paste(small, (int(x), int(y)), small)

    def text(self, x: float, y: float, text: str, fill: str) -> None:
        """Words, of which a leading 🎤 is a picture."""
        if text.startswith("🎤"):
            self.emoji(x, y + 3, "🎤")
            x, text = x + 28, text[1:].lstrip()
        self.draw.text((x, y), text, font=self.words, fill=fill)

    def face(self, x: int, y: int, who: str) -> None:
        picture = Image.open(FACES / f"{who}.png").convert("RGB").resize((44, 44))
        mask = Image.new("L", (176, 176), 0)
        ImageDraw.Draw(mask).ellipse((0, 0, 175, 175), fill=255)
        self.page.paste(picture, (x, y), mask.resize((44, 44)))

    def letter(self, x: int, y: int, letter: str) -> None:
        self.draw.ellipse((x, y, x + 44, y + 44), fill=BLUE)
        self.draw.text((x + 22, y + 22), letter, font=self.names, fill="white", anchor="mm")

    def note(self, x: float, y: float, sound: Sound, fill: str, play: str) -> None:
        """A note's player: the button, its waveform and length."""
        self.draw.ellipse((x, y, x + 40, y + 40), fill=play)
        self.draw.polygon([(x + 16, y + 11), (x + 16, y + 29), (x + 30, y + 20)], fill="white")
        points = sound.waveform
        for number in range(48):
            loud = points[number * len(points) // 48] / 255
            at, half = x + 54 + number * 5, 2 + 14 * loud
            self.draw.rounded_rectangle((at, y + 20 - half, at + 3, y + 20 + half), 1, fill=fill)
        length = f"0:{round(sound.seconds):02}"
        self.draw.text((x + 300, y + 20), length, font=self.small, fill=fill, anchor="lm")

    def button(self, x: float, y: float, label: str, fill: str, sign: str = "") -> float:
        """Returns where the next begins."""
        wide = self.draw.textlength(label, font=self.words) + 26 * bool(sign) + 28
        self.draw.rounded_rectangle((x, y, x + wide, y + 38), 7, fill=fill)
        at = x + 14
        if sign:
            self.emoji(at, y + 8, sign)
            at += 28
        self.draw.text((at, y + 19), label, font=self.words, fill="white", anchor="lm")
        return x + wide + 10

    # -- Discord: the left half ------------------------------------------------------------------

    def head(self, y: int, name: str, *, app: bool = True) -> None:
        self.draw.text((84, y), name, font=self.names, fill="#f2f3f5")
        if app:
            right = 84 + self.draw.textlength(name, font=self.names)
            self.draw.rounded_rectangle((right + 8, y + 4, right + 46, y + 23), 4, fill=BLUE)
            self.draw.text((right + 27, y + 13), "应用", font=self.small, fill="white", anchor="mm")

    def discord(self, sound: Sound) -> None:
        self.letter(LEFT, 22, "小")
        self.head(18, "小明", app=False)
        self.box(84, 48, 370)
        self.note(98, 54, sound, DIM, BLUE)
        self.letter(LEFT, 122, "戏")
        self.head(118, "戏班")
        self.text(84, 146, HEARD, TEXT)
        self.button(84, 180, "不是我说的", GREY)
        self.face(LEFT, 238, "wukong")
        self.head(234, "孙悟空")
        self.text(84, 262, SAID, TEXT)
        self.letter(LEFT, 308, "戏")
        self.head(304, "戏班")
        self.box(84, 334, 370)
        self.note(98, 340, sound, DIM, BLUE)
        self.draw.rounded_rectangle((84, 410, HALF - 24, 572), 8, fill=PANEL)
        self.draw.text((104, 422), "在场  孙悟空", font=self.names, fill=TEXT)
        x = 104.0
        for label, sign in (("接着说", ""), ("重说", ""), ("停", ""), ("说话", ""), ("", "🔊")):
            x = self.button(x, 456, label, GREY, sign)
        for number, hint in enumerate(("让谁接着说…", "请谁退场…")):
            left = 104 + number * 262
            self.draw.rounded_rectangle((left, 508, left + 250, 552), 6, fill="#1e1f22")
            self.draw.text((left + 14, 530), hint, font=self.words, fill=DIM, anchor="lm")

    def box(self, x: int, y: int, wide: int) -> None:
        self.draw.rounded_rectangle((x, y, x + wide, y + 52), 26, fill=PANEL)

    # -- Telegram: the right half ----------------------------------------------------------------

    def bubble(self, y: int, wide: int, high: int, *, mine: bool = False) -> int:
        left = 2 * HALF - LEFT - wide if mine else HALF + LEFT
        fill = "#effdde" if mine else WHITE
        self.draw.rounded_rectangle((left, y, left + wide, y + high), 14, fill=fill)
        return left + 14

    def telegram(self, sound: Sound) -> None:
        x = self.bubble(18, 370, 56, mine=True)
        self.note(x, 26, sound, "#6ba35c", "#6ba35c")
        x = self.bubble(84, 330, 68)
        self.draw.text((x, 90), "戏班", font=self.names, fill="#3a7fb5")
        self.text(x, 118, HEARD, INK)
        self.key(158, 330, 0, 1, "不是我说的")
        x = self.bubble(212, 470, 96)
        self.draw.text((x, 218), "戏班", font=self.names, fill="#3a7fb5")
        self.emoji(x, 248, "🐵")
        self.draw.text((x + 28, 246), "孙悟空", font=self.names, fill=INK)
        self.text(x, 274, SAID, INK)
        for place, (sign, label) in enumerate((("🔄", "重说"), ("✍", "接着说"), ("➡", "下一位"))):
            self.key(314, 470, place, 3, label, sign)
        row = (("⏹", "停"), ("👋", "退场"), ("🔊", ""), ("👍", ""), ("👎", ""))
        for place, (sign, label) in enumerate(row):
            self.key(358, 470, place, 5, label, sign)
        x = self.bubble(414, 370, 112)
        self.draw.text((x, 420), "戏班", font=self.names, fill="#3a7fb5")
        self.note(x, 450, sound, KEYS, "#3a7fb5")
        self.emoji(x, 496, "🐵")
        self.draw.text((x + 28, 494), "孙悟空", font=self.words, fill=INK)

    def key(self, y: int, wide: int, place: int, of: int, label: str, sign: str = "") -> None:
        each = (wide - 6 * (of - 1)) / of
        left = HALF + LEFT + place * (each + 6)
        self.draw.rounded_rectangle((left, y, left + each, y + 38), 8, fill=KEYS)
        inside = self.draw.textlength(label, font=self.words) + 28 * bool(sign)
        at = left + (each - inside) / 2
        if sign:
            self.emoji(at, y + 8, sign)
            at += 28
        self.draw.text((at, y + 19), label, font=self.words, fill="white", anchor="lm")


def main(argv: list[str]) -> int:
    painter, sound = Painter(*argv), asyncio.run(_sound())
    painter.discord(sound)
    painter.telegram(sound)
    page = painter.page.quantize(128, dither=Image.Dither.NONE)
    page.save(HERE / "voice-scene.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
