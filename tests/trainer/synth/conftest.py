"""A scripted OpenAI-compatible endpoint on 127.0.0.1, and a made-up book as a canon folder."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from canon import build, read_book, read_table

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "models" / "xiyou-mini.gguf"

# Enough characters that two random lines share few of them, and none that a check looks for.
LETTERS = (
    "山水云风雪月花树石桥路灯酒饭茶马鞍刀枪棍棒衣帽鞋袜门窗墙瓦炉火烟柴米面油盐酱醋糖果桃李梅杏"
    "松竹兰菊鹤鹿虎狼狐兔鸡鸭鱼虾蟹龟江河湖海城镇村庙塔寺钟鼓笛箫琴棋书画金银铜铁锡木土日夜早晚"
)
WORDS = ["stone", "river", "cloud", "lantern", "bridge", "winter", "apple", "horse", "candle"]


def sentence(key: str, language: str = "zh", length: int = 18) -> str:
    """A line that belongs to a key and is like no other."""
    dice = random.Random(key)
    if language == "en":
        return " ".join(dice.sample(WORDS, 4)).capitalize() + f" {dice.randrange(10**4)}."
    return "".join(dice.sample(LETTERS, length)) + "。"


def filled(schema: dict[str, Any], key: str, language: str, place: int = 0) -> Any:
    """A value of a JSON schema: choices in turn, the most items, random lines."""
    if "enum" in schema:
        return schema["enum"][place % len(schema["enum"])]
    if schema["type"] == "string":
        line = sentence(key, language)
        asked = re.search(r"/(?:question|known|unknown|premise)(?:/\d+)?$", key)
        return line[:-1] + ("？" if language == "zh" else "?") if asked else line
    if schema["type"] == "array":
        most = range(schema["maxItems"])
        return [filled(schema["items"], f"{key}/{n}", language, n) for n in most]
    properties = schema["properties"].items()
    return {name: filled(part, f"{key}/{name}", language, place) for name, part in properties}


def schema_of(body: dict[str, Any]) -> dict[str, Any]:
    return body["response_format"]["json_schema"]["schema"]


def prompt_of(body: dict[str, Any]) -> str:
    return "\n".join(message["content"] for message in body["messages"])


def usual(body: dict[str, Any]) -> str:
    """An answer of the shape asked for, in the language asked in."""
    text = prompt_of(body)
    language = "zh" if "只输出JSON" in text else "en"
    key = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return json.dumps(filled(schema_of(body), key, language), ensure_ascii=False)


class Script:
    """What the endpoint was asked, and what it shall say. `answer` gives a text, or (status, body)
    or (status, body, headers); `hang` leaves the n-th request without an answer."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answered: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], Any] = usual
        self.hang: int | None = None
        self.hanging = threading.Event()
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        if self.hang is not None and len(self.bodies) > self.hang:
            self.hanging.set()
            await asyncio.sleep(60)
        said = self.answer(body)
        if not isinstance(said, str):
            status, told, *headers = said
            return web.json_response(told, status=status, headers=headers[0] if headers else {})
        self.answered.append(body)
        return web.json_response(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": said},
                    }
                ],
                "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
            }
        )


@pytest.fixture
def script() -> Iterator[Script]:
    """The endpoint, in a thread of its own, for commands that run a loop of their own."""
    made = Script()
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", made.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        made.url = f"http://127.0.0.1:{port}/v1"
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield made
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


def _novel() -> str:
    """Four chapters in which the leads talk; one quote a chapter has a speaker no rule can tell."""
    chapters = []
    for number, name in enumerate("一二三四", start=1):
        lines = [f"第{name}回　行路第{name}程\n"]
        for scene in range(3):
            key = f"{number}-{scene}"
            lines += [
                f"　　却说师徒四众行到第{name}山。三藏对行者道：“悟空，{sentence(key + 'a')}”"
                f"行者道：“师父，{sentence(key + 'b')}”",
                f"　　八戒对行者道：“哥啊，{sentence(key + 'c')}”"
                f"行者笑道：“呆子，{sentence(key + 'd')}”沙僧道：“二哥，{sentence(key + 'e')}”",
                f"　　八戒道：“兄弟，{sentence(key + 'f')}”三藏道：“徒弟，{sentence(key + 'g')}”",
            ]
        lines += [
            "　　忽听得山坡上有人叫道：“" + sentence(f"{number}-lost") + "”"
            f"行者道：“你是何人？{sentence(str(number) + 'h')}”",
        ]
        chapters.append("\n".join(lines))
    return "\n".join(chapters) + "\n"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up book's canon folder, read with the shipped alias table."""
    path = tmp_path_factory.mktemp("book") / "book.txt"
    path.write_text(_novel(), encoding="utf-8")
    table = read_table(ROOT / "canon" / "books" / "xiyouji.toml")
    build(read_book(path), table, path.parent / "canon")
    return path.parent / "canon"


@pytest.fixture
def ask(script: Script, folder: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """The command line of a method against the script."""

    def words(method: str, *more: str, out: str = "") -> list[str]:
        common = ["--model", "scripted", "--url", script.url, "--characters", "wukong,bajie"]
        place = ["-o", str(tmp_path / (out or method)), "--canon", str(folder)]
        return [method, *place, *common, "--json", "--leave-out", "3", *more]

    return words


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.fixture(name="rows_of")
def _rows_of() -> Callable[[Path], list[dict[str, Any]]]:
    return rows_of


@pytest.fixture(name="usual")
def _usual() -> Callable[[dict[str, Any]], str]:
    return usual


@pytest.fixture(name="sentence")
def _sentence() -> Callable[..., str]:
    return sentence
