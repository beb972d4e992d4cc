"""A canon folder to learn weights from."""

from __future__ import annotations

from pathlib import Path

import pytest

from canon import build, read_book
from canon.names import NameTable, Person

NOVEL = "".join(
    f"# 第{n}回\n{text}\n"
    for n, text in (
        ("一", "阿青在松溪桥下棋，输了铜铃。鹿先生道：“铜铃与我。”阿青道：“给不得！”" * 3),
        ("二", "石伯在家煮粥，走水烧了灶屋。石伯叫道：“火！火！”阿青道：“快打水！”" * 3),
    )
)


@pytest.fixture(scope="session")
def search_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The canon folder of a novel of two chapters, without notes."""
    path = tmp_path_factory.mktemp("ranking") / "novel.txt"
    path.write_text(NOVEL, encoding="utf-8")
    table = NameTable(people=(Person("阿青"), Person("石伯")))
    build(read_book(path), table, path.parent / "canon")
    return path.parent / "canon"
