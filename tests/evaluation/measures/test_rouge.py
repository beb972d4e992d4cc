"""Rouge-L and RoleBench's means."""

from __future__ import annotations

import pytest

from evaluation.error import EvaluationError
from evaluation.measures import rouge


@pytest.mark.parametrize(
    ("candidate", "reference"),
    [("老孙来也，看打！", "老孙去也，看打！"), ("师父救我", "徒弟莫慌"), ("老孙", "老孙")],
)
def test_rouge_is_the_libraries_own(candidate: str, reference: str) -> None:
    import jieba
    from rouge_chinese import Rouge

    there = Rouge().get_scores(" ".join(jieba.cut(candidate)), " ".join(jieba.cut(reference)))
    assert rouge.rouge_l(candidate, reference) == pytest.approx(there[0]["rouge-l"]["f"], abs=1e-12)


def test_rouge_of_the_same_is_one_and_of_nothing_is_zero() -> None:
    assert rouge.rouge_l("老孙来也", "老孙来也") == pytest.approx(1, abs=1e-6)
    assert rouge.rouge_l("", "老孙来也") == 0
    assert rouge.rouge_l("老孙来也", "") == 0
    assert rouge.rouge_l("天地", "老孙来也") == 0


def test_rolebench_has_a_mean_for_each_part_and_over_parts() -> None:
    items = [
        {"part": "CUS", "answer": "老孙", "reference": "老孙"},
        {"part": "CUS", "answer": "", "reference": "老孙"},
        {"part": "SPE", "answer": "老孙", "reference": "老孙"},
    ]
    means = rouge.rolebench(items)
    assert means["CUS"] == pytest.approx(0.5, abs=1e-6)
    assert means["avg"] == pytest.approx(0.75, abs=1e-6)
    assert "RAW" not in means
    with pytest.raises(EvaluationError, match="nothing to score"):
        rouge.rolebench([])
    with pytest.raises(EvaluationError, match="'XYZ'"):
        rouge.rolebench([{"part": "XYZ", "answer": "", "reference": ""}])


@pytest.mark.parametrize(
    ("row", "published"),
    [  # RoleLLM, tables 3 and 4: CUS, RAW, SPE, avg. Those of its table 5 do not all add up.
        ((0.5764, 0.5322, 0.3229), 0.4772),
        ((0.3294, 0.3755, 0.3814), 0.3621),
        ((0.5368, 0.5748, 0.2478), 0.4531),
        ((0.5049, 0.5255, 0.3406), 0.4570),
    ],
)
def test_rolebenchs_average_is_that_of_the_three_parts(
    row: tuple[float, float, float], published: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = dict(zip(("CUS", "RAW", "SPE"), row, strict=True))
    monkeypatch.setattr(rouge, "rouge_l", lambda answer, _: given[answer])
    items = [{"part": part, "answer": part, "reference": ""} for part in given]
    assert rouge.rolebench(items)["avg"] == pytest.approx(published, abs=6e-5)
