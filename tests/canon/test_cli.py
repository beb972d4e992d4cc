from __future__ import annotations

import json
from pathlib import Path

import pytest

from canon.cli import main
from canon.error import CanonError


def last(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_build_ends_with_its_counts(
    tmp_path: Path, novel: Path, names: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["build", str(novel), "-o", str(tmp_path / "c"), "--names", str(names), "--json"]
    assert main(words) == 0
    counts = last(capsys)
    assert counts["sections"] == 3
    assert counts["quotes"] == 23


def test_build_without_a_table_says_where_the_names_are(
    tmp_path: Path, novel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(novel), "-o", str(tmp_path / "c")]) == 0
    assert "names.toml" in capsys.readouterr().err.replace("\n", "")
    assert (tmp_path / "c" / "names.toml").read_text(encoding="utf-8").startswith("# Names")


def test_quotes_are_one_object_a_line(
    novel: Path, names: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quotes", str(novel), "--names", str(names), "--jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    keys = ["section", "start", "end", "quote", "speaker", "addressee", "kind", "confidence"]
    assert all(list(row) == keys for row in rows)
    text = novel.read_text(encoding="utf-8").split("# ")[1]
    assert text[rows[0]["start"]] == "“"


def test_search_ends_with_passages_and_whether_anything_fits(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["search", "下棋输了铜铃", "--canon", str(folder), "--character", "aqing"]
    assert main([*words, "--as-of", "2", "-k", "2", "--json"]) == 0
    found = last(capsys)
    assert list(found) == ["passages", "nothing_fits"]
    assert found["nothing_fits"] is False
    passages = found["passages"]
    assert isinstance(passages, list)
    assert list(passages[0]) == ["section", "start", "end", "text", "speakers", "score"]
    assert all(passage["section"] <= 2 for passage in passages)


def test_search_can_be_read_by_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "手机", "--canon", str(folder)]) == 0
    assert "nothing fits" in capsys.readouterr().out


def test_stats_counts_lines_and_shows_some(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stats", "--canon", str(folder), "--show", "3", "--json"]) == 0
    lines = last(capsys)["lines"]
    assert isinstance(lines, dict)
    assert lines["石伯"] == 7


@pytest.mark.parametrize(
    "words",
    [
        ["search", "x", "--canon", "nowhere"],
        ["build", "nowhere.txt", "-o", "out"],
        ["quotes", "nowhere.txt"],
    ],
)
def test_bad_input_is_an_error_for_the_person(words: list[str]) -> None:
    with pytest.raises(CanonError) as caught:
        main(words)
    assert caught.value.for_user
    assert "nowhere" in str(caught.value)


def test_a_quotes_run_over_a_silent_book_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "silent.txt"
    path.write_text("# 一\n他走了。\n# 二\n他来了。\n", encoding="utf-8")
    with pytest.raises(CanonError, match="no quotes"):
        main(["quotes", str(path)])
