"""Voice messages of people on Discord: heard, shown, answered, taken back, and what is refused."""
# slow: sounds are decoded and several bots started

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.limits import Rate
from tests.discord.conftest import World, begun, finished, spoken
from tests.fakes.discord_server import text_of, walk
from tests.fakes.recogniser import NOTE, REFUSED, TAKEN, Recogniser


@pytest.fixture
async def hearing(world: World) -> AsyncIterator[tuple[World, Recogniser]]:
    async with Recogniser() as recogniser:
        world.hearer = recogniser.hearer()
        yield world, recogniser


async def says(world: World, text: str, channel: int | None = None, since: int = 0) -> dict:
    """The first message after `since` in which a text stands, once it is there."""
    where = channel or world.channel

    def found() -> dict | None:
        shown = (m for m in world.server.messages(where) if int(m["id"]) > since)
        return next((m for m in shown if text in text_of(m).replace("\\", "")), None)

    return await world.server.until(found, 20, f"{text} was not said: {world.server.said(where)}")


async def answers(world: World, text: str, channel: int | None = None) -> None:
    where = channel or world.channel
    await world.server.until(lambda: text in spoken(world, where), 20, f"no answer {text}")


async def test_a_note_becomes_a_message_and_is_answered(hearing):
    world, recogniser = hearing
    async with world.bot() as bot:
        await begun(world)
        note = await world.server.sends_note(world.ming, world.channel, NOTE, seconds=1.5)
        shown = await says(world, "🎤 小明：悟空，你好")
        assert str(shown["message_reference"]["message_id"]) == note["id"]
        assert [c["label"] for c in walk(shown["components"]) if c["type"] == 2] == ["不是我说的"]
        await answers(world, "知道了：悟空，你好")
        assert recogniser.heard == [pytest.approx(1.5, abs=0.1)]
        await finished(bot)
        (room,) = bot.house._rooms.values()
        assert [t.text for t in room.scene().turns if t.side == "human"] == ["悟空，你好"]


async def test_in_private_and_as_a_reply(hearing):
    world, _ = hearing
    direct = world.server.add_direct(world.hong)
    async with world.bot():
        await world.server.say(world.hong, direct, "/summon wukong")
        await world.server.until(lambda: spoken(world, direct))
        line = world.server.messages(direct)[-1]
        await world.server.sends_note(world.hong, direct, NOTE, seconds=2, reply_to=line["id"])
        await says(world, "🎤 Hong", direct)
        await answers(world, "知道了：悟空，你好", direct)


async def test_not_what_i_said_takes_it_out_of_the_room(hearing):
    world, _ = hearing
    async with world.bot() as bot:
        await begun(world)
        await world.server.sends_note(world.ming, world.channel, NOTE, seconds=2)
        shown = await says(world, "🎤 小明：悟空，你好")
        await answers(world, "知道了：悟空，你好")
        await finished(bot)
        (button,) = [c for c in walk(shown["components"]) if c["type"] == 2]
        press = (world.channel, shown["id"], button["custom_id"])
        await world.server.click(world.hong, *press)
        posts = world.server.posts[world.channel]
        await world.server.until(
            lambda: any("Only who said it" in m["content"] for m in posts.values())
        )
        assert "🎤" in shown["content"]  # it is not hers to take back
        await world.server.click(world.ming, *press)
        await says(world, "收回")
        stands = next(m for m in world.server.messages(world.channel) if m["id"] == shown["id"])
        assert not stands["components"]
        (room,) = bot.house._rooms.values()
        assert not [t for t in room.scene().turns if t.side == "human"]


async def test_the_button_works_after_a_restart(hearing):
    world, _ = hearing
    async with world.bot() as bot:
        await begun(world)
        await world.server.sends_note(world.ming, world.channel, NOTE, seconds=2)
        shown = await says(world, "🎤 小明")
        await answers(world, "知道了：悟空，你好")
        await finished(bot)
    async with world.bot() as bot:
        (button,) = [c for c in walk(shown["components"]) if c["type"] == 2]
        await world.server.click(world.ming, world.channel, shown["id"], button["custom_id"])
        await says(world, "收回")
        (room,) = bot.house._rooms.values()
        assert not [t for t in room.scene().turns if t.side == "human"]


async def test_a_note_that_was_sent_while_the_bot_was_away_is_heard(hearing):
    world, recogniser = hearing
    async with world.bot() as bot:
        await begun(world)
        await finished(bot)
    await world.server.sends_note(world.ming, world.channel, NOTE, seconds=2)
    async with world.bot():
        await answers(world, "知道了：悟空，你好")
        assert len(recogniser.heard) == 1


