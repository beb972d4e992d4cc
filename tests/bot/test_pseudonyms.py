"""Letters for people."""

from bot.pseudonyms import letter, replacer


def test_letters_never_end():
    assert [letter(n, "zh") for n in (0, 9, 10)] == ["甲", "癸", "客11"]
    assert [letter(n, "en") for n in (0, 25, 26)] == ["A", "Z", "P27"]


def test_longer_names_go_first():
    assert replacer({"小明": "甲", "小明月": "乙"})("小明月和小明") == "乙和甲"
    assert replacer({})("小明") == "小明"
