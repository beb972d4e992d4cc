"""General talk and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.trainer.synth.methods.folders import Rows, Words, dropped, made
from trainer.synth import cli


def test_every_refusal_has_its_control(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, usual: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        if "不要推说不知" in body["messages"][0]["content"] and body["seed"] % 2:
            return json.dumps({"reply": "这个我却不知道。"})
        return usual(body)

    script.answer = answer
    cli.main(ask("general", "--languages", "zh"))
    rows = made(tmp_path, "general", rows_of)
    ids = {row["id"] for row in rows}
    refusals = [row for row in rows if row["provenance"]["part"] == "refusal"]
    assert refusals
    assert all(row["id"].replace("-refusal-", "-control-") in ids for row in refusals)
    assert {row["provenance"]["label"] for row in refusals} == {"unknown"}
    reasons = {row["reason"] for row in dropped(tmp_path, "general", rows_of)}
    assert reasons == {"declines what it knows", "its control was dropped"}


def test_a_refusal_that_explains_the_thing_is_dropped(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    script.answer = lambda body: json.dumps({"reply": "拨个号码便是。"})
    cli.main(ask("general", "--languages", "zh", "--characters", "wukong", "--limit", "1"))
    (one,) = dropped(tmp_path, "general", rows_of)
    assert one["reason"] == "gives away: 号码"


def test_general_answers_are_told_again(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    chat = tmp_path / "chat.json"
    rows = [
        {"instruction": "雨从哪里来？", "input": "", "output": "水汽升空，凝成雨滴。"},
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
    ]
    chat.write_text(json.dumps(rows), "utf-8")
    cli.main(ask("general", "--chat", str(chat), "--characters", "wukong"))
    told = [row for row in made(tmp_path, "general", rows_of) if "retell" in row["id"]]
    assert sorted(row["turns"][0]["text"] for row in told) == ["Hi", "雨从哪里来？"]
    assert {row["provenance"]["sources"][0] for row in told} == {"chat:chat.json"}
    assert any("水汽升空" in body["messages"][0]["content"] for body in script.bodies)
