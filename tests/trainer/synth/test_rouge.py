"""Character Rouge-L, against its definition, against the library, and on the edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_chinese import Rouge

from trainer.synth.rouge import Novelty, common, folded, rouge_l


def by_table(one: str, other: str) -> int:
    row = [0] * (len(other) + 1)
    for a in one:
        before = row[:]
        for n, b in enumerate(other, start=1):
            row[n] = before[n - 1] + 1 if a == b else max(before[n], row[n - 1])
    return row[-1]


@given(st.text("山水云风ab", max_size=90), st.text("山水云风ab", max_size=90))
def test_rows_of_bits_find_what_the_table_finds(one: str, other: str) -> None:
    assert common(one, other) == by_table(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("老孙去也", "老孙来也"),
        ("师父莫怕，有老孙在此", "师父，有老孙在此莫怕"),
        ("妖怪", "唐僧念经"),
    ],
)
def test_it_equals_the_library_on_characters(one: str, other: str) -> None:
    plain = folded(one), folded(other)
    (score,) = Rouge(metrics=["rouge-l"]).get_scores(" ".join(plain[0]), " ".join(plain[1]))
    assert rouge_l(one, other) == pytest.approx(score["rouge-l"]["f"], abs=1e-6)


def test_the_edges() -> None:
    assert rouge_l("老孙", "老孙") == 1.0
    assert rouge_l("", "") == rouge_l("", "老孙") == rouge_l("，。", "老孙") == 0.0
    assert rouge_l("Old Sun!", "old sun") == 1.0


def test_a_text_is_new_once_and_only_within_its_group() -> None:
    known = Novelty()
    assert known.like("wukong", "你在花果山住了多少年？") == ""
    assert known.like("wukong", "你在花果山住了多少年呢？") == "你在花果山住了多少年"
    assert known.like("bajie", "你在花果山住了多少年？") == ""
    assert known.like("wukong", "你怕紧箍咒么？") == ""
    assert known.like("wukong", "你怕紧箍咒么") != ""


def test_the_bound_is_seven_tenths() -> None:
    known = Novelty()
    known.like("x", "一二三四五六七八九十")
    assert known.like("x", "一二三四五六七甲乙丙") != "", "exactly .7"
    assert known.like("y", "一二三四五六七八九十") == ""
    assert known.like("y", "一二三四五六甲乙丙丁") == "", ".6"
