from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from canon import Canon
from canon.ranking import RANKING
from evaluation.answerable import (
    UNKNOWN,
    learn,
    made_from,
    main,
    with_other_names,
    with_strangers,
    written,
)

ROWS = [
    {
        "question": "你在灶屋煮粥，石伯说什么？",
        "lang": "zh",
        "character": "阿青",
        "evidence": [{"chapter": 2, "quote": "烧了灶屋"}],
    },
    {
        "question": "鹿先生下棋赢了什么？",
        "lang": "zh",
        "character": "石伯",
        "evidence": [{"chapter": 1, "quote": "输了铜铃"}],
    },
]


def test_questions_without_an_answer_are_made_from_those_with_one(search_folder: Path) -> None:
    made = made_from(Canon.open(search_folder), ROWS, random.Random(1))
    kinds = {one.kind for one in made}
    assert {"answerable", "strangers", "another asked"} <= kinds
    assert all(one.answered == (one.kind == "answerable") for one in made)
    assert [one.character for one in made if one.kind == "another asked"] == ["石伯"]
    assert {one.last for one in made if one.answered} == {0, 1, 2}
    assert all(one.last == 1 for one in made if one.kind == "too early")


def test_names_are_replaced(search_folder: Path) -> None:
    canon = Canon.open(search_folder)
    dice = random.Random(0)
    others = {with_other_names(canon, "阿青下棋", dice) for _ in range(20)}
    assert "石伯下棋" in others
    assert with_other_names(canon, "谁下棋", dice) == "谁下棋"
    strange = with_strangers(canon, "阿青下棋", dice)
    assert "阿青" not in strange
    assert strange.endswith("下棋")


def test_learning_tells_apart_and_turns_few_away() -> None:
    dice = np.random.default_rng(0)
    good = np.column_stack([dice.normal(3, 1, 400), np.ones(400)])
    bad = np.column_stack([dice.normal(0, 1, 400), np.ones(400)])
    answered = np.arange(800) < 400
    weights = learn(np.vstack([good, bad]), answered)
    assert ((good @ weights) <= 0).mean() == pytest.approx(0.035, abs=0.005)
    assert ((bad @ weights) <= 0).mean() > 0.7


def test_the_projects_own_questions_are_for_characters_by_name() -> None:
    asked = list(written(UNKNOWN))
    assert {one.kind for one in asked} == {"modern", "elsewhere", "premise", "future"}
    assert all(one.last > 0 for one in asked if one.kind == "future")
    assert not any(one.answered for one in asked)


def test_the_weights_are_written_for_the_kind_of_book(
    search_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qa = tmp_path / "qa.jsonl"
    qa.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    out = tmp_path / "ranking.toml"
    shutil.copy(RANKING, out)
    # Our own are about another book.
    monkeypatch.setattr("evaluation.answerable.UNKNOWN", tmp_path / "unknown.toml")
    (tmp_path / "unknown.toml").write_text("unknown = []\n", encoding="utf-8")
    assert main(["--qa", str(qa), "--canon", str(search_folder), "-o", str(out)]) == 0
    before, after = (path.read_text(encoding="utf-8") for path in (RANKING, out))
    assert before.partition("[plain]")[0] == after.partition("[plain]")[0]
    assert before != after
