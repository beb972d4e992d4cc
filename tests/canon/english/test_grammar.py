"""Who does what in a sentence of English narration."""

from __future__ import annotations

import pytest

from canon.english.grammar import (
    actor,
    gender_of_role,
    last_actor,
    plain,
    sentences,
    tag_before,
    tag_behind,
)

BEHIND = [
    (" said Martha.", "Martha"),
    (", said the March Hare; ", "March Hare"),
    (" the Hatter went on in a mournful tone,", "Hatter"),
    (" he said, turning to Alice", "he"),
    (" replied his wife,", "wife"),
    (" Alice replied very readily:", "Alice"),
    (" reluctantly faltered forth the owner of that name,", "owner"),
    (" said the unsympathetic Marilla.", "Marilla"),
    (" they both cried.", "they"),
    (" the boy on the ladder called.", "boy"),
    (" said Alice's sister", "sister"),
    (" said I, cordially.", "I"),
    (" Mr. Tallow, who had waited, said", "Mr. Tallow"),
    (" was her answer; ", "she"),
    (" said Mrs. van der Luyden.", "Mrs. van der Luyden"),
    (" said to Alice", None),
    (" remarked a voice", None),
    (" He wiped the glass with his sleeve.", None),
    (" Hester came down three rungs.", None),
    (" came Tibby's voice from the stair.", "Tibby"),
    (" was Mrs. Hale’s only answer.", "Mrs. Hale"),
    (" Freddy was saying.", "Freddy"),
    (" flashed Helen.", "Helen"),
    (" stammered unhappy Matthew, seizing the rake", "Matthew"),
    (" replied Elizabeth--", "Elizabeth"),
]
BEFORE = [
    ("Alice considered a little, and then said", "Alice"),
    ("but all he said was,", "he"),
    ("Alice was angry, but the Hatter and the March Hare went", "Hatter"),
    ("Tobias looked up from his book and said,", "Tobias"),
    ("In an instant Mrs. Bennet said only,", "Mrs. Bennet"),
    ("They called it the", None),
    ("She slept.", None),
    (
        "Ann was bid hold her tongue; but Mr. Hale, much offended, laid his book aside, and said,",
        "Mr. Hale",
    ),
    ("Thus the hour crept away, and at last Miss Dunn rose with a sigh, and said:", "Miss Dunn"),
    ("She was met by Lydia, who, flying to her, cried in a half whisper,", "Lydia"),
    ("He looked up, for he was interrupted by Martha,", "Martha"),
    ("Ben was thinking of her, when thus addressed by Miss Dunn,", "Miss Dunn"),
    ("She talked on, till Ben, looking at the clock, exclaimed:", "Ben"),
]
ACTORS = [
    ("Harker laid the net aside.", "Harker"),
    ("However, he consented to go on.", "he"),
    ("With a nod, the old man rose.", "man"),
    ("Here the Dormouse shook itself.", "Dormouse"),
    ("It was raining.", None),
    ("The door opened.", None),
]


def who(found: object) -> str | None:
    return found and (found.name or found.pronoun or found.role)  # type: ignore[attr-defined, return-value]


@pytest.mark.parametrize(("text", "expected"), BEHIND)
def test_tags_behind_a_quote(text: str, expected: str | None) -> None:
    assert who(tag_behind(text)) == expected


@pytest.mark.parametrize(("text", "expected"), BEFORE)
def test_tags_in_front_of_a_quote(text: str, expected: str | None) -> None:
    assert who(tag_before(text)) == expected


@pytest.mark.parametrize(("text", "expected"), ACTORS)
def test_who_acts_in_a_sentence(text: str, expected: str | None) -> None:
    assert who(actor(text)) == expected


def test_who_acts_in_the_last_clause() -> None:
    assert who(last_actor("He had turned round when the door opened and Sibyl ran in.")) == "Sibyl"
    assert last_actor("He had turned round when the door opened.") is None


def test_a_word_that_only_begins_the_sentence_is_nobody() -> None:
    found = actor("Leaning over the rail, she looked down.", lambda name: name == "Agnes")
    assert found is not None
    assert found.pronoun == "she"


def test_a_role_may_tell_the_age() -> None:
    ages = {"the old man": "old", "an elderly waiter": "old", "the boy": "young", "his wife": ""}
    for role, age in ages.items():
        found = tag_behind(f" said {role}.")
        assert found is not None
        assert found.age == age


def test_words() -> None:
    assert sentences("Mr. Hale rose. He left.") == ["Mr. Hale rose.", "He left."]
    assert plain("Jem\n Harker’s") == "Jem Harker"
    roles = ("mother", "fisherman", "countess", "child")
    assert [gender_of_role(noun) for noun in roles] == ["she", "he", "she", ""]
