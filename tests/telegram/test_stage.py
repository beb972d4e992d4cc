"""How lines and notices are shown in Telegram chats."""

# slow: waits for the limits of edits

from __future__ import annotations

import json

from bot.platforms.telegram.places import Place
from tests.telegram.conftest import STORY, World


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


async def test_an_export_is_a_file_in_private_however_short(world: World):
    async with world.bot() as client:
        world.server.says(world.ming, world.ming, "/remember 我怕水 <b>&amp;")
        await world.hears("我怕水", world.ming)
        world.server.says(world.group, world.ming, "/export")
        file = await world.server.until(
            lambda: next((m for m in world.server.shown(world.ming) if m.file), None)
        )
        await client.settled()
    assert file.file == "mrp.json"
    export = json.loads(file.text)
    assert "我怕水 <b>&amp;" in json.dumps(export, ensure_ascii=False)  # as it is, not escaped
    assert not world.server.shown(world.group)


async def test_a_file_for_somebody_who_never_wrote_in_private_is_not_shown_to_all(world: World):
    async with world.bot():
        world.server.says(world.group, world.stranger, "/export")
        await world.hears("请先在私聊里")
    assert not any(m.file for m in world.server.shown(world.group))


async def test_what_is_too_long_for_a_chat_is_a_file(world: World):
    async with world.bot() as client:
        stage = (await client._rooms.open(Place(world.ming)))[1]
        await stage.notice("短的。" * 2000)  # two messages
        await stage.notice("长的。" * 4000)
    shown = world.server.shown(world.ming)
    assert [m.file for m in shown] == ["", "", "mrp.txt"]
    assert shown[2].text == "长的。" * 4000


async def test_a_transcript_is_a_file_in_the_chat(world: World):
    async with world.bot() as client:
        world.server.says(world.ming, world.ming, "/summon 悟空")
        await world.hears("老孙", world.ming)
        world.server.says(world.ming, world.ming, "/剧本 html")
        file = await world.server.until(
            lambda: next((m for m in world.server.shown(world.ming) if m.file), None)
        )
        await client.settled()
    assert file.file.endswith(".html")
    assert "<!doctype html>" in file.text
