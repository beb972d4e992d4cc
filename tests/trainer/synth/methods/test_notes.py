"""Notes on what happens in a book: a search finds by them what the book words otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mrp
from canon import Canon, build, read_book
from canon.events import read_events
from canon.lexicon import Lexicon
from canon.names import NameTable, read_table
from tests.trainer.synth.methods.folders import Rows, Words, dropped, made
from trainer.synth import cli
from trainer.synth.methods.notes import refused, windows

CARDS = Path(__file__).parents[4] / "canon" / "books" / "xiyouji.toml"


def test_windows_hold_the_whole_book_in_whole_sentences(folder: Path) -> None:
    book = Canon.open(folder)
    for longest in (60, 200, 10_000):
        cut = list(windows(book, longest))
        for chapter in book.chapters():
            texts = "".join(w.text for w in cut if w.chapter == chapter.number)
            assert "".join(texts.split()) == "".join(book.text(chapter.number).split())
        assert all(len(w.text) <= max(longest, 70) for w in cut)
        for window in cut:
            first, _, last = window.where.partition("…")
            assert window.text.startswith(first)
            assert window.text.endswith(last)


def test_what_is_noted_finds_what_the_book_words_otherwise(
    ask: Words, script: Any, tmp_path: Path, rows_of: Rows, folder: Path
) -> None:
    def answer(body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        told = {
            "zh": ["说到一件无关紧要的小事情"],
            "en": ["Nothing of note"],
            "questions": ["为何如此呢这件事"],
        }
        if "第三回" in text:
            told["zh"] = ["孙悟空在超级市场排队买苹果"]
            told["en"] = ["Monkey queues in a supermarket"]
        return json.dumps(told, ensure_ascii=False)

    script.answer = answer
    words = [word for word in ask("notes") if word not in ("--characters", "wukong,bajie")]
    assert mrp.main(["canon", *words]) == 0
    rows = made(tmp_path, "notes", rows_of)
    assert {row["chapter"] for row in rows} == {1, 2, 3, 4}, "nobody learns to speak from notes"
    assert {r["reason"] for r in dropped(tmp_path, "notes", rows_of)} == {"near duplicate"}
    novel = folder.parent / "book.txt"
    noted = tmp_path / "canon"
    file = tmp_path / "notes" / "notes.jsonl"
    assert len(read_events(file)) == len(rows)
    assert mrp.main(["canon", "build", str(novel), "-o", str(noted), "--notes", str(file)]) == 0
    for question in ("谁在超级市场排队？", "Who stood in a supermarket queue?"):
        plain = Canon.open(folder).search(question)
        found = Canon.open(noted).search(question)
        assert found.passages[0].section == 3
        assert found.passages[0].score > max((hit.score for hit in plain.passages), default=0)


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("told", "悟空打死了一只老虎", ""),
        ("english", "Wukong kills a tiger", ""),
        ("told", "Wukong kills a tiger", "in another language"),
        ("english", "悟空打死了一只老虎", "in another language"),
        ("told", "打虎", "says nothing"),
        ("told", "那大圣道我不曾打死那只斑斓猛虎也", "copies what it read"),
        ("told", "悟空和牛魔王打死了老虎", "names somebody who is not there"),
    ],
)
def test_what_is_refused(kind: str, text: str, why: str) -> None:
    lexicon = Lexicon(read_table(CARDS))
    read = "那大圣道我不曾打死那只斑斓猛虎也"
    assert refused(kind, text, read, lexicon, {"孙悟空"}) == why


def test_a_note_stands_where_it_says(tmp_path: Path) -> None:
    """With words of the place it is laid there, also in a traditional edition, and nowhere else."""
    filler = "".join(f"却说那人走过第{n}座山，又渡过第{n}条河，并无一事。" for n in range(40))
    text = f"第一回　开头\n{filler}他道：“這壺酒甚好。”{filler}末了道：“歇了罷。”\n"
    novel = tmp_path / "b.txt"
    novel.write_text(text, encoding="utf-8")
    notes = tmp_path / "n.jsonl"
    for where in ("這壺酒甚好", "他道：“…甚好。”", ""):
        row = {"chapter": 1, "told": "夸奖饮料", "english": "praise of a drink", "where": where}
        notes.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
        table = NameTable("b", (), (), (), (), (), read_events(notes))
        build(read_book(novel), table, tmp_path / "canon")
        hit = Canon.open(tmp_path / "canon").search("praise of a drink", k=1).passages[0]
        if where:
            assert "這壺酒甚好" in hit.text


def test_a_dry_run_asks_nothing(ask: Words, script: Any, tmp_path: Path) -> None:
    cli.main(ask("notes", "--dry-run"))
    assert script.bodies == []
    assert not (tmp_path / "notes").exists()
