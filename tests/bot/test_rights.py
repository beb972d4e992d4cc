"""What everybody may order about their own memory."""

import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bot import rights
from bot.commands import Order
from bot.memory import Fact
from bot.memory.people import PersonMemory

_numbers = itertools.count()


@dataclass
class Somebody:
    """A person as stored; called with an order, what the order answers."""

    memory: PersonMemory
    order: Callable[..., Awaitable[str]]

    def __call__(self, order_id: str, argument: str = "", **how: Any) -> Awaitable[str]:
        return self.order(order_id, argument, **how)


@pytest.fixture
def me(memory):
    """Somebody new; `await me("forget", "3")` is their order, in private unless told otherwise."""
    person = memory.person(f"test:owner {next(_numbers)}")

    async def order(order_id, argument="", *, private=True, language="zh", room="test:dm", **also):
        return await rights.obey(
            Order(order_id, argument),
            person,
            room=room,
            private=private,
            alone=also.get("alone", private),
            language=language,
            named=lambda one: {"wukong": "孙悟空"}.get(one, one),
        )

    return Somebody(person, order)


async def test_what_is_not_about_oneself_is_somebody_elses(me):
    for order_id, argument in (("summon", "悟空"), ("forget", ""), ("forget", "屋子"), ("", "x")):
        assert await me(order_id, argument) is None


async def test_memory_lists_everything_with_its_numbers(me):
    assert "没有记得你什么" in await me("memory")
    await me("remember", "我对花生过敏")
    await me.memory.learn([Fact("我属猴", "test:g", sure=0.7)])
    await me.memory.talked(["wukong"], private=False)
    await me("persona", "一个书生")
    told = await me("memory")
    assert "1. 我对花生过敏（你要记的，私下说的" in told
    assert "2. 我属猴（听来的，70%" in told
    assert "和孙悟空说过 1 回话" in told
    assert "你在这里是：一个书生" in told
    assert "180 天不来就全部忘掉" in told


async def test_in_a_group_what_is_private_is_not_listed_even_to_its_owner(me):
    await me("remember", "我其实怕猴子")
    await me("remember", "我属猴", private=False, room="test:g")
    told = await me("memory", private=False, room="test:g")
    assert "我属猴" in told
    assert "怕猴子" not in told
    assert "私下说的 1 条" in told
    assert "怕猴子" in await me("memory", private=False, room="test:g", alone=True)
    assert "怕猴子" not in await me("forget", "1", private=False)


async def test_correct(me):
    await me("remember", "我对花生过敏")
    assert "我对虾过敏" in await me("correct", "1 我对虾过敏")
    assert "我对蟹过敏" in await me("correct", "#1：我对蟹过敏")
    assert [fact.text for fact in (await me.memory.known()).facts] == ["我对蟹过敏"]
    assert "没有第 7 条" in await me("correct", "7 什么")
    for wrong in ("", "我对虾过敏", "1", "一 二"):
        assert "例如" in await me("correct", wrong)
    assert "太长" in await me("correct", f"1 {'长' * 301}")


async def test_forget_one(me):
    await me("remember", "我对花生过敏")
    assert await me("forget", "1") == "忘了：我对花生过敏"
    assert "没有第 1 条" in await me("forget", "1")
    assert (await me.memory.known()).facts == ()


async def test_forgetting_a_fact_takes_summaries_with_it(me):
    await me("remember", "我对花生过敏")
    await me.memory.talked(["wukong"], private=True)
    await me.memory.sum_up("wukong", "谈过花生", private=True)
    await me("forget", "1")
    assert (await me.memory.known()).bonds["wukong", True].summary == ""


@pytest.mark.parametrize("word", ["全部", "一切", "all", "Everything"])
async def test_forget_everything_says_what_went(me, word):
    await me("remember", "我对花生过敏")
    told = await me("forget", word)
    assert "1 件事" in told
    assert (await me.memory.known()).facts == ()


async def test_export_is_json_and_never_before_others(me):
    await me("remember", "我对花生过敏")
    assert json.loads(await me("export"))["facts"][0]["text"] == "我对花生过敏"
    assert "私聊" in await me("export", private=False)


async def test_opting_out_and_in(me):
    await me("remember", "我属猴", private=False, room="test:g")
    assert "群里从此不记你" in await me("optout", private=False)
    assert (await me.memory.known()).facts == ()
    assert "没有记" in await me("remember", "我属猴", private=False, room="test:g")
    assert "记住了" in await me("remember", "我属猴")
    await me("optin")
    assert "记住了" in await me("remember", "我属马", private=False, room="test:g")


async def test_private_talk_comes_into_groups_only_on_request(me):
    assert "不会带到群里" in await me("share")
    assert "可能被提起" in await me("share", "可以")
    assert (await me.memory.known()).profile.shared
    await me("share", "no")
    assert not (await me.memory.known()).profile.shared
    await me("share", "maybe")
    assert not (await me.memory.known()).profile.shared


