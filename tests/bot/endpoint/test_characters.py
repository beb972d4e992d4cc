"""A character as a model: memory for a user, none without one; limits and privacy of a room."""

from __future__ import annotations

import asyncio

import openai
import pytest

from bot.limits import Limits, Rate

from .test_server import KEY, client, users


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
