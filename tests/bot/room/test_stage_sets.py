"""/stageset: a scene goes out as one file, is shown, and comes in elsewhere, or not at all."""

import io
import json
import zipfile
from dataclasses import replace

import pytest

from bot.memory.attached import attach
from bot.memory.lore import lorebooks
from bot.permissions import Permissions
from bot.stage import Message
from characters.card import Words
from characters.tavern import Setting, read, write_group
from characters.tavern.pictures import blank

ALICE = {
    "spec": "chara_card_v2",
    "data": {
        "name": "爱丽丝",
        "description": "一个好奇的女孩。",
        "first_mes": "{{user}}，你也掉下来了？",
        "character_book": {"entries": [{"keys": ["兔子"], "content": "兔子总是迟到。"}]},
    },
}
HATTER = {"name": "疯帽匠", "description": "总在喝茶。", "first_mes": "请坐。"}


def group(*cards, lore=(), **setting) -> bytes:
    found = [read(json.dumps(card).encode(), "card.json") for card in cards]
    members = [(one.characters[0], blank("x", 8), one.lore) for one in found]
    return write_group("茶会", members, lore=lore, setting=Setting(**setting))


async def bring(p, data: bytes, name: str = "茶会.zip") -> None:
    await attach(p.room.shared.memory, "test:小明", name, data)
    await p.say("/戏台 导入")


async def test_a_scene_goes_out_as_one_file_and_comes_in_elsewhere(play):
    p = play()
    await p.say("/场景 月下荒庙；气氛 悲凉", "/召唤 悟空、八戒")
    await p.say("/lore add @八戒 酒：地窖里有酒。", "/lore add *：这里天天下雨。")
    await p.say("/戏台 导出 荒庙夜话 | 天黑了。{{user}}推开了门。")
    ((name, data),) = p.stage.files
    assert name == "荒庙夜话.zip"
    found = read(data, name)
    assert found.characters == (p.room.shared.cast["wukong"], p.room.shared.cast["bajie"])
    assert found.setting == Setting("月下荒庙", "悲凉", opening="天黑了。{{user}}推开了门。")
    assert set(found.faces) == {"wukong", "bajie"}

    other = play()
    await bring(other, data, name)
    for told in ("荒庙夜话", "孙悟空、猪八戒", "月下荒庙", "悲凉", "天黑了", "2 条"):
        assert told in other.notice
    assert other.room.scene().cast == ()  # nothing has come yet
    await other.say("/戏台 保存")
    assert [c.id for c in other.room.scene().cast] == ["wukong", "bajie"]
    state = other.room.memory.state
    assert (state.place, state.mood) == ("月下荒庙", "悲凉")
    assert other.room.scene().turns[-1].text == "天黑了。小明推开了门。"
    (book,) = await lorebooks(other.room.shared.memory, other.room.key)
    assert [entry.only for entry in book.entries] == [frozenset({"猪八戒"}), frozenset()]
    assert other.room.shared.casts.entries() == ()  # the shipped cast is not doubled


async def test_a_group_of_another_program_is_kept_and_greets(play):
    p = play()
    await bring(p, group(ALICE, HATTER, place="花园"))
    assert "爱丽丝（新）、疯帽匠（新）" in p.notice
    await p.say("/戏台 保存")
    assert p.lines == [("爱丽丝", "小明，你也掉下来了？"), ("疯帽匠", "请坐。")]
    entries = p.room.shared.casts.entries()
    assert [entry.character.name.zh for entry in entries] == ["爱丽丝", "疯帽匠"]
    assert await p.room.shared.casts.face(entries[0].id)
    await p.say("爱丽丝，兔子在哪里？")
    line = await p.room.view.last_line()
    assert [entry for _, entry in line.lore] == ["兔子"]
    await bring(p, group(ALICE, HATTER, place="花园"))
    assert "已经是爱丽丝的名字" in p.notice  # a second one would be nobody's to call


async def test_lore_of_one_member_stays_its_own(play):
    p = play()
    book = read(
        json.dumps(
            {"name": "秘密", "entries": {"0": {"key": ["茶"], "content": "茶里有糖。"}}}
        ).encode(),
        "w.json",
    ).lore[0]
    alice = read(json.dumps(ALICE).encode(), "a.json").characters[0]
    await bring(p, group(ALICE, HATTER, lore=[replace(book, owner=alice.id)]))
    await p.say("/戏台 保存")
    (kept,) = await lorebooks(p.room.shared.memory, p.room.key)
    owner = next(e for e in p.room.shared.casts.entries() if e.character.name.zh == "爱丽丝")
    assert (kept.name, kept.owner) == ("秘密", owner.id)


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (json.dumps(ALICE).encode(), "not a group of characters"),
        (b"no set at all", "茶会.zip"),
        (group({**HATTER, "name": "孙悟空"}), "已经是孙悟空的名字"),
        (group(HATTER, {**HATTER, "description": "another"}), "已经是疯帽匠的名字"),
        (group({**HATTER, "description": "长" * 30_000}), "太长"),
    ],
)
async def test_what_cannot_come_is_one_sentence_and_nothing_comes(play, held, told):
    p = play()
    await bring(p, held)
    assert told in p.notice
    await p.say("/戏台 保存")
    assert p.room.scene().cast == ()
    assert p.room.shared.casts.entries() == ()
    assert await lorebooks(p.room.shared.memory, p.room.key) == ()


