"""A tiny novel that we wrote, and the real one where it lies beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from canon import Book, Canon, Quote, attribute, build, read_book, table_of
from canon.names import NameTable, read_table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

NOVEL = """# 第一回　阿青入山　白鹿留客
却说白石村有个猎户，名唤阿青，自幼没了父母，与老仆石伯同住。那年冬天大雪，家中没了米粮，阿青便要入山打猎。石伯扯住阿青道：“小主人，山里有鹿精，去不得！”阿青笑道：“石伯休怕，我有一张硬弓。”
石伯道：“纵有硬弓，也射不得鹿先生。”阿青道：“那鹿先生是谁？”石伯道：“他是山中一只白鹿，修了五百年，变作一个老书生，专与人下棋。”
阿青不听，提了弓，踏雪入山。行到松溪桥边，只见一个老书生坐在石上，上前问道：“小哥，你背着弓往那里去？”阿青道：“我去打猎。”老书生又道：“家里有甚么人？”阿青对老书生道：“只有石伯一人。”
那老书生暗想道：“这孩子倒也老实。”便叫：“小哥，陪我下一盘棋，我送你一袋米。”
# 第二回　一局棋输铜铃　三更雪走白鹿
话说阿青与鹿先生下棋，下到三更，阿青输了。鹿先生笑道：“你输了，把腰间铜铃与我。”阿青慌了道：“这铜铃是我娘留下的，给不得！”
正说间，石伯寻来，见了鹿先生，大怒道：“你这老鹿，又来哄人！”鹿先生跳起来，现了本相，原来是一只白鹿，望林中走了。阿青叫道：“先生，米呢？”
石伯道：“小主人，你看桥上。”阿青看时，桥上放着一袋米，米袋上写着“多谢陪棋”四字。
# 第三回　红狐借火　阿青还铃
次日天晴，有一个红衣女子来敲门，叫道：“石伯，借个火。”石伯道：“你是谁家女子？”女子笑道：“我是山后胡三娘。”阿青便取火与他。
胡三娘接了火道：“多谢小哥。白鹿托我来说，铜铃他不要了，叫你春天去松溪桥下棋。”阿青大喜道：“我去！我去！”石伯埋怨道：“又去下棋！”
"""

NAMES = """
title = "白鹿"
detect = ["阿青", "鹿先生"]

[[person]]
name = "阿青"
id = "aqing"
en = ["Aqing", "the young hunter"]
aliases = ["小主人", "小哥"]
calls = { "先生" = "白鹿" }

[[person]]
name = "白鹿"
id = "deer"
en = ["White Deer", "Mr Deer"]
aliases = ["鹿先生", "白鹿"]
scoped = [{ aliases = ["老书生"], from = 1, to = 1 }]

[[person]]
name = "石伯"
aliases = ["石伯"]

[[person]]
name = "胡三娘"
en = ["Third Lady Hu", "fox"]
aliases = ["胡三娘"]
scoped = [{ aliases = ["女子"], from = 3, to = 3 }]

[[place]]
name = "松溪桥"
en = ["Pine Creek Bridge"]

[[thing]]
name = "铜铃"
en = ["bronze bell"]
"""

EVENTS = """2	阿青赌棋输掉妈妈留下的铃铛	Aqing loses his mother's bell at chess
3	狐狸姑娘上门借火	A fox lady comes to borrow fire
"""


@pytest.fixture
def novel(tmp_path: Path) -> Path:
    path = tmp_path / "bailu.txt"
    path.write_text(NOVEL, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("names") / "bailu.toml"
    path.write_text(NAMES, encoding="utf-8")
    path.with_suffix(".events.tsv").write_text(EVENTS, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, names: Path) -> Path:
    """The tiny novel's canon folder."""
    path = tmp_path_factory.mktemp("bailu") / "bailu.txt"
    path.write_text(NOVEL, encoding="utf-8")
    build(read_book(path), read_table(names), path.parent / "canon")
    return path.parent / "canon"


@pytest.fixture(scope="session")
def canon(folder: Path) -> Canon:
    return Canon.open(folder)


def data(name: str) -> Path:
    """A file of the data folder; without it the test is skipped, with the reason."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs ../shared/data/{name}, which is not part of the repository")
    return path


@pytest.fixture(scope="session")
def xiyouji() -> tuple[Book, NameTable, list[Quote]]:
    """The real novel, attributed."""
    book = read_book(data("xiyouji.txt"))
    table = table_of(book)
    return book, table, attribute(book, table)


@pytest.fixture(scope="session")
def xiyouji_canon(tmp_path_factory: pytest.TempPathFactory) -> Canon:
    book = read_book(data("xiyouji.txt"))
    folder = tmp_path_factory.mktemp("xiyouji") / "canon"
    build(book, table_of(book), folder)
    return Canon.open(folder)
