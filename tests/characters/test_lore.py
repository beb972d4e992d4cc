"""Which entries a reply has before it: keys, logic, chance, time, recursion, room, who may know."""

import time
from dataclasses import replace

import pytest

from characters.lore import ROUNDS, Entry, Lorebook, Talk, select, with_entry


def used(entries, *heard, seed="s", budget=10_000, reader=("", ()), earlier=0, **book):
    books = [Lorebook("b", tuple(entries), **book)]
    talk = Talk(tuple(heard), seed, earlier)
    found = select(books, talk, budget=budget, length=len, reader=reader)
    return [use.entry.name for use in found]


def entry(name="e", *keys, text="", **more):
    return Entry(name, text or f"text of {name}", keys or (name,), **more)


@pytest.mark.parametrize(
    ("key", "said", "more", "found"),
    [
        ("sword", "小明：The SWORD sings", {}, True),
        ("Sword", "the sword", {"case": True}, False),
        ("Sword", "the Sword", {"case": True}, True),
        ("art", "a party", {}, True),
        ("art", "a party", {"whole": True}, False),
        ("art", "modern art.", {"whole": True}, True),
        ("art of war", "the art of war", {"whole": True}, True),
        ("金箍棒", "你的金箍棒呢", {"whole": True}, True),
        ("金箍棒", "龍宮的金箍棒", {}, True),
        ("孫悟空", "孙悟空来了", {}, True),
        ("孙悟空", "孫悟空來了", {}, True),
        ("café", "the cafe", {}, True),
        ("/mon(key|k)s?/i", "three Monks", {}, True),
        ("/mon(key|k)s?/", "three Monks", {}, False),
        ("mon.", "three Monks", {"patterns": True}, True),
        ("/(/", "(", {}, False),
        ("(", "(", {"patterns": True}, False),
        ("", "anything", {}, False),
        ("  ", "any thing", {}, False),
        ("nothing", "else", {"constant": True}, True),
        ("sword", "sword", {"enabled": False}, False),
        ("sword", "sword", {"chance": 0.0}, False),
        ("sword", "sword", {"only_called": True}, False),
        ("sword", "sword", {"delay": 2}, False),
    ],
)
def test_a_key_and_what_is_said(key, said, more, found):
    assert used([Entry("e", "text", (key,), **more)], said) == (["e"] if found else [])


def test_an_empty_text_is_not_used():
    assert used([Entry("e", "  \n", ("a",))], "a") == []


@pytest.mark.parametrize(
    ("logic", "expected"),
    [("any", [0, 1, 1]), ("all", [0, 0, 1]), ("not any", [1, 0, 0]), ("not all", [1, 1, 0])],
)
def test_secondary_keys(logic, expected):
    one = Entry("e", "t", ("key",), ("a1", "b1"), logic)
    assert [len(used([one], text)) for text in ("key", "key a1", "key a1 b1")] == expected
    assert used([one], "a1 b1") == []


def test_how_many_messages_are_looked_through():
    talk = ("sword", "x", "x")
    assert used([entry("sword")], *talk, scan=2) == []
    assert used([entry("sword")], *talk, scan=3) == ["sword"]
    assert used([entry("sword", scan=3)], *talk, scan=2) == ["sword"]
    assert used([entry("sword", scan=0)], "sword") == []


def test_reading_order_and_what_goes_when_there_is_no_room():
    three = [entry("a", order=3), entry("b", order=1), entry("c", order=2)]
    assert used(three, "a b c") == ["b", "c", "a"]
    size = len("text of a")
    assert used(three, "a b c", budget=2 * size) == ["c", "a"]  # the lowest order goes
    first = [replace(three[0], priority=0), replace(three[1], priority=9), three[2]]
    assert used(first, "a b c", budget=size) == ["b"]
    kept = [*three, entry("d", constant=True, order=0)]
    assert used(kept, "a b c", budget=size) == ["d"]
    books = [Lorebook("x", tuple(three), budget=size), Lorebook("y", tuple(three))]
    found = select(books, Talk(("a b c",)), budget=1000, length=len)
    assert [use.book for use in found].count("x") == 1


