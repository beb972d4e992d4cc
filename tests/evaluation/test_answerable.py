from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from canon import Canon, build, read_book
from canon.events import Event
from canon.names import NameTable, Person
from canon.nothing import HOLDS, SIGNS
from canon.ranking import RANKING, ranking
from evaluation.answerable import (
    FALSE,
    TRUE,
    UNKNOWN,
    Asked,
    learn,
    learned,
    made_from,
    main,
    refused,
    statements,
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
    weights = learn(np.vstack([good, bad]), answered, away=0.035)
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


EVENTS = (
    Event(1, "鹿先生下棋赢了阿青三个铜铃", "The deer wins three bells of Aqing at chess"),
    Event(2, "石伯煮粥烧了灶屋", "Old Shi burns the kitchen down"),
    Event(2, "下了一场大雪", "Snow falls"),
)


def test_statements_are_told_truly_and_falsely(search_folder: Path) -> None:
    canon = Canon.open(search_folder)
    told = [one for seed in range(20) for one in statements(canon, EVENTS, random.Random(seed))]
    assert {one.kind for one in told} == {TRUE, FALSE}
    assert all(one.answered == (one.kind == TRUE) and one.character for one in told)
    true = {(one.text, one.character) for one in told if one.answered}
    assert ("鹿先生下棋赢了你三个铜铃", "阿青") in true
    assert ("你煮粥烧了灶屋", "石伯") in true
    assert not any("雪" in one.text for one in told)  # names nobody
    # No false one says of anybody what a true one does.
    assert not true & {(one.text, one.character) for one in told if not one.answered}
    assert any("三个" not in one.text and "铜铃" in one.text for one in told if not one.answered)


def test_a_model_learns_from_statements_and_sets_its_threshold_by_questions() -> None:
    at = SIGNS.index("astray")
    pairs = []
    for number in range(200):
        signs = [1.0] * len(SIGNS)
        kind = ("answerable", TRUE, FALSE, FALSE)[number % 4]
        signs[at] = {"answerable": 0.2, TRUE: 0.3, FALSE: 0.9}[kind] + number / 10000
        pairs.append((Asked("", "", 0, kind, kind != FALSE), signs))
    weights = learned([*pairs, (pairs[0][0], None)], HOLDS, away=0.1)
    turned = {
        kind: sum(refused(its, HOLDS, weights) for one, its in pairs if one.kind == kind)
        for kind in ("answerable", TRUE, FALSE)
    }
    assert turned == {"answerable": 5, TRUE: 50, FALSE: 100}
    assert not refused([0.0] * len(SIGNS), HOLDS, np.array([]))


def test_premises_are_learned_from_a_novel_with_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    novel = tmp_path / "novel.txt"
    novel.write_text(
        "# 第一回\n阿青与鹿先生下棋，石伯道：“你输了铜铃。”阿青道：“我输了。”\n"
        "# 第二回\n石伯在灶屋煮粥，石伯道：“烧了灶屋！”阿青道：“快跑！”\n",
        encoding="utf-8",
    )
    table = NameTable(
        people=(Person("阿青", en=("Aqing",)), Person("石伯", en=("Shi",)), Person("鹿先生")),
        events=EVENTS * 4,
    )
    monkeypatch.setattr("evaluation.answerable.table_of", lambda book: table)
    monkeypatch.setattr("evaluation.answerable.UNKNOWN", tmp_path / "unknown.toml")
    (tmp_path / "unknown.toml").write_text("unknown = []\n", encoding="utf-8")
    build(read_book(novel), table, tmp_path / "canon")
    qa, out = tmp_path / "qa.jsonl", tmp_path / "ranking.toml"
    qa.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    shutil.copy(RANKING, out)
    asked = ["--qa", str(qa), "--canon", str(tmp_path / "canon"), "--novel", str(novel)]
    assert main([*asked, "-o", str(out)]) == 0
    assert FALSE in capsys.readouterr().out
    monkeypatch.setattr("canon.ranking.RANKING", out)
    ranking.cache_clear()
    try:
        assert len(ranking(noted=True).holds) == len(HOLDS)
        assert ranking(noted=False).holds == ()  # only for books with notes
    finally:
        ranking.cache_clear()
