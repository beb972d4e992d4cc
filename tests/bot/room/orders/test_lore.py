"""/lore in a room, and what characters then have before them; /why names it."""

import json
from dataclasses import replace

import pytest

from bot.casts import Casts
from bot.memory.lore import MOST_BOOKS, keep, lorebooks
from bot.stage import Message
from characters.card import Cast, Source
from characters.lore import Entry, Lorebook
from characters.tavern import write

BOOK = {"name": "西域", "entries": {"0": {"key": ["金箍棒"], "content": "金箍棒夜里会唱歌。"}}}


async def test_an_entry_is_known_when_its_key_is_said_in_either_script(play):
    p = play()
    await p.say("/summon 悟空", "/lore add 金箍棒、棒子：金箍棒夜里会唱歌。")
    assert p.notice == "记下设定「金箍棒」。"
    await p.say("悟空，今天天气如何？")
    assert "唱歌" not in p.prompts[-1]
    await p.say("悟空，你的金箍棒呢？")
    assert "书中：\n金箍棒夜里会唱歌。" in p.prompts[-1]
    await p.say("/why")
    assert p.notice == "孙悟空这句话面前有设定：《本屋》的「金箍棒」、《孙悟空》的「金箍棒」"
    await p.say("悟空，金箍棒借我", "/retry", "/出处")
    assert "「金箍棒」" in p.notice


async def test_only_who_may_know_it_has_it_before_it(play):
    p = play()
    await p.say("/summon 悟空、八戒", "/设定 加 @悟空 水帘洞：洞后藏着一坛酒。")
    await p.say("八戒，水帘洞里有什么？")
    assert all("一坛酒" not in prompt for prompt in p.prompts)
    await p.say("悟空，水帘洞里有什么？")
    assert "一坛酒" in p.prompts[-1]


async def test_what_was_said_before_one_came_calls_nothing(play):
    p = play()
    await p.say("/summon 悟空", "/lore add 金丹: 金丹是八戒偷的。", "悟空，金丹少了。")
    await p.say("/summon 八戒", "八戒，你怎么了？")
    assert "偷的" not in p.prompts[-1]


async def test_always_and_macros(play):
    p = play()
    await p.say("/summon 悟空", "/lore add *：{{char}}怕{{user}}。", "悟空，走吧")
    assert "孙悟空怕小明。" in p.prompts[-1]


async def test_lists_imports_and_removes(play):
    p = play()
    await p.say("/lore")
    assert p.notice.startswith("这里没有设定")
    await p.say("/lore import " + json.dumps(BOOK, ensure_ascii=False))
    assert p.notice == "导入《西域》：1 条。"
    await p.say("/lore add 剑：利。", "/lore")
    assert p.notice == "《本屋》1 条：剑\n《西域》1 条：金箍棒"
    await p.say("/设定 删 剑", "/lore")
    assert p.notice == "《西域》1 条：金箍棒"
    await p.say("/lore remove 西域", "/lore")
    assert p.notice.startswith("这里没有设定")
    await p.say("/lore remove 西域")
    assert p.notice == "没有叫「西域」的设定。"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("/lore what", "/设定 加 关键词"),
        ("/lore add", "/设定 加 关键词"),
        ("/lore add 剑", "/设定 加 关键词"),
        ("/lore add ：x", "/设定 加 关键词"),
        ("/lore add @白龙马王子 剑：x", "没有人叫「白龙马王子」"),
        ("/lore add 剑：" + "长" * 1001, "1001 个字，最多 1000"),
        ("/lore add " + "、".join(f"k{n}" for n in range(13)) + "：x", "最多 12 个"),
        ("/lore import {broken", "card.json: is not JSON"),
        ("/lore import {}", "card.json: name: is missing"),
        ("/lore import /etc/passwd", "card.json"),
        ('/lore import {"entries": 3}', "card.json"),
        ('/lore import {"entries": [{"keys": 3}]}', "entries.0.keys: must be a list"),
        ("/lore import", "/设定 加 关键词"),
        ("/lore remove", "没有叫「」的设定"),
    ],
)
async def test_what_is_odd_gets_one_sentence_and_changes_nothing(play, memory, written, told):
    p = play()
    await p.say(written)
    assert told in p.notice
    assert await lorebooks(memory, p.room.key) == ()


async def test_only_moderators_change_it_and_all_may_read_it(play):
    p = play()
    await p.room.hear(Message("test:小红", "小红", "/lore add 剑：利。", moderator=False))
    assert "记下" not in p.notice
    await p.room.hear(Message("test:小红", "小红", "/lore", moderator=False))
    assert p.notice.startswith("这里没有设定")


async def test_a_room_holds_so_many_books(play, memory):
    p = play()
    for number in range(MOST_BOOKS):
        await keep(memory, p.room.key, Lorebook(f"b{number}", (Entry("e", "x", ("x",)),)))
    await p.say("/lore add 剑：利。")
    assert p.notice == f"放不下了：最多 {MOST_BOOKS}。"


async def test_the_book_of_a_card_is_its_own_characters(play, cast, memory):
    card = {
        "spec": "chara_card_v2",
        "data": {
            "name": "孙悟空", "first_mes": "x", "post_history_instructions": "{{char}}说话押韵。",
            "character_book": {"entries": [{"keys": ["芭蕉扇"], "content": "芭蕉扇是假的。"}]},
        },
    }  # fmt: skip
    wukong = replace(cast["wukong"], source=Source(json.dumps(card), note="{{char}}说话押韵。"))
    p = play()
    p.room.view.shared.casts = Casts(memory, Cast((wukong, cast["bajie"])))
    await p.say("/summon 悟空、八戒", "八戒，芭蕉扇在哪？")
    assert "是假的" not in p.prompts[-1]
    assert "押韵" not in p.prompts[-1]
    await p.say("悟空，芭蕉扇在哪？")
    assert "芭蕉扇是假的。" in p.prompts[-1]
    assert "提示：孙悟空说话押韵。" in p.prompts[-1]
    assert write(wukong, format="json")


async def test_a_greeting_is_said_with_its_macros_expanded(play, cast, memory):
    wukong = replace(
        cast["wukong"], greeting=replace(cast["wukong"].greeting, zh=("{{user}}，{{char}}来也！",))
    )
    p = play()
    p.room.view.shared.casts = Casts(memory, Cast((wukong,)))
    await p.say("/summon 悟空")
    assert p.lines[-1][1] == "小明，孙悟空来也！"
