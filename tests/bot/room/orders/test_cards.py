"""Cards of other programs in a chat: brought in as a sketch, kept, sent out, brought in again."""

import json
from dataclasses import replace

import pytest

from bot.memory.attached import attach, attached, may_hold_card, take_in
from bot.stage import Message
from characters.tavern import FORMATS, read, write

CARD = {
    "spec": "chara_card_v2",
    "data": {
        "name": "墨 龙🐉",
        "description": "{{char}}是一条爱写字的小龙。",
        "first_mes": "{{user}}，墨龙来也！",
        "creator_notes": "keep me",
        "character_book": {"entries": [{"keys": ["砚台"], "content": "砚台里住着一条鱼。"}]},
    },
}
TEXT = json.dumps(CARD, ensure_ascii=False)


@pytest.fixture(autouse=True)
async def _nothing_made(memory):
    async def clean():
        for pattern in ("mrp:1:{cast}:*", "mrp:1:{person:*}:sketch", "mrp:1:{person:*}:attached"):
            for key in await memory.redis.keys(pattern):
                await memory.redis.delete(key)

    await clean()
    yield
    await clean()


@pytest.fixture
def sent(play):
    """A room, and the files that its stage was given."""
    p, files = play(["我是墨龙。", "知道了。"]), {}

    async def take(name: str, data: bytes) -> str:
        files[name] = data
        return ""

    p.stage.attach = take
    return p, files


async def test_a_card_is_shown_kept_and_summoned_with_its_lore(sent):
    p, _ = sent
    await p.say(f"/character import {TEXT}")
    assert "还没有保存" in p.notice
    assert "墨 龙🐉" in p.notice
    assert len(p.room.view.cast) == 9
    await p.say("/character keep here", "/召唤 墨龙", "墨龙，砚台里有什么？")
    assert p.lines[0] == ("墨 龙🐉", "小明，墨龙来也！")
    assert "墨 龙🐉是一条爱写字的小龙。" in p.prompts[-1]
    assert "砚台里住着一条鱼。" in p.prompts[-1]


@pytest.mark.parametrize("format", FORMATS)
async def test_it_goes_out_as_it_came_and_comes_in_again_as_the_same(sent, format):
    p, files = sent
    await p.say(f"/角色 导入 {TEXT}", "/角色 保存 这里", f"/角色 导出 墨龙 {format}")
    (name, data), *_ = files.items()
    found = read(data, name)
    assert found.raw == CARD or format == "charx"
    entry = p.room.shared.casts.entries()[0]
    assert replace(found.characters[0], id=entry.id) == entry.character
    await p.say("/角色 撤下 墨龙")
    await attach(p.room.shared.memory, "test:小明", name, data)
    await p.say("/角色 导入", "/角色 保存 这里")
    again = p.room.shared.casts.entries()[0]
    assert replace(again.character, id=entry.id) == entry.character


async def test_the_card_of_ones_own_character_is_a_change_of_it_and_of_anothers_a_new_one(sent):
    p, files = sent
    await p.say(
        "/角色 创建 小墨龙 | 来也！ | 一条小龙。", "/角色 保存 这里", "/角色 导出 小墨龙 json"
    )
    (entry,) = p.room.shared.casts.entries()
    data = files[f"{entry.id}.json"]
    changed = data.replace("一条小龙。".encode(), "一条大龙。".encode())
    await attach(p.room.shared.memory, "test:小明", "x.json", changed)
    await p.say("/角色 导入", "/角色 保存")
    (now,) = p.room.shared.casts.entries()
    assert (now.id, now.character.brief.zh) == (entry.id, "一条大龙。")
    thief = changed.replace("大龙".encode(), "假龙".encode())
    await attach(p.room.shared.memory, "test:小红", "x.json", thief)
    for text in ("/角色 导入", "/角色 保存 私用"):
        await p.room.hear(Message("test:小红", "小红", text))
    assert p.room.shared.casts.entries()[0].character.brief.zh == "一条大龙。"
    await p.room.hear(Message("test:小刚", "小刚", "/角色 导出 小墨龙"))
    assert len(files) == 1


async def test_a_shipped_character_goes_out_with_its_face(sent):
    p, files = sent
    await p.say("/角色 导出 悟空")
    assert read(files["wukong.png"], "w.png").characters[0].id == "wukong"
    assert len(files["wukong.png"]) > 20_000
    await p.say("/角色 导出 没有这个人")
    assert len(files) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/角色 导入", "作为附件发来"),
        ("/角色 导入 {", "card.json: is not JSON"),
        ("/角色 导入 /etc/passwd", "card.json"),
        ('/角色 导入 {"entries": {}}', "holds 0 characters"),
        ('/角色 导入 {"name": ["x"]}', "card.json: name: must be a text"),
        ('/角色 导入 {"name": "孙悟空", "first_mes": "x"}', "已经是孙悟空的名字了"),
        ('/角色 导入 {"name": "墨龙", "description": "' + "长" * 3000 + '"}', "还没有保存"),
    ],
)
async def test_what_cannot_be_brought_gets_one_sentence(sent, text, told):
    p, _ = sent
    await p.say(text)
    assert told in p.notice


async def test_a_file_waits_ten_minutes_for_its_order(sent, memory):
    p, _ = sent
    data = write(p.room.view.cast.find("悟空"), format="png")
    assert await take_in(memory, "test:小明", "a.png", data) == "/character import"
    assert await attached(memory, "test:小明") == ("a.png", data)
    assert 0 < await memory.redis.ttl("mrp:1:{person:test:%E5%B0%8F%E6%98%8E}:attached") <= 600
    assert await take_in(memory, "test:小明", "w.json", b'{"entries": {}}') == "/lore import"
    assert await take_in(memory, "test:小红", "photo.png", b"\x89PNG\r\n\x1a\n") == ""
    assert await attached(memory, "test:小红") is None
    assert await take_in(memory, "test:小红", "photo.png", b"no card", asked=True) == ""
    assert await attached(memory, "test:小红") == ("photo.png", b"no card")
    assert await attached(memory, "") is None


def test_which_files_are_worth_a_look():
    assert may_hold_card("A.PNG", 1000)
    assert may_hold_card("a.charx", 8 << 20)
    assert not may_hold_card("a.png", (8 << 20) + 1)
    assert not may_hold_card("a.exe", 10)
    assert not may_hold_card("a.json", 0)


async def test_lore_comes_from_what_was_attached(sent, memory):
    p, _ = sent
    book = {"name": "西域", "entries": {"0": {"key": ["沙"], "content": "沙会唱歌。"}}}
    await attach(memory, "test:小明", "w.json", json.dumps(book).encode())
    await p.say("/lore import", "/lore")
    assert p.notice == "《西域》1 条：沙"
