"""One journey through all pages, on the shipped model, in a real browser, with the fake Discord and
Telegram of the other tests serving the same rooms.

Skipped with a reason where there is no Chromium (`tests/studio/install.sh`).
"""

# slow: the shipped model, a browser, two chat platforms

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from dataclasses import replace

import pytest

from bot.forms import filled
from bot.platforms.studio.cli import owner_link
from bot.voice import open_voice
from characters import tavern
from characters.tavern import pictures
from hub.choice import SHIPPED
from tests.discord.conftest import World as Discord
from tests.discord.conftest import finished
from tests.fakes.discord_server import FakeDiscord
from tests.fakes.telegram_server import TelegramServer
from tests.studio.conftest import Studio
from tests.studio.shots import in_the_room
from tests.telegram.conftest import World as Telegram
from tests.trainer.conftest import internlm2, pieces, seed_files, tuning  # noqa: F401

WATCHED = """
document.addEventListener("htmx:sse:after:message", (event) => {
  window.seen = event.detail.message.id || window.seen;
});
window.grown = [];
new MutationObserver(() => {
  for (const line of document.querySelectorAll(".line.growing p")) grown.push(line.textContent);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


@pytest.fixture
async def studio(cast, memory):
    """The pages over the shipped model."""
    made = Studio(cast, memory, open_voice(str(SHIPPED), seed=3, threads=1))
    await made.start()
    telling = asyncio.create_task(announce(made))  # where /web leads
    yield made
    telling.cancel()
    await made.stop()
    await made.house.voice.close()


# The key is pressed as soon as there is something to stop: so small a model is soon done.
ESCAPE = """
new Promise((done) => {
  const looking = setInterval(() => {
    if (!document.getElementById("stop")) return;
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    clearInterval(looking);
    done();
  }, 5);
})
"""

# Whether the page has shown the events of its room up to a position.
SEEN_UP_TO = """
position => {
  const start = document.getElementById("stream").getAttribute("hx-sse:connect");
  const number = (id) => Number(id.split("-")[1]);
  const seen = window.seen || start.match(/after=([^&]+)/)[1];
  return number(seen) >= number(position);
}
"""


async def announce(studio: Studio) -> None:
    while True:
        await studio.site.sessions.announce(studio.url)
        await asyncio.sleep(20)


class Visit:
    """One person's browser, that must neither load foreign things nor break our own policy."""

    def __init__(self, studio, context) -> None:
        self.studio, self.context = studio, context
        self.wrong: list[str] = []

    async def begin(self) -> None:
        await self.context.add_init_script(WATCHED)
        self.page = await self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda problem: self.wrong.append(str(problem)))
        self.page.on("request", self._request)

    def _console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def _request(self, request) -> None:
        if not request.url.startswith(self.studio.url):
            self.wrong.append(request.url)

    async def enter(self, told: str) -> None:
        """Come in by the link that a text holds."""
        found = re.search(r"https?://[^\s]+/enter/[\w-]+", told)
        assert found, told
        await self.page.goto(found[0])
        await self.press("进来")

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def say(self, text: str) -> None:
        """Say something, and wait until it is answered."""
        lines = self.page.locator(".line.character:not(.growing)")
        before = await lines.count()
        await self.page.locator("#text").fill(text)
        await self.page.keyboard.press("Enter")
        await lines.nth(before).wait_for()
        await self.quiet()

    async def quiet(self) -> None:
        """Wait until nothing is going on in the room, and the page has been told so: a button that
        is pressed while its place is drawn anew is not pressed."""
        await self.studio.quiet(self.page.url.removeprefix(self.studio.url).partition("?")[0])
        key = self.page.url.rpartition("/room/")[2]
        feed = await self.studio.site.rooms.feed(key)
        await self.page.wait_for_function(SEEN_UP_TO, arg=feed.transcript.log.position)
        await self.page.locator(".speaks").wait_for(state="detached")

    async def stored(self) -> list[str]:
        """What characters said in the room of the page, as it is kept."""
        key = self.page.url.rpartition("/room/")[2]
        feed = await self.studio.site.rooms.feed(key)
        return [k.turn.text for k in feed.room.memory.turns if k.turn.side == "character"]

    async def words(self) -> list[str]:
        """What characters say on the page."""
        return await self.page.locator(".line.character .said > p").all_inner_texts()


