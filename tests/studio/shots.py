"""A scene on the pages, the addresses of all pages, and pictures of them by day and by night, on a
desk and on a phone; for docs and for eyes."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bot.forms import filled
from bot.memory import Grant, Link, Visitor
from bot.platforms.studio.routes import ROUTES
from characters.tavern import pictures

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 860}

LINES = [
    "嘻嘻，老孙大闹天宫的时节，十万天兵也不曾怕过。怕只怕师父念那紧箍咒！",
    "猴哥又吹牛哩！老猪看那庙里有灯火，不如先进去化些斋饭，吃饱了再说。",
    "呆子！荒山野岭哪来的斋饭？你且站住，待老孙看一看——果然有妖气！",
    "记下了，记下了：往后讨来的花生都归老猪，一粒也不叫你沾。",
]


async def in_the_room(page) -> None:
    """Wait until a room's page shows its first line and its scripts run: a key pressed before them
    is only a key, the Return of a sent line too."""
    await page.locator(".line.character").first.wait_for()
    await page.wait_for_load_state("load")


async def a_scene(studio) -> str:
    """Play a scene as the host. Returns the path of its room."""
    for number in range(40):
        studio.site.figures.look(60.0 * number)
        studio.house.stats["heard"] += (number * 7) % 11
        studio.house.stats["said"] += (number * 5) % 9
    lines = iter(LINES)
    studio.script = lambda prompt: next(lines, "老孙知道了。")
    owner = await studio.browser("studio:owner", "小明", role="owner")
    path = await studio.room(owner, "wukong", "bajie", alone=False)
    await owner.get(path)
    await owner.post(f"{path}/scene", place="月下荒庙", mood="悲凉", chapter="27", note="")
    await owner.post(f"{path}/lore", keys="荒庙、山门", lore="这座庙三百年前供的是土地。", who="")
    await owner.post(f"{path}/order", order="checkpoint", argument="进庙之前")
    await studio.quiet(path)
    await studio.say(owner, path, "悟空，前面那座庙里好像有人。你怕不怕？")
    await owner.post(f"{path}/order", order="next bajie")
    await studio.quiet(path)
    await owner.post(f"{path}/order", order="narrate", argument="庙门吱呀一声，自己开了。")
    await owner.post(f"{path}/order", order="next wukong")
    await studio.quiet(path)
    await studio.say(owner, path, "记住：我对花生过敏")
    dragon = {
        "name": "小墨龙",
        "brief": "住在砚台里、爱写字的小龙。",
        "greeting": "墨龙来也，可有宣纸？",
    }
    made = filled({(key, ""): text for key, text in dragon.items()}, None)
    await studio.house.casts.keep(made, "studio:owner", face=pictures.blank("ink", 96))
    for number in range(12):
        popular = ("wukong", "wukong", "bajie", "guanyin")[number % 4]
        await studio.house.casts.popularity.summoned(
            popular, "x:1", f"x:{number}", once=f"{number}"
        )
        await studio.house.casts.popularity.thumb(popular, f"{number}", f"x:{number}", 1)
    await studio.allow("studio:owner", "telegram:-1001", moderator=True, until=2_000_000_000)
    await studio.site.sessions.grant(
        "studio:owner", Grant(path.removeprefix("/room/"), "月下荒庙", moderator=True)
    )
    return path


async def addresses(studio, room: str) -> list[str]:
    """The address of everything that can be opened, by the table of routes."""
    found = []
    stored = studio.house.casts.entries()[0].id
    for route in ROUTES:
        if route.method != "GET" or route.path.endswith("/stream") or route.path == "/enter/{code}":
            continue
        path = route.path.replace("/room/{key}", room)
        path = path.replace("{id}/change", f"{stored}/change").replace(
            "/character/{id}", "/character/wukong"
        )
        if "{code}" in path:
            code = await studio.site.sessions.invite(Link(Visitor(""), room.removeprefix("/room/")))
            path = path.replace("{code}", code)
        found.append(re.sub(r"{\w+}", "none", path))
    return found


async def photograph(studio, chromium, folder: Path, only: Sequence[str] = ()) -> None:
    """Play a scene, then take pictures of each page, or `only` of those of these names: NAME.png is
    a desk by day beside a phone by night, NAME-night.png (of the pages of LARGE) the other way
    round."""
    folder.mkdir(parents=True, exist_ok=True)
    room = await a_scene(studio)
    pages = {name_of(where, room): where for where in await addresses(studio, room)}
    for night, sizes in (
        ("", ("light", DESK, "dark", PHONE)),
        ("-night", ("dark", DESK, "light", PHONE)),
    ):
        welcome: list[bytes] = []
        desk = await _signed_in(studio, chromium, sizes[0], sizes[1], welcome)
        phone = await _signed_in(studio, chromium, sizes[2], sizes[3], welcome)
        if not night:
            beside(welcome).save(folder / "welcome.png", optimize=True)
        for name, where in pages.items():
            if (night and name not in LARGE) or (only and name not in only):
                continue
            taken = []
            for page in (desk, phone):
                answer = await page.request.get(studio.url + where)
                if answer.status != 200 or "text/html" not in answer.headers.get(
                    "content-type", ""
                ):
                    break
                await page.goto(studio.url + where)
                await page.wait_for_load_state("load")
                taken.append(await page.screenshot())
            if len(taken) == 2:
                beside(taken).save(folder / f"{name}{night}.png", optimize=True)
        for page in (desk, phone):
            await page.context.close()


# Pages that are also shown by night on a desk, and by day on a phone.
LARGE = {"gallery", "character", "room", "me", "owner"}


def name_of(where: str, room: str) -> str:
    """The name of a page's picture."""
    if where.startswith("/join/"):
        return "join"
    parts = where.replace(room, "room").replace("/wukong", "").strip("/").split("/")
    return "-".join(part for part in parts if not part.startswith("c_"))[:40] or "gallery"


async def _signed_in(studio, chromium, theme, size, welcome: list[bytes]):
    context = await chromium.new_context(locale="zh-CN", color_scheme=theme, viewport=size)
    page = await context.new_page()
    page.set_default_timeout(120_000)
    await page.goto(studio.url)
    welcome.append(await page.screenshot())
    code = await studio.site.sessions.invite(Link(Visitor("studio:owner", "小明", "owner")))
    await page.goto(f"{studio.url}/enter/{code}")
    await page.locator("button.strong").click()
    await page.locator(".top nav").wait_for()
    return page


def beside(taken: list[bytes]) -> Image.Image:
    """Pictures of one height side by side, in few colours: some 100 kB."""
    shown = [Image.open(io.BytesIO(data)).convert("RGB") for data in taken]
    height = min(each.height for each in shown)
    shown = [each.crop((0, 0, each.width, height)) for each in shown]
    sheet = Image.new("RGB", (sum(each.width for each in shown) + 24, height), "#8a7d6d")
    at = 0
    for each in shown:
        sheet.paste(each, (at, 0))
        at += each.width + 24
    sheet.thumbnail((1280, 1280), Image.Resampling.LANCZOS)
    return sheet.quantize(128)
