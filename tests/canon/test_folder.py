from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canon import Canon, build, read_book, read_table
from canon.error import FolderUnreadable, NoQuotes
from canon.names import NameTable


def test_the_card_tells_what_was_built(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["kind"] == "canon"
    assert card["title"] == "白鹿"
    assert card["sections"] == 3
    assert card["scenes"] == len((folder / "scenes.jsonl").read_text("utf-8").splitlines())


def test_a_build_that_fails_leaves_the_old_folder_as_it_was(
    tmp_path: Path, novel: Path, names: Path
) -> None:
    target = tmp_path / "canon"
    build(read_book(novel), read_table(names), target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}

    def broken(texts: Sequence[str]) -> NDArray[np.float32]:
        raise RuntimeError("the model is gone")

    with pytest.raises(RuntimeError):
        build(read_book(novel), read_table(names), target, embed=broken)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bailu.txt", "canon"]


def test_a_second_build_replaces_the_first(tmp_path: Path, novel: Path, names: Path) -> None:
    for _ in range(2):
        build(read_book(novel), read_table(names), tmp_path / "canon")
    assert Canon.open(tmp_path / "canon").last == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bailu.txt", "canon"]


def test_a_folder_with_other_things_in_it_is_not_touched(
    tmp_path: Path, novel: Path, names: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(FolderUnreadable, match="no canon folder"):
        build(read_book(novel), read_table(names), tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").exists()


def test_a_book_without_quotes_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "silent.txt"
    path.write_text("# 一\n他走了。\n# 二\n他来了。\n", encoding="utf-8")
    with pytest.raises(NoQuotes, match="no quotes"):
        build(read_book(path), NameTable(), tmp_path / "canon")
    assert not (tmp_path / "canon").exists()


def test_a_book_without_a_table_can_be_built_and_searched(tmp_path: Path, novel: Path) -> None:
    build(read_book(novel), NameTable(title="mini"), tmp_path / "canon")
    assert "铜铃" in Canon.open(tmp_path / "canon").search("铜铃").passages[0].text