@pytest.fixture
async def visit(studio, chromium):
    """Opens browsers."""
    opened: list[Visit] = []

    async def another() -> Visit:
        context = await chromium.new_context(
            locale="zh-CN", viewport={"width": 1280, "height": 900}
        )
        opened.append(Visit(studio, context))
        await opened[-1].begin()
        return opened[-1]

    yield another
    for one in opened:
        await one.context.close()
        assert one.wrong == []


@pytest.mark.timeout(900)
async def test_the_whole_journey(studio, visit, cast, memory, caplog, data_home, tuning):  # noqa: F811
    me = await visit()
    await me.enter(await owner_link(studio.site.sessions, studio.url))
    await the_first_steps(me)
    await the_gallery_and_two_on_stage(me)
    await a_talk(me)
    await a_character_of_ones_own(me)
    await a_card_comes_in(me)
    await what_is_remembered(me)
    async with both_chats(studio, cast, memory, caplog) as (telegram, discord):
        await the_same_scene_in_telegram(telegram, await visit())
        await the_same_scene_in_discord(discord, await visit())
        await a_character_is_approved(me, telegram)
    await limits_are_set(me)
    await all_is_backed_up_and_restored(me)
    recipe = data_home / "workshop" / "recipes" / "tiny.toml"
    recipe.parent.mkdir(parents=True)
    tuning(recipe, epochs="1", accumulate="4")
    await a_tiny_voice_is_trained(me, recipe.name)


async def the_first_steps(me: Visit) -> None:
    page = me.page
    await page.get_by_role("heading", name="把台子搭起来").wait_for()
    shipped = page.locator(".model.chosen", has_text="自带的小模型")
    assert await shipped.get_by_text("选定的").count() == 1
    await me.press("全部看一遍")
    await page.locator("[role=status] .findings li").first.wait_for()
    await me.press("好了，去见角色")


async def the_gallery_and_two_on_stage(me: Visit) -> None:
    page = me.page
    await page.get_by_role("heading", name="想和谁说话？").wait_for()
    await page.get_by_role("link", name="取经人").click()
    await page.locator(".sift [aria-current]", has_text="取经人").wait_for()
    assert await page.locator(".faces li").count() == 5
    await page.get_by_role("searchbox").fill("齊天大聖")
    await me.press("找")
    await page.wait_for_url("**/?q=*")
    await page.locator(".faces a").first.click()
    await me.press("和孙悟空说话")
    await in_the_room(page)
    await page.get_by_text("请人上场").click()
    await page.locator(".summon").get_by_role("button", name="猪八戒").click()
    await page.locator(".onstage").get_by_text("猪八戒").wait_for()
    await me.quiet()


async def a_talk(me: Visit) -> None:
    page = me.page
    for text in ("悟空，你怕不怕紧箍咒？", "八戒，你饿不饿？", "悟空，讲讲花果山。"):
        await me.say(text)
    grown = await page.evaluate("window.grown")
    assert any(grown), "no line was seen while it grew"
    said = await me.words()
    assert all(text.strip() for text in said)
    assert said == await me.stored()  # in order, and nothing twice

    # another version, and back by the arrow; so small a model has not always something else to say
    for text in (
        "悟空，你从哪里来？",
        "悟空，你会什么本事？",
        "八戒，今晚吃什么？",
        "悟空，妖怪呢？",
    ):
        await me.say(text)
        last = (await me.words())[-1]
        if await another_version(me):
            break
    await page.locator(".count", has_text="2/2").wait_for()
    await page.get_by_role("button", name="上一个说法").click()
    await page.locator(".count", has_text="1/2").wait_for()
    assert (await me.words())[-1] == last

    # they talk among themselves, until somebody stops them
    before = await page.locator(".line.character").count()
    await page.locator("#text").fill("/自演 12")
    await page.keyboard.press("Enter")
    await page.evaluate(ESCAPE)
    await me.quiet()
    await page.locator("#stop").wait_for(state="detached")
    assert await page.locator(".line.character").count() - before < 12

    # the last line in one's own words
    await me.press("✎ 改这一句")
    await page.locator("#words").fill("怕的只有师父念咒。")
    await me.press("就这么说")
    await page.locator(".line.character", has_text="怕的只有师父念咒。").wait_for()


async def another_version(me: Visit) -> bool:
    """Whether the last line is said in other words when it is asked for: each time the same words
    come, the next try is a warmer one."""
    for _ in range(4):
        # The press has to have arrived: the room is quiet before it, too, and the next press would
        # ask for a third version.
        async with me.page.expect_response(lambda answer: answer.request.method == "POST"):
            await me.press("↻ 换个说法")
        await me.quiet()
        if await me.page.locator(".count").count():
            return True
    return False


