"""The questions for others."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

import mrp
from canon import build, read_book
from canon.names import NameTable, Person, Term
from evaluation.asks import exam_options, fingerprint, prepare
from evaluation.error import EvaluationError

SELF = {
    "孙悟空": "老孙便是，老孙一棒打去，呆子快走。",
    "唐僧": "贫僧稽首，徒弟啊，善哉善哉。",
    "猪八戒": "老猪在此，哥啊，老猪肚里饿了。",
    "沙僧": "二哥，大哥，师父在那里，我沙僧在此。",
}


def test_questions_for_others_and_their_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = tmp_path / "asks.jsonl"
    assert mrp.main(["evaluate", "asks", "--quick", "-o", str(asked)]) == 0
    rows = [json.loads(line) for line in asked.read_text("utf-8").splitlines()]
    assert {row["messages"][-1]["role"] for row in rows} == {"user"}
    answers = tmp_path / "answers.jsonl"
    answers.write_text(
        "\n".join(json.dumps({"id": r["id"], "text": SELF[r["character"]]}) for r in rows)
    )
    capsys.readouterr()
    words = ["evaluate", "report", str(answers), "--quick", "-o", str(tmp_path / "r"), "--json"]
    assert mrp.main(words) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["scores"]["knows itself"]["mean"] == 1


def test_a_book_tells_what_its_world_does_not_have(tmp_path: Path) -> None:
    novel = tmp_path / "novel.txt"
    novel.write_text("# 第一回\n孙悟空道：“师父，好水！”唐僧道：“善哉。”\n", encoding="utf-8")
    table = NameTable(people=(Person("孙悟空"), Person("唐僧")))
    build(read_book(novel), table, tmp_path / "canon")
    args = argparse.ArgumentParser()
    exam_options(args)
    plain = prepare(args.parse_args(["--quick"])).asks
    told = prepare(args.parse_args(["--quick", "--canon", str(tmp_path / "canon")])).asks
    words = {ask.id: ask.unheard for ask in told if ask.unheard}
    assert words["unknown/wukong/0/0"] == ("微信",)
    assert {name.partition("/")[0] for name in words} == {"unknown"}
    # 猪八戒 and 沙僧 are not in this book; without one the table that ships has all four.
    assert {name.split("/")[1] for name in words} == {"wukong", "tangseng"}
    unread = {ask.id for ask in plain if ask.unheard}
    assert {name.split("/")[1] for name in unread} == {"wukong", "tangseng", "bajie", "shaseng"}
    for bare in (
        (replace(ask, unheard=()) for ask in plain),
        (replace(ask, passages=()) for ask in plain),
    ):
        assert fingerprint(list(bare)) != fingerprint(plain)


def test_facts_are_told_as_of_the_chapter_in_which_it_is_asked(tmp_path: Path) -> None:
    (tmp_path / "unknown.toml").write_text(
        """
        [[unknown]]
        character = "wukong"
        kind = "premise"
        question.zh = "你的钉耙呢？"
        forbidden.zh = ["丢"]
        [[unknown]]
        character = "wukong"
        kind = "future"
        as_of = 20
        question.zh = "你同牛魔王的芭蕉扇打得怎么样？"
        forbidden.zh = ["铁扇"]
        [[unknown]]
        character = "wukong"
        kind = "future"
        question.zh = "那芭蕉扇是谁的？"
        forbidden.zh = ["铁扇"]
        """,
        encoding="utf-8",
    )
    args = argparse.ArgumentParser()
    exam_options(args)
    words = ["--questions", str(tmp_path), "--characters", "wukong"]
    told = {ask.question: ask.passages for ask in prepare(args.parse_args(words)).asks}
    assert any("猪八戒的兵器" in fact for fact in told["你的钉耙呢？"])
    assert any("扇" in fact for fact in told["那芭蕉扇是谁的？"])
    assert not any("扇" in fact for fact in told["你同牛魔王的芭蕉扇打得怎么样？"])


def test_what_comes_later_is_not_heard_of_when_it_is_asked(tmp_path: Path) -> None:
    novel = tmp_path / "novel.txt"
    novel.write_text(
        "# 第一回\n孙悟空道：“好水！”\n# 第二回\n唐僧道：“到了盘丝洞。”\n", encoding="utf-8"
    )
    table = NameTable(people=(Person("孙悟空"), Person("唐僧")), places=(Term("盘丝洞"),))
    build(read_book(novel), table, tmp_path / "canon")
    rows = [
        f"""
        [[unknown]]
        character = "wukong"
        kind = "future"
        as_of = {at}
        question.zh = "盘丝洞在哪里？{at}"
        forbidden.zh = ["山"]
        """
        for at in (1, 2, 0)
    ]
    (tmp_path / "unknown.toml").write_text("".join(rows), encoding="utf-8")
    args = argparse.ArgumentParser()
    exam_options(args)
    words = ["--questions", str(tmp_path), "--characters", "wukong"]
    asks = prepare(args.parse_args([*words, "--canon", str(tmp_path / "canon")])).asks
    told = {ask.question[-1]: ask.unheard for ask in asks if ask.part == "unknown"}
    assert told == {"1": ("盘丝洞",), "2": (), "0": ()}


def test_a_chapter_is_a_number(tmp_path: Path) -> None:
    (tmp_path / "unknown.toml").write_text(
        """
        [[unknown]]
        character = "wukong"
        kind = "future"
        as_of = "soon"
        question.zh = "后来呢？"
        forbidden.zh = ["扇"]
        """,
        encoding="utf-8",
    )
    args = argparse.ArgumentParser()
    exam_options(args)
    with pytest.raises(EvaluationError, match=r"unknown\.toml.*number 1.*as_of.*soon"):
        prepare(args.parse_args(["--questions", str(tmp_path)]))
