"""What of a group's table is ours: read, written, and every field that is wrong named."""

import pytest

from characters.card import CardError
from characters.lore import Entry, Lorebook
from characters.tavern.stage_sets import Setting, read_lore, read_setting, written

BOOK = Lorebook("镇/上?", (Entry("酒", "青梅酒。", keys=("酒",)),), owner="bajie")
MEMBERS = {"bajie": "bajie.png", "wukong": "wukong.png"}


def test_a_setting_and_its_lore_come_back():
    setting = Setting("荒庙", "悲凉", "慢一点", "天黑了。", 27)
    other = Lorebook("镇.上?", (Entry("桥", "断铃桥。", constant=True),))
    own, files = written(setting, (BOOK, other), MEMBERS)
    assert len(files) == 2  # names that look alike do not meet
    table = {"extensions": {"mrp": own, "talk": 1}}
    assert read_setting(table, "x.zip") == setting
    ids = {file: one for one, file in MEMBERS.items()}
    books = read_lore(table, files, "x.zip", ids)
    assert [(book.name, book.owner) for book in books] == [("镇/上?", "bajie"), ("镇.上?", "")]
    assert [book.entries[0].text for book in books] == ["青梅酒。", "断铃桥。"]
    assert written(Setting(), (), MEMBERS) == ({}, {})


def test_books_that_nobody_lists_are_everybodys():
    (book,) = read_lore({}, {"lore/Eldoria.json": b'{"entries": {}}'}, "x.zip", {})
    assert (book.name, book.owner) == ("Eldoria", "")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"file": "lore/no.json"}, r"lore\[0\]\.file: 'lore/no\.json' is not in the archive"),
        ({"file": "lore/a.json", "knows": "x.png"}, r"lore\[0\]\.knows: 'x\.png' is nobody"),
        ({"file": "lore/b.json"}, r"lore/b\.json: holds no lorebook"),
        ({"file": ["x"]}, r"lore\[0\]\.file: must be a text"),
    ],
)
def test_lore_of_nobody_and_of_nowhere_is_refused(row, told):
    files = {"lore/a.json": b'{"entries": {}}', "lore/b.json": b"[]"}
    with pytest.raises(CardError, match=told):
        read_lore({"extensions": {"mrp": {"lore": [row]}}}, files, "x.zip", {})


def test_a_book_of_nobody_does_not_go_out():
    with pytest.raises(CardError, match="belongs to nobody of the group"):
        written(Setting(), (BOOK,), {"wukong": "wukong.png"})
