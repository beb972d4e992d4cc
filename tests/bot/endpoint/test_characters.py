"""A character as a model: memory for a user, none without one; limits and privacy of a room."""

from __future__ import annotations

import asyncio

import openai
import pytest

from bot.casts import Casts
from bot.forms import filled
from bot.limits import Limits, Rate
from bot.memory import MemoryAway
from bot.memory.reports import Report, report, reports_of
from characters.card import Character

from .test_server import KEY, client, users


def dragon(name: str, brief: str) -> Character:
    typed = {"name": name, "brief": brief, "greeting": f"{name}来也！"}
    return filled({(key, ""): text for key, text in typed.items()}, None)


async def say(served, text, *before, model="wukong", **options):
    messages = [{"role": role, "content": said} for role, said in before]
    async with client(served) as asked:
        said = await asked.chat.completions.create(
            model=model, messages=[*messages, {"role": "user", "content": text}], **options
        )
    return said.choices[0].message.content


async def test_the_cast_is_in_the_list_of_models(serve):
    served = await serve()
    async with client(served) as asked:
        ids = [model.id async for model in asked.models.list()]
        assert ids[0] == "mini"
        assert {"wukong", "bajie"} <= set(ids)
        assert (await asked.models.retrieve("wukong")).owned_by == "mrp"


async def test_who_was_made_in_a_chat_is_a_model_at_once_for_those_who_may_see_them(
    serve, cast, memory
):
    served = await serve(["墨龙来也。"])
    user, other = next(users), next(users)
    elsewhere = Casts(memory, cast)  # another process, a chat platform
    mine = await elsewhere.keep(dragon("小墨龙", "砚里的龙。"), f"v1:{user}")
    all_ = await elsewhere.keep(dragon("小白马", "驮经的马。"), "discord:42", "everywhere")
    here = await elsewhere.keep(
        dragon("小黑熊", "偷袈裟。"), "discord:42", "place", place="discord:7"
    )

    async def listed(**query):
        async with client(served) as asked:
            return {row.id async for row in asked.models.list(extra_query=query)}

    assert await listed() & {mine.id, all_.id, here.id} == {all_.id}
    assert await listed(user=user) & {mine.id, all_.id, here.id} == {mine.id, all_.id}
    for asks in ({"model": mine.id}, {"model": "小墨龙"}, {"model": all_.id}):
        assert await say(served, "谁？", user=user, **asks) == "墨龙来也。"
    assert await say(served, "谁？", model=all_.id) == "墨龙来也。"
    for asks in (
        {"model": mine.id, "user": other},
        {"model": mine.id},
        {"model": here.id, "user": user},
    ):
        with pytest.raises(openai.NotFoundError) as refused:
            await say(served, "谁？", **asks)
        assert "小墨龙" not in str(refused.value)
    await elsewhere.withdraw(mine.id)
    with pytest.raises(openai.NotFoundError):
        await say(served, "还在吗？", user=user, model=mine.id)
    assert mine.id not in await listed(user=user)


async def test_while_the_memory_is_away_nobody_is_said_not_to_exist(serve, monkeypatch):
    served = await serve()

    async def away(*_, **__):
        raise MemoryAway("Redis (there) does not answer")

    monkeypatch.setattr(served.house.casts, "refresh", away)
    with pytest.raises(openai.InternalServerError, match="does not answer"):
        await say(served, "谁？")
    assert (
        await say(served, "一加一？", model="mini") == "知道了。"
    )  # the model itself needs no cast


async def test_a_character_answers_and_remembers_its_user(serve):
    served = await serve(["老孙在此。", "记得记得。", "俺老猪不知。"])
    user = next(users)
    assert await say(served, "你是谁？", user=user) == "老孙在此。"
    # A new chat of the same user, which brings no messages: the talk is kept here.
    assert await say(served, "还记得我吗？", user=user) == "记得记得。"
    assert "你是谁？" in served.prompts[-1]
    assert "老孙在此。" in served.prompts[-1]
    # Another user's and another character's rooms know nothing of it.
    for other in ({"user": next(users)}, {"user": user, "model": "bajie"}):
        await say(served, "谁来过？", **other)
        assert "你是谁？" not in served.prompts[-1]


async def test_the_book_tells_what_its_world_does_not_have(serve, book):
    served = await serve(["甚么机？"], book=book)
    for user in (next(users), None):  # with and without a room
        await say(served, "你有手机么？", **({"user": user} if user else {}))
        assert "提示：没听过“手机”" in served.prompts[-1]


async def test_the_casts_facts_are_told(serve):
    served = await serve(["在呆子手里。"])
    for user in (next(users), None):  # with and without a room
        await say(served, "你的钉耙呢？", **({"user": user} if user else {}))
        assert "九齿钉钯是猪八戒的兵器" in served.prompts[-1]


async def test_any_name_of_a_character_will_do(serve):
    served = await serve(["老孙在此。"])
    assert await say(served, "谁？", model="孙悟空", user=next(users)) == "老孙在此。"
    with pytest.raises(openai.NotFoundError, match="wukong"):
        await say(served, "谁？", model="gpt-5")


