"""/transcript: delivered as a file, holds what everybody heard, lessons only with consent."""

import json

import pytest

from bot.people import People
from bot.stage import Message


async def scene(play, memory, cast, **more):
    p = play(lambda prompt: "知道了，小红。", **more)
    p.room.shared.people = People(memory, p.room.shared.voice, cast)
    await p.say("/summon 悟空", "/场景 月下荒庙", "悟空，我叫小明")
    await p.say("悟空，小明是谁？", by="小红")
    return p


def text(p):
    return p.stage.files[-1][1].decode()


@pytest.mark.parametrize(
    ("order", "end", "holds"),
    [
        ("/剧本", ".md", "# 月下荒庙"),
        ("/transcript html", ".html", "<!doctype html>"),
        ("/剧本 网页", ".html", "data:image/png;base64,"),
        ("/share_scene jsonl", ".jsonl", '"character_name": "孙悟空"'),
    ],
)
async def test_the_scene_is_a_file(play, memory, cast, order, end, holds):
    p = await scene(play, memory, cast)
    await p.say("/whisper 悟空 钥匙藏在枯井里", "/remember 我怕水", "/note 要短", order)
    name, _ = p.stage.files[-1]
    assert name.endswith(end)
    assert "/" not in name
    assert holds in text(p)
    assert "悟空，小明是谁？" in text(p)
    for private in ("枯井", "怕水", "要短", "test:"):
        assert private not in text(p)
    assert p.notice.startswith("这场戏，5 句")


async def test_only_the_last_lines(play, memory, cast):
    p = await scene(play, memory, cast)
    await p.say("/剧本 jsonl 两句")
    assert len(text(p).splitlines()) == 3
    await p.say("/剧本 pdf")
    assert "哪一种" in p.notice
    assert len(p.stage.files) == 1


async def test_versions_are_those_that_are_shown(play, memory, cast):
    p = await scene(play, memory, cast)
    await p.say("/edit 俺不认得他", "/剧本")
    assert "俺不认得他" in text(p)


async def test_lessons_want_the_yes_of_everybody_in_it(play, memory, cast):
    p = await scene(play, memory, cast)
    await p.say("/剧本 教材")
    assert "小明、小红" in p.notice
    await p.say("/公开 教材 可以", "/剧本 教材")
    assert "还没有同意的：小红" in p.notice
    assert p.stage.files == []
    await p.say("/share lessons yes", by="小红")
    await p.say("/剧本 教材")
    rows = [json.loads(row) for row in text(p).splitlines()]
    assert [t["speaker"] for t in rows[0]["turns"] if t["side"] == "human"] == ["甲", "乙"]
    assert "小明" not in text(p)
    assert "小红" not in text(p)
    await p.say("/share lessons no", by="小红")
    await p.say("/剧本 教材")
    assert len(p.stage.files) == 1


async def test_nobody_agrees_for_others(play, memory, cast):
    p = await scene(play, memory, cast)
    await p.say("/share lessons yes")
    await p.say("/share lessons yes", by="小红")
    await p.room.hear(Message("test:小明", "小明", "别人写的", forwarded=True))
    await p.say("/剧本 教材")
    assert p.stage.files == []
    q = await scene(play, memory, cast)
    await q.room.hear(Message("test:channel", "频道", "悟空，好", personal=False))
    await q.say("/剧本 教材")
    assert "频道" in q.notice
    assert q.stage.files == []


async def test_who_opted_out_is_in_no_file(play, memory, cast):
    p = await scene(play, memory, cast)
    await p.say("/optout", by="小红")
    await p.say("/剧本")
    assert "小明是谁" not in text(p)
    assert "我叫小明" in text(p)
    await p.say("/optin", by="小红")


async def test_who_is_forgotten_has_agreed_to_nothing(play, memory, cast):
    p = await scene(play, memory, cast)
    await p.say("/share lessons yes", by="小兰")
    assert (await memory.person("test:小兰").known()).profile.lessons
    await p.say("/forget all", by="小兰")
    assert not (await memory.person("test:小兰").known()).profile.lessons


async def test_only_moderators_take_it(play, memory, cast):
    p = await scene(play, memory, cast)
    await p.room.hear(Message("test:小红", "小红", "/transcript"))
    assert p.stage.files == []
    assert "只有管理员" in p.notice
