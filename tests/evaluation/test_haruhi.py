"""ChatHaruhi's prompt in the examination: the canon is quoted, its held-out chapters never."""

from __future__ import annotations

from pathlib import Path

import pytest

from canon import build, read_book
from canon.names import NameTable, Person
from characters.card import load_cast
from characters.haruhi import CLOSE
from characters.style import Serving
from characters.turn import Scene, Turn
from engine.echo import EchoEngine
from evaluation.haruhi import renderer
from evaluation.subject import Ask, EngineSubject

NOVEL = """# 第一回　问水
唐僧道：“悟空，这水吃得么？”孙悟空道：“这水有毒，吃不得！”唐僧道：“知道了。”
# 第二回　再问
唐僧道：“悟空，那水可吃得？”孙悟空道：“第二回的水吃得。”
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("haruhi") / "novel.txt"
    path.write_text(NOVEL, encoding="utf-8")
    table = NameTable(people=(Person("孙悟空"), Person("唐僧")))
    build(read_book(path), table, path.parent / "canon")
    return path.parent / "canon"


async def test_the_book_is_quoted_but_not_what_is_asked_for(folder: Path) -> None:
    cast = load_cast()
    seen: list[str] = []

    def script(prompt: str) -> str:
        seen.append(prompt)
        return f"吃不得！{CLOSE}\n唐僧:「知道了。{CLOSE}"

    wukong = cast["wukong"]
    ask = Ask("a", "book", "a", Scene((wukong,), (Turn("小明", "悟空，这水吃得么？"),)), wukong, 1)
    subject = EngineSubject(
        EchoEngine(script, context=30_000),
        Serving(),
        render=renderer(folder, cast, [2]),
        closing=CLOSE,
    )
    answers = await subject.answer([ask])
    assert answers["a"].text == "吃不得！"
    assert answers["a"].finish == "end"
    assert "孙悟空:「这水有毒，吃不得！」" in seen[0]
    assert "第二回的水" not in seen[0]
    assert seen[0].endswith("孙悟空:「")
