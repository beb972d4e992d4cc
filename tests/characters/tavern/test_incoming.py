"""A foreign card's fields become a character's: names, ids, languages, example lines, notes."""

import json

import pytest

from characters.card import CardError
from characters.tavern.incoming import (
    MOST_LINES,
    NOD,
    example_lines,
    id_of,
    language_of,
    read_character,
    safe_name,
    shape_of,
)


def character(**fields):
    card = {"spec": "chara_card_v2", "data": {"name": "Alice", **fields}}
    return read_character(card, "a.json")


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ({"name": "A"}, "V1"),
        ({"spec": "chara_card_v2", "data": {"name": "A"}}, "V2"),
        ({"data": {"name": "A"}}, "V2"),
        ({"spec": "chara_card_v3", "data": {"name": "A"}}, "V3"),
        ({"spec": "chara_card_v9", "data": {"name": "A"}}, "V3"),
        ({"spec": "chara_card_v3", "data": {}, "name": "A", "tags": []}, "V2 (flat)"),
        ({"char_name": "A"}, "Pygmalion"),
        ({"name": "A", "context": "x"}, "text-generation-webui"),
    ],
)
def test_which_kind_of_card_it_is(raw, title):
    assert shape_of(raw, "x").title == title


@pytest.mark.parametrize(
    "raw", [[], "x", None, {}, {"data": 3}, {"spec": 2, "data": {"name": "A"}}]
)
def test_what_is_no_card(raw):
    with pytest.raises(CardError, match="x: "):
        shape_of(raw, "x")


def test_a_nickname_is_the_name_and_the_name_an_alias():
    found = character(nickname="Al", description="A girl.")
    assert (found.name.en, found.aliases.en) == ("Al", ("Alice",))
    assert character(nickname=" : ").name.en == "Alice"


def test_description_scenario_manner_and_a_card_without_a_greeting():
    found = character(description="A girl.", scenario="A wood.", personality="curious")
    assert found.persona.en == "A girl.\nScenario: A wood."
    assert found.style.en == "curious"
    assert found.greeting.en == (NOD["en"],)
    assert character(description="一个女孩", scenario="树林").persona.zh == "一个女孩\n情境：树林"
    assert character(personality="curious").brief.en == "curious"


def test_notes_and_system_prompt_are_kept_apart_from_the_description():
    found = character(
        system_prompt="{{original}} Speak in verse.",
        post_history_instructions="{{ORIGINAL}}Be brief.",
        extensions={"depth_prompt": {"prompt": "She is late.", "depth": 4}},
    )
    assert found.source is not None
    assert found.source.system == "Speak in verse."
    assert found.source.note == "She is late.\nBe brief."
    assert found.persona.en == ""


def test_example_lines():
    written = (
        "<START>\n{{user}}: Hi\n{{char}}: Hello.\nAnd more.\n<START>\nAlice: *nods* Yes: so.\n"
        "Bob: no\n{{char}}：\n{{char}}: " + "x" * 500
    )
    assert example_lines(written, ("Alice",)) == ("Hello.\nAnd more.", "*nods* Yes: so.")
    assert example_lines("", ("A",)) == ()
    assert example_lines("no speaker at all", ("A",)) == ()
    many = "\n".join(f"{{{{char}}}}: line {n}" for n in range(50))
    assert len(example_lines(many, ("",))) == MOST_LINES
    assert example_lines("A.B: x\nAxB: y", ("A.B",)) == ("x",)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Alice", "Alice"),
        ("🐒 Monkey: King", "🐒 Monkey King"),
        ("a{{user}}b", "a user b"),
        ("\u200b\ufeff", ""),
        ("", ""),
        ("x" * 99, "x" * 40),
    ],
)
def test_names(written, name):
    assert safe_name(written) == name
    assert safe_name(name) == name


def test_ids_are_plain_and_the_same_each_time():
    assert id_of("Dr. Who", "x") == "dr_who"
    assert id_of("Élodie", "x") == "elodie"
    for name in ("孙悟空", "🐒", "3 Bears", "x" * 99):
        assert id_of(name, "x").isidentifier()
        assert id_of(name, "x") == id_of(name, "x")
    assert id_of("孙悟空", "x") != id_of("孙悟空", "y")


def test_the_language_is_that_of_most_words():
    assert language_of("A monkey called 孙悟空 who fears nobody", "x") == "en"
    assert language_of("一只猴子，名叫 Wukong", "x") == "zh"
    assert language_of("", "悟空") == "zh"
    assert language_of("!!", "?") == "en"


def test_talkativeness_as_sillytavern_writes_it():
    assert character(extensions={"talkativeness": "0.8"}).talkativeness == 0.8
    assert character(extensions={"talkativeness": 7}).talkativeness == 1.0
    assert character(extensions=None).talkativeness == 0.5
    assert read_character({"name": "A", "talkativeness": "much"}, "x").talkativeness == 0.5


def test_the_whole_card_is_kept():
    found = character(unheard_of={"a": [1, None, "é"]})
    assert found.source is not None
    assert json.loads(found.source.card)["data"]["unheard_of"] == {"a": [1, None, "é"]}
