"""A made character's whole life on Discord, on Telegram and in a terminal, over one Redis.

Made in one of the three, it is summoned by its nickname in the two others, which are processes (or
houses with a memory of their own) that had no part in making it; edited, rated, found, exported as
a picture, imported again, and withdrawn while it is on stage in all three.
"""

# slow: a process and two servers for each of three lives

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.casts import Casts, Entry
from bot.house import House
from bot.memory import open_memory
from bot.permissions import Permissions
from characters.fields import as_table
from tests.discord import conftest as on_discord
from tests.fakes.discord_server import FakeDiscord, text_of
from tests.fakes.telegram_server import TelegramServer
from tests.telegram import conftest as on_telegram

ROOT = Path(__file__).parents[2]
FIELDS = {
    "name": "小墨龙", "greeting": "墨龙来也！", "short": "一条爱写字的小龙。",
    "long": "住在砚台里。", "manner": "文绉绉", "nickname": "小墨",
    "categories": "龙", "voice": "低、慢",
}  # fmt: skip
EVERYBODY = Permissions({"character_everywhere": "everyone"})


def picture() -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").resize((300, 200)).convert("RGB").save(out, "JPEG")
    return out.getvalue()


class Hand:
    """Somebody at one platform. `do` says a text and waits until the answers hold others."""

    reply = "知道了：小墨，你好"  # what a character says to 「小墨，你好」

    def shown(self) -> list[str]:
        """All that was ever shown, oldest first; what stood there before stays in its place."""
        raise NotImplementedError

    async def say(self, text: str) -> None:
        raise NotImplementedError

    async def make(self) -> None:
        """Make the character of FIELDS in the platform's own way, until its preview is shown."""
        raise NotImplementedError

    async def give(self, name: str, card: bytes) -> None:
        """Bring a card in, as the platform's people send files."""
        raise NotImplementedError

    async def thumb(self) -> None:
        """Think well of the last line, in the platform's own way."""
        raise NotImplementedError

    def file(self) -> bytes:
        """The newest file that was sent here; b"" before there is one."""
        raise NotImplementedError

    async def do(self, text: str, *answers: str) -> None:
        before = len(self.shown())
        await self.say(text)
        await self.told(before, *answers)

    async def told(self, before: int, *answers: str) -> None:
        def there() -> bool:
            return all(any(a in each for each in self.shown()[before:]) for a in answers)

        await until(there, lambda: f"not {answers} in {self.shown()[before:]}")


async def all_kept(house: House, platform: str) -> None:
    """Wait until all lines that were shown are kept: a thumb on a line that still grows counts for
    nothing."""
    async with asyncio.timeout(60):
        while await house.unfinished(platform):
            await asyncio.sleep(0.01)


async def until(
    condition: Callable[[], Any], why: Callable[[], str] = lambda: "", seconds: float = 60
) -> None:
    last = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < last, why()
        await asyncio.sleep(0.01)


class Discord(Hand):
    def __init__(self, world: on_discord.World, house: House) -> None:
        self.world, self.server, self.house = world, world.server, house

    def _posts(self) -> list[dict[str, Any]]:
        return list(self.server.posts[self.world.channel].values())

    def shown(self) -> list[str]:
        return [text_of(post).replace("\\", "") for post in self._posts()]

    async def say(self, text: str) -> None:
        await self.server.say(self.world.ming, self.world.channel, f"<@{self.server.bot}> {text}")

    async def make(self) -> None:
        call = await self.server.slash(self.world.ming, self.world.channel, "character")
        modal = (await call.acknowledged())["data"]
        long = "\n".join(
            [FIELDS["long"], f"语气：{FIELDS['manner']}", f"别名：{FIELDS['nickname']}",
             f"类别：{FIELDS['categories']}", f"声音：{FIELDS['voice']}"]
        )  # fmt: skip
        before = len(self.shown())
        sent = await self.server.submit(
            self.world.ming, self.world.channel, modal,
            FIELDS["name"], FIELDS["greeting"], FIELDS["short"], long, upload=picture(),
        )  # fmt: skip
        await sent.acknowledged()
        await self.told(before, "试一句：你是谁？", "（有图像）")

    async def give(self, name: str, card: bytes) -> None:
        text = f"<@{self.server.bot}>"
        await self.server.say(self.world.ming, self.world.channel, text, files={name: card})

    async def thumb(self) -> None:
        await all_kept(self.house, "discord")
        line = [post for post in self._posts() if post.get("webhook_id")][-1]
        await self.server.react(self.world.ming, self.world.channel, line["id"], "👍")

    def file(self) -> bytes:
        sent = [data for post in self._posts() for data in (post.get("_files") or {}).values()]
        return sent[-1] if sent else b""


