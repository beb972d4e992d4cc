"""Who speaks next, measured on a script of our own with an engine that can be told its opinion."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

import mrp
from bot import casting
from characters.card import load_cast
from characters.style import Serving
from engine.echo import EchoEngine
from evaluation import turns

CAST = load_cast()


def row(chapter: int, *lines: tuple[str, str]) -> dict[str, object]:
    said = [
        {"speaker": name, "text": text, "kind": "speech", "confidence": 0.97}
        for name, text in lines
    ]
    return {"id": f"{chapter:03}-001", "chapter": chapter, "turns": said}


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    file = tmp_path / "scenes.jsonl"
    rows = [
        row(1, ("沙僧", "走罢。"), ("唐僧", "走罢。"), ("沙僧", "天晚了。"), ("唐僧", "是。")),
        row(
            5,
            ("孙悟空", "老孙去也！"),
            ("猪八戒", "等等我。"),
            ("孙悟空", "沙师弟，看好担子。"),  # before it: 沙僧 or 悟空; alternation is right
            ("沙僧", "是。"),  # he was called; alternation says 八戒
            ("猪八戒", "走罢。"),  # open; alternation says 悟空
        ),
        row(6, ("孙悟空", "走。"), ("猪八戒", "走。")),
    ]
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    return file


class Opinion(EchoEngine):
    """Finds one name likeliest, by far."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    async def score(
        self,
        tokens: Sequence[int],
        continuations: Sequence[Sequence[int]],
        *,
        room: str = "",
        person: str = "",
        waiting: bool = True,
    ) -> list[float]:
        return [-0.1 if self.name in self.decode(one) else -9.0 for one in continuations]


def test_places_are_where_two_or_more_may_go_on(scenes: Path) -> None:
    found = list(turns.places(scenes, CAST, [5, 6]))
    assert [place.next for place in found] == ["bajie", "wukong", "shaseng", "bajie"]
    assert {c.id for c in found[0].open} == {"bajie", "shaseng"}


def test_the_baselines_choose_among_the_same_people(scenes: Path) -> None:
    often = Counter({"wukong": 9, "bajie": 5, "shaseng": 1})
    found = list(turns.places(scenes, CAST, [5]))
    assert [turns.alternation(place, often) for place in found] == [
        "bajie",  # nobody before: the most frequent
        "wukong",
        "bajie",
        "wukong",
    ]
    assert [turns.most_frequent(place, often) for place in found] == [
        "bajie",
        "wukong",
        "bajie",
        "wukong",
    ]


async def test_calls_decide_before_the_model_and_the_model_where_it_is_open(scenes: Path) -> None:
    engine = Opinion("猪八戒：")
    result = await turns.measure(engine, Serving(), CAST, scenes, [5], casting)
    # 八戒 by opinion; 悟空 as he spoke before the last; 沙僧 as he was called; 八戒 by opinion.
    assert result["n"] == 4
    assert result["asked"] == 0.75
    assert result["accuracy"] == 1.0
    assert result["alternation"] == 0.25
    assert result["random"] == 0.5


async def test_a_wrong_opinion_lowers_the_figure(scenes: Path) -> None:
    result = await turns.measure(Opinion("沙僧："), Serving(), CAST, scenes, [5], casting)
    assert result["accuracy"] == 0.25


async def test_nothing_to_ask_is_said(scenes: Path) -> None:
    with pytest.raises(turns.NothingToAsk, match="chapters"):
        await turns.measure(Opinion(""), Serving(), CAST, scenes, [6], casting)


def test_the_front_door_hands_the_casting_over(capsys, tmp_path) -> None:
    with pytest.raises(SystemExit):
        mrp.main(["evaluate", "turns", "--help"])
    assert "alternation" in capsys.readouterr().out
    assert mrp.main(["evaluate", "turns", "--held-out", "five"]) == 2
    assert "numbers" in capsys.readouterr().err
    assert mrp.main(["evaluate", "turns", "--canon", str(tmp_path)]) == 2
    assert "mrp canon build" in capsys.readouterr().err


def test_evaluation_itself_does_not_import_the_bot() -> None:
    source = Path(importlib.import_module("evaluation.turns").__file__ or "").read_text("utf-8")
    assert "import bot" not in source
    assert "from bot" not in source