async def a_character_of_ones_own(me: Visit) -> None:
    page = me.page
    await page.goto(me.studio.url)
    await page.get_by_role("link", name="造一个角色").click()
    for key, text in (
        ("name", "小墨龙"),
        ("brief", "住在砚台里、爱写字的小龙。"),
        ("greeting", "墨龙来也，可有宣纸？"),
        ("persona", "怕水，爱写狂草，常把墨溅到人身上。"),
    ):
        await page.locator(f"#f-{key}").fill(text)
    await page.locator("#preview strong", has_text="小墨龙").wait_for()  # while one types
    face = pictures.blank("ink", 64)
    await page.locator("#f-face").set_input_files(
        {"name": "face.png", "mimeType": "image/png", "buffer": face}
    )
    await me.press("说一句试试")
    await page.locator("#preview .told", has_text="答：").wait_for()
    await me.press("就是这样")
    await page.get_by_role("heading", name="小墨龙").wait_for()
    address = await page.locator(".portrait .face").get_attribute("src")
    shown = await page.request.get(me.studio.url + str(address))
    assert await shown.body() == face
    await me.press("和小墨龙说话")
    await page.get_by_text("墨龙来也，可有宣纸？").wait_for()
    await me.say("墨龙，写个什么字？")
    assert (await me.words())[-1].strip()


async def a_card_comes_in(me: Visit) -> None:
    page = me.page
    typed = {"name": "小白马", "brief": "驮经的马。", "greeting": "唏律律——上来罢。"}
    horse = replace(filled({(key, ""): text for key, text in typed.items()}, None), id="horse")
    card = tavern.write(horse, format="png", face=pictures.blank("horse", 96), language="zh")
    await page.goto(f"{me.studio.url}/make")
    await page.locator("#card").set_input_files(
        {"name": "horse.png", "mimeType": "image/png", "buffer": card}
    )
    await me.press("带进来一张卡")
    await page.get_by_role("heading", name="小白马").wait_for()
    await page.get_by_text("唏律律——上来罢。").wait_for()
    await page.goto(f"{me.studio.url}/?by=new")
    assert await page.locator(".faces strong").first.inner_text() == "小白马"


async def what_is_remembered(me: Visit) -> None:
    page = me.page
    await page.goto(f"{me.studio.url}/rooms")
    await page.locator(".list a", has_text="孙悟空").click()
    await me.say("记住：我对花生过敏")
    await page.get_by_role("link", name="记得我什么").click()
    await page.locator(".facts li > p", has_text="我对花生过敏").wait_for()
    await page.locator("summary", has_text="改").first.click()
    await page.locator(".facts input[name=argument]").fill("我对虾过敏")
    await page.locator(".facts details button").click()
    await page.locator(".facts li > p", has_text="我对虾过敏").wait_for()
    await page.get_by_role("button", name="忘掉: 我对虾过敏").click()
    await page.locator(".told", has_text="忘了").wait_for()
    assert await page.locator(".facts li").count() == 0


@contextlib.asynccontextmanager
async def both_chats(studio, cast, memory, caplog):
    """Both platforms, with the house of the pages."""
    caplog.set_level(logging.INFO)
    server = TelegramServer(pace=200.0)
    await server.start()
    try:
        async with FakeDiscord() as found:
            telegram, discord = Telegram(server, cast, memory), Discord(found, cast, memory)
            async with telegram.bot(studio.house), discord.bot(studio.house) as bot:
                yield telegram, discord
                await finished(bot)
            assert found.problems == []
    finally:
        await server.stop()


async def the_same_scene_in_telegram(world: Telegram, me: Visit) -> None:
    server, group, page = world.server, world.group, me.page
    server.says(group, world.ming, "/summon@xiyou_bot 悟空")
    await world.hears("孙悟空", seconds=60)
    server.says(group, world.ming, "/web@xiyou_bot")
    await world.hears("/enter/", world.ming, seconds=60)  # told to 小明 alone
    assert "/enter/" not in "".join(world.texts())
    await me.enter(world.texts(world.ming)[-1])
    await in_the_room(page)
    await me.say("悟空，桥在哪里？")
    said = (await me.words())[-1]
    await server.until(lambda: any(said[:12] in text for text in world.texts()), 60)
    assert any("悟空，桥在哪里？" in text for text in world.texts())
    server.says(group, world.hong, "悟空，河在哪里？")
    await page.locator(".line.human", has_text="悟空，河在哪里？").wait_for()
    await page.locator(".line.character").nth(2).wait_for()
    await me.quiet()
    said = (await me.words())[-1]
    await server.until(lambda: any(said[:12] in text for text in world.texts()), 60)