class Telegram(Hand):
    def __init__(self, world: on_telegram.World, house: House) -> None:
        self.world, self.server, self.house = world, world.server, house

    def shown(self) -> list[str]:
        return [m.text for m in self.server.messages[self.world.group].values()]

    async def say(self, text: str) -> None:
        self.server.says(self.world.group, self.world.ming, text)

    async def make(self) -> None:
        asked = iter(
            (
                "登场时说什么",
                "用一句话介绍",
                "详细介绍",
                "怎么说话",
                "别名",
                "类别",
                "试一句：你是谁？",
            )
        )
        await self.do("/character create", "叫什么名字？")
        for key in ("name", "greeting", "short", "long", "manner", "nickname", "categories"):
            await self.do(FIELDS[key], next(asked))
        await self.do(f"/角色 修改 声音：{FIELDS['voice']}", f"声音：{FIELDS['voice']}")

    async def give(self, name: str, card: bytes) -> None:
        self.server.sends_file(self.world.group, self.world.ming, name, card)

    async def thumb(self) -> None:
        await all_kept(self.house, "telegram")
        line = [m for m in self.server.shown(self.world.group) if "+" in m.buttons()][-1]
        self.server.presses(self.world.group, self.world.ming, line.id, "+")

    def file(self) -> bytes:
        sent = [m.content for m in self.server.messages[self.world.group].values() if m.bot]
        return next((content for content in reversed(sent) if content), b"")


class Terminal(Hand):
    reply = "小墨龙：小墨，你好"

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process, self.folder = process, folder
        self._lines: list[str] = []

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self._lines.append(line.decode().rstrip())

    def shown(self) -> list[str]:
        return list(self._lines)

    async def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n".encode())
        await self.process.stdin.drain()

    async def make(self) -> None:
        rows = " | ".join(f"{key}: {text}" for key, text in FIELDS.items())
        await self.do(f"/character create {rows}", "试一句：你是谁？")

    async def give(self, name: str, card: bytes) -> None:
        (self.folder / name).write_bytes(card)
        await self.say(f"/角色 导入 {self.folder / name}")

    async def thumb(self) -> None:
        await self.do("/评价 好", "记下了")

    def file(self) -> bytes:
        sent = sorted(self.folder.glob("c_*.png"), key=lambda path: path.stat().st_mtime_ns)
        return sent[-1].read_bytes() if sent else b""


