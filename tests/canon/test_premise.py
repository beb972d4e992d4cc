from __future__ import annotations

import math

import numpy as np
import pytest

from canon import Canon
from canon.nothing import SIGNS
from canon.premise import astray, holding, miscounted, unmet


def sign(canon: Canon, name: str, text: str, character: str | None = None) -> float:
    values = canon.signs(text, character=character)
    assert values is not None
    return values[SIGNS.index(name)]


def flags(*values: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array(values, dtype=np.bool_)


def test_astray_is_what_the_best_passage_with_the_name_lacks() -> None:
    scores = np.array([4.0, 1.0, 0.0], dtype=np.float32)
    assert astray(scores, flags(1, 0, 0)) == 0
    assert astray(scores, flags(0, 1, 1)) == pytest.approx(0.75)
    assert astray(scores, flags(0, 0, 0)) == 1
    assert astray(np.zeros(3, dtype=np.float32), flags(0, 1, 0)) == 0
    assert astray(np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.bool_)) == 0


def test_unmet_is_the_worst_pair_against_chance() -> None:
    often = flags(1, 1, 1, 1, 0, 0, 0, 0)
    never = ~often
    assert unmet([often, never]) == pytest.approx(math.log(2.5 / 0.5))
    assert unmet([often, often]) == 0
    assert unmet([often, often, never]) == unmet([often, never])
    assert unmet([often]) == unmet([]) == 0


def test_a_name_stands_where_any_of_its_forms_does_or_its_person_speaks(canon: Canon) -> None:
    index = canon._store.index
    bell = holding(index, (("铜铃",),))
    assert set(index.passages[bell][:, 0].tolist()) == {2, 3}
    assert (holding(index, (("没有",), ("铜铃",))) == bell).all()
    assert not holding(index, (("铜铃", "没有"),)).any()
    fox = holding(index, (("@胡三娘",),), canon._store.people_row("胡三娘"))
    assert set(index.passages[fox][:, 0].tolist()) == {3}


def test_a_number_has_to_stand_in_a_passage_that_is_found(canon: Canon) -> None:
    index = canon._store.index
    everywhere = np.arange(len(index.passages))
    assert miscounted(index, ["五百"], everywhere) == 0
    assert miscounted(index, ["五百", "七百"], everywhere) == 1
    assert miscounted(index, [], everywhere) == 0


def test_true_and_false_premises_give_other_signs(canon: Canon) -> None:
    assert sign(canon, "miscounted", "白鹿修了500年？") == 0
    assert sign(canon, "miscounted", "白鹿修了九百年？") == 1
    assert sign(canon, "miscounted", "Was the White Deer nine hundred years old?") == 1
    # The fox is not in the chapter in which a game is lost.
    true, false = "石伯说米袋放在哪？", "胡三娘说米袋放在哪？"
    assert sign(canon, "astray", false) > sign(canon, "astray", true)
    assert sign(canon, "other", "你来借火的时候", "胡三娘") == 0
    assert sign(canon, "other", "借火的时候", "白鹿") == 0  # says nothing of whom it is for


def test_english_names_lead_nowhere_by_their_own_letters(canon: Canon) -> None:
    question = canon._store.lexicon.read("Did the White Deer lose the bronze bell?")
    deer = ((f"@{canon.character('deer')}",),)
    assert {token for token, _, _ in question.tokens_of(deer)} == {"@白鹿", "whit", "deer"}


def test_what_is_unread_has_not_met(canon: Canon) -> None:
    late = sign(canon, "unmet", "白鹿的铜铃")
    assert late == sign(canon.as_of(3), "unmet", "白鹿的铜铃")
    assert math.isfinite(sign(canon.as_of(1), "unmet", "白鹿和石伯"))
