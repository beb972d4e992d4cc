"""Which forms of a name are one person's."""

from __future__ import annotations

from collections import Counter

import pytest

from canon.english.forms import joined, sex_of, split_title

# Forms with how often each speaks or acts, and which of them are one person.
BOOKS: list[tuple[dict[str, int], list[set[str]]]] = [
    ({"Mr. Pell": 9, "Mrs. Pell": 4, "Pell": 2}, [{"Mr. Pell", "Pell"}, {"Mrs. Pell"}]),
    ({"Captain Rudd": 3, "Mr. Rudd": 1, "Rudd": 5}, [{"Captain Rudd", "Mr. Rudd", "Rudd"}]),
    ({"Sir William": 4, "Sir William Lane": 2}, [{"Sir William", "Sir William Lane"}]),
    ({"Sir Walter Hale": 4, "Mr. Hale": 4}, [{"Sir Walter Hale"}, {"Mr. Hale"}]),
    # Father and son.
    ({"Mr. Ames": 20, "George Ames": 5, "George": 30}, [{"Mr. Ames"}, {"George Ames", "George"}]),
    (
        {"Mr. Ames": 20, "Mr. George Ames": 1, "George": 30},
        [{"Mr. Ames"}, {"Mr. George Ames"}, {"George"}],
    ),
    # Two sisters: Miss Dunn is the one who does not go by her given name.
    (
        {"Miss Dunn": 5, "Josephine Dunn": 1, "Diana Dunn": 2, "Diana": 9},
        [{"Miss Dunn", "Josephine Dunn"}, {"Diana Dunn", "Diana"}],
    ),
    ({"Miss Dunn": 5, "Miss Ann Dunn": 1, "Ann": 9}, [{"Miss Dunn"}, {"Miss Ann Dunn"}, {"Ann"}]),
    ({"Miss Dunn": 5, "Miss Dunns": 1, "Ann Dunn": 2}, [{"Miss Dunn"}, {"Ann Dunn"}]),
    ({"Miss Dunn": 5, "Ann Dunn": 2, "Ann": 9}, [{"Miss Dunn", "Ann Dunn", "Ann"}]),
    # A given name that somebody with a title has is nobody's long name.
    ({"Lady Catherine": 7, "Catherine": 1, "Kitty": 6}, [{"Kitty"}]),
    ({"Catherine": 7, "Kitty": 6}, [{"Catherine", "Kitty"}]),
    ({"Mrs. Charles": 1, "Charles": 9}, [{"Mrs. Charles"}, {"Charles"}]),
    ({"Lady Lucas": 4, "Charlotte Lucas": 2, "Charlotte": 9}, [{"Lady Lucas"}]),
    ({"James Vane": 7, "Jim Vane": 1, "Mrs. Vane": 5}, [{"Mrs. Vane"}]),
]


@pytest.mark.parametrize(("counts", "people"), BOOKS)
def test_forms_are_joined(counts: dict[str, int], people: list[set[str]]) -> None:
    names = joined(Counter(counts), {})
    for forms in people:
        one = {names[form] for form in forms}
        assert len(one) == 1
        assert {form for form in counts if names[form] in one} == forms


def test_titles_and_he_or_she() -> None:
    assert split_title("Mr. Hale") == ("Mr", ("Hale",))
    assert split_title("Ruth Amory") == ("", ("Ruth", "Amory"))
    split = {name: split_title(name) for name in ("Mrs. Pell", "Tom Pell", "Pell")}
    assert sex_of({"Mrs. Pell"}, split, {}) == "she"
    assert sex_of({"Tom Pell"}, split, {}) == "he"
    assert sex_of({"Pell"}, split, {"Pell": "he"}) == "he"
    assert sex_of({"Pell"}, split, {}) == ""
