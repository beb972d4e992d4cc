from __future__ import annotations

import json
from pathlib import Path

import pytest

from canon import Canon, CanonError, Hit, build, read_book
from canon.names import NameTable, Person
from evaluation.cli import main
from evaluation.search import is_hit, measure, read_rows

NOVEL = "".join(
    f"# 第{n}回\n{text}\n"
    for n, text in (
        ("一", "阿青在松溪桥下棋，输了铜铃。鹿先生道：“铜铃与我。”阿青道：“给不得！”" * 3),
        ("二", "石伯在家煮粥，走水烧了灶屋。石伯叫道：“火！火！”阿青道：“快打水！”" * 3),
    )
)
QUESTIONS: list[dict[str, object]] = [
    {
        "question": "下棋输了铜铃没有？",
        "lang": "zh",
        "character": "阿青",
        "evidence": [{"chapter": 1, "quote": "输了铜铃"}],
    },
    {
        "question": "灶屋起火了吗？",
        "lang": "zh",
        "evidence": [{"chapter": 1, "quote": "烧了灶屋"}],
    },
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search") / "novel.txt"
    path.write_text(NOVEL, encoding="utf-8")
    build(read_book(path), NameTable(people=(Person("阿青"),)), path.parent / "canon")
    return path.parent / "canon"


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_hit_needs_the_whole_quote_in_the_right_chapter() -> None:
    hit = Hit(3, 0, 9, "他输了\n铜铃。", (), 1.0)
    assert is_hit([hit], [{"chapter": 3, "quote": "输了铜铃"}])
    assert not is_hit([hit], [{"chapter": 4, "quote": "输了铜铃"}])
    assert not is_hit([hit], [{"chapter": 3, "quote": "他输了铜铃与鹿"}])


def test_recall_is_counted_by_language(folder: Path) -> None:
    result = measure(Canon.open(folder), QUESTIONS, [], 5)
    # The second question's evidence names a chapter in which the quote does not stand.
    assert result["recall"]["zh"] == {"questions": 2, "recall": 0.5}
    assert result["misses"] == ["灶屋起火了吗？"]


def test_questions_without_an_answer_are_counted_by_kind(folder: Path) -> None:
    unknown = [{"question": "你有手机吗？", "kind": "anachronism", "as_of_chapter": 1}]
    result = measure(Canon.open(folder), QUESTIONS, unknown, 5)
    assert result["unknown"] == {"anachronism": {"questions": 1, "nothing_fits": 1, "late": 0}}


def test_the_last_line_is_one_json_object(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    qa = write(tmp_path / "qa.jsonl", list(QUESTIONS))
    assert main(["search", "--qa", str(qa), "--canon", str(folder), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert result["k"] == 5
    assert result["recall"]["zh"]["questions"] == 2


def test_a_novel_is_built_for_the_measurement_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    novel = tmp_path / "novel.txt"
    novel.write_text(NOVEL, encoding="utf-8")
    qa = write(tmp_path / "qa.jsonl", list(QUESTIONS))
    assert main(["search", "--qa", str(qa), "--novel", str(novel)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["novel.txt", "qa.jsonl"]
    capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "message"), [("", "no questions"), ("{}", "line 1"), ("nonsense", "line 1")]
)
def test_a_broken_question_file_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "qa.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CanonError, match=message):
        read_rows(path, ("question",))
    with pytest.raises(CanonError, match="no file"):
        read_rows(tmp_path / "nowhere", ("question",))
