"""Pictures of every page, by day and by night, on a desk and on a phone; for docs and for eyes."""

from __future__ import annotations

from pathlib import Path

from bot.memory import Grant, Link, Visitor

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 860}

LINES = [
    "嘻嘻，老孙大闹天宫的时节，十万天兵也不曾怕过。怕只怕师父念那紧箍咒！",
    "猴哥又吹牛哩！老猪看那庙里有灯火，不如先进去化些斋饭，吃饱了再说。",
    "呆子！荒山野岭哪来的斋饭？你且站住，待老孙看一看——果然有妖气！",
]


async def pictures(studio, chromium, folder: Path) -> None:
    """Play a scene, then take a picture of each page."""
    folder.mkdir(parents=True, exist_ok=True)
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
    await studio.quiet(path)
    await studio.say(owner, path, "悟空，前面那座庙里好像有人。你怕不怕？")
    await owner.post(f"{path}/order", order="next bajie")
    await studio.quiet(path)
    await owner.post(f"{path}/order", order="narrate", argument="庙门吱呀一声，自己开了。")
    await owner.post(f"{path}/order", order="next wukong")
    await studio.quiet(path)
    await studio.say(owner, path, "记住：我对花生过敏")
    await studio.allow("studio:owner", "telegram:-1001", moderator=True, until=2_000_000_000)
    await studio.site.sessions.grant("studio:owner", Grant(path.removeprefix("/room/"), "月下荒庙"))
    pages = {
        "gallery": "/",
        "character": "/character/wukong",
        "room": path,
        "rooms": "/rooms",
        "make": "/make",
        "me": "/me",
        "owner": "/owner",
        "why": f"{path}/why",
        "edit": f"{path}/edit",
    }
    for language, theme, size, kind in (
        ("zh", "light", DESK, "desk"),
        ("zh", "dark", DESK, "desk"),
        ("zh", "light", PHONE, "phone"),
        ("en", "dark", PHONE, "phone"),
    ):
        context = await chromium.new_context(
            locale="zh-CN" if language == "zh" else "en-GB", color_scheme=theme, viewport=size
        )
        page = await context.new_page()
        await page.goto(studio.url)
        await page.screenshot(path=folder / f"welcome-{language}-{theme}-{kind}.png")
        visitor = Visitor("studio:owner", "小明", "owner")
        code = await studio.site.sessions.invite(Link(visitor))
        await page.goto(f"{studio.url}/enter/{code}")
        await page.locator("button.strong").click()
        for name, where in pages.items():
            await page.goto(studio.url + where)
            if name == "room":
                await page.locator(".line").first.wait_for()
            await page.wait_for_load_state("load")
            await page.screenshot(path=folder / f"{name}-{language}-{theme}-{kind}.png")
        await context.close()
