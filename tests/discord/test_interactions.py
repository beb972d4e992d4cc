"""Commands, menus, buttons and modals."""

from __future__ import annotations

import asyncio

import pytest

from tests.discord.conftest import World, panel_of, spoken, varied
from tests.fakes.discord_server import Fault, text_of


async def test_stop_breaks_a_line_off(world: World):
    world.script = lambda prompt: varied(600)
    world.delay = 0.05
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        panel = await panel_of(world.server, world.channel)
        await world.server.say(world.ming, world.channel, "慢慢说")
        await world.server.until(lambda: len(world.lines()) == 2, 8)
        call = await world.server.click(world.ming, world.channel, panel["id"], "mrp:stop")
        assert (await call.acknowledged())["type"] == 6
        await world.server.until(lambda: world.lines()[1][1].endswith("——"), 5)
    assert len(world.lines()[1][1]) < 600


async def test_say_shows_what_is_said_and_is_heard(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        panel = await panel_of(world.server, world.channel)
        call = await world.server.slash(world.ming, world.channel, "say", text="你*好*")
        await call.acknowledged()
        assert (await world.lines_until(2))[1][1] == "知道了：你\\*好\\*"
        assert "**小明**\n你\\*好\\*" in [t for _, t in world.server.said(world.channel)]
        call = await world.server.click(world.hong, world.channel, panel["id"], "mrp:say")
        modal = (await call.acknowledged())["data"]
        await (await world.server.submit(world.hong, world.channel, modal, "hello")).acknowledged()
        assert (await world.lines_until(3))[2][1] == "知道了：hello"


async def test_a_menu_goes_for_the_last_line_only(world: World):
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        first = next(m for m in world.server.messages(world.channel) if m.get("webhook_id"))
        await world.server.say(world.ming, world.channel, "再说一句")
        await world.lines_until(2)
        call = await world.server.menu(world.ming, world.channel, "Regenerate", first["id"])
        assert (await call.acknowledged())["data"]["flags"] == 64
        answer = world.server.answer_to(call)
        await world.server.until(lambda: "最后一句" in answer["content"])


async def test_what_is_secret_is_told_to_one_person(world: World):
    direct = world.server.add_direct(world.ming)
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.lines_until(1)
        call = await world.server.slash(world.ming, world.channel, "remember", text="我住在杭州")
        await call.acknowledged()
        # /memory waits for nothing: first it is to be remembered.
        answer = world.server.answer_to(call)
        await world.server.until(lambda: answer["content"])
        call = await world.server.slash(world.ming, world.channel, "memory")
        assert (await call.acknowledged())["data"]["flags"] == 64
        answer = world.server.answer_to(call)
        await world.server.until(lambda: "杭州" in answer["content"])
        # written as text, where everybody reads: by direct message
        await world.server.say(world.ming, world.channel, "/记忆")
        await world.server.until(lambda: "杭州" in str(world.server.said(direct)))
    assert "杭州" not in str(world.server.said(world.channel))


async def test_an_order_whose_answer_is_lost_is_carried_out_once(world: World):
    left = [Fault(0, after=True)]
    world.server.fault = lambda asked: (
        left.pop() if left and asked.path.endswith("/callback") else None
    )
    async with world.bot():
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        await world.server.until(lambda: spoken(world), 6)
        await asyncio.sleep(0.5)
    assert len(spoken(world)) == 1


@pytest.mark.parametrize("kind", ["command", "menu", "say", "button"])
async def test_it_is_acknowledged_before_redis_is_asked(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
):
    async with world.bot() as bot:
        await world.server.slash(world.ming, world.channel, "summon", who="悟空")
        panel = await panel_of(world.server, world.channel)
        line = next(m for m in world.server.messages(world.channel) if m.get("webhook_id"))
        held = asyncio.Event()

        async def away(*_: object, **__: object) -> None:
            await held.wait()

        monkeypatch.setattr(bot.rooms, "of_interaction", away)
        server, ming, channel = world.server, world.ming, world.channel
        match kind:
            case "command":
                call = await server.slash(ming, channel, "memory")
            case "menu":
                call = await server.menu(ming, channel, "Why", line["id"])
            case "say":
                call = await server.slash(ming, channel, "say", text="你好")
            case _:
                call = await server.click(ming, channel, panel["id"], "mrp:continue")
        await call.acknowledged(2.0)


async def test_other_lines_than_the_last_are_told_apart_in_a_user_install(world: World):
    away = world.server.add_guild("别人家", member=False)
    channel = world.server.add_channel(away, "客厅")
    async with world.bot():
        await world.server.slash(world.ming, channel, "summon", external=True, who="悟空")
        await world.server.until(
            lambda: any("孙悟空" in text_of(m) for m in world.server.messages(channel))
        )
        said = await world.server.say(world.ming, channel, "我说的")
        call = await world.server.menu(world.ming, channel, "Why", said["id"])
        await call.acknowledged()
        answer = world.server.answer_to(call)
        await world.server.until(lambda: "不是角色" in answer["content"])