async def the_same_scene_in_discord(world: Discord, me: Visit) -> None:
    server, page = world.server, me.page
    await server.slash(world.ming, world.channel, "summon", who="悟空")
    await world.lines_until(1, seconds=60)
    call = await server.slash(world.ming, world.channel, "web")
    assert (await call.acknowledged(20))["data"]["flags"] == 64  # shown to 小明 alone
    answer = server.answer_to(call)
    await server.until(lambda: "/enter/" in answer["content"], 60)
    await me.enter(answer["content"])
    await in_the_room(page)
    await me.say("悟空，山在哪里？")
    lines = await world.lines_until(2, seconds=60)
    assert lines[-1] == ("孙悟空", (await me.words())[-1])
    await server.say(world.ming, world.channel, "悟空，妖怪在哪里？")
    await page.locator(".line.human", has_text="悟空，妖怪在哪里？").wait_for()
    await page.locator(".line.character").nth(2).wait_for()
    await me.quiet()
    assert (await world.lines_until(3, seconds=60))[-1] == ("孙悟空", (await me.words())[-1])


async def a_character_is_approved(me: Visit, world: Telegram) -> None:
    page, casts = me.page, me.studio.house.casts
    typed = {"name": "小黑熊", "brief": "偷袈裟的熊。", "greeting": "袈裟是我的！"}
    bear = filled({(key, ""): text for key, text in typed.items()}, None)
    place = f"telegram:{world.group}"
    await casts.keep(bear, f"telegram:{world.hong}", "place", place=place, waiting=True)
    await page.goto(f"{me.studio.url}/owner/reviews")
    await page.locator(".review", has_text="小黑熊").get_by_label("理由").fill("画得真好")
    await me.press("通过")
    await page.get_by_text("没有人在等。").wait_for()
    assert any(one.name.zh == "小黑熊" for one in await casts.of(place))


async def limits_are_set(me: Visit) -> None:
    page = me.page
    await page.goto(f"{me.studio.url}/owner/rules")
    await page.locator("#try-text").fill("悟空，吃桃么？")
    await me.press("试一句")
    await page.get_by_text("可以说。").first.wait_for()
    for key, value in (("person-burst", 7), ("person-per_minute", 30)):
        await page.locator(f"#{key}").fill(str(value))
    for key in ("room-burst", "room-per_minute"):  # in this test there is none before
        await page.locator(f"#{key}").fill("60")
    await (
        page.locator("form", has=page.locator("#person-burst"))
        .get_by_role("button", name="存下")
        .click()
    )
    await page.locator("#person-burst[value='7']").wait_for()
    limits = me.studio.house.shared.limits
    assert (limits.person.burst, limits.person.per_minute) == (7, 30)


async def all_is_backed_up_and_restored(me: Visit) -> None:
    page = me.page
    asked = asyncio.Event()
    me.studio.site.desk.restart = asked.set
    await page.goto(f"{me.studio.url}/owner/backups")
    await me.press("现在做一个")
    await page.locator("details.panel").wait_for()
    # What is made afterwards is not in it.
    await me.studio.house.casts.withdraw(
        next(e.id for e in me.studio.house.casts.entries() if e.character.name.zh == "小墨龙")
    )
    await page.goto(me.studio.url)
    assert await page.locator(".faces strong", has_text="小墨龙").count() == 0
    await page.goto(f"{me.studio.url}/owner/backups")
    await page.locator("details.panel summary").first.click()
    await page.get_by_label("用它换掉现在记得的一切").check()
    await me.press("恢复成这样")
    await page.locator(".told", has_text="恢复好了").wait_for()
    await asyncio.wait_for(asked.wait(), 20)
    await page.goto(me.studio.url)
    await page.locator(".faces strong", has_text="小墨龙").wait_for()


async def a_tiny_voice_is_trained(me: Visit, recipe: str) -> None:
    page = me.page
    await page.goto(f"{me.studio.url}/owner/workshop")
    form = page.locator("details", has=page.locator("input[value=train]"))
    await form.locator("summary").click()
    await form.locator("select[name=recipe]").select_option(recipe)
    await form.get_by_role("button", name="开始").click()
    await page.locator("#job [role=status]", has_text="做完了").wait_for(timeout=400_000)
    await page.locator("#job .plots svg").wait_for()
    assert "tokens/s" in await page.locator("#job .log").inner_text()
