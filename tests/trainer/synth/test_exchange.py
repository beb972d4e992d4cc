"""Lessons from and to files of other projects, and mixed by shares."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from characters.card import load_cast
from characters.prompt import Style
from trainer import lessons
from trainer.synth import cli, formats
from trainer.synth.error import FormatError, OptionError
from trainer.synth.exchange import lessons_of, read_lessons
from trainer.synth.formats import Dialogue, Utterance, read
from trainer.synth.mix import read_mix

CAST = load_cast()
ROOT = Path(__file__).resolve().parents[3]


def put(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path


def one(lines: list[Utterance], role: str = "孙悟空", **more: Any) -> dict[str, Any]:
    left: Counter[str] = Counter()
    (row,) = lessons_of([Dialogue(tuple(lines), role, **more)], CAST, source="x", left=left)
    return row


def test_who_has_a_card_is_on_stage_under_it() -> None:
    row = one(
        [
            Utterance("旁白", "天黑了。"),
            Utterance("八戒", "哥啊，饿了。"),
            Utterance("樵夫", "长老。"),
            Utterance("樵夫", "那里去？"),
            Utterance("", "呆子！", own=True),
            Utterance("", "走罢。", own=True),
            Utterance("樵夫", "无人答我。"),
        ]
    )
    assert row["cast"] == ["wukong", "bajie"]
    assert [(t["side"], t["speaker"], t["text"]) for t in row["turns"]] == [
        ("narration", "", "天黑了。"),
        ("character", "bajie", "哥啊，饿了。"),
        ("human", "樵夫", "长老。\n那里去？"),
    ]
    assert row["reply"] == "呆子！\n走罢。"
    assert lessons.Lesson.from_row(row, CAST).spans(Style())


def test_whose_voice_it_is_comes_from_role_system_or_the_command_line() -> None:
    said = (Utterance("", "你是谁"), Utterance("", "我", own=True))
    left: Counter[str] = Counter()
    given = [
        Dialogue(said, "猴哥"),
        Dialogue(said, "", "猪八戒"),
        Dialogue(said, "", "你是沙悟净，流沙河的。"),
        Dialogue(said, "张三"),
        Dialogue(said, "", "孙悟空与猪八戒"),
        Dialogue(said[:1], "悟空"),
    ]
    rows = list(lessons_of(given, CAST, source="x", left=left))
    assert [row["speaker"] for row in rows] == ["wukong", "bajie", "shaseng"]
    assert left == {"nobody with a card is taught": 2, "no reply in it": 1}
    told = lessons_of(given[3:4], CAST, source="x", character=CAST["tangseng"], left=left)
    assert [row["speaker"] for row in told] == ["tangseng"]


def test_a_person_called_like_a_control_text_is_made_safe() -> None:
    row = one([Utterance("<|im_end|>孙:悟空", "你好"), Utterance("", "好", own=True)])
    assert row["turns"][0]["speaker"] not in ("", "孙悟空")
    assert "|" not in row["turns"][0]["speaker"]


FORMATS: dict[str, list[dict[str, Any]]] = {
    "xtuner": [{"conversation": [{"system": "孙悟空", "input": "怕么？", "output": "怕个甚么！"}]}],
    "rolebench": [{"role": "孙悟空", "question": "怕么？", "generated": ["怕个甚么！"], "n": 3}],
    "coser": [
        {
            "conversations": [
                {"from": "system", "value": "x"},
                {"from": "user", "value": "===Conversation Start===\n\n八戒: 怕么？"},
                {"from": "assistant", "value": "怕个甚么！"},
            ],
            "details": {"character": "孙悟空", "plot": "p"},
        }
    ],
}


@pytest.mark.parametrize("name", FORMATS)
def test_imported_lessons_train_and_go_back(name: str, tmp_path: Path, capsys: Any) -> None:
    source = put(tmp_path / "in.jsonl", FORMATS[name])
    assert cli.main(["import", name, str(source), "-o", str(tmp_path / "in"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lessons"] == 1
    (lesson,) = lessons.load(tmp_path / "in", "train", CAST)
    assert (lesson.speaker.id, lesson.reply) == ("wukong", "怕个甚么！")
    back = tmp_path / "back.jsonl"
    assert cli.main(["export", name, str(tmp_path / "in" / "train.jsonl"), "-o", str(back)]) == 0
    (before,), (after,) = read(name, source), read(name, back)
    assert [line.text for line in after.lines if line.own] == ["怕个甚么！"]
    assert after.extra == {**before.extra, **after.extra}
    assert before.extra.items() <= after.extra.items()


@pytest.mark.parametrize("name", [n for n in formats.FORMATS if n != "chatharuhi"])
def test_made_lessons_go_out_in_every_format(name: str, ask: Any, tmp_path: Path) -> None:
    cli.main(ask("qa", "--limit", "6", "--repeats", "1", "--languages", "zh"))
    file = tmp_path / "qa" / "train.jsonl"
    out = tmp_path / "out.jsonl"
    assert cli.main(["export", name, str(file), "-o", str(out)]) == 0
    made = list(read_lessons(file, CAST))
    found = list(read(name, out, "孙悟空"))
    assert len(found) == len(made) > 0
    for dialogue, (lesson, _) in zip(found, made, strict=True):
        assert [line.text for line in dialogue.lines if line.own] == [lesson.reply]
        assert lesson.scene.turns[0].text in dialogue.lines[0].text
        full = f"{lesson.speaker.name.zh}：{lesson.speaker.brief.zh}"
        assert dialogue.system in ("", full, lesson.speaker.name.zh)


def test_a_folder_of_stories_goes_out_and_in(ask: Any, tmp_path: Path) -> None:
    cli.main(ask("continue", "--count", "2", "--characters", "wukong"))
    file, out = tmp_path / "continue" / "train.jsonl", tmp_path / "haruhi"
    cli.main(["export", "chatharuhi", str(file), "-o", str(out)])
    words = ["import", "chatharuhi", str(out), "-o", str(tmp_path / "in"), "--role", "孙悟空"]
    cli.main(words)
    before = [lesson for lesson, _ in read_lessons(file, CAST)]
    after = lessons.load(tmp_path / "in", "train", CAST)
    assert [(x.reply, [t.text for t in x.scene.turns]) for x in after] == [
        (x.reply, [t.text for t in x.scene.turns]) for x in before
    ]


def test_ditto_rows_become_a_benchmark_with_labels(ask: Any, tmp_path: Path, rows_of: Any) -> None:
    cli.main(ask("ditto", "--count", "1", "--languages", "zh", "--characters", "wukong"))
    out = tmp_path / "wiki.jsonl"
    file = next(f for f in (tmp_path / "ditto").glob("*.jsonl") if f.stat().st_size)
    names = [n for n in ("train.jsonl", "held_out.jsonl") if rows_of(tmp_path / "ditto" / n)]
    file = tmp_path / "ditto" / names[0]
    cli.main(["export", "wikiroleeval", str(file), "-o", str(out)])
    (row,) = rows_of(out)
    assert row["rejection_labels"] == [0, 1, 0, 0]
    assert len(row["prompts"]) == len(row["evidence"]) == 4
    assert len(row["role_consist_cands"]) == 4
    assert "孙悟空" in row["role_consist_cands"]
    assert row["meta"]["label"] == "孙悟空"
    assert [message["role"] for message in row["ref_messages"]] == ["user", "assistant"] * 4


def test_what_is_no_lesson_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"x\.jsonl:1: no lesson"):
        list(read_lessons(put(tmp_path / "x.jsonl", [{"id": 1}]), CAST))
    nobody = put(tmp_path / "n.jsonl", [{"instruction": "a", "output": "b"}])
    with pytest.raises(OptionError, match="--character"):
        cli.main(["import", "alpaca", str(nobody), "-o", str(tmp_path / "o")])
    assert not (tmp_path / "o").exists()


# --- mix -------------------------------------------------------------------------------------


def folder_of(path: Path, source: str, count: int) -> Path:
    rows = [
        one([Utterance("甲", f"{source}{n}"), Utterance("", f"答{n}", own=True)])
        | {"source": source}
        for n in range(count)
    ]
    path.mkdir()
    put(path / "train.jsonl", rows)
    put(path / "held_out.jsonl", rows[:1])
    return path


def recipe(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "mix.toml"
    file.write_text(text, "utf-8")
    return file


def test_shares_hold_exactly_and_the_shortest_part_bounds_the_whole(
    tmp_path: Path, capsys: Any
) -> None:
    a, b = folder_of(tmp_path / "a", "a", 100), folder_of(tmp_path / "b", "b", 20)
    file = recipe(
        tmp_path,
        f'seed = 1\n[[part]]\nfolder = "{a}"\nshare = 0.75\nwhy = "x"\n'
        f'[[part]]\nfolder = "{b}"\nshare = 0.25\nwhy = "y"\n',
    )
    words = ["mix", str(file), "-o", str(tmp_path / "out"), "--json"]
    cli.main(words)
    report = json.loads(capsys.readouterr().out)
    assert report["train"] == {"rows": 80, "sources": {"a": 60, "b": 20}, "left": 40}
    first = (tmp_path / "out" / "train.jsonl").read_bytes()
    assert len(lessons.load(tmp_path / "out", "train", CAST)) == 80
    assert lessons.load(tmp_path / "out", "held_out", CAST)
    cli.main(words)
    assert (tmp_path / "out" / "train.jsonl").read_bytes() == first
    file.write_text(file.read_text("utf-8").replace("seed = 1", "seed = 1\nrows = 40"), "utf-8")
    cli.main(words)
    assert len(lessons.load(tmp_path / "out", "train", CAST)) == 40


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rows = ", "cannot be read"),
        ("rows = 1", "part: is missing"),
        ('[[part]]\nfolder = "a"\nshare = 0.5\nwhy = "x"', "add up to 0.5"),
        ('[[part]]\nfolder = "a"\nshare = 1.0\nwhy = ""', "why"),
        ('[[part]]\nfolder = "a"\nshare = 1.0', "must have folder"),
        ('[[part]]\nfolder = "a"\nshare = 2\nwhy = "x"', "0..1"),
        ("colour = 1", "unknown key"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_said_so(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=told):
        read_mix(recipe(tmp_path, text))


def test_the_shipped_recipe_states_shares_and_why() -> None:
    mix = read_mix(ROOT / "trainer" / "synth" / "mix.toml")
    assert sum(part.share for part in mix.parts) == pytest.approx(1)
    assert all(len(part.why) > 30 for part in mix.parts)


def test_a_part_without_lessons_is_named(tmp_path: Path) -> None:
    text = f'[[part]]\nfolder = "{tmp_path / "none"}"\nshare = 1.0\nwhy = "x"\n'
    with pytest.raises(OptionError, match="none: no lessons"):
        cli.main(["mix", str(recipe(tmp_path, text)), "-o", str(tmp_path / "out")])


@pytest.mark.parametrize(
    "reply",
    [
        "<think>他问我是谁。</think>\n俺老孙！",
        "他问我是谁。\n</think>\n\n俺老孙！",
        "<thinking>想</thinking>俺老孙！",
        "<reasoning>想</reasoning>俺老孙！",
        "◁think▷想◁/think▷俺老孙！",
        "<|channel|>analysis<|message|>想<|end|><|start|>assistant<|channel|>final<|message|>俺老孙！",
    ],
)
def test_a_thought_is_no_part_of_a_reply_nor_of_an_earlier_line(reply: str) -> None:
    row = one([Utterance("甲", "你是谁？"), Utterance("", reply, own=True)])
    assert row["reply"] == "俺老孙！"
    earlier = [Utterance("", reply, own=True), Utterance("甲", "再说一遍。")]
    row = one([*earlier, Utterance("", "俺！", own=True)])
    assert row["turns"][0]["text"] == "俺老孙！"


def test_what_a_person_types_is_no_thought() -> None:
    row = one([Utterance("甲", "<think>是什么</think>？"), Utterance("", "不晓得。", own=True)])
    assert row["turns"][0]["text"] == "<think>是什么</think>？"


def test_a_reply_of_nothing_but_a_thought_is_no_lesson() -> None:
    left: Counter[str] = Counter()
    lines = (Utterance("甲", "谁？"), Utterance("", "<think>想</think>", own=True))
    dialogue = Dialogue(lines, "孙悟空")
    assert not list(lessons_of([dialogue], CAST, source="x", left=left))
    assert left == {"no reply in it": 1}


def test_rows_of_the_wild_become_lessons_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    told = {"role": "system", "content": "孙悟空", "name": None}
    said = {"role": "user", "content": "谁", "name": None, "tool_calls": None}
    answer = {"role": "assistant", "content": "<think>想</think>俺\ud83d来", "name": None}
    rows.write_text(json.dumps({"messages": [told, said, answer], "id": None}), encoding="utf-8")
    words = ["import", "messages", str(rows), "-o", str(tmp_path / "out")]
    assert cli.main(words) == 0
    text = (tmp_path / "out" / "train.jsonl").read_text(encoding="utf-8")
    assert json.loads(text)["reply"] == "俺\ufffd来"
    capsys.readouterr()
