"""What people do and see on Telegram, on a strict server."""

from __future__ import annotations

import asyncio
import io
import logging

import pytest
from telegram.error import InvalidToken

from bot import logs
from tests.telegram.conftest import WUKONG, World

# Long, and never the same twice: a room cuts off who repeats itself.
STORY = "，".join(f"走到第{n}座山" for n in range(200))


async def test_a_scene_in_a_group(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon@xiyou_bot 猴哥")
        await world.hears("孙悟空")
        world.server.says(world.group, world.hong, "/召唤 八戒")
        await world.hears("猪八戒")
        world.server.says(world.group, world.ming, "悟空，你怕不怕紧箍咒？")
        await world.hears("知道了：悟空，你怕不怕紧箍咒？")
        assert (world.group, "typing") in world.server.actions
        assert not world.server.drafts  # there are none in groups
        # Who spoke stands in bold above.
        line = next(m for m in world.server.shown(world.group) if "知道了" in m.text)
        assert line.html.startswith("<b>")
        assert "孙悟空" in line.text.split("\n")[0]
        # A reply to 八戒's greeting reaches 八戒, whatever it says.
        greeting = next(m for m in world.server.shown(world.group) if "猪八戒" in m.text)
        world.server.says(world.group, world.hong, "真的吗？", reply_to=greeting.id)
        await world.hears("知道了：真的吗？")
        last = next(m for m in world.server.shown(world.group) if "真的吗" in m.text)
        assert "猪八戒" in last.text.split("\n")[0]


async def test_another_version_takes_the_place_of_the_first(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        numbers = iter(range(100))
        world.script = lambda prompt: f"说法{next(numbers)}"
        world.server.says(world.group, world.ming, "悟空，说句话")
        await world.hears("说法0")
        line = next(m for m in world.server.shown(world.group) if "说法0" in m.text)
        query = world.server.presses(world.group, world.ming, line.id, "retry")
        await world.hears("说法1")
        assert line.text.endswith("说法1")
        assert "2/2" in line.buttons()["retry"]
        assert query in world.server.answers
        world.server.presses(world.group, world.ming, line.id, "+")
        await world.server.until(lambda: "记下了。" in world.server.answers.values())


async def test_buttons_ask_whom_they_mean(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong, pigsy")
        await world.hears("猪八戒")
        line = world.server.shown(world.group)[-1]
        world.server.presses(world.group, world.ming, line.id, "next")
        question = await world.server.until(
            lambda: next((m for m in world.server.shown(world.group) if "谁接着说" in m.text), None)
        )
        world.server.presses(world.group, world.ming, question.id, "next bajie")
        await world.server.until(lambda: question.deleted)
        said = world.server.shown(world.group)[-1]
        assert "猪八戒" in said.text.split("\n")[0]
        world.server.presses(world.group, world.ming, said.id, "dismiss")
        question = await world.server.until(
            lambda: next((m for m in world.server.shown(world.group) if "谁退场" in m.text), None)
        )
        world.server.presses(world.group, world.ming, question.id, "dismiss wukong")
        await world.hears("退场了")


async def test_in_private_a_line_grows_as_a_draft(world: World):
    world.delay = 0.02
    world.script = lambda prompt: STORY[:300]
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        world.server.says(world.ming, world.ming, "悟空，你从哪里来？")
        await world.hears(STORY[:300], world.ming)
        drafts = [text for chat, _, text in world.server.drafts if chat == world.ming]
        assert drafts
        assert len({number for _, number, _ in world.server.drafts}) == 1
        whole = world.server.shown(world.ming)[-1].text
        assert all(whole.startswith(text) for text in drafts)


async def test_stop_breaks_a_line_off(world: World):
    world.delay = 0.05
    world.script = lambda prompt: STORY
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        world.server.says(world.group, world.ming, "悟空，讲个长故事")
        await world.server.until(lambda: world.prompts)
        await asyncio.sleep(0.3)
        world.server.says(world.group, world.ming, "/stop")
        await world.hears("停了")
        await world.hears("——")


async def test_topics_are_rooms(world: World):
    forum = world.server.group("论坛", forum=True)
    async with world.bot():
        world.server.says(forum, world.ming, "/summon wukong", thread=7)
        await world.server.until(lambda: world.texts(forum, thread=7))
        world.server.says(forum, world.ming, "/who", thread=9)
        await world.server.until(lambda: world.texts(forum, thread=9))
        assert "台上没有人" in world.texts(forum, thread=9)[0]


async def test_a_restart_in_the_middle_of_a_scene(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        world.server.says(world.group, world.ming, "悟空，你好")
        await world.hears("知道了：悟空，你好")
    line = next(m for m in world.server.shown(world.group) if "知道了" in m.text)
    world.script = lambda prompt: "又来了"
    async with world.bot():
        world.server.presses(world.group, world.ming, line.id, "retry")
        await world.hears("又来了")
        assert "2/2" in line.buttons()["retry"]
        assert len([m for m in world.server.shown(world.group) if "你好" in m.text]) == 0


async def test_what_is_said_while_the_bot_is_down_is_answered_once(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
    world.server.says(world.group, world.ming, "悟空，在吗？")
    for _ in range(2):
        async with world.bot() as troupe:
            await world.hears("知道了：悟空，在吗？")
            await troupe.settled()
    assert sum("在吗" in text for text in world.texts()) == 1


async def test_a_character_has_an_account_of_its_own(world: World):
    account = world.server.bot(WUKONG, "wukong_bot", privacy=True)
    for group in world.server.groups.values():
        group.members.add(account.id)
    async with world.bot(characters={"wukong": WUKONG}):
        world.server.says(world.group, world.ming, "/summon wukong, pigsy")
        await world.hears("猪八戒")
        world.server.says(world.group, world.ming, "悟空，你好")
        await world.hears("知道了：悟空，你好")
        line = next(m for m in world.server.shown(world.group) if "你好" in m.text)
        assert line.bot == WUKONG
        assert not line.text.startswith("🐵")
        assert line.text == "知道了：悟空，你好"
        # Its buttons come to its account, and mean the same room.
        world.script = lambda prompt: "换个说法"
        world.server.presses(world.group, world.ming, line.id, "retry")
        await world.hears("换个说法")
        # In private with 孙悟空's account, 孙悟空 is there.
        world.server.says(world.hong, world.hong, "你是谁？", to="wukong_bot")
        await world.hears("换个说法", world.hong)
        assert {m.bot for m in world.server.shown(world.hong)} == {WUKONG}


async def test_a_group_that_becomes_a_supergroup_goes_on(world: World):
    async with world.bot() as troupe:
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        new = world.server.migrates(world.group)
        await troupe.settled()
        await asyncio.sleep(0.1)
        await troupe.settled()
        world.server.says(new, world.ming, "悟空，搬家了")
        await world.hears("知道了：悟空，搬家了", new)


async def test_a_webhook_of_an_earlier_time_is_taken_away(world: World):
    world.director.webhook = {"url": "https://gone.example"}
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
    assert world.director.webhook is None


async def test_who_blocked_the_bot_breaks_nothing(world: World, caplog):
    async with world.bot() as troupe:
        world.server.says(world.stranger, world.stranger, "/summon wukong")
        world.server.says(world.ming, world.ming, "/summon wukong")
        await world.hears("孙悟空", world.ming)
        await troupe.settled()
    assert not world.server.shown(world.stranger)
    assert not [r for r in caplog.records if r.exc_info]


async def test_what_is_for_one_person_is_said_in_private(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/memory")
        await world.server.until(lambda: world.server.shown(world.ming))
        world.server.says(world.group, world.stranger, "/memory")
        await world.hears("请先在私聊里")
        assert len(world.texts()) == 1


async def test_menus_are_set_in_both_languages(world: World):
    async with world.bot():
        menus = world.director.commands
        assert set(menus) == {
            f"{scope}/{code}"
            for scope in ("all_private_chats", "all_group_chats")
            for code in ("", "zh")
        }
        english = {c["command"]: c["description"] for c in menus["all_private_chats/"]}
        chinese = {c["command"]: c["description"] for c in menus["all_private_chats/zh"]}
        assert english.keys() == chinese.keys() >= {"summon", "dismiss", "forget", "stop"}
        assert "quit" not in english
        assert english["summon"] != chinese["summon"]


async def test_a_new_group_is_told_about_privacy_mode(world: World):
    world.director.privacy = True
    async with world.bot():
        world.server.adds(world.group, world.ming, world.director)
        await world.hears("/setprivacy")


async def test_thumbs_on_a_line_count(world: World):
    async with world.bot() as troupe:
        world.server.says(world.group, world.ming, "/summon wukong")
        await world.hears("孙悟空")
        line = world.server.shown(world.group)[0]
        world.server.reacts(world.group, world.ming, line.id, "👍")
        await asyncio.sleep(0.1)
        await troupe.settled()
        assert troupe.house.stats["rated"] == 1


async def test_a_wrong_token_is_said_at_once(world: World):
    world.server.accounts.clear()
    with pytest.raises(InvalidToken):
        async with world.bot():
            pass


async def test_tokens_are_in_no_log(world: World):
    written = io.StringIO()
    root = logging.getLogger()
    level = root.level
    handler = logs.set_up("debug", libraries="debug", texts=True, stream=written)
    try:
        async with world.bot():
            world.server.says(world.group, world.ming, "/summon wukong")
            await world.hears("孙悟空")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    # The HTTP library logs the addresses that it asks, and the token stands in them.
    assert "sendMessage" in written.getvalue()
    assert "AAdirector" not in written.getvalue()
