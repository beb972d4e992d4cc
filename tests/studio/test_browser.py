"""An evening in a real browser: Debian's Chromium, driven by Playwright.

Skipped with a reason where either is missing (`tests/studio/install.sh`, `pip install playwright`).
"""

# slow: starts a browser

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bot.memory import Link, Visitor
from speech.espeak import Espeak
from speech.speaker import Speaker
from tests.studio.shots import PHONE, in_the_room

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def page(chromium, studio):
    """A page of 小明, that must neither load foreign things nor break our own policy."""
    context = await chromium.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda problem: wrong.append(str(problem)))
    page.on("request", lambda r: None if r.url.startswith(studio.url) else wrong.append(r.url))
    code = await studio.site.sessions.invite(Link(Visitor("test:小明", "小明")))
    await page.goto(f"{studio.url}/enter/{code}")
    await page.get_by_role("button", name="进来").click()
    await page.get_by_role("heading", name="想和谁说话？").wait_for()
    page.wrong = wrong
    yield page
    await context.close()


async def test_an_evening(page, studio):
    said = iter(["老孙怕过谁来。", "俺老孙偏不怕！", "再来一个筋斗。"])
    studio.script = lambda prompt: next(said, "去也！")

    # the gallery, in both scripts, and a character
    await page.get_by_role("searchbox").fill("齊天大聖")
    await page.get_by_role("button", name="找").click()
    assert await page.locator(".faces li").count() == 1
    await page.locator(".faces a").click()
    await page.get_by_role("button", name="和孙悟空说话").click()
    await in_the_room(page)

    # talk: a line that grows, once
    await page.locator("#text").fill("悟空，你怕谁？")
    await page.keyboard.press("Enter")
    await page.get_by_text("老孙怕过谁来。").wait_for()
    assert await page.get_by_text("老孙怕过谁来。").count() == 1
    assert await page.locator("#text").input_value() == ""

    # another version, and back by the arrow
    await page.get_by_role("button", name="换个说法").click()
    await page.get_by_text("俺老孙偏不怕！").wait_for()
    await page.get_by_role("button", name="上一个说法").click()
    await page.get_by_text("老孙怕过谁来。").wait_for()
    assert await page.get_by_text("俺老孙偏不怕！").count() == 0

    # edited in one's own words
    await page.get_by_role("button", name="改这一句").click()
    await page.locator("#words").fill("怕的只有师父念咒。")
    await page.get_by_role("button", name="就这么说").click()
    await page.get_by_text("怕的只有师父念咒。").wait_for()

    # a second one comes on stage, the scene is set
    await page.get_by_text("请人上场").click()
    await page.locator(".summon").get_by_role("button", name="猪八戒").click()
    await page.locator(".onstage").get_by_text("猪八戒").wait_for()
    await page.locator("summary", has_text="布景").click()
    await page.get_by_label("在哪里").fill("月下荒庙")
    await page.get_by_role("button", name="就这样").click()
    await page.locator("#stage .where", has_text="月下荒庙").wait_for()

    # what is remembered: seen, corrected, erased
    await page.locator("#text").fill("记住：我对花生过敏")
    await page.get_by_role("button", name="说", exact=True).click()
    await page.locator(".line.human", has_text="花生").wait_for()
    await page.get_by_role("link", name="记得我什么").click()
    await page.get_by_text("我对花生过敏").first.wait_for()
    await page.locator("summary", has_text="改").first.click()
    await page.locator(".facts input[name=argument]").fill("我对虾过敏")
    await page.locator(".facts details button").click()
    await page.locator(".facts li > p", has_text="我对虾过敏").wait_for()
    await page.get_by_role("button", name="忘掉: 我对虾过敏").click()
    await page.locator(".told", has_text="忘了").wait_for()
    assert await page.locator(".facts li").count() == 0
    assert page.wrong == []


