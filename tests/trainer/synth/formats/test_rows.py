"""Rows of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainer.synth.error import FormatError
from trainer.synth.formats import Dialogue, Utterance, read, write
from trainer.synth.formats.rows import read_rows


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    lonely = Dialogue((Utterance("", "只有我", own=True),), "孙悟空")
    with pytest.raises(FormatError):
        write("chatharuhi-54k", tmp_path / "out.jsonl", [lonely])
    assert list(tmp_path.iterdir()) == []


def test_null_is_absent_wherever_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"instruction": "你是谁？", "input": null, "output": "俺老孙", "system": null,'
        ' "history": [["师父呢？", null], [null, "在前面。"]],'
        ' "extra": {"a": null, "b": [null, 1]}}\n',
        encoding="utf-8",
    )
    ((_, row),) = read_rows(file)
    assert "input" not in row
    assert row["extra"] == {"b": [None, 1]}
    (one,) = read("alpaca", file)
    assert [line.text for line in one.lines] == ["师父呢？", "在前面。", "你是谁？", "俺老孙"]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("messages", {"messages": [{"role": "user", "content": "谁", "name": None}, None]}),
        ("sharegpt", {"system": None, "conversations": [{"from": "gpt", "value": "俺"}]}),
        ("xtuner", {"conversation": [{"system": None, "input": "谁", "output": "俺"}]}),
        ("rolebench", {"role": "悟空", "question": "谁", "generated": ["俺"], "note": None}),
        ("wikiroleeval", {"system": None, "prompts": ["谁"], "messages": None, "meta": None}),
        ("chatharuhi-54k", {
            "user_role": "甲", "user_question": "谁", "agent_role": "乙", "agent_response": "俺",
            "user_role_nick_name": None, "more_dialogues": None,
        }),
        ("coser", {
            "conversations": [{"from": "assistant", "value": "俺"}], "details": None,
        }),
    ],
)  # fmt: skip
def test_every_format_takes_null_for_what_a_row_may_lack(
    name: str, row: dict[str, object], tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert list(read(name, file, "乙"))


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_kept(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"a\\ud800": ["俺\\ud83d来", "\\ud83d\\ude00"]}\n', encoding="utf-8")
    ((_, row),) = read_rows(file)
    assert row == {"a\ufffd": ["俺\ufffd来", "😀"]}


@pytest.mark.parametrize("depth", [70, 5_000, 200_000])
@pytest.mark.parametrize("pair", ["[]", ('{"a":', "}")])
def test_nesting_that_nobody_needs_is_refused_in_a_sentence(
    depth: int, pair: str | tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    inner = pair[0] * depth + ("1" if pair[0] != "[" else "") + pair[1] * depth
    file.write_text(f'{{"messages": {inner}}}\n', encoding="utf-8")
    with pytest.raises(FormatError, match=r"rows\.jsonl:1: is nested more than 64 levels"):
        list(read_rows(file))
