"""Draws docs/cast-modal.png, cast-preview.png and cast-card.png: a character being made.

python -m docs.cast_scene [--model GGUF] [--chromium FILE]      in the repository's root

The words are the bot's own: Discord's form and buttons as they are sent, and what a room with this
model and an empty memory answers. Only the frames around them are drawn. Needs Chromium and a font
with Chinese characters.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import io
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import async_playwright

from bot.drafts import Pace
from bot.house import House, add_options
from bot.limits import Limits, Rate
from bot.memory.sketches import put_picture
from bot.platforms.discord.made import CharacterForm, what_now
from bot.stage import Line, Message
from characters.card import Language
from characters.pictures import normalised

HERE = Path(__file__).resolve().parent
FREELY = Limits(Rate(math.inf, 1), Rate(math.inf, 1))
INKY = {
    "Name": "Inky",
    "Greeting": "Ahem! You have come at the right moment: the ink is fresh.",
    "Short": "A small dragon who lives in an inkstone and loves to write.",
    "Long": "Born of a drop of ink that a poet forgot. Proud of its hand, afraid of water.\n"
    "manner: bookish, a little vain\nnickname: Ink\ncategories: dragon, poet\nvoice: high, fast",
}
MOLONG = (
    "小墨龙 | 咳咳！来得正好，墨刚磨得。 | 一条住在砚台里、爱写字的小龙。 | "
    "诗人忘在砚里的一滴墨所化。得意自己的字，羞于自己的个头，怕水。 | 语气：文绉绉，有点得意 | "
    "别名：小墨 | 台词：好字！ / 水？拿远些。 | 类别：龙、书生 | 表情：🐉 | 声音：高、快"
)
FACE = (
    '<svg class="{}" viewBox="0 0 40 40"><circle cx="20" cy="20" r="20" fill="#1f2a44"/>'
    '<path d="M9 27c3-13 9-17 16-15 5 2 6 8 2 9-3 1-5-2-3-4" fill="none" stroke="#9fd8c4" '
    'stroke-width="4" stroke-linecap="round"/><circle cx="24" cy="12" r="1.8" fill="#fff"/></svg>'
)
STYLE = """
* {box-sizing: border-box; margin: 0}
body {font: 16px/1.45 'Noto Sans','DejaVu Sans','WenQuanYi Micro Hei',sans-serif; width: 720px}
.page {padding: 18px; display: inline-block; width: 720px}
.discord {background: #313338; color: #dbdee1}
.modal {background: #242429; border-radius: 10px; padding: 22px; width: 520px; margin: 0 auto}
.modal h1 {font-size: 21px; margin-bottom: 14px; color: #fff}
label {display: block; margin: 12px 0 5px; font-weight: 600; font-size: 14.5px}
label i {color: #f38688; font-style: normal}
.field {background: #1a1a1e; border: 1px solid #39393f; border-radius: 8px; padding: 8px 11px;
  white-space: pre-wrap; font-size: 15px}
.field.long {min-height: 62px}
.file {display: flex; align-items: center; gap: 12px; border: 1px dashed #55565d}
.row {display: flex; gap: 8px; flex-wrap: wrap; margin-top: 12px}
.row.end {justify-content: flex-end; margin-top: 18px}
.button {background: #4e5058; border-radius: 8px; padding: 7px 15px; color: #fff; font-size: 15px}
.button.send {background: #5865f2}
.post {display: flex; gap: 14px}
.face {width: 42px; height: 42px; flex: none}
.mark {background: #5865f2; border-radius: 50%; color: #fff; font: bold 13px/42px sans-serif;
  text-align: center}
.badge {background: #5865f2; color: #fff; font-size: 11px; border-radius: 4px; padding: 1px 5px;
  margin-left: 6px; vertical-align: 2px}
.who {color: #f2f3f5; font-weight: 600}
.text {white-space: pre-wrap}
.alone {color: #949ba4; font-size: 13px; margin-top: 9px}
.telegram {background: #d5e4ef; color: #111b21}
.bubble {background: #fff; border-radius: 14px; padding: 8px 13px; max-width: 600px;
  width: fit-content; margin-bottom: 9px; white-space: pre-wrap}
.bubble b {color: #3a7fb5; display: block; font-size: 15px}
.bubble.mine {background: #effdde; margin-left: auto}
"""


class Notices:
    """A stage that keeps what the house says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def pace(self) -> Pace:
        return Pace()

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        self.said.append(text)

    async def attach(self, name: str, data: bytes) -> str:
        return ""

    async def show(self, line: Line) -> tuple[str, ...]:
        return (line.id,) if line.done else ()

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        pass


async def played(house: House, language: Language, *texts: str | tuple[str, str]) -> list[str]:
    """What a new room answers to what people say: (who, text), or 小明's."""
    stage = Notices()
    room = await house.room("docs", f"cast {language}", lambda: stage, language=language)
    for said in texts:
        who, text = said if isinstance(said, tuple) else ("小明", said)
        await room.hear(Message(f"docs:{who}", who, text, moderator=True))
    await room.settle()
    return stage.said


def modal() -> str:
    """Discord's form, filled in."""
    form: dict[str, Any] = CharacterForm("en").to_dict()
    rows = [f"<h1>{form['title']}</h1>"]
    for part in form["components"]:
        label, field = part["label"], part["component"]
        needed = " <i>*</i>" if field.get("required") else ""
        rows.append(f"<label>{html.escape(label)}{needed}</label>")
        if field["type"] == 19:  # a file to upload
            rows.append(f'<div class="field file">{FACE.format("face")}inky.png</div>')
            continue
        text = next((t for key, t in INKY.items() if label.startswith(key)), "")
        long = " long" if field["style"] == 2 else ""
        rows.append(f'<div class="field{long}">{html.escape(text)}</div>')
    ends = '<span class="button">Cancel</span><span class="button send">Submit</span>'
    return f'<div class="modal">{"".join(rows)}<div class="row end">{ends}</div></div>'


def preview(text: str) -> str:
    """A preview with its buttons, as only who makes the character sees it."""
    (row,) = what_now("en").to_components()
    buttons = "".join(f'<span class="button">{b["label"]}</span>' for b in row["components"])
    return (
        f'<div class="post"><span class="face mark">mRP</span><div><p><span class="who">mRP</span>'
        f'<span class="badge">APP</span></p><p class="text">{html.escape(text)}</p>'
        f'<div class="row">{buttons}</div>'
        '<p class="alone">👁 Only you can see this · Dismiss message</p></div></div>'
    )


def talk(*bubbles: tuple[str, str]) -> str:
    """Bubbles of Telegram; "" writes whoever's screen it is."""
    rows = []
    for who, text in bubbles:
        name = f"<b>{who}</b>" if who else ""
        rows.append(f'<div class="bubble{"" if who else " mine"}">{name}{html.escape(text)}</div>')
    return "".join(rows)


async def scenes(options: argparse.Namespace) -> dict[str, tuple[str, str]]:
    """The pictures by name: on which platform, and what stands there."""
    house = await House.open(options)
    house.shared.limits = FREELY
    try:
        upload = io.BytesIO()
        Image.new("RGB", (256, 256), "#1f2a44").save(upload, "PNG")
        await put_picture(house.memory, "docs:小明", normalised(upload.getvalue()))
        rows = [INKY["Name"], INKY["Greeting"], INKY["Short"], INKY["Long"]]
        shown = (await played(house, "en", "/character create " + "\n".join(rows)))[-1]
        summons = [(who, "/召唤 小墨") for who in ("小明", "小红", "小刚")]
        thumbs = [(who, "/评价 好") for who in ("小明", "小红")]
        asked: list[str | tuple[str, str]] = [f"/角色 创建 {MOLONG}", "/角色 保存 这里"]
        for each in summons:
            asked += ["/退场 小墨", each]
        said = await played(house, "zh", *asked, *thumbs, "/角色 查看 小墨", "/发现 龙")
        card = ("", "/角色 查看 小墨"), ("戏班", said[-2]), ("", "/发现 龙"), ("戏班", said[-1])
        return {
            "cast-modal": ("discord", modal()),
            "cast-preview": ("discord", preview(shown)),
            "cast-card": ("telegram", talk(*card)),
        }
    finally:
        await house.close()


async def draw(found: dict[str, tuple[str, str]], chromium: str) -> None:
    async with async_playwright() as started:
        browser = await started.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(device_scale_factor=1.5)
        for name, (platform, body) in found.items():
            await page.set_content(
                f'<style>{STYLE}</style><div class="page {platform}">{body}</div>'
            )
            await page.locator(".page").screenshot(path=HERE / f"{name}.png")
        await browser.close()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--chromium", default=shutil.which("chromium") or "chromium")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as data:
        os.environ["XDG_DATA_HOME"] = data
        os.environ.pop("REDIS_URL", None)
        found = asyncio.run(scenes(options))
    asyncio.run(draw(found, options.chromium))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
