"""A character's life on Discord: form with a picture, preview, summoned elsewhere, withdrawn."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bot.casts import Casts
from bot.memory.characters import MOST_OF_A_PERSON
from characters.card import read_card
from tests.discord.conftest import World
from tests.fakes.discord_server import text_of, walk


@pytest.fixture(autouse=True)
async def _nothing_made(memory):
    for pattern in ("mrp:1:{cast}:*", "mrp:1:{person:discord:*}:*"):
        if keys := await memory.redis.keys(pattern):
            await memory.redis.delete(*keys)


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "navy").save(out, "PNG")
    return out.getvalue()


def told(world: World) -> str:
    """All that stands in the channel, answers for one person alone included."""
    return "\n".join(text_of(m) for m in world.server.posts[world.channel].values())


async def form(world: World, *, upload: bytes = b"", name: str = "小墨龙") -> None:
    call = await world.server.slash(world.ming, world.channel, "character")
    given = await call.acknowledged()
    assert given["type"] == 9
    long = "住在砚台里。\n别名：小墨\n类别：龙"
    sent = await world.server.submit(
        world.ming,
        world.channel,
        given["data"],
        name,
        "墨龙来也！",
        "一条小龙。",
        long,
        upload=upload,
    )
    await sent.acknowledged()


async def press(world: World, action: str) -> None:
    def buttons() -> list[int]:
        return [
            number
            for number, post in world.server.posts[world.channel].items()
            if any(c.get("custom_id") == f"mrp:{action}" for c in walk(post["components"]))
        ]

    await world.server.until(buttons)
    call = await world.server.click(world.ming, world.channel, buttons()[-1], f"mrp:{action}")
    await call.acknowledged()


async def test_made_with_a_form_and_a_picture_and_summoned_by_another_process(world: World):
    async with world.bot():
        await form(world, upload=png())
        await world.server.until(lambda: "详情：住在砚台里。" in told(world))
        assert "（有图像）" in told(world)
        assert "试一句：你是谁？ —— 知道了：你是谁？" in told(world)
        await press(world, "keep_private")
        await world.server.until(lambda: "小墨龙保存了" in told(world))
    casts = Casts(world.memory, world.cast)
    await casts.refresh()
    (entry,) = casts.entries()
    assert entry.owner == f"discord:{world.ming}"
    assert (entry.character.aliases.zh, entry.character.categories) == (("小墨",), ("龙",))
    face = Image.open(io.BytesIO(await casts.face(entry.id) or b""))
    assert face.size == (256, 256)
    here = f"discord:{world.guild}"
    entry = await casts.keep(entry.character, entry.owner, "place", place=here)
    async with world.bot():  # another process
        found = await world.server.complete(world.hong, world.channel, "summon", "who", "小墨")
        assert [choice["value"] for choice in found] == ["小墨龙"]
        found = await world.server.complete(world.hong, world.channel, "discover", "text", "龙")
        assert [choice["value"] for choice in found] == ["龙"]
        await world.server.slash(world.hong, world.channel, "summon", who="小墨")
        assert await world.lines_until(1) == [("小墨龙", "墨龙来也！")]
        (line,) = [m for m in world.server.messages(world.channel) if m.get("webhook_id")]
        emoji = next(e for e in world.server.emojis if entry.id in e["name"])
        assert emoji["id"] in (
            line["author"]["avatar_url"] if "avatar_url" in line["author"] else str(line)
        )
        await casts.withdraw(entry.id)
        await world.server.say(world.hong, world.channel, "还在吗？")
        assert (await world.lines_until(2))[1] == ("小墨龙", "我这就告辞了，诸位保重。")
    async with world.bot() as bot:  # at the next start its picture is taken from Discord
        await bot.faces.upload(bot)
        assert not any(entry.id in e["name"] for e in world.server.emojis)


async def test_what_is_no_picture_is_said_and_the_rest_is_not_lost(world: World):
    async with world.bot():
        await form(world, upload=b"no picture at all")
        await world.server.until(lambda: "那不是图像" in told(world))
        assert "名字：小墨龙" in told(world)
        await press(world, "discard")
        await world.server.until(lambda: "放弃了" in told(world))


async def test_a_name_that_is_somebodys_is_refused_in_the_form(world: World):
    async with world.bot():
        await form(world, name="孫悟空")
        await world.server.until(lambda: "已经是孙悟空的名字了" in told(world))
    casts = Casts(world.memory, world.cast)
    await casts.refresh()
    assert casts.entries() == ()


async def test_what_a_member_makes_is_reviewed_reported_and_bounded(world: World):
    server, channel, hong, ming = world.server, world.channel, world.hong, world.ming
    server.plain_members(world.guild)
    server.give_role(world.guild, ming, server.add_role(world.guild, "管事", manage_messages=True))
    here, casts = f"discord:{world.guild}", Casts(world.memory, world.cast)

    async def order(user: int, text: str, said: str) -> None:
        before = len(server.posts[channel])
        await server.slash(user, channel, "character", text=text)

        def there() -> bool:
            posts = list(server.posts[channel].values())[before:]
            return any(said in text_of(post).replace("\\", "") for post in posts)

        await server.until(there, why=told(world))

    async with world.bot():
        await order(hong, "create 小墨龙 | 墨龙来也！ | 一条小龙。 | 别名：小墨", "还没有保存")
        await order(hong, "keep here", "管理员通过以后")
        await order(hong, "approve 小墨", "只有管理员可以")
        await order(hong, "queue", "只有管理员可以")
        await order(ming, "queue", "小墨龙：一条小龙。")
        await order(ming, "show 小墨", "在这里，等待审核")
        await order(ming, "approve 小墨", "小墨龙通过了")
        await server.slash(hong, channel, "summon", who="小墨")
        assert await world.lines_until(1) == [("小墨龙", "墨龙来也！")]
        await order(hong, "report 小墨 | 学我说话", "记下了")
        await order(hong, "reports", "只有管理员可以")
        await order(ming, "reports", "小墨龙：学我说话")
        await order(ming, "reports clear 小墨", "没有举报")
        # Nobody makes more than so many.
        for number in range(MOST_OF_A_PERSON - 1):
            table = {"id": "new", "language": "zh", "name": f"墨龙{number}号", "greeting": "来了"}
            card = read_card(table | {"brief": "小龙。"}, "made")
            await casts.keep(card, f"discord:{hong}", "place", place=here, waiting=number > 0)
        await order(hong, "create 多一龙 | 来了 | 小龙。", "还没有保存")
        await order(hong, "keep here", "每人最多 20 个角色")
        await order(ming, "refuse 墨龙1号", "墨龙1号退回给做它的人了")
        await order(ming, "withdraw 墨龙0号", "墨龙0号撤下了")
        await order(hong, "keep here", "管理员通过以后")  # what was made is still there
