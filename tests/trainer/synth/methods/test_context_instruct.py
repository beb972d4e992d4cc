"""Context-Instruct."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.trainer.synth.methods.folders import Rows, Words, dropped, made
from trainer.synth import cli


def test_only_high_confidence_is_kept_and_once(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    def answer(body: dict[str, Any]) -> str:
        items = body["response_format"]["json_schema"]["schema"]["properties"]["items"]
        sure, unsure = items["items"]["properties"]["confidence"]["enum"]
        zh = sure == "高"
        made = [
            ("你在花果山住了多少年？" if zh else "How long did you live on the mountain?", sure),
            ("你在花果山住了多少年呢？" if zh else "How long did you live on that mountain?", sure),
            ("你的汽车是什么颜色？" if zh else "What colour is your car?", unsure),
        ]
        reply = "三五百年罢了。" if zh else "Three hundred years."
        rows = [{"question": q, "why": "…", "confidence": c, "answer": reply} for q, c in made]
        return json.dumps({"items": rows})

    script.answer = answer
    cli.main(ask("context-instruct", "--count", "1", "--characters", "wukong"))
    rows = made(tmp_path, "context-instruct", rows_of)
    assert [row["turns"][0]["text"] for row in rows] == [
        "你在花果山住了多少年？",
        "How long did you live on the mountain?",
    ]
    assert rows[0]["provenance"]["confidence"] == "高"
    assert rows[0]["provenance"]["why"] == "…"
    reasons = [row["reason"] for row in dropped(tmp_path, "context-instruct", rows_of)]
    assert sorted(set(reasons)) == ["low confidence", "near duplicate"]
    low = next(r for r in dropped(tmp_path, "context-instruct", rows_of) if "low" in r["reason"])
    assert (low["confidence"], low["why"]) == ("低", "…")


def test_an_exemplar_and_a_line_of_the_scene_are_no_questions_of_its_own(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    asked = {
        "林黛玉初进荣国府时几岁？带了谁来？": "copied from an exemplar",
        "猪八戒：罢了！罢了！这一去有个打杀的情了！": "is no question",
        "你在花果山住了多少年？": "",
    }
    script.answer = lambda body: json.dumps(
        {
            "items": [
                {"question": one, "why": "…", "confidence": "高", "answer": f"老孙晓得{n}。"}
                for n, one in enumerate(asked)
            ]
        }
    )
    words = ("--count", "1", "--characters", "wukong", "--languages", "zh")
    cli.main(ask("context-instruct", *words))
    rows = made(tmp_path, "context-instruct", rows_of)
    assert [row["turns"][0]["text"] for row in rows] == ["你在花果山住了多少年？"]
    reasons = {r["question"]: r["reason"] for r in dropped(tmp_path, "context-instruct", rows_of)}
    for one, reason in list(asked.items())[:2]:
        assert reasons[one] == reason


def test_ten_questions_a_role_without_a_scene_and_exemplars_of_other_works(
    ask: Words, script: Any
) -> None:
    cli.main(ask("context-instruct", "--count", "1", "--characters", "wukong", "--languages", "zh"))

    def most(body: dict[str, Any]) -> int:
        schema = body["response_format"]["json_schema"]["schema"]["properties"]["items"]
        return int(schema["maxItems"])

    # Both are asked at once, and arrive in either order.
    based, agnostic = sorted(script.bodies, key=most)
    assert most(agnostic) == 10
    assert agnostic["messages"][0]["content"].count("[") - 1 >= 6
    assert based["messages"][0]["content"].count("林黛玉") >= 2
    assert "孙悟空：" in based["messages"][1]["content"]
