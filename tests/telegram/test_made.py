"""A character's life on Telegram: step by step, summoned by another process, withdrawn."""

from __future__ import annotations

import pytest

from bot.casts import Casts
from bot.memory.characters import MOST_OF_A_PERSON
from characters.card import read_card
from tests.telegram.conftest import World


@pytest.fixture(autouse=True)
async def _nothing_made(memory):
    for pattern in ("mrp:1:{cast}:*", "mrp:1:{person:telegram:*}:*"):
        if keys := await memory.redis.keys(pattern):
            await memory.redis.delete(*keys)


async def test_made_step_by_step_and_summoned_by_its_nickname_by_another_process(world: World):
    says, ming = world.server.says, world.ming
    async with world.bot():
        says(ming, ming, "/character create")
        await world.hears("叫什么名字？", ming)
        for answer, asked in (
            ("小墨龙", "登场时说什么？"),
            ("墨龙来也！", "用一句话介绍"),
            ("一条<b>爱写字</b>的小龙。", "详细介绍"),
            ("/skip", "怎么说话"),
            ("文绉绉", "别名"),
            ("小墨", "类别"),
            ("龙", "试一句：你是谁？"),
        ):
            says(ming, ming, answer)
            await world.hears(asked, ming)
        await world.hears("一条<b>爱写字</b>的小龙。", ming)  # nobody's markup
        says(ming, ming, "/character keep private")
        await world.hears("小墨龙保存了", ming)
    async with world.bot():
        says(ming, ming, "/summon 小墨")
        await world.hears("墨龙来也！", ming)
        says(ming, ming, "/character withdraw 小墨")
        await world.hears("我这就告辞了", ming)
    casts = Casts(world.memory, world.cast)
    await casts.refresh()
    assert casts.entries() == ()


async def test_cancel_ends_it(world: World):
    says, ming = world.server.says, world.ming
    async with world.bot():
        says(ming, ming, "/character create")
        await world.hears("叫什么名字？", ming)
        says(ming, ming, "/cancel")
        await world.hears("放弃了", ming)


async def test_what_a_member_makes_is_reviewed_reported_and_bounded(world: World):
    group, hong, ming = world.group, world.hong, world.ming
    world.server.groups[group].admins = {ming}
    here, casts = f"telegram:{group}", Casts(world.memory, world.cast)

    async def order(person: int, text: str, said: str) -> None:
        before = len(world.server.messages[group])
        world.server.says(group, person, f"/角色 {text}")

        def there() -> bool:
            shown = list(world.server.messages[group].values())[before + 1 :]
            return any(said in each.text for each in shown)

        await world.server.until(there)

    async with world.bot():
        await order(hong, "创建 小墨龙 | 墨龙来也！ | 一条小龙。 | 别名：小墨", "还没有保存")
        await order(hong, "保存 这里", "管理员通过以后")
        await order(hong, "通过 小墨", "只有管理员可以")
        await order(ming, "待审", "小墨龙：一条小龙。")
        await order(ming, "查看 小墨", "在这里，等待审核")
        await order(ming, "通过 小墨", "小墨龙通过了")
        world.server.says(group, hong, "/召唤 小墨")
        await world.hears("墨龙来也！")
        await order(hong, "举报 小墨 | 学我说话", "记下了")
        await order(hong, "举报单", "只有管理员可以")
        await order(ming, "举报单", "小墨龙：学我说话")
        await order(ming, "举报单 清空 小墨", "没有举报")
        for number in range(MOST_OF_A_PERSON - 1):
            table = {"id": "new", "language": "zh", "name": f"墨龙{number}号", "greeting": "来了"}
            card = read_card(table | {"brief": "小龙。"}, "made")
            await casts.keep(card, f"telegram:{hong}", "place", place=here, waiting=number > 0)
        await order(hong, "创建 多一龙 | 来了 | 小龙。", "还没有保存")
        await order(hong, "保存 这里", "每人最多 20 个角色")
        await order(ming, "退回 墨龙1号", "墨龙1号退回给做它的人了")
        await order(ming, "撤下 墨龙0号", "墨龙0号撤下了")
        await order(hong, "保存 这里", "管理员通过以后")  # what was made is still there
