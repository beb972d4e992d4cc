"""Runs that are known by heart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluation.measures.memorised import Training


def slow_longest(text: str, training: str) -> int:
    runs = [0]
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if text[start:end] in training:
                runs.append(end - start)
    return max(runs)


@given(st.text(alphabet="甲乙丙丁", max_size=40), st.text(alphabet="甲乙丙丁", max_size=60))
def test_the_longest_run_is_the_longest(text: str, training: str) -> None:
    found = Training([training]).longest(text)
    assert len(found) == slow_longest(text, training)
    assert found in training
    assert found in text


def test_runs_do_not_cross_texts_and_blanks_do_not_count() -> None:
    training = Training(["一二三四五六七八九", "十百千万"])
    assert training.longest("八九十百") in ("八九", "十百")
    assert training.longest("零 三四五 六七八九") == "三四五六七八九"
    assert training.longest("") == ""
    assert Training([]).longest("一二三") == ""
