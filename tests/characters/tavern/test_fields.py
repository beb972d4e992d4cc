"""Typed values out of a foreign table: lenient where nothing is lost, else one sentence."""

import pytest

from characters.card import CardError
from characters.tavern.fields import Fields, plain, wrong

FIELDS = Fields(
    "f.json", {"t": "a\r\nb", "n": 3, "f": 0.5, "s": " 7 ", "b": True, "l": ["x"], "o": None}, "d."
)


def test_what_is_there_and_what_is_not():
    assert FIELDS.text("t") == "a\nb"
    assert (FIELDS.text("n"), FIELDS.text("f"), FIELDS.text("o"), FIELDS.text("no")) == (
        "3",
        "0.5",
        "",
        "",
    )
    assert FIELDS.texts("l") == ("x",)
    assert FIELDS.texts("o") == ()
    assert FIELDS.number("s", 1, 0, 5) == 5
    assert FIELDS.whole("f", 1, 0, 5) == 0
    assert FIELDS.flag("b")
    assert FIELDS.flag("n1", True)
    assert FIELDS.table("no").raw == {}
    assert "t" in FIELDS
    assert "o" not in FIELDS


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda f: f.text("l"), "f.json: d.l: must be a text, not a list"),
        (lambda f: f.text("b"), "f.json: d.b: must be a text, not a true or false"),
        (lambda f: f.text("t", 2), "f.json: d.t: has 4 characters; at most 2 are taken"),
        (lambda f: f.texts("t"), "f.json: d.t: must be a list of texts, not a text"),
        (lambda f: f.texts("l", many=0), "f.json: d.l: holds 1 texts; at most 0 are taken"),
        (lambda f: f.number("t", 0, 0, 1), "f.json: d.t: must be a number, not a text"),
        (lambda f: f.number("b", 0, 0, 1), "f.json: d.b: must be a number, not a true or false"),
        (lambda f: f.flag("t"), "f.json: d.t: must be true or false, not a text"),
        (lambda f: f.table("t"), "f.json: d.t: must be a table, not a text"),
    ],
)
def test_what_is_wrong_names_file_and_field(ask, told):
    with pytest.raises(CardError) as caught:
        ask(FIELDS)
    assert str(caught.value) == told


def test_names_of_files_are_cleaned_and_cut():
    assert str(wrong("a\nb\x00\u202ec", "", "x")) == "a bc: x"
    assert len(str(wrong("y" * 500, "k", "x"))) < 80
    assert str(wrong("", "k", "x")) == "the card: k: x"
    assert plain("👩\u200d👩\u200d👧") == "👩\u200d👩\u200d👧"  # what joins emoji stays
