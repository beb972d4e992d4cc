"""The name that a chat model writes before its line, however it is cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.remote.reply import OwnName


def shown(name: str, pieces: list[str]) -> str:
    own = OwnName(name)
    return "".join([*map(own.without, pieces), own.rest()])


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("猪八戒：吃饭没？", "吃饭没？"),
        ("\n 猪八戒：吃", "吃"),
        ("猪八戒：", ""),
        ("猪八", "猪八"),
        ("猪八怪：吃", "猪八怪：吃"),
        ("吃饭", "吃饭"),
        ("猪八戒：猪八戒：吃", "猪八戒：吃"),  # once; the room sees to the rest
        ("", ""),
    ],
)
def test_only_the_name_that_was_asked_for_goes(said, left):
    for size in (1, 2, 3, 50):
        pieces = [said[at : at + size] for at in range(0, len(said), size)]
        assert shown("猪八戒：", pieces) == left


@given(st.lists(st.text(max_size=4)))
def test_without_a_name_nothing_is_touched(pieces):
    assert shown("", pieces) == "".join(pieces)
