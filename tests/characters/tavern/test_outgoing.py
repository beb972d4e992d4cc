"""A character as a card for others: V3, V2 for old programs, and lore that goes with it."""

import json
from dataclasses import replace

from characters.card import Words, load_cast
from characters.lore import Entry, Lorebook
from characters.tavern import read
from characters.tavern.outgoing import as_v2, card_table

WUKONG = load_cast()["wukong"]


def test_a_card_of_ours_says_in_one_language_what_others_read():
    for language in ("zh", "en"):
        card = card_table(WUKONG, language)
        data = card["data"]
        assert card["spec"] == "chara_card_v3"
        assert data["name"] == WUKONG.name[language]
        assert data["description"] == WUKONG.persona[language]
        assert [data["first_mes"], *data["alternate_greetings"]] == list(WUKONG.greeting[language])
        assert data["mes_example"].count("<START>") == len(WUKONG.lines[language])
        assert data["extensions"]["mrp"]["language"] == language


def test_old_programs_get_v2():
    card = card_table(WUKONG, "zh")
    assert as_v2(card)["spec"] == "chara_card_v2"
    assert as_v2(card)["data"] is card["data"]
    flat = {"name": "A"}
    assert as_v2(flat) is flat


def test_lore_goes_along_and_comes_back():
    book = Lorebook("b", (Entry("e", "text", ("key",)),))
    found = read(json.dumps(card_table(WUKONG, "zh", [book])).encode(), "w.json")
    (again,) = found.lore
    assert (again.owner, again.entries[0].text) == ("wukong", "text")
    assert replace(found.characters[0], source=None) == WUKONG


def test_a_new_name_takes_the_nickname_away():
    card = {"spec": "chara_card_v3", "data": {"name": "A", "nickname": "B", "first_mes": "x"}}
    found = read(json.dumps(card).encode(), "a.json").characters[0]
    out = card_table(replace(found, name=Words("", "C")), "en")
    assert (out["data"]["name"], out["data"]["nickname"]) == ("C", "")