@pytest.mark.parametrize(
    ("argument", "days"),
    [
        ("30", 30),
        ("30天", 30),
        ("1", 1),
        ("7 days", 7),
        ("0", 180),
        ("99999", 180),
        ("", 180),
        ("x", 180),
    ],
)
async def test_retention(me, argument, days):
    told = await me("retention", argument)
    assert told.startswith(f"{days} 天不来")
    assert (await me.memory.known()).profile.days == days


@pytest.fixture
def other(memory):
    """The orders of another account, in English and in private unless told otherwise."""
    person = memory.person(f"other:{next(_numbers)}")

    async def order(order_id, argument="", *, private=True):
        return await rights.obey(
            Order(order_id, argument),
            person,
            room="o:1",
            private=private,
            alone=True,
            language="en",
        )

    return Somebody(person, order)


async def code_of(me):
    return next(word for word in (await me("link")).replace("，", " ").split() if len(word) == 8)


async def test_link_shows_its_code_to_nobody_else(me, other):
    assert "私聊" in await me("link", private=False)
    code = await code_of(me)
    assert "in private" in await other("link", code, private=False)
    assert "one person?" in await other("link", code)
    assert "said yes" in await other("link", "yes")
    assert "绑定成同一个人吗" in await me("link")
    assert await me("link", "是") == "绑定好了：other + test 是同一个人。/解绑 可以拆开。"
    assert "不能用" in await me("link", code)
    for _ in range(5):
        told = await me("link", "22222222")
    assert "十分钟" in told


async def test_whoever_types_a_code_gives_nothing_away(me, other):
    """A code made by somebody else, typed by a victim: nothing is joined until both have seen the
    other side and said yes, in private."""
    await other("remember", "the password is SECRET777")
    await other.memory.came("o:1", "Victim", private=True)
    await me.memory.came("test:dm", "Attacker", private=True)
    code = await code_of(me)
    shown = await other("link", code)
    assert "test Attacker" in shown
    assert "other Victim" in shown
    for word in ("是", "yes"):
        assert "other Victim" in await me("link", word) or "这边答应了" in await me("link", word)
    assert (await me.memory.known()).facts == ()
    assert "SECRET" not in json.dumps(await me.memory.export())
    assert "void" in await other("link", "no")
    assert "没有等你答应" in await me("link", "是")
    assert (await me.memory.known()).facts == ()
    assert len((await other.memory.known()).facts) == 1


async def test_a_yes_before_the_other_side_was_seen_only_shows_it(me, other):
    code = await code_of(me)
    await other("link", code)
    await other("link", "yes")
    assert "绑定成同一个人吗" in await me("link", "是")
    assert "绑定好了" in await me("link", "是")


async def test_what_was_joined_is_told_to_the_other_account_and_comes_apart_again(me, other):
    await me("remember", "我属猴")
    await other("remember", "I was born in the year of the ox")
    code = await code_of(me)
    await other("link", code)
    await other("link", "yes")
    await me("link")
    await me("link", "是")
    assert await rights.news(me.memory, "zh") is None  # told by the answer
    told = await rights.news(other.memory, "en")
    assert told is not None
    assert told.startswith("Your account was linked: other + test")
    assert await rights.news(other.memory, "en") is None
    assert len((await me.memory.known()).facts) == 2
    assert "in private" in await other("unlink", private=False)
    assert "person of its own" in await other("unlink")
    assert [f.text for f in (await me.memory.known()).facts] == ["我属猴"]
    assert [f.text for f in (await other.memory.known()).facts] == [
        "I was born in the year of the ox"
    ]
    told = await rights.news(me.memory, "zh")
    assert told is not None
    assert "拆开" in told
    assert "not linked" in await other("unlink")


async def test_a_persona_is_shown_changed_and_taken_back(me):
    assert "还没说" in await me("persona")
    assert "一个 书生" in await me("persona", "一个\n书生")
    assert "一个 书生" in await me("persona")
    assert "还没说" in await me("persona", room="test:elsewhere")
    assert "太长" in await me("persona", "长" * 501)
    await me("persona", "无")
    assert "还没说" in await me("persona")


async def test_remember_takes_what_fits_and_says_otherwise(me):
    assert "记住什么" in await me("remember")
    assert "太长" in await me("remember", "长" * 301)
    assert (await me.memory.known()).facts == ()


async def test_english_is_answered_in_english(me):
    assert "Remembered (1): I live in York" in await me("remember", "I live in York", language="en")
    assert "1. I live in York (as you asked, said in private" in await me("memory", language="en")
    assert "180 days" in await me("retention", language="en")
