"""How lines and notices are shown in Telegram chats."""

from __future__ import annotations

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
