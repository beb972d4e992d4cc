"""Who comes on stage greets by the situation; who is reserved speaks only when called."""

import calendar
import time
from dataclasses import replace

import pytest

from bot.casts import Casts
from bot.conversation import Crowded
from characters.card import Cast, Lines
from characters.greetings import read_greeting

WUKONG, BAJIE = "孙悟空", "猪八戒"


@pytest.fixture
def spoken(cast):
    """The cast, with greetings for situations in 悟空's card."""
    greetings = (
        read_greeting({"zh": ["这荒庙老孙来过。"], "en": ["This temple."], "place": ["荒庙"]}),
        read_greeting({"zh": ["{{user}}，又是你。"], "known": True}),
        read_greeting({"zh": ["半夜里叫老孙作甚？"], "hours": "night"}),
    )
    wukong = cast["wukong"]
    alternate = Lines((*wukong.greeting.zh, "第三句。", "第四句。"), wukong.greeting.en)
    own = replace(wukong, greetings=greetings, greeting=alternate)
    return Cast(tuple(own if c.id == "wukong" else c for c in cast))


def with_cast(p, cast, hour=12):
    shared = p.room.shared
    shared.cast = cast
    shared.casts = Casts(shared.memory, cast)
    day = time.struct_time((2026, 11, 28, hour, 0, 0, 5, 332, -1))
    shared.clock = lambda: time.mktime(day)
    assert calendar.day_name  # the clock is the machine's
    return p


async def test_by_place_and_by_hour(play, spoken):
    p = with_cast(play(), spoken)
    await p.say("/场景 月下荒庙", "/summon 悟空", by="小夜")
    assert p.lines[-1] == (WUKONG, "这荒庙老孙来过。")
    q = with_cast(play(), spoken, hour=23)
    await q.say("/summon 悟空", by="小夜")  # whom nobody knows
    assert q.lines[-1] == (WUKONG, "半夜里叫老孙作甚？")
    await q.say("/dismiss 悟空", "/language en", "/summon wukong", by="小夜")
    assert q.lines[-1][1] == spoken["wukong"].greeting.en[0]


async def test_who_is_known_is_greeted_as_such(play, spoken, memory):
    p = with_cast(play(), spoken)
    await memory.person("test:小雪").came(p.room.key, "小雪")
    await p.say("/summon 悟空", by="小雪")
    assert "又是你" not in p.lines[-1][1]
    await memory.person("test:小雪").talked(["wukong"], private=False, since=p.room.key)
    await p.say("/dismiss 悟空", "/summon 悟空", by="小雪")
    assert p.lines[-1] == (WUKONG, "小雪，又是你。")


async def test_alternate_greetings_are_versions_of_the_first(play, spoken):
    p = with_cast(play(), spoken)
    await p.say("/summon 悟空", by="小夜")
    assert p.stage.done[-1].versions == 3
    await p.say("/retry 2")
    assert p.lines[-1] == (WUKONG, "第三句。")
    await p.say("悟空，你好")
    assert "第三句。" in p.prompts[-1]
    assert "第四句。" not in p.prompts[-1]


async def test_who_is_reserved_speaks_when_called(play):
    p = play(["好说好说。", "知道了。", "这就来。", "也罢。", "走罢。", "歇歇。"])
    await p.say("/summon 悟空 八戒", "/插话 悟空 关")
    assert "只在被叫到时开口" in p.notice
    p.lines.clear()
    await p.say("今晚吃甚么？", "你们都说说", "/next")
    assert {name for name, _ in p.lines} == {BAJIE}
    await p.say("悟空，你说")
    assert p.lines[-1][0] == WUKONG
    await p.say("/who")
    assert "只在被叫到时开口：孙悟空" in p.notice
    await p.say("/autoreply all off")
    p.lines.clear()
    await p.say("有人么？", "你们好")
    assert p.lines == []
    await p.say("/autoreply 全体 on", "你们好")
    assert len(p.lines) == 2


@pytest.mark.parametrize("text", ["/autoreply 无名氏 off", "/autoreply off", "/autoreply"])
async def test_odd_wishes_change_nothing(play, text):
    p = play()
    await p.say("/summon 悟空", text)
    assert p.room.memory.state.reserved == ()
    assert len(p.stage.notices) == 1


async def test_another_version_that_cannot_be_read_for_is_told_so_and_nothing_else(
    play, monkeypatch
):
    p = play(["好。"])
    await p.say("/召唤 悟空", "悟空，你好")

    def crowded(*_: object, **__: object) -> None:
        raise Crowded("5000 of 4096")

    monkeypatch.setattr(p.room.shared.voice, "read", crowded)
    told = len(p.stage.notices)
    await p.say("/重说")
    assert len(p.stage.notices) == told + 1
    assert "5000 of 4096" in p.notice
    assert p.lines[-1] == ("孙悟空", "好。")
