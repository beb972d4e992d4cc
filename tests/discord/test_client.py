"""The bot on Discord: what people do, and what they see."""

from __future__ import annotations

import asyncio
import itertools
import json
import time

import pytest

from bot.commands import COMMANDS
from bot.platforms.discord.orders import in_taiwan
from tests.discord.conftest import BASE, World, varied
from tests.fakes.discord_server import FakeDiscord, text_of, walk


async def test_summoned_by_a_nickname_and_talked_to(world: World):
    async with world.bot():
        call = await world.server.slash(world.ming, world.channel, "summon", who="猴哥")
        assert (await call.acknowledged())["type"] == 5
        await world.lines_until(1)
        await world.server.say(world.ming, world.channel, "悟空，你怕不怕紧箍咒？")
        lines = await world.lines_until(2)
    assert [name for name, _ in lines] == ["孙悟空", "孙悟空"]
    assert lines[1][1] == "知道了：悟空，你怕不怕紧箍咒？"
    faces = [m["_avatar"] for m in world.server.messages(world.channel) if m.get("webhook_id")]
    assert set(faces) == {f"{BASE}/wukong.png"}


async def test_two_characters_speak_in_turn_each_under_its_name(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空、八戒")
        await world.lines_until(2)
        await world.server.say(world.ming, world.channel, "大家好")
        lines = await world.lines_until(4)
    assert {name for name, _ in lines[2:]} == {"孙悟空", "猪八戒"}
    hooks = [m["webhook_id"] for m in world.server.messages(world.channel) if m.get("webhook_id")]
    assert len(set(hooks)) == 3  # in rotation
    assert all(a != b for a, b in itertools.pairwise(hooks))


async def test_where_nobody_is_on_stage_nothing_is_heard(world: World):
    async with world.bot() as troupe:
        await world.server.say(world.ming, world.channel, "今天天气不错")
        await asyncio.sleep(0.2)
        room = troupe.house.memory.room("discord", str(world.channel))
        await room.look()
        assert room.turns == []
    assert len(world.server.messages(world.channel)) == 1


async def test_who_mentions_the_bot_is_heard_anywhere(world: World):
    async with world.bot():
        await world.server.say(world.ming, world.channel, f"<@{world.server.bot}> /召唤 八戒")
        lines = await world.lines_until(1)
        assert lines[0][0] == "猪八戒"
        await world.server.say(world.ming, world.channel, f"<@{world.server.bot}> 你好")
        assert (await world.lines_until(2))[1][1] == "知道了：你好"


async def test_a_mention_without_words_says_what_to_do(world: World):
    async with world.bot():
        await world.server.say(world.ming, world.channel, f"<@{world.server.bot}>")
        await world.server.until(lambda: len(world.server.messages(world.channel)) == 2)
    assert "/summon" in world.server.said(world.channel)[1][1].replace("\\", "")


async def test_bots_and_webhooks_are_not_heard(world: World):
    other = world.server.add_user("另一个机器人", bot=True)
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        await world.server.say(other, world.channel, "悟空，你好")
        await asyncio.sleep(0.3)
    assert len(world.lines()) == 1


async def test_commands_of_others_and_orders_as_text(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        await world.server.say(world.ming, world.channel, "/roll 2d6")
        await world.server.say(world.ming, world.channel, "/召唤沙僧")
        lines = await world.lines_until(2)
    assert lines[1][0] == "沙僧" or lines[1][0] == "沙悟净"
    assert not any("roll" in text for _, text in world.server.said(world.channel)[3:])


async def test_a_direct_message_is_a_room(world: World):
    direct = world.server.add_direct(world.ming)
    async with world.bot():
        await world.server.slash(world.ming, direct, "summon", who="wukong")
        await world.server.until(lambda: len(world.server.messages(direct)) >= 2)
        await world.server.say(world.ming, direct, "你好")
        await world.server.until(
            lambda: any("知道了：你好" in text for _, text in world.server.said(direct))
        )
    # no webhooks there: a heading and a face
    spoken = next(m for m in world.server.messages(direct) if "知道了" in text_of(m))
    assert text_of(spoken).startswith("**孙悟空**\n")
    assert [c["media"]["url"] for c in walk(spoken["components"]) if c["type"] == 11] == [
        f"{BASE}/wukong.png"
    ]


@pytest.mark.parametrize("kind", ["thread", "forum post"])
async def test_threads_and_forum_posts_are_scenes_of_their_own(world: World, kind: str):
    parent = world.channel
    if kind == "forum post":
        parent = world.server.add_channel(world.guild, "论坛", type=15)
    one = world.server.add_channel(world.guild, "第一场", type=11, parent=parent)
    two = world.server.add_channel(world.guild, "第二场", type=11, parent=parent)
    async with world.bot():
        await world.server.slash(world.ming, one, "summon", who="悟空")
        await world.server.slash(world.ming, two, "summon", who="八戒")
        await world.lines_until(1, one)
        await world.lines_until(1, two)
        await world.server.say(world.ming, one, "第一场的话")
        await world.server.say(world.ming, two, "第二场的话")
        assert (await world.lines_until(2, one))[1] == ("孙悟空", "知道了：第一场的话")
        assert (await world.lines_until(2, two))[1] == ("猪八戒", "知道了：第二场的话")
    assert len({w["channel"] for w in world.server.webhooks.values()}) == 1


async def test_nothing_is_markup_or_a_ping(world: World):
    world.script = lambda prompt: "@everyone **看** <@123456789012345678> https://a.b 喂"
    world.server.users[world.ming]["global_name"] = "@here *明*"
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        await world.server.say(world.ming, world.channel, "@everyone 快来")
        lines = await world.lines_until(2)
    assert lines[1][1].startswith("@\u200beveryone \\*\\*看\\*\\* \\<@\u200b123")
    assert world.server.pings == []


async def test_a_long_line_is_whole_in_several_messages(world: World):
    whole = varied(3050)
    world.script = lambda prompt: whole
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        await world.server.say(world.ming, world.channel, "说一大段")
        await world.server.until(lambda: "".join(t for _, t in world.lines()[1:]) == whole, 8)
    assert len(world.lines()[1:]) == 2
    assert all(text.endswith(("。", "！", "？")) for _, text in world.lines()[1:-1])
    hooks = [m["webhook_id"] for m in world.server.messages(world.channel) if m.get("webhook_id")]
    assert len(set(hooks[1:])) == 1  # the parts of a line stay together


async def test_a_line_grows_by_few_edits_and_ends_whole(world: World):
    whole = varied(60)
    world.script = lambda prompt: whole
    world.delay = 0.025
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        world.server.asked.clear()
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(world.lines()) == 2, 8)
        assert world.lines()[1][1].endswith(" ▍")
        await world.server.until(lambda: world.lines()[1][1] == whole, 12)
    writes = [
        a for a in world.server.asked if a.path.startswith("webhooks/") and "/hook-" in a.path
    ]
    assert writes[0].method == "POST"
    assert len(writes) >= 3
    drafts = [a.at for a in writes[:-1]]
    assert all(b - a >= 1.15 for a, b in itertools.pairwise(drafts))
    assert any(a.path.endswith("/typing") for a in world.server.asked)
    assert not world.server.too_many


async def test_stop_breaks_a_line_off(world: World):
    world.script = lambda prompt: varied(600)
    world.delay = 0.05
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        panel = await _panel(world)
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(world.lines()) == 2, 8)
        call = await world.server.click(world.ming, world.channel, panel["id"], "mrp:stop")
        assert (await call.acknowledged())["type"] == 6
        await world.server.until(lambda: world.lines()[1][1].endswith("——"), 5)
    assert len(world.lines()[1][1]) < 600


