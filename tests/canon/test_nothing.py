from __future__ import annotations

import numpy as np
import pytest

from canon import Canon
from canon.nothing import FITS, HOLDS, SIGNS, Signs, fits, holds, later, share, strength


def sign(canon: Canon, name: str, text: str, character: str | None = None) -> float:
    values = canon.signs(text, character=character)
    assert values is not None
    return values[SIGNS.index(name)]


def test_strength_counts_by_the_length_of_the_question() -> None:
    scores = np.array([1.0, 6.0], dtype=np.float32)
    assert strength(scores, 9) == pytest.approx(strength(scores, 1) / 3)
    assert strength(np.zeros(0, dtype=np.float32), 3) == 0


def test_later_is_how_much_better_the_unread_passages_are() -> None:
    scores = np.array([3.0, 4.0, 1.0], dtype=np.float32)
    assert later(scores, np.array([True, False, True])) == pytest.approx(0.25)
    assert later(scores, np.array([False, True, False])) == 0
    assert later(scores, np.ones(3, dtype=np.bool_)) == 0
    assert later(np.zeros(3, dtype=np.float32), np.array([True, False, True])) == 0


def test_share_of_the_weight() -> None:
    assert share([True, False], [3.0, 1.0]) == 0.75
    assert share([], []) == 0


def test_the_weights_decide() -> None:
    signs = Signs(2.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert fits(signs, [1, 0, 0, -1, 0, 0, 0, 0])
    assert not fits(signs, [1, 0, 0, -2, 0, 0, 0, 0])


def test_a_premise_is_weighed_by_signs_of_its_own() -> None:
    signs = Signs(2.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 3.0, 1.0)
    assert holds(signs, [1, 0, -1, 0, 0, 0, 0])
    assert not holds(signs, [1, 0, 0, 0, -1, 0, 0])
    assert holds(signs, [])
    assert set(SIGNS) == {*FITS, *HOLDS}
    assert len(signs.values()) == len(SIGNS)


def test_names_that_are_not_together_are_apart(canon: Canon) -> None:
    assert sign(canon, "apart", "阿青的铜铃") == 0
    # The fox is not in the chapters of the bell's loss, but it speaks of it in her own.
    assert sign(canon.as_of(2), "apart", "白鹿拿铜铃做什么") == 0
    assert sign(canon, "apart", "松溪桥的铜铃") <= 0.5


def test_the_character_asked_may_be_absent(canon: Canon) -> None:
    assert sign(canon, "absent", "借个火", "胡三娘") == 0
    assert sign(canon, "absent", "借个火") == 0


@pytest.mark.parametrize(
    "question",
    [
        "你读过《天河记》没有？",
        "鹿先生认得卡尔多维奇么？",
        "鹿先生认得翠屏庵的静心师太么？",
        "阿青会说 French 么？",
        "White Deer, have you met Branwey in the woods?",
    ],
)
def test_names_that_nobody_knows_are_strangers(canon: Canon, question: str) -> None:
    assert sign(canon, "strangers", question) == 1


@pytest.mark.parametrize(
    "question", ["鹿先生下棋么？", "Does the White Deer play chess?", "What did Aqing lose?"]
)
def test_known_names_are_no_strangers(canon: Canon, question: str) -> None:
    assert sign(canon, "strangers", question) == 0


def test_what_comes_later_is_noticed_before_it_comes(canon: Canon) -> None:
    assert sign(canon.as_of(1), "later", "红衣女子敲门借火") > 0.2
    assert sign(canon, "later", "红衣女子敲门借火") == 0


def test_a_word_of_another_world_decides_alone(canon: Canon) -> None:
    assert canon.signs("阿青的手机呢") is None
    assert canon.as_of(2).signs("胡三娘是谁") is None
