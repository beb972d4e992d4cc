"""The bot on Discord: what people do, and what they see."""

from __future__ import annotations

from tests.discord.conftest import BASE, World


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
