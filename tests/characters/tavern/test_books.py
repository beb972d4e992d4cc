"""Lorebooks of cards and world files: what each field means, and that nothing is lost."""

import json

import pytest

from characters.lore import Entry, Lorebook
from characters.tavern import CardError, read, write_lore
from characters.tavern.books import read_book, write_book

WORLD_ENTRY = {
    "uid": 7, "key": ["sword", "/bla(de|z)/i"], "keysecondary": ["night"], "comment": "The sword",
    "content": "It sings.", "constant": False, "vectorized": False, "selective": True,
    "selectiveLogic": 3, "addMemo": True, "order": 50, "position": 4, "disable": False,
    "excludeRecursion": True, "preventRecursion": True, "delayUntilRecursion": False,
    "probability": 40, "useProbability": True, "depth": 4, "group": "g", "groupOverride": False,
    "groupWeight": 30, "scanDepth": 9, "caseSensitive": True, "matchWholeWords": True,
    "useGroupScoring": None, "automationId": "", "role": None, "sticky": 3, "cooldown": 2,
    "delay": 1, "displayIndex": 0, "unheard_of": {"a": [1]},
    "characterFilter": {"isExclude": False, "names": ["孫悟空", "alice.png"], "tags": []},
}  # fmt: skip
SWORD = Entry(
    "The sword", "It sings.", ("sword", "/bla(de|z)/i"), ("night",), "all", order=50, scan=9,
    chance=40, case=True, whole=True, sticky=3, cooldown=2, delay=1, calls=False, called=False,
    group="g", weight=30, only=frozenset({"孙悟空", "alice"}),
)  # fmt: skip


def plain(entry):
    return Entry(**{k: getattr(entry, k) for k in Entry.__slots__ if k != "raw"})


def test_a_world_file():
    world = {"entries": {"7": WORLD_ENTRY}, "name": "Jianghu", "extra": 1}
    book = read(json.dumps(world).encode(), "w.json").lore[0]
    assert (book.name, book.recursive, book.world) == ("Jianghu", True, True)
    assert plain(book.entries[0]) == SWORD
    assert json.loads(write_lore(book)) == world


def test_the_same_as_a_book_of_a_card_and_back():
    book = read_book({"entries": {"7": WORLD_ENTRY}, "name": "J"}, "w.json")
    card = write_book(book, world=False)
    assert plain(read_book(card, "c.json").entries[0]) == SWORD
    assert card["entries"][0]["extensions"]["exclude_recursion"] is True


def test_a_book_made_here():
    book = Lorebook(
        "mine", (SWORD, Entry("b", "x", never=frozenset({"bajie"}), constant=True)), budget=90
    )
    for world in (True, False):
        again = read_book(write_book(book, world=world), "m.json")
        assert tuple(map(plain, again.entries)) == book.entries
    assert read_book(write_book(book, world=False), "m.json").budget == 90


@pytest.mark.parametrize(
    ("content", "more", "means"),
    [
        ("@@depth 4\n@@scan_depth 2\ntext", {}, {"text": "text", "scan": 2}),
        ("@@unheard 1\n@@@scan_depth 3\n\ntext", {}, {"text": "text", "scan": 3}),
        ("@@activate\nx", {}, {"constant": True}),
        ("@@dont_activate\nx", {}, {"enabled": False}),
        ("@@dont_activate\n@@activate\nx", {}, {"enabled": True}),
        ("@@activate_only_after 5\nx", {}, {"delay": 5}),
        ("@@exclude_keys a, b\nx", {}, {"secondary": ("a", "b"), "logic": "not any"}),
        ("@@additional_keys a\nx", {}, {"secondary": ("a",), "logic": "any"}),
        ("no @@depth 4 inside", {}, {"text": "no @@depth 4 inside"}),
        ("x", {"secondary_keys": ["s"]}, {"secondary": ("s",)}),
        ("x", {"secondary_keys": ["s"], "selective": False}, {"secondary": ()}),
        ("x", {"use_regex": True, "constant": True}, {"patterns": True, "constant": False}),
        ("x", {"enabled": None}, {"enabled": True}),
        ("x", {"extensions": {"useProbability": False, "probability": 3}}, {"chance": 100}),
        ("x", {"extensions": {"delay_until_recursion": 2}}, {"only_called": True}),
        ("x", {"priority": 4}, {"priority": 4}),
        ("x", {"comment": "c", "name": "n"}, {"name": "c"}),
        ("x", {"id": "abc", "position": 0}, {"name": "k"}),
    ],
)
def test_fields_and_decorators_of_a_cards_book(content, more, means):
    row = {"keys": ["k"], "content": content, "insertion_order": 1, **more}
    entry = read_book({"entries": [row]}, "b.json").entries[0]
    assert {key: getattr(entry, key) for key in means} == means


def test_a_lorebook_v3_file_and_one_that_is_none():
    v3 = {"spec": "lorebook_v3", "data": {"name": "L", "entries": []}}
    assert read(json.dumps(v3).encode(), "l.json").lore[0].name == "L"
    with pytest.raises(CardError, match=r"l\.json: data\.entries\.0\.sticky|entries\.0"):
        read(b'{"spec": "lorebook_v3", "data": {"entries": [{"keys": "a"}]}}', "l.json")
