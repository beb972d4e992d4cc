"""The book's own dialogue."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.trainer.synth.methods.folders import Rows, Words, dropped, made
from trainer.synth import cli


def lost(sentence: Callable[..., str], chapter: int) -> str:
    return sentence(f"{chapter}-lost")


def test_a_quote_that_is_not_in_the_book_is_refused(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, sentence: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        item = body["response_format"]["json_schema"]["schema"]["properties"]["lines"]["items"]
        quotes = item["properties"]["quote"]["enum"]
        found = [{"quote": q, "speaker": "猪八戒"} for q in quotes if q == lost(sentence, 1)]
        return json.dumps({"lines": [*found, {"quote": "老孙没说过这话。", "speaker": "孙悟空"}]})

    script.answer = answer
    cli.main(ask("dialogue"))
    reasons = [row["reason"] for row in dropped(tmp_path, "dialogue", rows_of)]
    # Where the book has marks only what stands between them can be named at all.
    assert any("none of the choices" in reason for reason in reasons)
    for row in made(tmp_path, "dialogue", rows_of):
        assert "老孙没说过" not in json.dumps(row, ensure_ascii=False)


def test_what_the_rules_cannot_tell_the_teacher_tells(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, sentence: Callable[..., str]
) -> None:
    def answer(body: dict[str, Any]) -> str:
        item = body["response_format"]["json_schema"]["schema"]["properties"]["lines"]["items"]
        quotes = item["properties"]["quote"]["enum"]
        mine = [q for q in quotes if q in [lost(sentence, n) for n in (1, 2, 4)]]
        return json.dumps({"lines": [{"quote": q, "speaker": "猪八戒"} for q in mine]})

    script.answer = answer
    cli.main(ask("dialogue"))
    rows = made(tmp_path, "dialogue", rows_of)
    assert {row["provenance"]["section"] for row in rows} == {1, 2, 4}, "3 is held out"
    for row in rows:
        spans = row["provenance"]["spans"]
        assert any(taught for *_, taught in spans)
        text = json.dumps(row, ensure_ascii=False)
        assert lost(sentence, row["provenance"]["section"]) in text


def test_a_plain_tag_outweighs_the_teacher(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    def answer(body: dict[str, Any]) -> str:
        item = body["response_format"]["json_schema"]["schema"]["properties"]["lines"]["items"]
        quotes = item["properties"]["quote"]["enum"]
        return json.dumps({"lines": [{"quote": q, "speaker": "猪八戒"} for q in quotes]})

    script.answer = answer
    cli.main(ask("dialogue"))
    reasons = {row["reason"] for row in dropped(tmp_path, "dialogue", rows_of)}
    assert "the tag says another: 孙悟空" in reasons
    for row in made(tmp_path, "dialogue", rows_of):
        for turn in [*row["turns"], {"speaker": row["speaker"], "text": row["reply"]}]:
            if turn["text"].startswith(("师父，", "呆子，", "你是何人")):
                assert turn["speaker"] == "wukong"


def test_a_book_without_marks_is_read_too(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows
) -> None:
    novel = tmp_path / "plain.txt"
    novel.write_text(
        "第一回 起程\n孙悟空说走罢走罢。猪八戒说老猪走不动了。\n第二回 歇脚\n孙悟空说到了到了。\n",
        "utf-8",
    )
    said = [
        {"quote": "走罢走罢", "speaker": "孙悟空"},
        {"quote": "老猪走不动了", "speaker": "猪八戒"},
        {"quote": "师父等等我", "speaker": "猪八戒"},
    ]
    script.answer = lambda body: json.dumps({"lines": said})
    cli.main(ask("dialogue", "--novel", str(novel)))
    (row,) = made(tmp_path, "dialogue", rows_of)
    assert [turn["text"] for turn in row["turns"]] == ["走罢走罢"]
    assert (row["speaker"], row["reply"]) == ("bajie", "老猪走不动了")
    reasons = [r for r in dropped(tmp_path, "dialogue", rows_of) if r.get("quote") == "师父等等我"]
    assert {row["reason"] for row in reasons} == {"not in the book"}