async def _panel(world: World, channel: int | None = None) -> dict:
    return await panel_of(world.server, channel or world.channel)


async def panel_of(server: FakeDiscord, channel: int) -> dict:
    """The panel that stands in a channel, once it is there."""

    def found() -> dict | None:
        for message in reversed(server.messages(channel)):
            if any(c.get("custom_id") == "mrp:stop" for c in walk(message["components"])):
                return message
        return None

    return await server.until(found)


async def test_the_panel_shows_who_is_here_and_works_after_a_restart(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空、八戒")
        panel = await _panel(world)
        assert "孙悟空" in text_of(panel)
        assert "猪八戒" in text_of(panel)
    async with world.bot():
        call = await world.server.click(
            world.ming, world.channel, panel["id"], "mrp:dismiss", "bajie"
        )
        await call.acknowledged()
        await world.server.until(lambda: "猪八戒" not in text_of(panel), 6)
        assert "孙悟空" in text_of(panel)


async def test_a_new_panel_takes_the_place_of_the_one_before(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        first = await _panel(world)
    async with world.bot():  # which has to look for it
        await world.server.slash(world.ming, world.channel, "summon", who="八戒")
        await world.server.until(lambda: int(first["id"]) not in world.server.posts[world.channel])
        second = await _panel(world)
    assert int(second["id"]) > int(first["id"])


async def test_say_shows_what_is_said_and_is_heard(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        panel = await _panel(world)
        call = await world.server.slash(world.ming, world.channel, "say", text="你*好*")
        await call.acknowledged()
        assert (await world.lines_until(2))[1][1] == "知道了：你\\*好\\*"
        assert "**小明**\n你\\*好\\*" in [t for _, t in world.server.said(world.channel)]
        call = await world.server.click(world.hong, world.channel, panel["id"], "mrp:say")
        modal = (await call.acknowledged())["data"]
        await (await world.server.submit(world.hong, world.channel, modal, "hello")).acknowledged()
        assert (await world.lines_until(3))[2][1] == "知道了：hello"


async def test_names_are_completed_in_both_languages(world: World):
    server = world.server
    async with world.bot():
        chinese = await server.complete(world.ming, world.channel, "summon", "who", "猴")
        assert chinese[0]["name"] == "孙悟空"
        english = await server.complete(world.hong, world.channel, "summon", "who", "mon")
        assert english[0]["name"] == "Sun Wukong"
        second = await server.complete(world.ming, world.channel, "summon", "who", "孙悟空、八")
        assert second[0]["name"] == "孙悟空、猪八戒"
        everybody = await server.complete(world.ming, world.channel, "summon", "who", "")
        assert len(everybody) == len(world.cast)
        gone = await server.complete(world.hong, world.channel, "dismiss", "who", "")
        assert gone[0]["name"] == "all"
        assert await server.complete(world.ming, world.channel, "summon", "who", "林黛玉") == []


async def test_commands_are_registered_for_all_languages_and_places(world: World):
    async with world.bot():
        commands = {c["name"]: c for c in world.server.commands if c["type"] == 1}
        menus = [c["name"] for c in world.server.commands if c["type"] == 3]
    assert {c.names[0] for c in COMMANDS if not c.here_only} | {"say"} == commands.keys()
    summon = commands["summon"]
    assert summon["name_localizations"]["zh-CN"] == "召唤"
    assert summon["name_localizations"]["zh-TW"] == "召喚"
    assert summon["name_localizations"]["ja"] == "召喚"
    assert summon["description_localizations"]["zh-CN"].startswith("请角色上场")
    assert summon["options"][0]["autocomplete"]
    assert summon["options"][0]["name_localizations"]["zh-CN"] == "名字"
    assert sorted(summon["integration_types"]) == [0, 1]
    assert sorted(summon["contexts"]) == [0, 1, 2]
    assert sorted(menus) == ["Regenerate", "Remember this", "Why"]


def test_traditional_characters():
    assert in_taiwan("请角色上场，可一次请几位") == "請角色上場，可一次請幾位"
    assert in_taiwan("重说上一句；各个说法都留着") == "重說上一句；各個說法都留著"


async def test_a_thumb_is_a_vote(world: World, monkeypatch: pytest.MonkeyPatch):
    votes = []

    async def rate(self, person: str, place: str, value: int) -> bool:
        votes.append((person, place, value))
        return True

    monkeypatch.setattr("bot.room.Room.rate", rate)
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        line = next(m for m in world.server.messages(world.channel) if m.get("webhook_id"))
        await world.server.react(world.ming, world.channel, line["id"], "👍🏽")
        await world.server.react(world.hong, world.channel, line["id"], "👎")
        await world.server.react(world.hong, world.channel, line["id"], "🎉")
        await world.server.unreact(world.ming, world.channel, line["id"], "👍🏽")
        await world.server.until(lambda: len(votes) == 3)
    me, you = f"discord:{world.ming}", f"discord:{world.hong}"
    assert votes == [(me, line["id"], 1), (you, line["id"], -1), (me, line["id"], 0)]


async def test_a_menu_goes_for_the_last_line_only(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        first = next(m for m in world.server.messages(world.channel) if m.get("webhook_id"))
        await world.server.say(world.ming, world.channel, "再说一句")
        await world.lines_until(2)
        call = await world.server.menu(world.ming, world.channel, "Regenerate", first["id"])
        assert (await call.acknowledged())["data"]["flags"] == 64
        answer = world.server.posts[world.channel][call.original]
        await world.server.until(lambda: "最后一句" in answer["content"])


async def test_what_is_secret_is_told_to_one_person(world: World):
    direct = world.server.add_direct(world.ming)
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        call = await world.server.slash(world.ming, world.channel, "remember", text="我住在杭州")
        await call.acknowledged()
        call = await world.server.slash(world.ming, world.channel, "memory")
        assert (await call.acknowledged())["data"]["flags"] == 64
        answer = world.server.posts[world.channel][call.original]
        await world.server.until(lambda: "杭州" in answer["content"])
        # written as text, where everybody reads: by direct message
        await world.server.say(world.ming, world.channel, "/记忆")
        await world.server.until(lambda: "杭州" in str(world.server.said(direct)))
    assert "杭州" not in str(world.server.said(world.channel))


async def test_a_long_answer_is_a_file(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.platforms.discord.answers.LONGEST_TOLD", 100)
    async with world.bot():
        call = await world.server.slash(world.ming, world.channel, "export")
        await call.acknowledged()
        answer = world.server.posts[world.channel][call.original]
        await world.server.until(lambda: answer["_files"])
    assert answer["flags"] & 64
    assert json.loads(answer["_files"]["mrp.json"])


async def test_without_message_content_it_works_and_says_so(cast, memory):
    async with FakeDiscord(message_content=False) as server:
        world = World(server, cast, memory)
        async with world.bot():
            await server.slash(world.ming, world.channel, "summon", who="悟空")
            panel = await _panel(world)
            assert "消息内容" in text_of(panel)
            await server.say(world.ming, world.channel, "这句没人听见")
            await server.say(world.ming, world.channel, f"<@{server.bot}> 这句听得见")
            assert (await world.lines_until(2))[1][1] == "知道了：这句听得见"
            await server.slash(world.ming, world.channel, "say", text="这句也是")
            assert (await world.lines_until(3))[2][1] == "知道了：这句也是"
        assert server.problems == []
        assert server.pings == []


async def test_brought_along_by_a_person_where_the_bot_is_no_member(world: World):
    away = world.server.add_guild("别人家", member=False)
    channel = world.server.add_channel(away, "客厅")
    async with world.bot():
        call = await world.server.slash(world.ming, channel, "summon", external=True, who="悟空")
        await call.acknowledged()
        await world.server.until(
            lambda: any("孙悟空" in text_of(m) for m in world.server.messages(channel))
        )
        call = await world.server.slash(world.ming, channel, "say", external=True, text="你好")
        await call.acknowledged()
        await world.server.until(
            lambda: any("知道了：你好" in text_of(m) for m in world.server.messages(channel))
        )
    assert not world.server.webhooks


async def test_several_shards_in_one_process_and_over_two(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    async def at_once(self, shard_id: int | None, *, initial: bool) -> None:
        return None

    monkeypatch.setattr("discord.Client.before_identify_hook", at_once)  # else 5 s a shard
    server = world.server
    second = 0
    while True:
        second = server.add_guild("另一家")
        if (second >> 22) % 2 != (world.guild >> 22) % 2:
            break
        time.sleep(0.002)
    there = server.add_channel(second, "另一间")
    owner = {(world.guild >> 22) % 2: world.channel, (second >> 22) % 2: there}
    async with (
        world.bot(shard_count=2, shard_ids=[0]),
        world.bot(shard_count=2, shard_ids=[1]),
    ):
        for channel in owner.values():
            await server.slash(world.ming, channel, "summon", who="悟空")
            await world.lines_until(1, channel)
            await server.say(world.ming, channel, f"这里是 {channel}")
            assert len(await world.lines_until(2, channel)) == 2
    async with world.bot(shard_count=2):
        await server.say(world.ming, there, "合起来")
        await world.lines_until(3, there)