def test_recursion_is_bounded_and_obeys_its_flags():
    chain = [Entry(f"e{n}", f"leads to k{n + 1}.", (f"k{n}.",)) for n in range(20)]
    assert used(chain, "k0.") == ["e0"]
    assert len(used(chain, "k0.", recursive=True)) == ROUNDS + 1
    loop = [Entry("a", "b.", ("a.",)), Entry("b", "a.", ("b.",))]
    assert used(loop, "a.", recursive=True) == ["a", "b"]
    mute = [replace(loop[0], calls=False), loop[1]]
    assert used(mute, "a.", recursive=True) == ["a"]
    deaf = [loop[0], replace(loop[1], called=False)]
    assert used(deaf, "a.", recursive=True) == ["a"]
    late = [loop[0], replace(loop[1], only_called=True)]
    assert used(late, "b.", recursive=True) == []
    assert used(late, "a.", recursive=True) == ["a", "b"]


def test_chance_is_the_same_for_the_same_talk():
    one = entry("sword", chance=50.0)
    runs = [used([one], *["x"] * n, "sword") for n in range(100)]
    assert runs == [used([one], *["x"] * n, "sword") for n in range(100)]
    assert 25 < sum(map(len, runs)) < 75


def test_sticky_stays_and_cooldown_rests():
    sticky = entry("sword", sticky=2, scan=1)
    said = ["sword", "x", "x", "x", "x"]
    assert [len(used([sticky], *said[: n + 1])) for n in range(5)] == [1, 1, 1, 0, 0]
    resting = entry("sword", cooldown=2, scan=1)
    assert [len(used([resting], *["sword"] * (n + 1))) for n in range(6)] == [1, 0, 0, 1, 0, 0]
    both = entry("sword", sticky=1, cooldown=2, scan=1)
    assert [len(used([both], *["sword"] * (n + 1))) for n in range(8)] == [1, 1, 0, 0, 1, 1, 0, 0]


def test_a_line_that_is_taken_back_called_nothing():
    sticky = entry("sword", sticky=3, scan=1)
    assert used([sticky], "sword", "x") == ["sword"]
    assert used([sticky], "x") == []


def test_delay_counts_what_was_said_before():
    late = entry("sword", delay=3)
    assert used([late], "sword", "sword") == []
    assert used([late], "x", "x", "sword") == ["sword"]
    assert used([late], "sword", earlier=5) == ["sword"]


def test_one_of_a_group_by_weight():
    two = [entry("a", "k", group="g", weight=1), entry("b", "k", group="g", weight=99)]
    found = [used(two, *["x"] * n, "k") for n in range(60)]
    assert all(len(names) == 1 for names in found)
    assert sum(names == ["b"] for names in found) > 50


def test_only_who_may_know_it():
    secret = entry("sword", only=frozenset({"wukong", "唐僧"}))
    never = entry("sword", never=frozenset({"bajie"}))
    assert used([secret], "sword", reader=("wukong", ("孙悟空",))) == ["sword"]
    assert used([secret], "sword", reader=("bajie", ("猪八戒",))) == []
    assert used([secret], "sword", reader=("sanzang", ("唐僧",))) == ["sword"]
    assert used([never], "sword", reader=("bajie", ("八戒",))) == []
    assert used([never], "sword", reader=("wukong", ())) == ["sword"]
    assert used([entry("sword")], "sword", reader=("bajie", ()), owner="wukong") == []
    assert used([entry("sword")], "sword", reader=("wukong", ()), owner="wukong") == ["sword"]


def test_what_one_may_not_know_does_not_call_others_either():
    chain = [Entry("a", "b.", ("a.",), only=frozenset({"wukong"})), Entry("b", "x", ("b.",))]
    assert used(chain, "a.", reader=("wukong", ()), recursive=True) == ["a", "b"]
    assert used(chain, "a.", reader=("bajie", ()), recursive=True) == []


def test_a_large_book_and_a_pattern_without_end_take_no_time():
    many = [entry(f"key{n}", f"key{n}", f"other{n}", sticky=n % 3) for n in range(1000)]
    talk = [f"about key{n}" for n in range(100)]
    used(many, *talk, recursive=True)  # folding is remembered
    began = time.process_time()
    used(many, *talk, recursive=True)
    assert time.process_time() - began < 3
    endless = entry("e", "/(a+)+$/", scan=1)
    assert used([endless], "a" * 4000 + "b") == []


def test_an_entry_in_the_place_of_one_of_the_same_name():
    book = with_entry(Lorebook("b", (entry("剑"), entry("x"))), Entry("劍", "new", ("劍",)))
    assert [e.text for e in book.entries] == ["text of x", "new"]
