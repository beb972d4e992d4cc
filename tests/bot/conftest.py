"""Rooms for tests: a real embedded Redis, a scripted engine, and a stage that writes down."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection
from redis.crc import key_slot

from bot.drafts import Pace
from bot.memory import Memory, open_memory
from bot.room import Room, Shared
from bot.stage import Line, Message
from bot.voice import Voice
from canon import Canon, build, read_book
from canon.names import NameTable, Person, Scope
from characters.card import Cast, Language, load_cast
from characters.prompt import Style
from characters.style import Serving
from engine.echo import EchoEngine
from engine.sequence import Engine
from engine.shapes import SHAPES, write

_numbers = itertools.count()


class Script:
    """A stage that writes down what is shown: `lines` of characters, `notices` of the house."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.notices: list[str] = []
        self.snapshots: list[str] = []
        self.withdrawn: list[str] = []
        self.done: list[Line] = []
        self.files: list[tuple[str, bytes]] = []
        self.on_show: Callable[[str], None] = lambda text: None

    def pace(self) -> Pace:
        return Pace()

    async def notice(self, text: str, *, to: str = "", secret: bool = False) -> None:
        self.notices.append(text)

    async def show(self, line: Line) -> tuple[str, ...]:
        self.snapshots.append(line.text)
        if not line.done:
            self.on_show(line.text)
            return ()
        self.done.append(line)
        self.lines.append((line.speaker.name[line.language], line.text))
        return (f"place of {line.id}",)

    async def attach(self, name: str, data: bytes) -> str:
        self.files.append((name, data))
        return ""

    async def withdraw(self, line_id: str, places: Sequence[str]) -> None:
        self.withdrawn.append(line_id)


class Play:
    """A room with its stage; `say` is a message of 小明, or of somebody else."""

    def __init__(self, room: Room, stage: Script, engine: Any, prompts: list[str]) -> None:
        self.room = room
        self.stage = stage
        self.engine = engine  # an EchoEngine where no real one was asked for
        self.prompts = prompts

    async def say(self, *texts: str, by: str = "小明") -> Script:
        for text in texts:
            await self.room.hear(Message(f"test:{by}", by, text, moderator=True))
        return self.stage

    @property
    def notice(self) -> str:
        """The last thing the house said."""
        return self.stage.notices[-1] if self.stage.notices else ""

    @property
    def lines(self) -> list[tuple[str, str]]:
        return self.stage.lines


@pytest.fixture(scope="session")
def cast() -> Cast:
    return load_cast()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory):
    """One XDG_DATA_HOME for all tests that do not break their server."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real GGUF whose weights are noise, and whose metadata does not say how to ask it."""
    path = tmp_path_factory.mktemp("model") / "random.gguf"
    write(path, SHAPES["tiny"], template="")
    return path


@pytest.fixture
async def memory(data) -> AsyncIterator[Memory]:
    # MRP_TEST_REDIS=redis://… tries another server; everything that it holds is erased.
    opened = await open_memory(os.environ.get("MRP_TEST_REDIS"), folder=data / "mrp", patience=5)
    await opened.redis.flushall()  # 小明 is somebody else in each test
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def _one_slot_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test has the memory do: each command and each transaction touches one slot."""
    pack, pack_all = AbstractConnection.pack_command, AbstractConnection.pack_commands

    def look(words: Iterable[Any]) -> None:
        keys = [str(word) for word in words if str(word).startswith("mrp:")]
        slots = {key_slot(key.encode()) for key in keys}
        assert len(slots) < 2, f"keys of several slots: {keys}"

    def pack_command(self: AbstractConnection, *args: Any) -> Any:
        look(args)
        return pack(self, *args)

    def pack_commands(self: AbstractConnection, commands: Iterable[Any]) -> Any:
        whole = [tuple(command) for command in commands]
        together = bool(whole) and whole[0][0] == "MULTI"
        for words in [itertools.chain.from_iterable(whole)] if together else whole:
            look(words)
        return pack_all(self, whole)

    monkeypatch.setattr(AbstractConnection, "pack_command", pack_command)
    monkeypatch.setattr(AbstractConnection, "pack_commands", pack_commands)


@pytest.fixture(scope="session", autouse=True)
def _one_server(data):
    """Keep the embedded server alive between tests; stop it at the end."""
    keeper = asyncio.new_event_loop()
    opened = keeper.run_until_complete(open_memory(None, folder=data / "mrp"))
    yield
    keeper.run_until_complete(opened.close())
    keeper.close()


@pytest.fixture
def stage() -> Script:
    return Script()


@pytest.fixture
def play(cast: Cast, memory: Memory):
    """Makes rooms: `play(script)` where the script is what `EchoEngine` takes."""

    def make(
        script=None,
        *,
        name: str | None = None,
        context: int = 2**20,
        delay: float = 0.0,
        served: Serving | None = None,
        seed: int | None = None,
        language: Language | None = None,
        real: Engine | None = None,
        **more: Any,
    ) -> Play:
        prompts: list[str] = []
        lines = itertools.cycle(script) if isinstance(script, list) else None

        def answer(prompt: str) -> str:
            if "<|im_start|>system\n把下面的对话" in prompt:  # asked for a summary
                return ""
            prompts.append(prompt)
            said = next(lines) if lines else script(prompt) if script else "知道了。"
            if isinstance(said, Exception):
                raise said
            return said

        engine = real or EchoEngine(answer, context=context, delay=delay)
        stage = Script()
        voice = Voice(engine, served or Serving(style=Style(cards="brief")), seed=seed)
        ours = {key: more.pop(key) for key in list(more) if key not in ("private", "limited")}
        room = Room(
            "test",
            name or f"room {next(_numbers)}",
            Shared(cast, voice, memory, **ours),
            stage,
            language=language,
            **more,
        )
        return Play(room, stage, engine, prompts)

    return make


BOOK = """第一回　灵根育孕源流出

悟空道：“老孙在花果山水帘洞做了三百年美猴王，天天吃仙桃。”众猴大喜。

第二回　高老庄收八戒

八戒道：“老猪在高老庄做女婿，耕田耙地，饭量极大。”高太公叹气。

第三回　火焰山借扇

悟空道：“牛魔王的芭蕉扇藏在翠云山芭蕉洞里，铁扇公主不肯借。”土地在旁听着。
"""


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """A book of three chapters, opened."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "novel.txt").write_text(BOOK, encoding="utf-8")
    novel = read_book(folder / "novel.txt")
    people = tuple(Person(name, scopes=(Scope((name, name[1:])),)) for name in ("孙悟空", "猪八戒"))
    build(novel, NameTable(people=people), folder / "canon")
    return Canon.open(folder / "canon")
