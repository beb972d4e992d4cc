"""Who moderates, and what the bot lacks where it cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from bot.stage import Message
from tests.discord.conftest import World, begun


@pytest.fixture
async def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A guild whose members moderate nothing; `world.moderated` is what rooms were told."""
    world.server.plain_members(world.guild)
    world.moderated = []
    from bot.room import Room

    async def obey(self: Room, order: Any, *, person: str, name: str, moderator: bool) -> None:
        world.moderated.append(moderator)

    async def hear(self: Room, message: Message, **more: Any) -> None:
        world.moderated.append(message.moderator)

    monkeypatch.setattr("bot.room.Room.obey", obey)
    monkeypatch.setattr("bot.room.Room.hear", hear)
    async with world.bot():
        yield world


async def gave(world: World, user: int, channel: int | None = None) -> list[bool]:
    """Whether rooms took a person for a moderator: with a command, as text, with /say."""
    where, begun = channel or world.channel, len(world.moderated)
    await (await world.server.slash(user, where, "undo")).acknowledged()
    await world.server.until(lambda: len(world.moderated) == begun + 1)
    await world.server.say(user, where, f"<@{world.server.bot}> /撤回")
    await world.server.until(lambda: len(world.moderated) == begun + 2)
    await (await world.server.slash(user, where, "say", text="/undo")).acknowledged()
    await world.server.until(lambda: len(world.moderated) == begun + 3)
    return world.moderated[begun:]


async def test_a_member_is_none(asked: World):
    assert await gave(asked, asked.ming) == [False] * 3


@pytest.mark.parametrize("permission", ["manage_messages", "manage_guild", "administrator"])
async def test_who_may_manage_is_one(world: World, asked: World, permission: str):
    role = asked.server.add_role(asked.guild, "版主", **{permission: True})
    asked.server.give_role(asked.guild, asked.ming, role)
    await asked.server._dispatch(
        "GUILD_ROLE_CREATE",
        {"guild_id": str(asked.guild), "role": asked.server.guilds[asked.guild]["roles"][-1]},
        str(asked.guild),
        0,
    )
    assert await gave(asked, asked.ming) == [True] * 3
    assert await gave(asked, asked.hong) == [False] * 3


async def test_the_owner_is_one(world: World, monkeypatch: pytest.MonkeyPatch):
    world.server.plain_members(world.guild)
    world.server.guilds[world.guild]["owner"] = world.ming
    seen = []

    async def obey(self: Any, order: Any, *, person: str, name: str, moderator: bool) -> None:
        seen.append(moderator)

    monkeypatch.setattr("bot.room.Room.obey", obey)
    async with world.bot():
        for user in (world.ming, world.hong):
            await (await world.server.slash(user, world.channel, "undo")).acknowledged()
            await world.server.until(partial(lambda u: len(seen) == 1 + (u == world.hong), user))
    assert seen == [True, False]


async def test_in_a_direct_message_the_person_is(asked: World):
    direct = asked.server.add_direct(asked.ming)
    assert await gave(asked, asked.ming, direct) == [True] * 3


async def test_in_a_user_install_the_room_is_the_persons_own(asked: World):
    away = asked.server.add_guild("别人家", member=False)
    asked.server.plain_members(away)
    channel = asked.server.add_channel(away, "客厅")
    await (await asked.server.slash(asked.ming, channel, "undo", external=True)).acknowledged()
    await asked.server.until(lambda: asked.moderated)
    assert asked.moderated == [True]


async def test_in_a_channels_history_nobody_is_a_member_and_is_asked_for(world: World):
    """What was said while the bot was away is read without the permissions of its author."""
    world.server.plain_members(world.guild)
    role = world.server.add_role(world.guild, "版主", manage_messages=True)
    world.server.give_role(world.guild, world.ming, role)
    async with world.bot():
        await begun(world)
    await world.server.say(world.ming, world.channel, "/撤回")
    async with world.bot():
        await world.server.until(
            lambda: any(f"members/{world.ming}" in a.path for a in world.server.asked), 10
        )


async def test_where_it_may_not_write_whoever_asked_is_told_in_private(world: World):
    direct = world.server.add_direct(world.ming)
    async with world.bot():
        await begun(world)
        world.server.deny(world.channel, "send_messages", "manage_webhooks")
        await world.server._dispatch(
            "CHANNEL_UPDATE", world.server._channel(world.channel), str(world.guild), 0
        )
        world.server.webhooks.clear()
        await world.server.say(world.ming, world.channel, "你好")
        await world.server.until(lambda: "Send Messages" in str(world.server.said(direct)), 10)
        await world.server.say(world.ming, world.channel, "在吗")
        await world.server.until(lambda: len(world.prompts) >= 2, 10)
    said = str(world.server.said(direct))
    assert said.count("Send Messages") == 1  # not for every line
    assert "花果山" in said


async def test_where_it_may_not_write_a_command_says_so_at_once(world: World):
    world.server.deny(world.channel, "send_messages", "manage_webhooks")
    async with world.bot():
        call = await world.server.slash(world.ming, world.channel, "next", who="悟空")
        await call.acknowledged()
        call = await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await call.acknowledged()
        direct = world.server.add_direct(world.ming)

        def told() -> bool:
            posts = [*world.server.posts[world.channel].values()]
            return any("Send Messages" in m["content"] for m in posts) or "Send Messages" in str(
                world.server.said(direct)
            )

        await world.server.until(told, 10)


@pytest.mark.parametrize("how", ["command", "text", "say"])
async def test_a_member_cannot_wipe_the_room_and_a_moderator_can(world: World, how: str):
    server = world.server
    server.plain_members(world.guild)
    role = server.add_role(world.guild, "版主", manage_messages=True)
    server.give_role(world.guild, world.hong, role)

    async def order(user: int) -> None:
        if how == "command":
            await (await server.slash(user, world.channel, "forget", text="屋子")).acknowledged()
        elif how == "say":
            call = await server.slash(user, world.channel, "say", text="/忘记 屋子")
            await call.acknowledged()
        else:
            await server.say(user, world.channel, "/忘记 屋子")

    async def kept() -> int:
        room = world.memory.room("discord", str(world.channel))
        await room.look()
        return len(room.turns)

    async with world.bot():
        await begun(world)
        await server.say(world.ming, world.channel, "记住这一场")
        await world.lines_until(2)
        before = await kept()
        await order(world.ming)
        await asyncio.sleep(0.5)
        assert await kept() == before
        await order(world.hong)
        for _ in range(100):
            if not await kept():
                break
            await asyncio.sleep(0.05)
        assert await kept() == 0
