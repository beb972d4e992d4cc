"""Moderators: administrators, as Telegram says; who brought the bot in; in private everybody."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from telegram import ChatMemberUpdated

from bot.platforms.telegram.moderators import KEPT, KEPT_AFTER_FAILURE, Moderators
from bot.platforms.telegram.senders import Sender
from tests.fakes.telegram_server import Refused
from tests.telegram.conftest import DIRECTOR, World
from tests.telegram.test_limits import Clock

MING, HONG = Sender("telegram:11", "小明"), Sender("telegram:12", "Hong")


@pytest.fixture
async def bot(world: World):
    account = world.account(DIRECTOR)
    await account.initialize()
    yield account
    await account.shutdown()


def asked(world: World) -> int:
    return sum(method == "getChatAdministrators" for method, _ in world.server.calls)


def changed(world: World, person: int, before: str, after: str) -> ChatMemberUpdated:
    user = world.server.people[person]
    found = ChatMemberUpdated.de_json(
        {
            "chat": world.server._chat(world.group), "from": user, "date": int(time.time()),
            "old_chat_member": {"status": before, "user": user},
            "new_chat_member": {"status": after, "user": user},
        },
        None,
    )  # fmt: skip
    assert found is not None
    return found


async def test_administrators_are_asked_for_once_in_ten_minutes(world: World, bot):
    clock = Clock()
    moderators = Moderators(world.memory, clock)
    world.server.groups[world.group].admins = {11}
    for _ in range(5):
        assert await moderators.may(bot, world.group, MING)
        assert not await moderators.may(bot, world.group, HONG)
    assert asked(world) == 1
    world.server.groups[world.group].admins = {12}
    await clock.sleep(KEPT + 1)
    assert not await moderators.may(bot, world.group, MING)
    assert await moderators.may(bot, world.group, HONG)
    assert asked(world) == 2


async def test_a_change_is_heard_of_at_once(world: World, bot):
    moderators = Moderators(world.memory, Clock())
    assert not await moderators.may(bot, world.group, MING)
    world.server.groups[world.group].admins = {11}
    moderators.changed(changed(world, 11, "member", "left"))
    assert await moderators.may(bot, world.group, MING)


async def test_many_who_ask_at_once_wait_for_one_answer(world: World, bot):
    moderators = Moderators(world.memory, Clock())
    world.server.groups[world.group].admins = {11}
    found = await asyncio.gather(
        *(moderators.may(bot, world.group, who) for who in (MING, HONG) * 10)
    )
    assert found == [True, False] * 10
    assert asked(world) == 1


async def test_where_telegram_does_not_answer_nobody_is_one_for_a_while(world: World, bot):
    clock = Clock()
    moderators = Moderators(world.memory, clock)
    world.server.groups[world.group].admins = {11}
    world.server.faults = lambda method, data: (
        Refused(400, "Bad Request: CHAT_ADMIN_REQUIRED")
        if method == "getChatAdministrators"
        else None
    )
    assert not await moderators.may(bot, world.group, MING)
    world.server.faults = lambda method, data: None
    assert not await moderators.may(bot, world.group, MING)
    await clock.sleep(KEPT_AFTER_FAILURE + 1)
    assert await moderators.may(bot, world.group, MING)


async def test_in_private_everybody_is_and_nobody_is_asked_for(world: World, bot):
    assert await Moderators(world.memory, Clock()).may(bot, world.ming, MING)
    assert asked(world) == 0


async def test_in_the_groups_own_name_is_one_and_in_a_channels_is_none(world: World, bot):
    moderators = Moderators(world.memory, Clock())
    own = Sender(f"telegram:{world.group}", "掌柜", personal=False, administrator=True)
    channel = Sender("telegram:-1002000000001", "频道", personal=False)
    assert await moderators.may(bot, world.group, own)
    assert not await moderators.may(bot, world.group, channel)


async def test_who_brought_the_bot_in_stays_one_after_a_restart_until_forgotten(world: World, bot):
    async with world.bot() as client:
        world.server.adds(world.group, world.hong, world.director)
        await world.server.until(lambda: not client._tasks and not world.director.updates, 10)
    moderators = Moderators(world.memory, Clock())
    assert await moderators.may(bot, world.group, HONG)
    assert not await moderators.may(bot, world.group, MING)
    assert not await moderators.may(bot, world.server.group("别处"), HONG)
    await world.memory.person("telegram:12").forget_everything()
    assert not await moderators.may(bot, world.group, HONG)
    keys: list[Any] = await world.memory.redis.keys("*brought*")
    assert not keys
