"""Ditto."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from characters.card import load_cast
from characters.prompt import Style
from tests.trainer.synth.methods.folders import Rows, Words, dropped, made
from trainer.lessons import Lesson
from trainer.synth import cli

CAST = load_cast()


def queries(body: dict[str, Any]) -> bool:
    return "known" in body["response_format"]["json_schema"]["schema"]["properties"]


DETAILS = [
    "侦探",
    "作曲",
    "丞相",
    "王子",
    "梁山",
    "通话",
    "机器",
    "火车",
    "货币",
    "物理",
    "航海",
    "宝玉",
]


def test_evidence_is_read_by_the_teacher_and_not_by_the_student(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    cli.main(ask("ditto", "--count", "2", "--languages", "zh", "--characters", "wukong"))
    rows = made(tmp_path, "ditto", rows_of)
    assert len(rows) == 2
    for row in rows:
        labels = row["provenance"]["turns"]
        assert [one["label"] for one in labels] == ["known", "unknown", "known", "premise"]
        assert len(row["turns"]) + 1 == 2 * len(labels), "one pair's questions are one talk"
        text = "".join(span.text for span in Lesson.from_row(row, CAST).spans(Style(cards="brief")))
        for one in labels:
            if one["evidence"]:
                assert one["evidence"] not in text
        assert row["passages"] == []
        assert CAST["wukong"].persona.zh not in text, "the brief card stands before it"
    known = [
        body
        for body in script.bodies
        if not queries(body) and "资料：" in body["messages"][0]["content"]
    ]
    assert known
    evidence = rows[0]["provenance"]["turns"][0]["evidence"]
    assert any(evidence in body["messages"][0]["content"] for body in known)


def test_a_denial_that_gives_it_away_is_dropped_and_known_ones_go_with_it(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        text = body["messages"][0]["content"]
        if not queries(body) and "从没听说过" in text:
            return json.dumps({"reply": f"不认得那个{'、'.join(DETAILS)}。"})
        if not queries(body) and "问题里有错" in text:
            return json.dumps({"reply": ""})
        return usual(body)

    script.answer = answer
    cli.main(ask("ditto", "--count", "3", "--languages", "zh", "--characters", "wukong"))
    assert made(tmp_path, "ditto", rows_of) == []
    reasons = {row["reason"].split(":")[0] for row in dropped(tmp_path, "ditto", rows_of)}
    assert {"gives away", "too few unknown beside it"} <= reasons


def test_what_is_no_question_is_dropped_and_the_strangers_is_replaced(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    said = "孙悟空是东胜神洲花果山的仙石所生，拜菩提祖师学得七十二变"

    def answer(body: dict[str, Any]) -> str:
        value = json.loads(usual(body))
        if queries(body):
            value |= {"known": [said, "你在天上原是甚么官？"], "unknown": said}
        return json.dumps(value)

    script.answer = answer
    cli.main(ask("ditto", "--count", "1", "--languages", "zh", "--characters", "wukong"))
    (row,) = made(tmp_path, "ditto", rows_of)
    labels = [one["label"] for one in row["provenance"]["turns"]]
    assert labels == ["unknown", "known", "premise"]
    assert all(said not in turn["text"] for turn in row["turns"])
    faults = [one for one in dropped(tmp_path, "ditto", rows_of) if one["question"] == said]
    assert {one["label"] for one in faults} == {"known", "unknown"}
    assert {one["reason"] for one in faults} == {"is no question"}


def test_records_are_evidence_and_strangers(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    records = tmp_path / "records"
    records.mkdir()
    own = {
        "label": "齐天大圣",
        "description": "石猴",
        "claims": [["兵器", "如意金箍棒"], ["住处", "水帘洞"]],
    }
    other = {"meta": {"label": "李白", "description": "唐代诗人", "claims": [["友人", "杜甫"]]}}
    (records / "a.json").write_text(json.dumps([own, other]), "utf-8")
    words = ("--records", str(records), "--languages", "zh", "--characters", "wukong")
    cli.main(ask("ditto", "--count", "1", *words))
    (row,) = made(tmp_path, "ditto", rows_of)
    assert row["provenance"]["sources"] == ["record:a.json:1", "stranger:李白"]
    assert "如意金箍棒" in row["provenance"]["turns"][0]["evidence"]
    unknown = row["turns"][2]["text"]
    assert "李白" in unknown