async def test_without_a_user_the_messages_are_the_talk_and_nothing_is_kept(serve):
    served = await serve(["老孙在此。"])
    before = [("system", "你是一只猫"), ("user", "我叫小明"), ("assistant", "孙悟空：知道了")]
    assert await say(served, "我是谁？", *before) == "老孙在此。"
    assert "我叫小明" in served.prompts[-1]
    assert "一只猫" not in served.prompts[-1]
    await say(served, "我是谁？")
    assert "小明" not in served.prompts[-1]
    assert not served.house._rooms


async def test_streams_with_and_without_a_user(serve):
    served = await serve(["孙悟空：老孙在此。"])
    for user in ({}, {"user": next(users)}):
        async with client(served) as asked:
            stream = await asked.chat.completions.create(
                model="wukong", messages=[{"role": "user", "content": "谁？"}], stream=True, **user
            )
            chunks = [chunk async for chunk in stream]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert text == "老孙在此。"  # without its label
        assert chunks[-1].choices[0].finish_reason == "stop"


async def test_asked_for_the_same_again_it_says_another_version(serve):
    served = await serve(["第一种说法。", "第二种说法。", "接着说。"])
    user = next(users)
    assert await say(served, "讲讲。", user=user) == "第一种说法。"
    assert await say(served, "讲讲。", user=user) == "第二种说法。"
    talk = [("user", "讲讲。"), ("assistant", "第二种说法。")]
    assert await say(served, "讲讲。", *talk, user=user) == "接着说。"  # said once more, not again
    assert served.prompts[-1].count("讲讲。") == 2


async def test_orders_and_privacy_are_those_of_a_private_room(serve):
    served = await serve(["老孙在此。"])
    user = next(users)
    await say(served, "我叫小明，我怕蛇。", user=user)
    assert "/help" in await say(served, "/help", user=user)
    await say(served, "/forget room", user=user)
    await say(served, "我是谁？", user=user)
    assert "怕蛇" not in served.prompts[-1]


async def test_who_asks_too_much_is_told_when_to_come_again(serve):
    limits = Limits(person=Rate(2, 6), room=Rate(100, 100), blocked=frozenset({"v1:villain"}))
    served = await serve(limits=limits)
    user = next(users)
    for _ in range(2):
        await say(served, "谁？", user=user)
    with pytest.raises(openai.RateLimitError) as refused:
        await say(served, "谁？", user=user)
    assert 1 <= int(refused.value.response.headers["Retry-After"]) <= 10
    assert await say(served, "谁？", user=next(users)) == "知道了。"
    with pytest.raises(openai.PermissionDeniedError):
        await say(served, "谁？", user="villain")


async def test_a_key_that_is_wrong_opens_no_character(serve):
    served = await serve()
    async with client(served, key=f"{KEY}x") as asked:
        with pytest.raises(openai.AuthenticationError):
            await asked.chat.completions.create(
                model="wukong", messages=[{"role": "user", "content": "谁？"}], user="x"
            )
    assert not served.prompts


async def test_two_requests_of_a_user_are_answered_one_after_the_other(serve):
    served = await serve(lambda prompt: "一。" if "甲" in prompt and "乙" not in prompt else "二。")
    user = next(users)
    assert await asyncio.gather(say(served, "甲", user=user), say(served, "乙", user=user))
    room = next(iter(served.house._rooms.values()))
    sides = [turn.side for turn in room.scene().turns]
    assert sides == ["human", "character"] * 2


async def test_a_user_is_not_who_runs_the_bot(serve, cast, memory):
    """A user's room has no limits of its own, as the endpoint sees to them; it is no terminal."""
    served = await serve(["好。"], limits=Limits(person=Rate(100, 100)))
    elsewhere = Casts(memory, cast)
    all_ = await elsewhere.keep(dragon("小白泽", "驮经的兽。"), "discord:42", "everywhere")
    waits = await elsewhere.keep(
        dragon("小青蛇", "等人看的。"), "discord:42", "place", place="discord:7", waiting=True
    )
    await report(memory, Report(all_.id, "discord:43", "discord:7", "骂人"))
    user = next(users)
    for text in (
        "/角色 待审",
        "/角色 查看 小青蛇",
        "/角色 通过 小青蛇",
        "/角色 举报单",
        "/角色 举报单 清空",
        "/角色 撤下 小白泽",
        "/角色 交出 小白泽",
        "/角色 修改 小白泽 | 语气：坏",
        "/角色 导出 小白泽 json",
    ):
        told = await say(served, text, user=user)
        assert not [secret for secret in ("等人看的", "骂人", "驮经") if secret in told]
    await say(served, "/角色 创建 小黄狗 | 来了 | 小狗", user=user)
    assert "只有管这个机器人的人" in await say(served, "/角色 保存 处处", user=user)
    await elsewhere.refresh()
    assert [elsewhere.entry(one.id) for one in (all_, waits)] == [all_, waits]
    assert len(await reports_of(memory, None)) == 1


@pytest.mark.parametrize("order", ["/角色 导出 悟空", "/角色 导出 悟空 charx", "/戏台 导出 西行"])
async def test_a_file_that_is_no_text_is_named_and_not_sent(serve, order):
    served = await serve(["好。"])
    told = await say(served, order, user=next(users))
    assert "json" in told
    assert "spec" in await say(served, "/角色 导出 悟空 json", user=next(users))