@contextlib.asynccontextmanager
async def hands(data: Path, folder: Path, cast: Any) -> AsyncIterator[dict[str, Hand]]:
    """The three platforms at once, each with a memory of its own on the same Redis."""
    async with contextlib.AsyncExitStack() as stack:

        async def world(kind: Any, server: Any) -> tuple[Any, House]:
            memory = await open_memory(None, folder=data / "mrp", patience=5)
            stack.push_async_callback(memory.close)
            found = kind(server, cast, memory)
            house = found.house()
            house.shared.permissions = EVERYBODY
            return found, house

        discord = await stack.enter_async_context(FakeDiscord())
        first, here = await world(on_discord.World, discord)
        await stack.enter_async_context(first.bot(here))
        telegram = TelegramServer(pace=200.0)
        await telegram.start()
        stack.push_async_callback(telegram.stop)
        second, there = await world(on_telegram.World, telegram)
        await stack.enter_async_context(second.bot(there))
        left_out = ("REDIS_URL", "MRP_MODEL")
        kept = {k: v for k, v in os.environ.items() if k not in left_out}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mrp", "terminal", "--model", "echo", "--room", "life",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=folder,
            env=kept | {"XDG_DATA_HOME": str(data), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        third = Terminal(process, folder)
        reading = asyncio.create_task(third.read())
        try:
            found = {"discord": Discord(first, here), "telegram": Telegram(second, there)}
            yield {**found, "terminal": third}
            await third.say("/quit")
            assert await asyncio.wait_for(process.wait(), 60) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await reading
        assert (discord.pings, discord.problems, telegram.broken) == ([], [], [])


def told(entry: Entry) -> dict[str, Any]:
    """All fields of a stored character but its id."""
    return as_table(entry.character) | {"id": ""}


def pixels(png: bytes | None) -> Any:
    return None if png is None else Image.open(io.BytesIO(png)).convert("RGBA").tobytes()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("origin", ["discord", "telegram", "terminal"])
async def test_a_life(origin: str, data: Path, tmp_path: Path, cast: Any, memory: Any) -> None:
    casts = Casts(memory, cast)

    async def stored() -> Entry:
        await casts.refresh()
        (entry,) = casts.entries()
        return entry

    async with hands(data, tmp_path, cast) as found:
        maker, others = found.pop(origin), list(found.values())
        all_of_them = [*others, maker]

        # Made in chat, previewed, kept; summoned by its nickname where nobody made it.
        began = time.monotonic()
        await maker.make()
        await maker.do("/角色 保存 处处", "小墨龙保存了（处处）")
        for hand in all_of_them:
            await hand.do("/召唤 小墨", "墨龙来也！")
        assert time.monotonic() - began < 60
        entry = await stored()
        assert entry.owner.startswith(f"{origin}:")
        assert (entry.character.voice.pitch, entry.character.categories) == (-4.0, ("龙",))
        face = await casts.face(entry.id)
        assert (face is not None) == (origin == "discord")

        # It answers and is rated.
        for number, hand in enumerate(all_of_them, 1):
            await hand.do("小墨，你好", hand.reply)
            await hand.thumb()

            async def counted(number: int = number) -> bool:
                return (await casts.popularity.counts([entry.id]))[entry.id].up == number

            last = time.monotonic() + 30
            while not await counted():
                assert time.monotonic() < last
                await asyncio.sleep(0.02)

        # Edited by its maker, found by everybody, with what all thought of it.
        await maker.do("/角色 修改 小墨 | 台词：哼。 / 写得好！", "台词：哼。 / 写得好！")
        await maker.do("/角色 保存", "小墨龙保存了（处处）")
        for hand in all_of_them:
            await hand.do(
                "/发现 爱写字", "小墨龙：一条爱写字的小龙。（👍3 👎0，这里 1 次，一共 3 次）"
            )
            await hand.do(
                "/角色 小墨", "台词：哼。 / 写得好！", "👍 3 👎 0", "登台 3 次，请过的人约 3 位"
            )

        # Out as a picture and in again: of its maker it is that character, and equal.
        entry = await stored()
        await maker.do("/角色 导出 小墨 png", "小墨龙的卡")
        await until(maker.file)
        card = maker.file()
        assert card.startswith(b"\x89PNG")
        before = len(maker.shown())
        await maker.give("molong.png", card)
        await maker.told(before, "还没有保存", "台词：哼。 / 写得好！")
        await maker.do("/角色 保存", "小墨龙保存了（处处）")
        again = await stored()
        assert replace(again, changed=0, face="", record="") == replace(
            entry, changed=0, face="", record=""
        )
        assert pixels(await casts.face(entry.id)) == pixels(face)

        # Nobody else may withdraw it (whoever sits at a terminal runs the bot, and may).
        for hand in others:
            if not isinstance(hand, Terminal):
                await hand.do("/角色 撤下 小墨", "小墨龙不是你做的")

        # Withdrawn while it is on stage: it says goodbye everywhere, and its lines stay.
        await maker.do("/角色 撤下 小墨", "我这就告辞了", "小墨龙撤下了")
        for hand in others:
            await hand.do("还在吗？", "我这就告辞了")
        for hand in all_of_them:
            await hand.do("/前情", "小墨龙：墨龙来也！")
            await hand.do("/召唤 小墨", "没有人叫“小墨”")

        # And in once more, by somebody else: a new character, equal field by field.
        before = len(others[0].shown())
        await others[0].give("molong.png", card)
        await others[0].told(before, "还没有保存")
        await others[0].do("/角色 保存 处处", "小墨龙保存了（处处）")
        new = await stored()
        assert new.id != entry.id
        assert told(new) == told(entry)
        assert pixels(await casts.face(new.id)) == pixels(face)
        await maker.do("/召唤 小墨", "墨龙来也！")
