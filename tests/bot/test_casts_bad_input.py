"""What cannot become a character, by every way in: one sentence, nothing kept, the room goes on."""

import base64
import io
import json
import zipfile

import pytest
from PIL import Image

from bot.casts import Casts
from bot.memory.attached import attach
from bot.memory.sketches import sketch_of
from characters.tavern import write

MING = "test:小明"
DATA = {"name": "小墨龙", "description": "一条小龙。", "first_mes": "来也！"}
CARD = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": DATA,
}


def picture(kind="PNG"):
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(out, kind)
    return out.getvalue()


def card(**data):
    return json.dumps(CARD | {"data": DATA | data}).encode()


def zipped(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "../").replace("_", "."), content)
    return out.getvalue()


def in_picture(text):
    from characters.tavern.pictures import with_texts

    broken = with_texts(picture(), {"chara": b"x"}, "x")
    return broken.replace(base64.b64encode(b"x"), text) if text else broken


BOMB = zipped(card_json=b'{"a":"' + b" " * (80 << 20) + b'"}')
FILES = {
    # what its name says it is not
    "picture.png": b"no picture at all",
    "photo.png": picture("JPEG"),
    "plain.png": picture(),
    "cut.png": picture()[:40],
    "page.json": b"<!doctype html><script>alert(1)</script>",
    "picture.json": picture()[:30] + b"\xff" * 30,
    "text.charx": b"once upon a time",
    "photo.charx": zipped(a_jpg=picture("JPEG")),
    "empty.json": b"",
    "nothing.json": b"   ",
    # a card whose insides are not what they say
    "list.json": b"[1, 2]",
    "number.json": b"5",
    "nan.json": b'{"name": "a", "description": NaN, "first_mes": "x"}',
    "deep.json": b"[" * 5000 + b"]" * 5000,
    "name.json": card(name={"a": 1}),
    "nameless.json": card(name=""),
    "greeting.json": card(first_mes=["a"]),
    "data.json": json.dumps(CARD | {"data": []}).encode(),
    "long.json": card(description="长" * 100_000),
    "broken.png": in_picture(b"!!!"),
    "alias.yaml": b"a: &a [x]\nname: *a\ndescription: *a\nfirst_mes: b\n",
    "tag.yaml": b"name: !!python/object:os.system x\ndescription: b\nfirst_mes: c\n",
    "bomb.charx": BOMB,
    "out.charx": zipped(card_json=card(), __evil_png=picture()),
}


@pytest.fixture
async def party(play):
    party = play(["好。"])
    await party.say("/召唤 悟空")
    return party


async def nothing_kept(party, memory, cast):
    casts = Casts(memory, cast)
    await casts.refresh()
    assert casts.entries() == ()
    assert await sketch_of(memory, MING) is None


@pytest.mark.parametrize("name", FILES)
async def test_a_file_that_is_not_what_it_says_is_named_in_one_sentence(party, memory, cast, name):
    await attach(memory, MING, name, FILES[name])
    notices = len(party.stage.notices)
    await party.say("/角色 导入")
    (told,) = party.stage.notices[notices:]
    assert told.startswith((f"这张卡读不了：{name}", "还不行（")), told
    assert len(told) < 400
    assert "\n" not in told.strip()
    assert "Traceback" not in told
    await nothing_kept(party, memory, cast)
    await party.say("悟空，你好。")
    assert party.lines[-1] == ("孙悟空", "好。")


@pytest.mark.parametrize(
    "name", ["悟空", "孫 悟 空", "Ｗｕｋｏｎｇ", "Monkey King", "老猪", "旁白"]
)
async def test_a_name_that_is_somebodys_here_is_refused_by_every_way_in(party, memory, cast, name):
    refused = "已经是" if name != "旁白" else "不能当名字"
    # typed, as a nickname, changed into, asked for step by step, in a card and as its nickname
    await party.say(f"/角色 创建 {name} | 来了 | 小龙")
    assert refused in party.notice
    await party.say(f"/角色 创建 小墨龙 | 来了 | 小龙 | 别名：{name}")
    assert refused in party.notice
    await party.say("/角色 创建", name)
    assert refused in party.notice
    await party.say("/取消")
    for given in (card(name=name), card(nickname=name)):
        await attach(memory, MING, "card.json", given)
        await party.say("/角色 导入")
        assert refused in party.notice
    await nothing_kept(party, memory, cast)
    await party.say("/角色 创建 小墨龙 | 来了 | 小龙", f"/角色 修改 名字：{name}")
    assert refused in party.notice
    await party.say("/角色 保存 这里", "/召唤 小墨龙")
    assert party.lines[-1] == ("小墨龙", "来了")


@pytest.mark.parametrize("key", ["简介", "详情", "语气", "开场白", "台词", "别名", "名字"])
async def test_a_text_of_a_hundred_thousand_characters_is_refused_with_its_length(
    party, memory, cast, key
):
    text = "长" * 100_000
    await party.say(f"/角色 创建 小墨龙 | 来了 | 小龙 | {key}：{text}")
    assert "100" in party.notice
    assert len(party.notice) < 300
    await nothing_kept(party, memory, cast)


async def test_one_that_is_withdrawn_by_another_process_says_goodbye_in_every_room(
    play, memory, cast
):
    """Whoever is heard next there, by talk or an order; once; and its lines stay."""
    rooms = [play(["好。"]) for _ in range(4)]
    elsewhere = Casts(memory, cast)
    await rooms[0].say("/角色 创建 小墨龙 | 来了 | 小龙", "/角色 保存 这里")
    for room in rooms:
        room.room.view.place = rooms[0].room.view.place
        await room.say("/召唤 小墨龙、悟空", "小墨龙，你好。")
    (entry,) = rooms[0].room.shared.casts.entries()
    await elsewhere.withdraw(entry.id)
    said = ["小墨龙，还在吗？", "/轮到 悟空", "/自演 2", "/重说"]
    for room, text in zip(rooms, said, strict=True):
        await room.say(text, "悟空，你说。")
        texts = [text for name, text in room.lines if name == "小墨龙"]
        assert texts[-1] == "我这就告辞了，诸位保重。"
        assert texts[:2] == ["来了", "好。"]
        assert [c.id for c in room.room.scene().cast] == ["wukong"]
        await room.say("/前情")
        assert "小墨龙：好。" in room.notice


async def test_what_was_exported_and_spoiled_on_the_way_is_refused(party, memory, cast):
    """Any byte of a picture that changed is noticed, or does no harm."""
    whole = write(next(iter(cast)), format="png")
    for at in range(0, len(whole), len(whole) // 40):
        spoiled = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        await attach(memory, MING, "x.png", spoiled)
        await party.say("/角色 导入")
        assert "还没有保存" not in party.notice, at
        await nothing_kept(party, memory, cast)