async def test_a_second_tab_a_lost_connection_and_a_phone(page, studio, chromium):
    lines = iter(f"第{n}句话，各不相同。" for n in range(50))
    studio.script = lambda prompt: next(lines)
    await page.goto(f"{studio.url}/character/wukong")
    await page.get_by_role("button", name="和孙悟空说话").click()
    await in_the_room(page)
    second = await page.context.new_page()
    await second.set_viewport_size(PHONE)
    await second.goto(page.url)
    await page.bring_to_front()
    await page.locator("#text").fill("悟空，一")
    await page.keyboard.press("Enter")
    for tab in (page, second):  # one that nobody sees is brought up to date when it is looked at
        await tab.bring_to_front()
        await tab.get_by_text("第0句话，各不相同。").wait_for()

    await page.bring_to_front()

    # the connection is lost, and something is said meanwhile from elsewhere
    await page.context.set_offline(True)
    await page.locator("#text").fill("这句发不出去")
    await page.keyboard.press("Enter")
    await page.locator("#trouble", has_text="连不上").wait_for()
    assert await page.locator("#text").input_value() == "这句发不出去"
    path = page.url.removeprefix(studio.url)
    feed = await studio.site.rooms.feed(path.removeprefix("/room/"))
    await feed.hear(
        Visitor("test:小明", "小明"), "悟空，二", id="", moderator=True, kept=lambda: None
    )
    await page.context.set_offline(False)
    studio.site.streams.close()  # whoever watches comes back, and is sent what it has not seen
    async with asyncio.timeout(20):
        while len(studio.site.streams):
            await asyncio.sleep(0.01)
    studio.site.streams.closed = False
    for tab in (page, second):
        await tab.bring_to_front()
        await tab.get_by_text("第1句话，各不相同。").wait_for()
        assert await tab.locator(".line.character").count() == 3
        assert await tab.locator(".line.human").count() == 2
    assert await second.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_without_a_script_forms_do_it(studio, chromium):
    context = await chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = await context.new_page()
    code = await studio.site.sessions.invite(Link(Visitor("test:Ann", "Ann")))
    await page.goto(f"{studio.url}/enter/{code}")
    await page.get_by_role("button", name="Come in").click()
    await page.locator(".faces a", has_text="Sun Wukong").click()
    await page.get_by_role("button", name="Talk with").click()
    await page.locator("#text").fill("Wukong, hello")
    await page.get_by_role("button", name="Say", exact=True).click()
    await studio.quiet(page.url.removeprefix(studio.url))
    await page.get_by_role("link", name="see what is new").click()
    await page.reload()
    assert await page.locator(".line.human").count() == 1
    assert await page.locator(".line.character").count() == 2
    await page.get_by_role("button", name="Take back a line").click()
    await studio.quiet(page.url.removeprefix(studio.url))
    await page.reload()
    assert await page.locator(".line.character").count() == 1
    await context.close()


@pytest.mark.parametrize("late", ["htmx", "hx-sse", "hx-upsert", "studio"])
async def test_a_script_that_comes_late(page, studio, late):
    async def slowly(route) -> None:
        await asyncio.sleep(0.7)
        await route.continue_()

    studio.script = lambda prompt: "莫慌莫慌。"
    await page.route(f"**/{late}*.js", slowly)
    await page.goto(f"{studio.url}/character/wukong")
    await page.get_by_role("button", name="和孙悟空说话").click()
    await in_the_room(page)
    await page.locator("#text").fill("悟空？")
    await page.keyboard.press("Enter")
    await page.locator(".line.character", has_text="莫慌莫慌。").wait_for()
    assert page.wrong == []


async def test_a_line_is_heard(page, studio):
    if missing := Espeak().missing():
        pytest.skip(missing)
    studio.house.shared.speaker = Speaker(Espeak())
    studio.script = lambda prompt: "莫慌莫慌，有老孙在此，管他甚么山高水恶。"
    await page.goto(f"{studio.url}/character/wukong")
    await page.get_by_role("button", name="和孙悟空说话").click()
    await in_the_room(page)
    player = "[...document.querySelectorAll('audio')].at(-1)"

    async def plays() -> None:
        async with asyncio.timeout(30):  # the policy forbids wait_for_function, which evaluates
            while await page.evaluate(f"{player}.currentTime") < 0.3:
                await asyncio.sleep(0.05)

    assert (
        await page.evaluate(f"{player}.readyState") == 0
    )  # nothing is fetched before it is wanted
    await page.locator(".line.character .aloud summary").last.click()
    await plays()
    assert await page.evaluate(f"{player}.duration") > 2

    # after /voice on the player of an answer begins by itself
    await page.locator("#text").fill("/voice on")
    await page.keyboard.press("Enter")
    await page.get_by_text("念出来").first.wait_for()
    await page.locator("#text").fill("悟空？")
    await page.keyboard.press("Enter")
    await page.get_by_text("莫慌莫慌").first.wait_for()
    await page.locator(".line.character").last.locator("audio").wait_for()
    await plays()
    if folder := os.environ.get("MRP_STUDIO_PICTURES"):  # docs/studio/sound.png
        await page.screenshot(path=Path(folder) / "sound.png")
    assert page.wrong == []

    # where it cannot be said, the page says why
    studio.house.shared.speaker = None
    page.wrong.clear()
    await page.evaluate(f"{player}.src += '0'")
    await page.evaluate(f"{player}.play().catch(() => {{}})")
    await page.locator("#trouble", has_text="没有声音").wait_for()
