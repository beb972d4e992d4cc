"""A card that is sent as a file: a preview, or the order beside it; talk with a picture is talk."""

from __future__ import annotations

import io
import json

import discord
import pytest
from PIL import Image

from tests.discord.conftest import World

CARD = {
    "spec": "chara_card_v2",
    "data": {"name": "墨龙", "description": "小龙。", "first_mes": "来也！"},
}


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "navy").save(out, "JPEG")
    return out.getvalue()


FILES = {
    "face.jpg": picture(),
    "broken.jpg": b"no picture",
    "molong.json": json.dumps(CARD).encode(),
    "photo.png": b"no card at all",
    "w.json": json.dumps({"name": "西域", "entries": {}}).encode(),
}


@pytest.fixture
def send(world: World, monkeypatch: pytest.MonkeyPatch):
    """Sends a message with a file."""
    names: list[str] = []
    made = world.server._message

    def message(channel, author, body, **more):
        found = made(channel, author, body, **more)
        if names:
            name = names.pop()
            url = f"http://127.0.0.1:1/{name}"
            file = {
                "id": "7",
                "filename": name,
                "size": len(FILES[name]),
                "url": url,
                "proxy_url": url,
            }
            found["attachments"] = [file]
        return found

    async def read(self: discord.Attachment, **options: object) -> bytes:
        return FILES[self.filename]

    monkeypatch.setattr(world.server, "_message", message)
    monkeypatch.setattr(discord.Attachment, "read", read)

    async def send(text: str, name: str) -> None:
        names.append(name)
        await world.server.say(world.ming, world.channel, text)

    return send


async def told(world: World, text: str) -> None:
    def there() -> bool:
        return any(text in said.replace("\\", "") for _, said in world.server.said(world.channel))

    await world.server.until(there)


async def test_a_card_is_previewed_and_kept(world: World, send):
    async with world.bot():
        await send(f"<@{world.server.bot}>", "molong.json")
        await told(world, "还没有保存")
        await world.server.say(world.ming, world.channel, f"<@{world.server.bot}> /角色 放弃")
        await told(world, "放弃")


async def test_a_file_without_a_card_is_said_to_have_none(world: World, send):
    async with world.bot():
        await send(f"<@{world.server.bot}>", "photo.png")
        await told(world, "没有角色卡")
        await send(f"<@{world.server.bot}> /角色 导入", "photo.png")
        await told(world, "这张卡读不了：photo.png")


async def test_beside_talk_a_file_is_nothing(world: World, send):
    async with world.bot():
        await send(f"<@{world.server.bot}> /召唤 八戒", "photo.png")
        await world.lines_until(1)
        await send("八戒，看这个", "molong.json")
        assert (await world.lines_until(2))[1][1] == "知道了：八戒，看这个"


async def test_an_attached_picture_is_the_face_of_a_character_that_is_made(world: World, send):
    me = f"<@{world.server.bot}>"
    async with world.bot():
        await send(me, "face.jpg")
        await told(world, "我只读得懂文字")  # nobody is making anything
        await send(f"{me} /角色 创建 小墨龙 | 墨龙来也！ | 一条小龙。", "broken.jpg")
        await told(world, "那不是图像")
        await told(world, "名字：小墨龙")
        assert not any("有图像" in said for _, said in world.server.said(world.channel))
        await send(me, "face.jpg")
        await told(world, "有图像")
        await world.server.say(world.ming, world.channel, f"{me} /角色 放弃")
        await told(world, "放弃")


async def test_who_is_asked_for_fields_answers_without_a_mention(world: World, send):
    """Words, a picture, and what is left out; also where nobody is on stage."""
    async with world.bot():
        await world.server.say(world.ming, world.channel, f"<@{world.server.bot}> /角色 创建")
        await told(world, "叫什么名字")
        await world.server.say(world.ming, world.channel, "小墨龙")
        await told(world, "登场时说什么")
        await send("", "face.jpg")
        await told(world, "图像收下了")
        for answer in ("墨龙来也！", "一条小龙。"):
            await world.server.say(world.ming, world.channel, answer)
        for _ in range(4):
            await world.server.say(world.ming, world.channel, "/跳过")
        await told(world, "有图像")
