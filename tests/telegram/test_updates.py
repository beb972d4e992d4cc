"""Updates: one that cannot be parsed ends nothing, none is confirmed before it is stored, none
makes another chat wait, and what is too old is not answered."""

from __future__ import annotations

import asyncio
import copy
import json
import random
import time
from typing import Any

import pytest
from telegram import Bot, Update

from bot.memory import MemoryProblem
from bot.memory.room import RoomMemory
from bot.platforms.telegram.updates import UpdatesRequest, late, readable
from tests.fakes.telegram_server import Refused
from tests.telegram.conftest import DIRECTOR, World

USER = {"id": 11, "is_bot": False, "first_name": "小明", "language_code": "zh"}
BOT = {"id": 1000001, "is_bot": True, "first_name": "xiyou", "username": "xiyou_bot"}
GROUP = {"id": -1001234, "type": "supergroup", "title": "取经路上"}
MESSAGE = {"message_id": 5, "date": 1790000000, "chat": GROUP, "from": USER, "text": "你好"}
# One of each kind that the bot asks for, whole.
WHOLE: list[dict[str, Any]] = [
    {"message": MESSAGE},
    {"message": MESSAGE | {"reply_to_message": MESSAGE, "message_thread_id": 3,
     "is_topic_message": True, "entities": [{"type": "mention", "offset": 0, "length": 2}]}},
    {"message": MESSAGE | {"forward_origin": {"type": "user", "date": 1, "sender_user": USER}}},
    {"message": MESSAGE | {"sender_chat": GROUP, "author_signature": "掌柜"}},
    {"message": {k: v for k, v in MESSAGE.items() if k != "text"} | {
        "photo": [{"file_id": "x", "file_unique_id": "y", "width": 1, "height": 1}],
        "caption": "看"}},
    {"edited_message": MESSAGE | {"edit_date": 1790000001}},
    {"callback_query": {"id": "7", "from": USER, "chat_instance": "1", "message": MESSAGE,
     "data": "retry"}},
    {"message_reaction": {"chat": GROUP, "message_id": 5, "user": USER, "date": 1790000000,
     "old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "👍"}]}},
    {"my_chat_member": {"chat": GROUP, "from": USER, "date": 1790000000,
     "old_chat_member": {"status": "member", "user": BOT},
     "new_chat_member": {"status": "kicked", "user": BOT, "until_date": 0}}},
    {"chat_member": {"chat": GROUP, "from": USER, "date": 1790000000,
     "old_chat_member": {"status": "member", "user": USER},
     "new_chat_member": {"status": "left", "user": USER}}},
]  # fmt: skip

# What stands where something else belongs.
WRONG = [None, "", "x", 0, -1, 10**30, 1.5, float("1e400"), True, [], {}, [None], [[]], {"id": []}]


def paths(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where everything in an update is."""
    found = [at] if at else []
    if isinstance(node, dict):
        for key, value in node.items():
            found += paths(value, (*at, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            found += paths(value, (*at, number))
    return found


def mutated(update: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The update with one part missing, or of another kind."""
    made = copy.deepcopy(update)
    *parents, last = chance.choice(paths(made))
    node = made
    for part in parents:
        node = node[part]
    if chance.random() < 0.4 and isinstance(node, dict):
        del node[last]
    else:
        node[last] = chance.choice(WRONG)
    return made


def test_every_part_that_may_be_missing_or_wrong_leaves_an_update():
    count, bot = 0, Bot(DIRECTOR)
    for update in WHOLE:
        assert readable({"update_id": 3, **update}) == {"update_id": 3, **update}
        for path in paths(update):
            for wrong in ("gone", *WRONG):
                made = {"update_id": 3, **copy.deepcopy(update)}
                node: Any = made
                for part in path[:-1]:
                    node = node[part]
                if wrong == "gone":
                    del node[path[-1]]
                else:
                    node[path[-1]] = wrong
                found = readable(made)
                assert found is not None
                # Whatever is left is what the library itself can parse.
                assert Update.de_json(found, bot).update_id == 3
                count += found == {"update_id": 3}
    assert count > 100  # the library does refuse many of them


@pytest.mark.parametrize(
    "raw", [None, 3, "x", [], {}, {"update_id": None}, {"update_id": "3"}, {"update_id": True}]
)
def test_what_has_no_id_is_left_out(raw, caplog):
    assert readable(raw) is None
    assert "without an id" in caplog.text


def test_what_is_left_out_is_said_without_its_words(caplog):
    broken = {"message": MESSAGE | {"chat": None, "text": "秘密"}}
    assert readable({"update_id": 8, **broken}) == {"update_id": 8}
    assert "update 8 (message) cannot be parsed" in caplog.text
    assert "秘密" not in caplog.text


@pytest.mark.parametrize("answer", [{"ok": True, "result": True}, {"ok": True, "result": {}}])
def test_other_answers_are_left_as_they_are(answer):
    assert UpdatesRequest.parse_json_payload(json.dumps(answer).encode()) == answer


def give(world: World, update: dict[str, Any]) -> None:
    world.server._update(world.director, update)


async def test_who_is_thrown_out_without_a_date_goes_on(world: World, caplog):
    """my_chat_member without until_date: the library raises TypeError."""
    thrown = {
        "chat": world.server._chat(world.group),
        "from": world.server.people[world.ming],
        "date": int(time.time()),
        "old_chat_member": {"status": "member", "user": BOT},
        "new_chat_member": {"status": "kicked", "user": BOT},
    }
    for _ in range(2):  # and at the next start it is not there any more
        async with world.bot():
            give(world, {"my_chat_member": thrown})
            world.server.says(world.ming, world.ming, "/summon 悟空")
            await world.hears("孙悟空", world.ming)
            await world.server.until(lambda: not world.director.updates)
    assert "cannot be parsed" in caplog.text


async def test_two_hundred_mutations_and_the_bot_goes_on(world: World, caplog):
    chance = random.Random(14)
    async with world.bot() as client:
        for _ in range(200):
            give(world, mutated(chance.choice(WHOLE), chance))
        world.server.says(world.ming, world.ming, "/summon 悟空")
        await world.hears("孙悟空", world.ming, seconds=60)
        world.server.says(world.group, world.ming, "/summon 八戒")
        await world.hears("猪八戒", seconds=60)
        await client.settled()
    # What is of the wrong kind is found where updates come in, and not on the way.
    assert not [record for record in caplog.records if record.exc_info]


async def test_answers_that_are_no_updates_end_nothing(world: World):
    answers: list[Any] = [True, {}, "x", 3, [3, None, {"update_id": None}]]
    honest = world.server._getUpdates

    async def odd(account: Any, data: dict[str, Any]) -> Any:
        return answers.pop() if answers else await honest(account, data)

    world.server._getUpdates = odd  # type: ignore[method-assign]
    async with world.bot():
        world.server.says(world.ming, world.ming, "/summon 悟空")
        await world.hears("孙悟空", world.ming, seconds=60)
    assert not answers


async def test_nothing_is_confirmed_that_was_not_stored(world: World, monkeypatch):
    """A refusal of Redis that waiting does not cure: the update comes again until it is stored."""
    refusals = 3
    honest = RoomMemory.hear

    async def refusing(self: RoomMemory, *given: Any, **more: Any) -> Any:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise MemoryProblem("Redis (here): WRONGTYPE")
        return await honest(self, *given, **more)

    async with world.bot():
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
        monkeypatch.setattr(RoomMemory, "hear", refusing)
        world.server.says(world.group, world.ming, "悟空，在吗？")
        await world.hears("知道了：悟空，在吗？", seconds=30)
        world.server.says(world.group, world.ming, "悟空，还在吗？")
        await world.hears("知道了：悟空，还在吗？", seconds=30)
    assert refusals == 0
    assert sum("悟空，在吗" in text for text in world.texts()) == 1


async def test_what_could_not_be_stored_is_there_for_the_next_start(world: World, monkeypatch):
    async def refusing(self: RoomMemory, *given: Any, **more: Any) -> Any:
        raise MemoryProblem("Redis (here): WRONGTYPE")

    async with world.bot():
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
        with monkeypatch.context() as broken:
            broken.setattr(RoomMemory, "hear", refusing)
            world.server.says(world.group, world.ming, "悟空，在吗？")
            await asyncio.sleep(1.0)
            assert world.director.updates
            # What others say meanwhile is heard, though Telegram is not told yet.
            broken.undo()
            broken.setattr(RoomMemory, "hear", refusing)
    assert world.director.updates
    async with world.bot():
        await world.hears("知道了：悟空，在吗？", seconds=30)


async def test_what_was_stored_is_confirmed_at_the_end(world: World):
    async with world.bot() as client:
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
        await client.settled()
    last = world.director.next_id - 1
    await world.server._getUpdates(world.director, {"offset": 0})
    assert all(update["update_id"] > last for update in world.director.updates)


async def test_a_reply_that_is_being_written_for_a_button_keeps_nobody_waiting(world: World):
    """Every update of every chat waited for the end of what a button asked for."""
    async with world.bot():
        for chat in (world.ming, world.hong):
            world.server.says(chat, chat, "/summon 悟空")
            await world.hears("孙悟空", chat)
        line = world.server.shown(world.ming)[-1]
        world.delay = 0.0
        slow = asyncio.Event()
        honest = world.server._sendMessage

        async def held(account: Any, data: dict[str, Any]) -> Any:
            if data["chat_id"] == world.ming:
                await slow.wait()
            return honest(account, data)

        edited = world.server._editMessageText

        async def held_edit(account: Any, data: dict[str, Any]) -> Any:
            await slow.wait()
            return edited(account, data)

        world.server._sendMessage = held  # type: ignore[method-assign]
        world.server._editMessageText = held_edit  # type: ignore[method-assign]
        world.server.presses(world.ming, world.ming, line.id, "retry")
        world.server.says(world.ming, world.ming, "/start")
        await asyncio.sleep(0.5)
        since = time.monotonic()
        world.server.says(world.hong, world.hong, "悟空，你好")
        await world.hears("知道了：悟空，你好", world.hong, seconds=10)
        assert time.monotonic() - since < 5
        slow.set()


def old(world: World, seconds: float) -> None:
    """Make what waits at the server older."""
    for update in world.director.updates:
        update["message"]["date"] -= int(seconds)


async def test_what_waited_for_ten_minutes_is_not_answered_and_that_is_said_once(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
    for number in range(3):
        world.server.says(world.group, world.ming, f"悟空，第{number}问？")
    world.server.says(world.group, world.hong, "/dismiss 悟空")
    old(world, 700)
    world.server.says(world.group, world.hong, "悟空，你好")
    async with world.bot() as client:
        await world.hears("知道了：悟空，你好")
        await world.hears("期间来的 4 条消息")
        await client.settled()
    shown = "\n".join(world.texts())
    assert "知道了：悟空，第" not in shown
    assert "退场" not in shown
    assert sum("期间来的" in text for text in world.texts()) == 1


async def test_in_a_room_without_characters_nothing_is_said_of_it(world: World):
    world.server.says(world.group, world.ming, "大家好")
    old(world, 700)
    async with world.bot() as client:
        world.server.says(world.ming, world.ming, "/summon 悟空")
        await world.hears("孙悟空", world.ming)
        await client.settled()
        await asyncio.sleep(0.2)
        await client.settled()
    assert not world.texts()


async def test_a_clock_that_is_wrong_silences_nobody_who_speaks_now(world: World):
    """Only what may have waited is judged by its date."""
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
        world.server.says(world.group, world.ming, "悟空，几点了？")
        old(world, 86_400)
        await world.hears("知道了：悟空，几点了？")


def test_an_update_without_a_date_may_be_of_long_ago():
    made = Update.de_json({"update_id": 1, **WHOLE[6]}, None)
    assert late(made)
    assert not late(Update.de_json({"update_id": 1, **WHOLE[7]}, None))
    now = {"message": MESSAGE | {"date": int(time.time())}}
    assert not late(Update.de_json({"update_id": 1, **now}, None))
    assert late(Update.de_json({"update_id": 1, **WHOLE[0]}, None)) is (
        time.time() - 1790000000 > 600
    )


async def test_a_button_that_telegram_has_given_up_is_not_pressed(world: World):
    async with world.bot():
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
    line = world.server.shown(world.group)[-1]
    world.server.presses(world.group, world.ming, line.id, "retry")

    def fault(method: str, data: dict[str, Any]) -> Exception | None:
        if method == "answerCallbackQuery":
            return Refused(400, "Bad Request: query is too old and response timeout expired")
        return None

    world.server.faults = fault
    world.script = lambda prompt: "换个说法"
    async with world.bot() as client:
        world.server.says(world.ming, world.ming, "/start")
        await world.hears("班主", world.ming)
        await client.settled()
    assert not any("换个说法" in text for text in world.texts())