def broken(**changes) -> bytes:
    """A stage set of which the group's table says something else."""
    files = {}
    with zipfile.ZipFile(io.BytesIO(group(HATTER))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    table = json.loads(files["group.json"])
    table["extensions"] = {"mrp": changes}
    files["group.json"] = json.dumps(table).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"place": 7.5}, None),
        ({"place": ["x"]}, "extensions.mrp.place"),
        ({"opening": "长" * 5000}, "extensions.mrp.opening"),
        ({"chapter": "many"}, "extensions.mrp.chapter"),
        ({"lore": {}}, None),
        ({"lore": "x"}, "extensions.mrp.lore"),
        ({"lore": [{"file": "lore/none.json"}]}, "extensions.mrp.lore[0].file"),
        ({"lore": [{"file": "group.json"}]}, "group.json: holds no lorebook"),
    ],
)
async def test_every_field_that_is_wrong_is_named(play, changes, field):
    p = play()
    await bring(p, broken(**changes))
    assert (
        f"茶会.zip: group.json: {field}"
        if field and "holds" not in field
        else field or "疯帽匠（新）"
    ) in p.notice


async def test_somebody_elses_character_does_not_go_out(play):
    p = play(limited=True)
    await p.room.shared.casts.keep(
        read(json.dumps(ALICE).encode(), "a.json").characters[0], "test:小红", "everywhere"
    )
    await p.say("/召唤 爱丽丝", "/戏台 导出")
    assert p.stage.files == []
    assert "爱丽丝" in p.notice


async def member(p, *texts: str, moderator: bool = False) -> str:
    """小红 says something; what she is told last."""
    for text in texts:
        await p.room.hear(Message("test:小红", "小红", text, moderator=moderator))
    return p.notice


async def changed_set(p, name: str, manner: str, *, by: str = "test:小红") -> None:
    """A stage set with a changed copy of a made character, as it was exported, is attached."""
    casts = p.room.shared.casts
    await casts.refresh()
    one = next(e.character for e in casts.entries() if e.character.name.zh == name)
    data = write_group("茶会", [(replace(one, style=Words(manner)), None, ())], setting=Setting())
    await attach(p.room.shared.memory, by, "茶会.zip", data)


async def test_no_set_brings_a_change_past_those_who_review_it(play):
    """Wherever it is brought: where the maker moderates, and in a private chat."""
    party, other, private = play(), play(), play(private=True)
    await party.say("/阵容 自由")
    await member(party, "/角色 创建 小墨龙 | 来了 | 小龙", "/角色 保存 这里")
    await party.say("/阵容 审核")
    casts = party.room.shared.casts
    (before,) = casts.entries()
    for room in (private, other):
        await changed_set(room, "小墨龙", "骂人的")
        await member(room, "/戏台 导入", "/戏台 保存", moderator=True)
        await casts.refresh()
        assert casts.entry(before.id) == before
    # Somebody who moderates there changes it.
    await changed_set(party, "小墨龙", "文绉绉的", by="test:小明")
    await party.say("/戏台 导入", "/戏台 保存")
    await casts.refresh()
    assert casts.entry(before.id).character.style.zh == "文绉绉的"


@pytest.mark.parametrize(("review", "told"), [("审核", "要先审核"), ("关闭", "不收成员做的角色")])
async def test_who_may_bring_a_set_brings_no_character_past_the_review(play, review, told):
    p = play(permissions=Permissions({"stageset": "everyone"}))
    await p.say(f"/阵容 {review}")
    await attach(p.room.shared.memory, "test:小红", "茶会.zip", group(HATTER))
    assert told in await member(p, "/戏台 导入")
    await member(p, "/戏台 保存")
    assert (p.room.shared.casts.entries(), p.room.scene().cast) == ((), ())
    await p.say("/阵容 自由")
    assert "搬来了" in await member(p, "/戏台 保存")
    # The shipped cast needs nobody's approval.
    q = play(permissions=Permissions({"stageset": "everyone"}))
    await attach(
        q.room.shared.memory,
        "test:小红",
        "西行.zip",
        write_group("西行", [(q.room.shared.cast["wukong"], None, ())]),
    )
    assert "搬来了" in await member(q, "/戏台 保存")


async def test_a_set_that_cannot_come_whole_leaves_all_as_it_was(play, monkeypatch):
    p = play()
    await p.say("/角色 创建 小墨龙 | 来了 | 小龙", "/角色 保存 这里")
    casts = p.room.shared.casts
    (before,) = casts.entries()
    one = replace(before.character, style=Words("文绉绉的"))
    hatter = read(json.dumps(HATTER).encode(), "h.json").characters[0]
    data = write_group("茶会", [(one, blank("y", 8), ()), (hatter, None, ())], setting=Setting())
    await bring(p, data)
    monkeypatch.setattr("bot.memory.characters.MOST_OF_A_PERSON", 1)
    await p.say("/戏台 保存")
    assert "最多" in p.notice
    (after,) = casts.entries()
    assert (after.character, after.face, after.reach) == (before.character, "", before.reach)
    assert await casts.face(before.id) is None
    assert p.room.scene().cast == ()


async def test_nobody_on_stage_and_nothing_attached(play):
    p = play()
    await p.say("/戏台 导出")
    await p.say("/戏台 导入")
    await p.say("/戏台 保存")
    await p.say("/戏台")
    assert p.stage.files == []
    assert len(p.stage.notices) == 4
