"""A card that is sent as a file: a preview, or the order beside it."""

from __future__ import annotations

import json
import time

import pytest
from telegram import Bot, File

from tests.telegram.conftest import World

CARD = {
    "spec": "chara_card_v2",
    "data": {"name": "墨龙", "description": "小龙。", "first_mes": "来也！"},
}
FILES = {"molong.json": json.dumps(CARD).encode(), "photo.png": b"no card at all"}


@pytest.fixture
def send(world: World, monkeypatch: pytest.MonkeyPatch):
    """Sends a file with or without a caption."""

    async def get_file(self: Bot, file_id: str, **options: object) -> File:
        return File(file_id, "u", file_path=file_id)

    async def download(self: File, *args: object, **options: object) -> bytearray:
        return bytearray(FILES[self.file_id])

    for kind in (Bot, *Bot.__subclasses__()):
        monkeypatch.setattr(kind, "get_file", get_file)
    monkeypatch.setattr(File, "download_as_bytearray", download)

    def send(name: str, caption: str | None = None) -> None:
        server = world.server
        document = {"file_id": name, "file_unique_id": "u", "file_name": name}
        message = {
            "message_id": server._next(), "date": int(time.time()),
            "chat": server._chat(world.group), "from": server.people[world.ming],
            "document": document | {"file_size": len(FILES[name])},
        }  # fmt: skip
        if caption:
            message["caption"] = caption
        for account in server._hearing(world.group, caption or "/x", None, None):
            server._update(account, {"message": message})

    return send


async def test_a_card_is_previewed(world: World, send):
    async with world.bot():
        send("molong.json")
        await world.hears("还没有保存")
        send("photo.png", "/角色 导入")
        await world.hears("这张卡读不了：photo.png")
        world.server.says(world.group, world.ming, "/角色 放弃")
        await world.hears("放弃")


async def test_a_picture_without_a_card_is_nothing(world: World, send):
    async with world.bot():
        send("photo.png")
        world.server.says(world.group, world.ming, "/summon 悟空")
        await world.hears("孙悟空")
    assert not any("读不了" in text for text in world.texts())
