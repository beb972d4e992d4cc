"""What is sent as a file: a card, a stage set, a picture for a character that somebody makes."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from bot.casts import Casts
from characters.tavern import read, write_group
from tests.telegram.conftest import World

CARD = {
    "spec": "chara_card_v2",
    "data": {"name": "墨龙", "description": "小龙。", "first_mes": "来也！"},
}


def picture(colour: str = "navy") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(autouse=True)
async def _nothing_made(memory):
    for pattern in ("mrp:1:{cast}:*", "mrp:1:{person:telegram:*}:*"):
        if keys := await memory.redis.keys(pattern):
            await memory.redis.delete(*keys)


async def face_of(world: World) -> Image.Image | None:
    casts = Casts(world.memory, world.cast)
    await casts.refresh()
    (entry,) = casts.entries()
    face = await casts.face(entry.id)
    return Image.open(io.BytesIO(face)) if face else None


async def test_a_card_is_previewed(world: World):
    send, ming = world.server.sends_file, world.ming
    async with world.bot():
        send(world.group, ming, "molong.json", json.dumps(CARD).encode(), "/角色 导入")
        await world.hears("还没有保存")
        send(world.group, ming, "photo.png", b"no card at all", "/角色 导入")
        await world.hears("这张卡读不了：photo.png")
        world.server.says(world.group, ming, "/角色 放弃")
        await world.hears("放弃")


async def test_a_card_alone_is_previewed(world: World):
    async with world.bot():
        data = json.dumps(CARD).encode()
        world.server.sends_file(world.group, world.ming, "molong.json", data)
        await world.hears("还没有保存")


async def test_a_picture_without_a_card_is_nothing(world: World):
    async with world.bot():
        world.server.sends_file(world.group, world.ming, "photo.png", b"no card at all")
        world.server.sends_file(world.group, world.ming, "", picture())
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
    assert not any("读不了" in text or "图像" in text for text in world.texts())
    fetched = [call for call in world.server.calls if call[0] == "file"]
    assert len(fetched) == 1  # of the photo nothing


async def test_a_photo_gives_a_new_character_its_face(world: World):
    says, ming = world.server.says, world.ming
    async with world.bot():
        says(ming, ming, "/角色 创建 小墨龙 | 墨龙来也！ | 一条小龙。")
        await world.hears("还没有保存", ming)
        assert not any("有图像" in text for text in world.texts(ming))
        world.server.sends_file(ming, ming, "", picture())
        await world.hears("有图像", ming)
        says(ming, ming, "/角色 保存 私用")
        await world.hears("小墨龙保存了", ming)
        face = await face_of(world)
        assert face is not None
        assert face.size == (256, 256)
        world.server.sends_file(ming, ming, "", picture("red"), "/角色 修改 小墨龙")
        await world.server.until(lambda: sum("有图像" in t for t in world.texts(ming)) == 2)
        says(ming, ming, "/角色 保存")
        await world.server.until(lambda: sum("保存了" in t for t in world.texts(ming)) == 2)
    new = await face_of(world)
    assert new is not None
    assert new.convert("RGB").tobytes()[0] > 200


async def test_a_photo_while_fields_are_asked_for_is_kept_for_the_end(world: World):
    says, ming = world.server.says, world.ming
    async with world.bot():
        says(ming, ming, "/character create")
        await world.hears("叫什么名字？", ming)
        world.server.sends_file(ming, ming, "", picture())
        await world.hears("图像收下了", ming)
        for answer, asked in (
            ("小墨龙", "登场时说什么？"),
            ("墨龙来也！", "用一句话介绍"),
            ("一条小龙。", "详细介绍"),
            ("/skip", "怎么说话"),
            ("/skip", "别名"),
            ("/skip", "类别"),
            ("/skip", "有图像"),
        ):
            says(ming, ming, answer)
            await world.hears(asked, ming)


async def test_what_is_no_picture_is_said_and_the_rest_is_not_lost(world: World):
    ming = world.ming
    async with world.bot():
        caption = "/角色 创建 小墨龙 | 墨龙来也！ | 一条小龙。"
        world.server.sends_file(ming, ming, "face.jpg", b"no picture", caption)
        await world.hears("那不是图像", ming)
        await world.hears("名字：小墨龙", ming)
        world.server.sends_file(ming, ming, "face.png", b"x" * (9 << 20), caption)
        await world.hears("图像太大：9 MB，最多 8 MB", ming)


async def test_a_stage_set_is_shown_and_brought(world: World):
    ming = world.ming
    one = read(json.dumps(CARD).encode(), "card.json").characters[0]
    async with world.bot():
        data = write_group("荒庙", [(world.cast["wukong"], None, ()), (one, None, ())])
        world.server.sends_file(ming, ming, "荒庙.zip", data)
        await world.hears("墨龙（新）", ming)
        world.server.says(ming, ming, "/戏台 保存")
        await world.hears("搬来了", ming)
        assert any("来也！" in text for text in world.texts(ming))