async def test_a_note_that_cannot_be_heard_is_one_sentence(hearing):
    world, recogniser = hearing
    async with world.bot():
        await begun(world)
        for what, sound, seconds, why in REFUSED:
            note = await world.server.sends_note(world.ming, world.channel, sound, seconds=seconds)
            await says(world, why, since=int(note["id"]))
            assert not recogniser.heard, what
        await world.server.say(world.ming, world.channel, "悟空，还在吗")
        await answers(world, "知道了：悟空，还在吗")


async def test_a_note_of_any_shape_is_heard(hearing):
    world, recogniser = hearing
    async with world.bot():
        await begun(world)
        for number, (what, sound) in enumerate(TAKEN):
            recogniser.text = f"悟空，这是第{number}条"
            await world.server.sends_note(world.ming, world.channel, sound, seconds=2)
            await answers(world, f"知道了：{recogniser.text}")
            assert recogniser.heard[-1] == pytest.approx(1.5, abs=0.1), what


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"text": "[Music]"}, "没有听出话"),
        ({"status": 500}, "拒绝了（500）"),
        ({"hangs": True}, "没有应答"),
        ({}, "没有取到"),  # Discord's CDN has no such file
    ],
)
async def test_what_fails_on_the_way_is_one_sentence(world: World, broken, why):
    async with Recogniser() as recogniser:
        world.hearer = recogniser.hearer(timeout=0.5)
        vars(recogniser).update(broken)
        async with world.bot():
            await begun(world)
            await world.server.sends_note(
                world.ming, world.channel, NOTE, seconds=2, kept=bool(broken)
            )
            await says(world, why)
            await world.server.say(world.ming, world.channel, "悟空，还在吗")
            await answers(world, "知道了：悟空，还在吗")


async def test_what_is_misheard_as_an_order_is_none(hearing):
    world, recogniser = hearing
    recogniser.text = "/dismiss all"
    async with world.bot() as bot:
        await begun(world)
        await world.server.sends_note(world.ming, world.channel, NOTE, seconds=2)
        await answers(world, "知道了：dismiss all")
        (room,) = bot.house._rooms.values()
        assert (await room.status()).cast


async def test_words_that_look_like_markup_are_shown_as_words(hearing):
    world, recogniser = hearing
    recogniser.text = f"**悟空** <@{world.hong}> @everyone"
    async with world.bot():
        await begun(world)
        await world.server.sends_note(world.ming, world.channel, NOTE, seconds=2)
        shown = await says(world, "🎤 小明")
        assert "\\*\\*悟空" in shown["content"]
        assert not shown["mentions"]  # the fixture also fails where anybody is pinged


async def test_where_nobody_is_on_stage_a_note_is_left_alone(hearing):
    world, recogniser = hearing
    async with world.bot() as bot:
        await world.server.sends_note(world.ming, world.channel, NOTE, seconds=2)
        await world.server.say(world.ming, world.channel, "天气不错")
        await begun(world)
        await finished(bot)
        assert not recogniser.heard
        assert "🎤" not in str(world.server.said(world.channel))


async def test_without_hearing_a_note_in_private_is_declined(world: World):
    direct = world.server.add_direct(world.ming)
    async with world.bot():
        await world.server.sends_note(world.ming, direct, NOTE, seconds=2)
        await says(world, "听不了语音", direct)
        # In a channel nobody asked for an answer.
        await begun(world)
        await world.server.sends_note(world.ming, world.channel, NOTE, seconds=2)
        await world.server.say(world.ming, world.channel, "悟空，还在吗")
        await answers(world, "知道了：悟空，还在吗")
        assert "听不了" not in str(world.server.said(world.channel))


async def test_who_is_not_heard_is_not_heard_by_voice_either(hearing, monkeypatch):
    """Who is blocked, or sends too much: their notes are neither listened to nor shown."""
    world, recogniser = hearing
    async with world.bot() as bot:
        await begun(world)
        await finished(bot)
        limits = bot.house.shared.limits
        monkeypatch.setattr(limits, "blocked", frozenset({f"discord:{world.ming}"}))
        await world.server.sends_note(world.ming, world.channel, NOTE, seconds=2)
        await world.server.say(world.hong, world.channel, "悟空，在吗")
        await answers(world, "知道了：悟空，在吗")
        monkeypatch.setattr(limits, "blocked", frozenset())
        monkeypatch.setattr(limits, "person", Rate(1, 1))
        limits._people.clear()
        for number in (1, 2):
            await world.server.sends_note(world.ming, world.channel, NOTE, seconds=2)
            if number == 1:
                await answers(world, "知道了：悟空，你好")
                await finished(bot)
        await says(world, "太快")
        assert len(recogniser.heard) == 1
        assert str(world.server.said(world.channel)).count("🎤") == 1
